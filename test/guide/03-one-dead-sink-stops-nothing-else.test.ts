/**
 * Guide 3. Between sources and sinks lies a log. Every sink has a cursor of its own in it, so one whose far side is
 * down falls behind alone, and catches up from where it stood.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery, Sink } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { deliver } from '../../pipeline/deliver.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import type { Flow } from '../../schema/records.ts';
import { createLocalLog } from '../../transport/local/index.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow } from '../helpers/flows.ts';
import { until } from '../services/process.ts';

const never = new AbortController().signal;

test('the sink that works gets everything; the one that is down gets it when it is back', async (t) => {
  const log = createLocalLog(
    {
      directory: temporaryDirectory(t),
      readers: { 'weir.sink.good': ['enriched'], 'weir.sink.bad': ['enriched'] },
      maxBytes: 1e9,
      onFull: 'block',
    },
    testContext(),
  );
  await log.start(never);

  // A sink is one function: it resolves when all items are durable over there.
  const received = { good: [] as number[], bad: [] as number[] };
  let isDown = true;
  const keep = (name: 'good' | 'bad', items: readonly Delivery[]): Promise<void> => {
    received[name].push(...items.map((item) => (item.record as Flow).position));
    return Promise.resolve();
  };
  const good: Sink = { write: (items) => keep('good', items) };
  const bad: Sink = {
    write: (items) =>
      isDown ? Promise.reject(new WeirError('sink_unavailable', 'connection refused')) : keep('bad', items),
  };

  const drain = new AbortController();
  const run = (name: string, sink: Sink): Promise<void> =>
    deliver(
      {
        sink,
        log,
        group: `weir.sink.${name}`,
        topics: ['enriched'],
        view: (_kind, record) => record,
        letters: { keep: () => assert.fail('an outage is nothing for the dead letter') },
        counters: createCounters(noMeter, 'sink', name),
        retry: { baseMs: 1, maxMs: 20 },
      },
      testContext({ name }),
      { drain: drain.signal, kill: never },
    );
  const running = [run('good', good), run('bad', bad)];

  for (let i = 0; i < 10; i++)
    await log.append(
      'enriched',
      Array.from({ length: 100 }, (_, j) => ({
        partition: 0,
        key: null,
        value: aFlow({ position: i * 100 + j }),
      })),
    );
  await until('the good sink to have everything', () => received.good.length === 1000);
  assert.deepEqual(received.bad, []);
  await until('its cursor to say so', async () => (await log.lag('weir.sink.good', ['enriched'])) === 0);
  assert.equal(await log.lag('weir.sink.bad', ['enriched']), 1000, 'the backlog is the lag in the log');

  isDown = false;
  await until('the other to have caught up', () => received.bad.length === 1000);
  assert.deepEqual(received.bad, received.good, 'in the same order');
  drain.abort();
  await Promise.all(running);
  await log.stop();
});
