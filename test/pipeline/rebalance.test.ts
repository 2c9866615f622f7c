import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createCounters } from '../../pipeline/counters.ts';
import { detect } from '../../pipeline/detect.ts';
import { partitionedPlan } from '../../pipeline/lane-plan.ts';
import type { Assignment } from '../../pipeline/log.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { noAttempts } from '../../pipeline/quarantine.ts';
import { fileSnapshots, type SnapshotStore } from '../../pipeline/snapshots.ts';
import type { Flow } from '../../schema/records.ts';
import { manualClock, silent, testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { fakeLog, logEntry, markAt, untilSaved, type FakeLog } from './fake-log.ts';

/** A process that has lane 0, with a detector that counts. */
function member(
  t: TestContext,
  snapshots: SnapshotStore,
): { log: FakeLog; keys: () => Promise<number>; told: string[] } {
  const log = fakeLog();
  const told: string[] = [];
  const drain = new AbortController();
  let keys = (): Promise<number> => Promise.resolve(0);
  t.after(() => drain.abort());
  const plan = partitionedPlan({
    lanes: 1,
    maxWaiting: 1000,
    evicted: () => {},
    detectors: [
      {
        name: 'counter',
        where: null,
        maxKeys: 10,
        content: '',
        factory: () => {
          let seen = 0;
          return {
            key: 'source',
            observe() {
              seen++;
              return [];
            },
            advance: () => [],
            *snapshot() {
              yield Buffer.from(String(seen));
            },
            restore: (chunks) => void (seen = Number(Buffer.concat([...chunks]).toString())),
            status: () => ({ state: 'ready', keys: seen }),
          };
        },
      },
    ],
  });
  detect(
    {
      plan,
      log,
      snapshots,
      attempts: noAttempts,
      letters: { keep: () => Promise.resolve() },
      counters: createCounters(noMeter, 'detectors', 'test'),
      snapshotEveryMs: 0,
      notifyMaxAgeMs: null,
      held: (groups) => (keys = async () => (await groups.get(0)!.status())[0]!.keys),
    },
    testContext({
      clock: manualClock(T0),
      log: { ...silent, warn: (_fields, message) => told.push(message) },
    }),
    drain.signal,
  ).catch(() => {});
  return { log, keys: () => keys(), told };
}

const assignment = (metadata: string | null, offset: number | null = null): Assignment[] => [
  { topic: 'enriched', partition: 0, offset, metadata },
  { topic: 'rekeyed', partition: 0, offset: null, metadata: null },
];

/** Flows from `from` on with the marks that let them be judged; both partitions of the lane must have spoken. */
async function flows(log: FakeLog, from: number, count: number): Promise<void> {
  await untilSaved(log, log.give([logEntry(0, { mark: markAt(T0 + 1e6) })], { topic: 'rekeyed' }));
  const entries = Array.from({ length: count }, (_, i) =>
    logEntry(from + i, { value: aFlow({ position: from + i, startMs: T0 + from + i }), appendMs: T0 + 1e6 }),
  );
  const last = logEntry<Flow>(from + count, { mark: markAt(T0 + from + count) });
  await untilSaved(log, log.give([...entries, last]));
}

const newest = (log: FakeLog): { metadata: string; offset: number } => {
  const { metadata, offset } = log.commits.findLast(({ topic }) => topic === 'enriched')!;
  return { metadata: metadata!, offset };
};

test('assigned again with nothing done elsewhere, what is in memory stays', async (t) => {
  const { log, keys } = member(t, fileSnapshots(temporaryDirectory(t)));
  await log.assign(assignment(null));
  await flows(log, 0, 5);
  assert.equal(await keys(), 5);
  const seeks = await log.assign(assignment(newest(log).metadata, newest(log).offset));
  assert.equal(await keys(), 5);
  assert.deepEqual(
    seeks.find(({ topic }) => topic === 'enriched'),
    { topic: 'enriched', partition: 0, offset: 6 },
  );
});

test('a newer state that another process committed wins over memory', async (t) => {
  const snapshots = fileSnapshots(temporaryDirectory(t));
  const first = member(t, snapshots);
  await first.log.assign(assignment(null));
  await flows(first.log, 0, 5);
  const second = member(t, snapshots);
  await second.log.assign(assignment(newest(first.log).metadata));
  assert.equal(await second.keys(), 5);
  await flows(second.log, 6, 4);
  await first.log.assign(assignment(newest(second.log).metadata));
  assert.equal(await first.keys(), 9);
});

test('a state that cannot be read is set aside: learning begins again, reading goes on where it stood', async (t) => {
  const gone: SnapshotStore = {
    write: () => Promise.resolve('somewhere'),
    read: () => Promise.reject(new Error('the snapshot is gone')),
  };
  const { log, keys, told } = member(t, gone);
  const manifest = { id: 'x', sequence: 7, reference: 'somewhere', resume: [40, 0] };
  const seeks = await log.assign(assignment(JSON.stringify(manifest), 40));
  assert.equal(await keys(), 0);
  assert.equal(seeks.find(({ topic }) => topic === 'enriched')?.offset, 40);
  assert.match(told.join(), /set aside/);
});

test('the snapshot is durable before the cursor that names it', async (t) => {
  const order: string[] = [];
  const { log } = member(t, {
    write() {
      order.push('snapshot');
      return Promise.resolve('somewhere');
    },
    read: () => Promise.reject(new Error('not asked for')),
  });
  log.onCommit = () => void order.push('commit');
  await log.assign(assignment(null));
  await flows(log, 0, 3);
  assert.equal(order[0], 'snapshot');
  assert.ok(order.indexOf('commit') > order.indexOf('snapshot'));
  assert.deepEqual(JSON.parse(newest(log).metadata).reference, 'somewhere');
});
