import type { LineBatch } from '../../pipeline/contracts.ts';
import { localPlan } from '../../pipeline/lane-plan.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import { packLane } from '../../pipeline/learned.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { createReports } from '../../pipeline/notice.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import { createSchedule } from '../../detectors/rule/schedule.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import type { Forensics } from '../api/forensics.ts';
import type { Config } from '../config/index.ts';
import { plannedDetectors } from './planned.ts';
import { localRuntime } from './local.ts';
import type { Shared } from './process.ts';
import { collectSink, runToEnd } from './replay.ts';
import { compiledRules } from './rules.ts';

/** What the detectors learned of a history. */
export interface History {
  readonly flows: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly group: LaneGroup;
  /** The state of each lane, to be kept. */
  pack(): Uint8Array[][];
}

/** How far it is. */
export type Told = (flows: number, timeMs: number) => void;

/** Event times of each cluster, and the alerts that go on. */
function createNotes() {
  const clusters = new Map<string, { fromMs: number; toMs: number }>();
  const goingOn = new Set<string>();
  let flows = 0;
  return {
    flow({ cluster, endMs }: Flow): void {
      flows++;
      const span = clusters.get(cluster);
      if (span === undefined) clusters.set(cluster, { fromMs: endMs, toMs: endMs });
      else {
        span.fromMs = Math.min(span.fromMs, endMs);
        span.toMs = Math.max(span.toMs, endMs);
      }
    },
    alert({ id, action }: Alert): void {
      if (action === 'closed') goingOn.delete(id);
      else goingOn.add(id);
    },
    get flows() {
      return flows;
    },
    /** Null when there was no flow. */
    history(group: LaneGroup): History | null {
      if (flows === 0) return null;
      const spans = [...clusters.values()];
      for (const { state } of group.members)
        for (const { detector } of state.detectors)
          for (const [cluster, { fromMs, toMs }] of clusters) detector.learned?.(cluster, fromMs, toMs);
      return {
        flows,
        fromMs: Math.min(...spans.map(({ fromMs }) => fromMs)),
        toMs: Math.max(...spans.map(({ toMs }) => toMs)),
        group,
        pack: () => group.members.map(({ lane, state }) => packLane(lane, state, [...goingOn])),
      };
    },
  };
}

export interface FileReading {
  readonly stop: AbortSignal;
  readonly read: (batch: Pick<LineBatch, 'origin' | 'next'>, flows: number) => void;
}

/** Reads the sources of a configuration to their end. Null when there was no flow. */
export async function learnFromFiles(
  config: Config,
  shared: Shared,
  { stop, read }: FileReading,
): Promise<History | null> {
  const notes = createNotes();
  let group: LaneGroup | null = null;
  const runtime = await localRuntime(
    {
      config,
      stateDir: null,
      follow: false,
      lanes: (made) => (group = made),
      sinks: [
        collectSink('alerts', 'alert', async (items) => {
          for (const { record } of items) notes.alert(record as Alert);
        }),
      ],
      progress(batch, flows) {
        for (const flow of flows) notes.flow(flow);
        read(batch, notes.flows);
      },
    },
    shared,
  );
  await runToEnd(runtime, shared, stop);
  return group === null ? null : notes.history(group);
}

/** As many flows of a store are put in order at once. */
const MOST = 200_000;
const FIRST_SLICE_MS = 600_000;
const LEAST_SLICE_MS = 1_000;

export interface StoreReading {
  readonly from: Pick<Forensics, 'flows'>;
  /** Epoch milliseconds, both inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly stop: AbortSignal;
  readonly told: Told;
}

/** Reads the flows of a store in the order of their time. Null when there was none. */
export async function learnFromStore(
  config: Config,
  { from, fromMs, toMs, stop, told }: StoreReading,
): Promise<History | null> {
  const notes = createNotes();
  const schedule = createSchedule(compiledRules(config.rules));
  const plan = localPlan({
    lanes: config.lanes,
    detectors: await plannedDetectors(config.detectors, schedule),
    ruleLanes: createRoute(schedule, config.lanes),
    maxWaiting: config.watermarks.maxWaiting,
    evicted() {},
  });
  const group = plan.create(0, {
    failed(error) {
      throw error;
    },
    late() {},
    overflowed() {},
  });
  const report = reportsByOrigin();
  let offset = 0;
  const take = (entries: readonly LogEntry<Flow>[]): void => {
    for (const alert of group.take(0, entries)) notes.alert(alert);
  };
  let sliceMs = FIRST_SLICE_MS;
  for (let atMs = fromMs; atMs <= toMs && !stop.aborted;) {
    const endMs = Math.min(toMs, atMs + sliceMs - 1);
    const flows = await endingIn(from, atMs, endMs);
    if (flows.length > MOST && sliceMs > LEAST_SLICE_MS) {
      sliceMs = Math.max(LEAST_SLICE_MS, Math.floor(sliceMs / 4));
      continue;
    }
    const entries = flows.flatMap((flow): LogEntry<Flow>[] => {
      notes.flow(flow);
      // Positions of many origins do not rise with time: in this reading there is one.
      const value = { ...flow, origin: 'history', position: offset };
      const notice = report(flow, Number.MAX_SAFE_INTEGER);
      return [...(notice ? [entryOf(offset++, { notice })] : []), entryOf(offset++, { value })];
    });
    const mark = { input: 'history', of: 1, watermarkMs: endMs, final: false };
    take([...entries, entryOf(offset++, { mark })]);
    told(notes.flows, endMs);
    atMs = endMs + 1;
    if (flows.length < MOST / 8) sliceMs = Math.min(sliceMs * 2, FIRST_SLICE_MS * 36);
  }
  return notes.history(group);
}

/** Origins that are told apart; beyond it the same is told once more. */
const MAX_ORIGINS = 1000;

/** What a collector tells of the nodes it reads from, each origin for itself. */
function reportsByOrigin(): ReturnType<typeof createReports> {
  const origins = new Map<string, ReturnType<typeof createReports>>();
  return (flow, readMs) => {
    let report = origins.get(flow.origin);
    if (report === undefined) {
      if (origins.size >= MAX_ORIGINS) origins.clear();
      origins.set(flow.origin, (report = createReports()));
    }
    return report(flow, readMs);
  };
}

/** Flows that end in a range, the first first; one more than `MOST` when there are too many. */
async function endingIn(from: Pick<Forensics, 'flows'>, fromMs: number, toMs: number): Promise<Flow[]> {
  const flows: Flow[] = [];
  const search = { query: '', talkedTo: null, limit: MOST * 2, fromMs, toMs };
  for await (const page of from.flows(search))
    for (const flow of page) if (flow.endMs >= fromMs && flow.endMs <= toMs) flows.push(flow);
  return flows.sort((a, b) => a.endMs - b.endMs || (a.id < b.id ? -1 : 1));
}

const entryOf = (
  offset: number,
  parts: Partial<Pick<LogEntry<Flow>, 'value' | 'mark' | 'notice'>>,
): LogEntry<Flow> => ({
  offset,
  value: null,
  mark: null,
  raw: 0,
  clockMs: null,
  appendMs: Number.MAX_SAFE_INTEGER,
  bytes: null,
  ...parts,
});
