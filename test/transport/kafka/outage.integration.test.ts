import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../../pipeline/log.ts';
import { aFlow } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { until } from '../../services/process.ts';
import { freshLog, openLog } from './support.ts';

/** Appends without pause until it is told to stop: `count` records to each partition at a time. */
function writer(log: Log, count: number) {
  let position = 0;
  let running = true;
  const lanes = log.partitions('enriched');
  const done = (async () => {
    while (running) {
      const from = position;
      position += count * lanes;
      await log.append(
        'enriched',
        Array.from({ length: count * lanes }, (_, i) => ({
          partition: i % lanes,
          key: null,
          value: aFlow({ position: from + i }),
        })),
      );
    }
    return position;
  })();
  return {
    written: () => position,
    /** Number of records, all of them acknowledged. */
    stop: () => {
      running = false;
      return done;
    },
  };
}

/** Reads and commits; remembers how often each position came, and whether a lane ever went back. */
function reader(log: Log, group: string) {
  const abort = new AbortController();
  const seen = new Map<number, number>();
  const done = log.consume(
    {
      group,
      topics: ['enriched'],
      async handle(batch) {
        for (const { value } of batch.entries)
          seen.set(value!.position, (seen.get(value!.position) ?? 0) + 1);
        await batch.commit(batch.entries.at(-1)!.offset + 1);
      },
    },
    abort.signal,
  );
  return {
    seen,
    stop: () => {
      abort.abort();
      return done;
    },
  };
}

const missingOf = (seen: ReadonlyMap<number, number>, count: number): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => !seen.has(i));

test('a broker killed and started again under writer and reader', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const { log, options } = await freshLog(t, service);
  const output = writer(log, 50);
  const input = reader(await openLog(t, options), 'outage');
  await until('traffic', () => input.seen.size > 2_000);
  await service.kill9(0);
  const before = output.written();
  await service.restart(0);
  await until('traffic again', () => output.written() > before + 4_000, { timeoutMs: 60_000 });
  const written = await output.stop();
  await until('everything to be read', () => input.seen.size >= written, { timeoutMs: 60_000 });
  await input.stop();
  assert.deepEqual(missingOf(input.seen, written), []);
  assert.equal(await log.lag('outage', ['enriched']), 0);
  t.diagnostic(`${written} records`);
});

test('three nodes: leaders moved and a broker killed during appends', { timeout: 118_000 }, async (t) => {
  const service = await kafka(t, { nodes: 3 });
  if (!service) return;
  const { log, options } = await freshLog(t, service);
  const topic = `${options.prefix}weir.flows.enriched`;
  const group = `${options.prefix}moves`;
  const output = writer(log, 20);
  const input = reader(await openLog(t, options), 'moves');
  await until('traffic', () => input.seen.size > 1_000, { timeoutMs: 60_000 });
  for (const partition of [0, 1, 2, 3]) {
    const before = output.written();
    await service.moveLeader(topic, partition);
    await until('traffic goes on', () => output.written() > before + 160, { timeoutMs: 60_000 });
  }
  // The node that leads the group's cursors, so that the consumer has to find another.
  const isStable = async (): Promise<boolean> =>
    (await service.admin.describeGroups([group])).groups[0]?.state === 'Stable';
  await until('the group to have settled', isStable, { timeoutMs: 40_000 });
  const victim = await service.leaderOf('__consumer_offsets', partitionOfGroup(group, 5));
  await service.kill9(victim - 1);
  const before = output.written();
  await service.restart(victim - 1);
  await until('traffic without a node', () => output.written() > before + 1_600, { timeoutMs: 60_000 });
  const written = await output.stop();
  await until('everything to be read', () => input.seen.size >= written, { timeoutMs: 60_000 });
  await input.stop();
  assert.deepEqual(missingOf(input.seen, written), []);
  const extra = [...input.seen.values()].reduce((sum, n) => sum + n - 1, 0);
  t.diagnostic(`${written} records, ${extra} read more than once`);
});

/** Partition of the cursors' topic that holds a group: Java's String.hashCode. */
function partitionOfGroup(group: string, partitions: number): number {
  let hash = 0;
  for (const char of group) hash = (Math.imul(31, hash) + char.charCodeAt(0)) | 0;
  return (hash & 0x7fffffff) % partitions;
}
