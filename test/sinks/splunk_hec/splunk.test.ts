import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../../pipeline/errors.ts';
import type { Meter } from '../../../pipeline/meter.ts';
import { noMeter } from '../../../pipeline/meter.ts';
import { sinkKinds } from '../../../sinks/base-options.ts';
import { eventText, sourcetypes } from '../../../sinks/splunk_hec/encode.ts';
import { create } from '../../../sinks/splunk_hec/index.ts';
import { options as schema } from '../../../sinks/splunk_hec/options.ts';
import { deliveryOf, sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { arbitraryOf } from '../../helpers/arbitraries.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { fakeSplunk, type FakeSplunk, type SplunkOptions } from './fake-splunk.ts';

const never = new AbortController().signal;
const idsOf = ({ indexed }: FakeSplunk): string[] => indexed.map(({ event }) => String(event.weir['id']));

for (const acknowledges of [true, false])
  sinkContract({
    name: `splunk_hec ${acknowledges ? 'with' : 'without'} acknowledgement`,
    deduplicates: false,
    refused: () => {
      const [item] = someFlows(1) as [Delivery<'flow'>];
      return { ...item, record: { ...item.record, endMs: NaN } };
    },
    async create(t, context) {
      const far = await fakeSplunk(t, { acknowledges });
      const { url, token } = far;
      const sink = create(
        schema.parse({ url, token, acknowledge: acknowledges, ackEveryMs: '1ms' }),
        context,
      );
      return { sink, delivered: () => Promise.resolve(idsOf(far)) };
    },
  });

function countingMeter(): { meter: Meter; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const meter: Meter = {
    ...noMeter,
    counter: (name) => ({ add: (count) => void counts.set(name, (counts.get(name) ?? 0) + count) }),
  };
  return { meter, counts };
}

async function made(t: TestContext, options: SplunkOptions, more: object = {}) {
  const far = await fakeSplunk(t, options);
  const { meter, counts } = countingMeter();
  const clock = manualClock();
  const { url, token } = far;
  const sink = create(schema.parse({ url, token, ...more }), testContext({ clock, meter }));
  t.after(() => sink.stop?.(never));
  return { far, sink, clock, counts };
}

async function refusalsOf(write: Promise<void>): Promise<readonly Refusal[]> {
  const error: unknown = await write.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PartialWriteError, String(error));
  return error.refusals;
}

/** Ticks until the promise is settled: what is between two ticks is I/O. */
async function ticking<T>(clock: ReturnType<typeof manualClock>, promise: Promise<T>): Promise<T> {
  let settled = false;
  void promise.finally(() => (settled = true)).catch(() => {});
  while (!settled) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.nextDueMs() !== null) await clock.tick(1000);
  }
  return promise;
}

test('splunk_hec: a write resolves when the indexers have it, not when the collector took it', async (t) => {
  let indexes = false;
  const { far, sink, clock } = await made(t, { isIndexed: () => indexes });
  let resolved = false;
  const write = sink.write(someFlows(3), never).then(() => (resolved = true));
  while (far.requests.filter(({ url }) => url.includes('/ack')).length < 3) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.nextDueMs() !== null) await clock.tick(2000);
  }
  assert.ok(!resolved);
  indexes = true;
  await ticking(clock, write);
  assert.equal(far.indexed.length, 3);
});

test('splunk_hec: what is not acknowledged in time is sent again, marked and counted', async (t) => {
  const { far, sink, clock, counts } = await made(t, { isIndexed: (ackId) => ackId > 0 });
  const items = someFlows(2);
  const refusals = await refusalsOf(ticking(clock, sink.write(items, never)));
  assert.deepEqual(
    refusals.map(({ code, retryable }) => [code, retryable]),
    [
      ['sink_unavailable', true],
      ['sink_unavailable', true],
    ],
  );
  await ticking(clock, sink.write(items, never));
  assert.deepEqual(
    far.indexed.map(({ event }) => event.weir['resent']),
    [true, true],
  );
  assert.equal(counts.get('splunk_events_resent_total'), 2);
  await ticking(clock, sink.write(someFlows(1), never));
  assert.equal(far.indexed.at(-1)?.event.weir['resent'], undefined);
});

test('splunk_hec: a connection that breaks leaves it open whether the events are there', async (t) => {
  const { far, sink, clock } = await made(t, { instead: (nth) => (nth === 0 ? 'hang up' : null) });
  const items = someFlows(2);
  assert.equal((await refusalsOf(ticking(clock, sink.write(items, never)))).length, 2);
  await ticking(clock, sink.write(items, never));
  assert.equal(far.indexed[0]?.event.weir['resent'], true);
});

test('splunk_hec: a busy collector has taken nothing, so nothing is marked as sent before', async (t) => {
  const busy = { status: 503, body: '{"text":"Server is busy","code":9}' };
  const { far, sink, clock, counts } = await made(t, { instead: (nth) => (nth === 0 ? busy : null) });
  const items = someFlows(2);
  const [refusal] = await refusalsOf(ticking(clock, sink.write(items, never)));
  assert.equal(refusal?.code, 'sink_overloaded');
  assert.equal(refusal?.retryable, true);
  await ticking(clock, sink.write(items, never));
  assert.equal(far.indexed.length, 2);
  assert.equal(counts.get('splunk_events_resent_total'), undefined);
});

test('splunk_hec: an index that is not there takes that record alone to the dead letter', async (t) => {
  const { far, sink, clock } = await made(t, {}, { indexes: { alert: 'nowhere' } });
  const items = [...someFlows(2), deliveryOf('alert', anAlert(1)), ...someFlows(1)];
  const refusals = await refusalsOf(ticking(clock, sink.write(items, never)));
  assert.deepEqual(
    refusals.map(({ index, retryable, code }) => [index, retryable, code]),
    [[2, false, 'sink_refused_record']],
  );
  assert.match(refusals[0]!.reason, /code 7: Incorrect index/);
  assert.equal(new Set(idsOf(far)).size, 3);
});

test('splunk_hec: a request is no larger than batchBytes', async (t) => {
  const { far, sink, clock } = await made(t, { maxContentBytes: 10_000 }, { batchBytes: '10KB' });
  const items = someFlows(60);
  await ticking(clock, sink.write(items, never));
  assert.equal(far.indexed.length, 60);
});

test('splunk_hec: what is wrong with token, channel or acknowledgement is said at the start', async (t) => {
  const far = await fakeSplunk(t);
  const start = (more: object) => {
    const sink = create(schema.parse({ url: far.url, token: far.token, ...more }), testContext());
    t.after(() => sink.stop?.(never));
    return sink.start!(never);
  };
  await start({});
  await assert.rejects(start({ token: 'wrong' }), (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, 'sink_unauthorised');
    assert.match(error.message, /code 4: Invalid token/);
    assert.ok(!error.message.includes(far.token) && !error.message.includes('wrong'));
    return true;
  });
  await assert.rejects(
    start({ url: `${far.url}/nothing/here` }),
    (error: unknown) => error instanceof WeirError && error.code === 'sink_misconfigured',
  );
  const { sink } = await made(t, { acknowledges: false });
  const refusals = await refusalsOf(sink.write(someFlows(1), never));
  assert.equal(refusals[0]?.code, 'sink_misconfigured');
  assert.equal(refusals[0]?.retryable, true);
  assert.match(refusals[0]?.reason ?? '', /acknowledge: false/);
});

test('splunk_hec: every record of every kind is one event, with the names of the CIM beside ours', () => {
  const options = schema.parse({ url: 'http://127.0.0.1', token: 'x', index: 'main' });
  for (const kind of sinkKinds) {
    fc.assert(
      fc.property(arbitraryOf(kind), (record) => {
        const item = deliveryOf(kind, record);
        const event = JSON.parse(eventText(item, options, false)) as Record<string, unknown>;
        assert.equal(event['sourcetype'], sourcetypes[kind]);
        assert.deepEqual(Object.keys(event), ['time', 'host', 'source', 'sourcetype', 'index', 'event']);
        const { weir, ...cim } = event['event'] as { weir: Record<string, unknown> };
        assert.equal(weir['recordKind'], kind);
        assert.equal(weir['id'], record.id);
        assert.equal((cim as Record<string, unknown>)['vendor_product'], 'Weir');
      }),
      { numRuns: 50 },
    );
  }
});
