import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { detect } from '../../pipeline/detect.ts';
import { partitionedPlan } from '../../pipeline/lane-plan.ts';
import type { Assignment, LogEntry } from '../../pipeline/log.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { noAttempts } from '../../pipeline/quarantine.ts';
import type { SnapshotStore } from '../../pipeline/snapshots.ts';
import { newAlert, newEvidence, newLinks, newParty, newWhy } from '../../schema/records.ts';
import type { Alert, DeadLetter, Flow } from '../../schema/records.ts';
import { manualClock, testContext } from '../helpers/context.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { fakeLog, logEntry, markAt, untilSaved, type FakeLog } from './fake-log.ts';

/** An alert for each denied flow; fails on flows that are errors. */
const perDenied: DetectorFactory = () => ({
  key: 'source',
  *observe(flow) {
    if (flow.verdict === 'error') throw new Error('cannot be folded');
    if (flow.verdict === 'deny') yield alertOf(flow);
  },
  advance: () => [],
  *snapshot() {},
  restore: () => {},
  status: () => ({ state: 'ready', keys: 0 }),
});

const alertOf = (flow: Flow): Alert =>
  newAlert({
    id: flow.id,
    revision: 0,
    detector: 'test',
    rule: 'denied',
    score: 1,
    entity: newParty({ key: 'x' }),
    cluster: 'test',
    firstMs: flow.endMs,
    lastMs: flow.endMs,
    raisedMs: flow.endMs,
    count: 1,
    why: newWhy({ summary: '' }),
    evidence: newEvidence(),
    links: newLinks(),
  });

interface Run {
  readonly log: FakeLog;
  readonly letters: DeadLetter[];
  readonly done: Promise<void>;
}

function detecting(t: TestContext, keep?: (letters: readonly DeadLetter[]) => Promise<void>): Run {
  const log = fakeLog();
  const letters: DeadLetter[] = [];
  const drain = new AbortController();
  t.after(() => drain.abort());
  let written: Uint8Array[] = [];
  const snapshots: SnapshotStore = {
    async write(_lane, chunks) {
      written = [];
      for await (const chunk of chunks) written.push(chunk);
      return 'somewhere';
    },
    read: () => Promise.resolve(written),
  };
  const done = detect(
    {
      plan: partitionedPlan({
        lanes: 1,
        maxWaiting: 10_000,
        evicted: () => {},
        detectors: [{ name: 'test', factory: perDenied, where: null, maxKeys: 10, content: '' }],
      }),
      log,
      snapshots,
      attempts: noAttempts,
      letters: {
        keep(some) {
          letters.push(...some);
          return keep?.(some) ?? Promise.resolve();
        },
      },
      counters: createCounters(noMeter, 'detectors', 'test'),
      snapshotEveryMs: 0,
      notifyMaxAgeMs: null,
    },
    testContext({ clock: manualClock(T0) }),
    drain.signal,
  );
  done.catch(() => {});
  return { log, letters, done };
}

const lane: readonly Assignment[] = (['enriched', 'rekeyed'] as const).map((topic) => ({
  topic,
  partition: 0,
  offset: null,
  metadata: null,
}));

const flowAt = (offset: number, verdict: Flow['verdict']): LogEntry<Flow> => {
  const flow = aFlow({ position: offset, startMs: T0 + offset });
  flow.verdict = verdict;
  return logEntry(offset, { value: flow, appendMs: T0 + 1e9 });
};

async function started(
  t: TestContext,
  keep?: (letters: readonly DeadLetter[]) => Promise<void>,
): Promise<Run> {
  const run = detecting(t, keep);
  await run.log.assign(lane);
  await untilSaved(run.log, run.log.give([logEntry(0, { mark: markAt(T0 + 1e8) })], { topic: 'rekeyed' }));
  return run;
}

/** A batch of flows and the mark that lets them be judged. */
const judged = (from: number, ...verdicts: Flow['verdict'][]): LogEntry<Flow>[] => [
  ...verdicts.map((verdict, i) => flowAt(from + i, verdict)),
  logEntry(from + verdicts.length, { mark: markAt(T0 + from + verdicts.length) }),
];

test('a flow in each batch that fails never adds up to a reason to stop', async (t) => {
  const { log, letters, done } = await started(t);
  for (let batch = 0; batch < 1100; batch++) await log.give(judged(batch * 3, 'error', 'allow'));
  assert.equal(letters.length, 1100);
  assert.equal(await Promise.race([done.catch(() => 'stopped'), setImmediate('goes on')]), 'goes on');
});

test('a detector that fails on a thousand flows in a row is broken: stop', async (t) => {
  const { log, done } = await started(t);
  const failing = Array.from({ length: 100 }, () => 'error' as const);
  for (let batch = 0; batch < 10; batch++) await log.give(judged(batch * 101, ...failing));
  await assert.rejects(done, /cannot be folded/);
});

test('no cursor passes a dead letter that is not durable', async (t) => {
  const { log } = await started(t, () => new Promise(() => {}));
  const commits = log.commits.length;
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await setImmediate();
  };
  let beat: () => void = () => {};
  let raised: () => void = () => {};
  // One partition of the lane is about to cut a snapshot when the other one folds.
  void log.give([logEntry(1, { mark: markAt(T0 + 2e8) })], {
    topic: 'rekeyed',
    heartbeat: () => new Promise((resolve) => (beat = resolve)),
  });
  await turns();
  log.onAppend = (topic) => (topic === 'alerts' ? new Promise((resolve) => (raised = resolve)) : undefined);
  void log.give(judged(0, 'deny', 'error'));
  await turns();
  beat();
  await turns();
  raised();
  await turns();
  assert.equal(log.commits.length, commits);
});

test('an alert that was not raised when its lane was taken away is raised when it comes back', async (t) => {
  const { log } = await started(t);
  let stale = false;
  log.onAppend = (topic) => {
    if (topic !== 'alerts' || stale) return;
    stale = true;
    throw new Error('not enough replicas');
  };
  await log.give(judged(0, 'deny'), { isStale: () => stale });
  const { metadata } = log.commits.at(-1)!;
  await log.assign(lane.map((each) => ({ ...each, metadata })));
  await log.give([logEntry(0, { mark: markAt(T0 + 1e8) })], { topic: 'rekeyed' });
  await log.give(judged(0, 'deny'));
  assert.deepEqual(
    log.values<Alert>('alerts').map(({ id }) => id),
    [flowAt(0, 'deny').value!.id],
  );
});
