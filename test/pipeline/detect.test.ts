import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { Detector, DetectorFactory } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { detect } from '../../pipeline/detect.ts';
import { localPlan, type PlannedDetector } from '../../pipeline/lane-plan.ts';
import type { Entry, Log } from '../../pipeline/log.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { noAttempts } from '../../pipeline/quarantine.ts';
import { fileSnapshots } from '../../pipeline/snapshots.ts';
import { digest } from '../../schema/ids.ts';
import {
  newAlert,
  newEvidence,
  newLinks,
  newParty,
  newWhy,
  type Alert,
  type Flow,
} from '../../schema/records.ts';
import { createLocalLog } from '../../transport/local/index.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow, T0 } from '../helpers/flows.ts';

/** Raises an alert at every third flow of a key, naming the flows in the order they were folded in. */
const everyThird =
  (key: Detector['key']): DetectorFactory =>
  () => {
    let seen: Record<string, string[]> = {};
    return {
      key,
      *observe(flow, role) {
        if (flow.verdict === 'error') throw new Error('this flow cannot be folded');
        const entity = (role === 'source' ? flow.source : flow.destination).ip!;
        const ids = (seen[entity] ??= []);
        ids.push(flow.id);
        if (ids.length % 3 === 0) yield anAlert(key, entity, ids, flow);
      },
      advance: () => [],
      *snapshot() {
        yield Buffer.from(JSON.stringify(seen));
      },
      restore(chunks) {
        seen = JSON.parse(Buffer.concat([...chunks]).toString()) as Record<string, string[]>;
      },
      status: () => ({ state: 'ready', keys: Object.keys(seen).length }),
    };
  };

function anAlert(detector: string, entity: string, ids: readonly string[], flow: Flow): Alert {
  return newAlert({
    id: digest(16, detector, entity, ids.length),
    revision: 0,
    detector,
    rule: ids.join(' '),
    score: 1,
    entity: newParty({ key: entity }),
    cluster: 'test',
    firstMs: flow.endMs,
    lastMs: flow.endMs,
    raisedMs: flow.endMs,
    count: ids.length,
    why: newWhy({ summary: entity }),
    evidence: newEvidence(),
    links: newLinks(),
  });
}

const planned: PlannedDetector[] = (['source', 'destination'] as const).map((key) => ({
  name: key,
  factory: everyThird(key),
  where: null,
  maxKeys: 1000,
  content: '',
}));

const readers = { 'weir.detectors': ['enriched'], collected: ['alerts', 'deadletter', 'losses'] } as const;

async function openLog(directory: string): Promise<Log> {
  const log = createLocalLog({ directory, readers, maxBytes: 1e9, onFull: 'block' }, testContext());
  await log.start(new AbortController().signal);
  return log;
}

/**
 * Folds what is in the log. `dieAfter` batches the process is gone: nothing more is committed, as after SIGKILL.
 * Resolves with true when everything there is has been read.
 */
async function fold(directory: string, dieAfter: number): Promise<boolean> {
  const log = await openLog(directory);
  const stop = new AbortController();
  let batches = 0;
  let died = false;
  if ((await log.lag('weir.detectors', ['enriched'])) === 0) {
    await log.stop();
    return true;
  }
  const mortal: Log = {
    ...log,
    append: (topic, entries) => (died ? new Promise(() => {}) : log.append(topic, entries)),
    consume: (consumption, signal) =>
      log.consume(
        {
          ...consumption,
          async handle(batch) {
            if (died) return;
            if (++batches > dieAfter) {
              died = true;
              stop.abort();
              return;
            }
            await consumption.handle({ ...batch, isStale: () => died });
            if (batch.entries.at(-1)!.offset + 1 >= batch.end) stop.abort();
          },
        },
        signal,
      ),
  };
  await detect(
    {
      plan: localPlan({ lanes: 4, detectors: planned, maxWaiting: 10_000, evicted: () => {} }),
      log: mortal,
      snapshots: fileSnapshots(`${directory}/snapshots`),
      attempts: noAttempts,
      letters: {
        keep: (letters) =>
          log.append(
            'deadletter',
            letters.map((value) => ({ partition: 0, key: null, value })),
          ),
      },
      counters: createCounters(noMeter, 'detectors', 'test'),
      snapshotEveryMs: 0,
      notifyMaxAgeMs: null,
    },
    testContext(),
    stop.signal,
  );
  await log.stop();
  return !died;
}

async function collected(directory: string, topic: 'alerts' | 'deadletter' | 'losses'): Promise<unknown[]> {
  const log = await openLog(directory);
  const values: unknown[] = [];
  const expected = await log.lag('collected', [topic]);
  const stop = new AbortController();
  if (expected > 0)
    await log.consume(
      {
        group: 'collected',
        topics: [topic],
        handle(batch) {
          values.push(...batch.entries.map((entry) => ({ ...entry.value })));
          if (values.length >= expected) stop.abort();
          return Promise.resolve();
        },
      },
      stop.signal,
    );
  await log.stop();
  return values;
}

/** Distinct alerts by id, sorted: what a reader that deduplicates holds in the end. */
async function alertsOf(directory: string): Promise<string[]> {
  const alerts = (await collected(directory, 'alerts')) as Alert[];
  return [
    ...new Set(alerts.map((alert) => `${alert.id} ${alert.detector} ${alert.why.summary} ${alert.rule}`)),
  ].sort();
}

async function fill(directory: string, batches: readonly (readonly Entry<Flow>[])[]): Promise<void> {
  const log = await openLog(directory);
  for (const batch of batches) await log.append('enriched', batch);
  await log.stop();
}

/** Flows out of order by up to `DISORDER_MS`, in batches that end with the mark they allow. */
const DISORDER_MS = 5000;
function disordered(shuffles: readonly number[], sources: readonly number[], batch: number): Entry<Flow>[][] {
  const flows = shuffles.map((shuffle, i) =>
    aFlow({
      position: i,
      startMs: T0 + i * 700 + (shuffle % DISORDER_MS),
      from: `10.0.0.${sources[i]! % 5}`,
      to: `10.0.1.${sources[i]! % 3}`,
    }),
  );
  const batches: Entry<Flow>[][] = [];
  let greatestMs = 0;
  for (let at = 0; at < flows.length; at += batch) {
    const entries: Entry<Flow>[] = flows
      .slice(at, at + batch)
      .map((value) => ({ partition: 0, key: null, value }));
    for (const { value } of entries) greatestMs = Math.max(greatestMs, value!.startMs);
    entries.push({
      partition: 0,
      key: null,
      value: null,
      mark: { input: 'in', of: 1, watermarkMs: greatestMs - DISORDER_MS, final: false },
    });
    batches.push(entries);
  }
  batches.push([
    {
      partition: 0,
      key: null,
      value: null,
      mark: { input: 'in', of: 1, watermarkMs: greatestMs + DISORDER_MS, final: true },
    },
  ]);
  return batches;
}

const scratch = (t: TestContext): string => temporaryDirectory(t);

test('flows are folded in event-time order, whatever order they came in', async (t) => {
  const shuffles = [4000, 0, 3000, 100, 4900, 20, 3500, 900, 2100];
  const sources = shuffles.map(() => 1);
  const sorted = scratch(t);
  await fill(sorted, disordered(shuffles, sources, 100));
  await fold(sorted, Infinity);
  const singly = scratch(t);
  await fill(singly, disordered(shuffles, sources, 1));
  await fold(singly, Infinity);
  const alerts = await alertsOf(sorted);
  assert.equal(alerts.length, 6);
  assert.deepEqual(await alertsOf(singly), alerts);
});

test('killed anywhere and started again, the alerts are the same', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(DISORDER_MS), { minLength: 30, maxLength: 60 }),
      fc.array(fc.nat(20), { minLength: 60, maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
      async (shuffles, sources, deaths) => {
        const batches = disordered(shuffles, sources, 7);
        const whole = scratch(t);
        await fill(whole, batches);
        await fold(whole, Infinity);
        const cut = scratch(t);
        await fill(cut, batches);
        for (const dieAfter of deaths) await fold(cut, dieAfter);
        await fold(cut, Infinity);
        assert.deepEqual(await alertsOf(cut), await alertsOf(whole));
      },
    ),
    { numRuns: 6 },
  );
});

test('redelivered flows are folded once', async (t) => {
  const shuffles = Array.from({ length: 30 }, (_, i) => (i * 997) % DISORDER_MS);
  const batches = disordered(shuffles, shuffles, 5);
  const once = scratch(t);
  await fill(once, batches);
  await fold(once, Infinity);
  const twice = scratch(t);
  await fill(
    twice,
    batches.flatMap((batch, i) => (i > 0 ? [batches[i - 1]!, batch] : [batch])),
  );
  await fold(twice, Infinity);
  assert.deepEqual(await alertsOf(twice), await alertsOf(once));
});

test('a flow that makes a detector throw is kept with its place, and the fold goes on', async (t) => {
  const directory = scratch(t);
  const batches = disordered([0, 0, 0, 0], [1, 1, 1, 1], 10);
  batches[0]![1]!.value!.verdict = 'error';
  await fill(directory, batches);
  assert.equal(await fold(directory, Infinity), true);
  const letters = (await collected(directory, 'deadletter')) as {
    component: string;
    reason: string;
    position: number;
  }[];
  assert.deepEqual(letters.map((letter) => `${letter.component} ${letter.position}`).sort(), [
    'detector.destination 1',
    'detector.source 1',
  ]);
  assert.match(letters[0]!.reason, /cannot be folded/);
  assert.equal((await alertsOf(directory)).length, 2);
});

test('a late flow is not folded by a rate detector, and is a loss', async (t) => {
  const directory = scratch(t);
  const batches = disordered([0, 0, 0], [1, 1, 1], 10);
  batches.push([
    { partition: 0, key: null, value: aFlow({ origin: 'file:late', position: 0, startMs: T0 - 60_000 }) },
  ]);
  await fill(directory, batches);
  await fold(directory, Infinity);
  const losses = (await collected(directory, 'losses')) as { why: string; count: number; sinceMs: number }[];
  assert.deepEqual(
    losses.map(({ why, count, sinceMs }) => [why, count, sinceMs]),
    [['late', 1, T0 - 60_000]],
  );
});

test('one clock years ahead neither stalls nor silences the others', async (t) => {
  const directory = scratch(t);
  const batches = disordered([0, 0, 0], [1, 1, 1], 10);
  const ahead = aFlow({
    origin: 'file:ahead',
    position: 0,
    startMs: T0 + 10 * 365 * 86_400_000,
    from: '10.0.0.1',
  });
  batches.unshift([{ partition: 0, key: null, value: ahead }]);
  await fill(directory, batches);
  await fold(directory, Infinity);
  assert.equal((await alertsOf(directory)).length, 2);
});
