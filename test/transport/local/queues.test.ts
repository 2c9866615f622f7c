import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Entry } from '../../../pipeline/log.ts';
import type { Flow, Loss } from '../../../schema/records.ts';
import {
  createLocalLog,
  localLogId,
  type LocalLog,
  type LocalLogOptions,
} from '../../../transport/local/index.ts';
import { testContext } from '../../helpers/context.ts';
import { temporaryDirectory } from '../../helpers/directory.ts';
import { aFlow } from '../../helpers/flows.ts';

const flows = (from: number, count: number): Entry<Flow>[] =>
  Array.from({ length: count }, (_, i) => ({
    partition: 0,
    key: null,
    value: aFlow({ position: from + i }),
  }));

const readers = { slow: ['enriched'], quick: ['enriched'], losses: ['losses'] } as const;

async function open(
  t: TestContext,
  options: Partial<LocalLogOptions>,
  stop = new AbortController(),
): Promise<LocalLog> {
  const log = createLocalLog(
    {
      directory: temporaryDirectory(t),
      readers,
      maxBytes: 1e9,
      onFull: 'dropOldest',
      segmentBytes: 5000,
      ...options,
    },
    testContext(),
  );
  await log.start(stop.signal);
  t.after(async () => {
    stop.abort();
    await log.stop();
  });
  return log;
}

/** Reads to the present end and commits it. */
async function readAll(log: LocalLog, group: 'slow' | 'quick'): Promise<number> {
  const stop = new AbortController();
  let seen = 0;
  const reading = log.consume(
    {
      group,
      topics: ['enriched'],
      async handle(batch) {
        seen += batch.entries.length;
        const next = batch.entries.at(-1)!.offset + 1;
        const committed = batch.commit(next);
        if (next >= batch.end) stop.abort();
        await committed;
      },
    },
    stop.signal,
  );
  await reading;
  return seen;
}

test('a sink whose queue is full loses its oldest records, which is a loss that names it and how many', async (t) => {
  const directory = temporaryDirectory(t);
  const queues = { slow: { maxBytes: 20_000, onFull: 'dropOldest' } } as const;
  const stop = new AbortController();
  const log = await open(t, { directory, queues }, stop);
  for (let at = 0; at < 600; at += 20) await log.append('enriched', flows(at, 20));
  const quick = await readAll(log, 'quick');
  const slow = await readAll(log, 'slow');
  assert.equal(quick, 600, 'what one sink misses the others get');
  assert.ok(slow > 0 && slow < 600);
  await log.stop();
  const again = await open(t, { directory });
  const losses = (await again.newest('losses', 1000)).map(({ value }) => value as Loss);
  assert.ok(losses.length > 0);
  for (const loss of losses) {
    assert.equal(loss.why, 'queue_overflow');
    assert.match(loss.where, /^slow of weir\.flows\.enriched$/);
  }
  assert.equal(
    losses.reduce((sum, { count }) => sum + (count ?? 0), 0),
    600 - slow,
  );
});

test('a sink that is configured to block is waited for, and nothing is lost', async (t) => {
  const queues = { slow: { maxBytes: 20_000, onFull: 'block' } } as const;
  const log = await open(t, { queues });
  let appended = 0;
  const appending = (async () => {
    for (let at = 0; at < 200; at += 20) {
      await log.append('enriched', flows(at, 20));
      appended = at + 20;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const held = appended;
  assert.ok(held < 200, `${held} were appended`);
  let slow = 0;
  while (slow < 200) slow += await readAll(log, 'slow');
  await appending;
  assert.equal(slow, 200);
  assert.deepEqual(await log.newest('losses', 10), []);
});

test('a process that is told to stop does not wait for a sink that blocks', async (t) => {
  const stop = new AbortController();
  const log = await open(t, { queues: { slow: { maxBytes: 5000, onFull: 'block' } } }, stop);
  const appending = (async () => {
    for (let at = 0; ; at += 20) await log.append('enriched', flows(at, 20));
  })();
  setTimeout(() => stop.abort(), 50);
  await assert.rejects(appending, { code: 'log_full', message: /queue of slow is full/ });
});

test('a log keeps its name, and a new one in its place has another', async (t) => {
  const directory = join(temporaryDirectory(t), 'log');
  const first = await localLogId(directory);
  assert.equal(await localLogId(directory), first);
  rmSync(directory, { recursive: true });
  assert.notEqual(await localLogId(directory), first);
});

test('an append that waits for room is not overtaken by one that finds it', async (t) => {
  const log = await open(t, { maxBytes: 20_000, readers: { slow: ['enriched'] } });
  for (let at = 0; at < 1500; at += 20)
    await Promise.all([log.append('enriched', flows(at, 10)), log.append('enriched', flows(at + 10, 10))]);
  const kept = await log.newest('enriched', 10_000);
  const positions = kept.map(({ value }) => (value as Flow).position);
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  );
  assert.equal(positions.at(-1), 1499);
});

test('a reader that was left behind still saves what its newest cursor says', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await open(t, { directory, queues: { slow: { maxBytes: 20_000, onFull: 'dropOldest' } } });
  await log.append('enriched', flows(0, 20));
  const stop = new AbortController();
  await log.consume(
    {
      group: 'slow',
      topics: ['enriched'],
      async handle(batch) {
        for (let at = 20; at < 600; at += 20) await log.append('enriched', flows(at, 20));
        stop.abort();
        await batch.commit(1, 'newest state');
      },
    },
    stop.signal,
  );
  await log.stop();
  const again = await open(t, { directory });
  let found: { offset: number | null; metadata: string | null } | undefined;
  const ended = AbortSignal.abort();
  await again.consume(
    {
      group: 'slow',
      topics: ['enriched'],
      assigned: (mine) => {
        found = mine[0];
        return Promise.resolve();
      },
      handle: () => Promise.resolve(),
    },
    ended,
  );
  assert.equal(found?.metadata, 'newest state');
  assert.ok((found?.offset ?? 0) > 1, 'it does not go back to what is gone');
});

test('a flow that does not fit its schema is told and left out; the others are there', async (t) => {
  const log = await open(t, {});
  const entries = flows(0, 4);
  entries[2]!.value!.startMs = Number.NaN;
  const told: number[] = [];
  await log.append('enriched', entries, (index, error) => {
    assert.equal(error.code, 'record_unencodable');
    told.push(index);
  });
  assert.deepEqual(told, [2]);
  assert.deepEqual(
    (await log.newest('enriched', 10)).map(({ value }) => (value as Flow).position),
    [0, 1, 3],
  );
  await assert.rejects(log.append('enriched', entries), { code: 'record_unencodable' });
});
