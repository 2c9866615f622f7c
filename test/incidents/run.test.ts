import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { INCIDENTS_GROUP, joinIncidents } from '../../incidents/run.ts';
import { createCounters } from '../../pipeline/counters.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { noAttempts } from '../../pipeline/quarantine.ts';
import { fileSnapshots, type SnapshotStore } from '../../pipeline/snapshots.ts';
import type { Alert, Incident } from '../../schema/records.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { fakeLog, logEntry, type FakeLog } from '../pipeline/fake-log.ts';
import { anAlert, defaults, T0, type AlertParts } from './fixtures.ts';

interface Running {
  readonly log: FakeLog;
  stop(): Promise<void>;
}

/** A process that joins partition 0, from where the cursor says. */
async function start(
  snapshots: SnapshotStore,
  cursor: { offset: number; metadata: string | null } | null,
): Promise<Running> {
  const log = fakeLog();
  const drain = new AbortController();
  const done = joinIncidents(
    {
      options: defaults,
      log,
      snapshots,
      attempts: noAttempts,
      letters: { keep: () => Promise.resolve() },
      counters: createCounters(noMeter, 'incidents', 'incidents'),
      snapshotEveryMs: 0,
    },
    testContext(),
    drain.signal,
  );
  await log.assign([
    { topic: 'alerts', partition: 0, offset: cursor?.offset ?? null, metadata: cursor?.metadata ?? null },
  ]);
  return {
    log,
    async stop() {
      drain.abort();
      await done;
    },
  };
}

const alertAt = (offset: number, parts: AlertParts): LogEntry<Alert> =>
  logEntry(offset, { value: anAlert(parts), appendMs: T0 + 1_000_000_000 });
const markAt = (offset: number, watermarkMs: number): LogEntry<Alert> =>
  logEntry(offset, { mark: { input: 'lanes-0', of: 1, watermarkMs, final: false } });

const course: readonly LogEntry<Alert>[] = [
  alertAt(0, { detector: 'port_scan', atMs: T0 }),
  alertAt(1, { entity: 'db', severity: 'low', atMs: T0 + 10 }),
  markAt(2, T0 + 5),
  alertAt(3, { detector: 'lateral_movement', severity: 'high', atMs: T0 + 20 }),
  markAt(4, T0 + 20),
  alertAt(5, { detector: 'beacon', entity: 'db', atMs: T0 + 30 }),
  markAt(6, T0 + 40),
];

const key = ({ id, revision }: Incident): string => `${id}-${revision}`;

async function whole(t: TestContext): Promise<Map<string, Incident>> {
  const running = await start(fileSnapshots(temporaryDirectory(t)), null);
  await running.log.give(course, { topic: 'alerts' });
  await running.stop();
  return new Map(running.log.values<Incident>('incidents').map((incident) => [key(incident), incident]));
}

test('incidents reach their topic before the cursor that names the state', async (t) => {
  const order: string[] = [];
  const running = await start(fileSnapshots(temporaryDirectory(t)), null);
  running.log.onAppend = (topic) => void order.push(topic);
  running.log.onCommit = ({ offset }) => void order.push(`commit ${offset}`);
  await running.log.give(course, { topic: 'alerts' });
  await running.stop();
  assert.deepEqual(order, ['incidents', 'commit 7']);
  assert.equal(running.log.values('incidents').length, 4);
});

test('a process that dies anywhere and goes on from its cursor makes the same incidents', async (t) => {
  const expected = await whole(t);
  await fc.assert(
    fc.asyncProperty(fc.nat(course.length), fc.boolean(), async (cut, dies) => {
      const snapshots = fileSnapshots(temporaryDirectory(t));
      const first = await start(snapshots, null);
      // The process dies after the append and before its cursor is durable.
      if (dies)
        first.log.onCommit = () => {
          throw Object.assign(new Error('gone'), { code: 'x' });
        };
      await first.log.give(course.slice(0, cut), { topic: 'alerts', isStale: () => false }).catch(() => {});
      await first.stop().catch(() => {});
      const cursor = first.log.commits.at(-1) ?? null;
      const second = await start(snapshots, cursor);
      await second.log.give(course.slice(cursor?.offset ?? 0), { topic: 'alerts' });
      await second.stop();
      const all = [...first.log.values<Incident>('incidents'), ...second.log.values<Incident>('incidents')];
      const made = new Map(all.map((incident) => [key(incident), incident]));
      assert.deepEqual([...made.keys()].sort(), [...expected.keys()].sort());
      for (const incident of all) assert.deepEqual(incident, expected.get(key(incident)));
    }),
    { numRuns: 15 },
  );
});

test('the cursor has a name that the right of the detectors to consume covers', () => {
  assert.ok(INCIDENTS_GROUP.startsWith('weir.detectors'));
});
