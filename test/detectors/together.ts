import { configFrom } from '../../cli/config/index.ts';
import { plannedDetectors } from '../../cli/wire/planned.ts';
import { compiledRules } from '../../cli/wire/rules.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import { createSchedule } from '../../detectors/rule/schedule.ts';
import type { Cut } from '../../pipeline/cut.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import {
  localPlan,
  partitionedPlan,
  type LanePlanOptions,
  type RuleLanes,
} from '../../pipeline/lane-plan.ts';
import { packLane } from '../../pipeline/learned.ts';
import type { LogEntry, Mark } from '../../pipeline/log.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { logEntry } from '../pipeline/fake-log.ts';
import { canonical } from './harness.ts';

export const LANES = 12;

/** What is read: flows as an origin writes them, and how far event time has come with each. */
export interface Written {
  readonly flows: readonly Flow[];
  readonly clockMs: (index: number) => number;
}

/** An origin that may write a flow up to `disorderMs` after one that began later. */
export function written(flows: readonly Flow[], disorderMs = 0): Written {
  const clocks: number[] = [];
  let greatest = -Infinity;
  for (const { startMs } of flows) clocks.push((greatest = Math.max(greatest, startMs)) - disorderMs);
  return {
    // Its positions rise with the lines, whatever the flows are.
    flows: flows.map((flow, position) => ({ ...flow, origin: 'file', position })),
    clockMs: (index) => clocks[index]!,
  };
}

/** All detectors there are, with their defaults and the rules that come with Weir. */
export async function everyDetector(): Promise<LanePlanOptions & { readonly ruleLanes: RuleLanes }> {
  const config = configFrom('{}', { env: {} });
  const schedule = createSchedule(compiledRules(config.rules));
  return {
    lanes: LANES,
    detectors: await plannedDetectors(config.detectors, schedule),
    maxWaiting: 1_000_000,
    evicted() {},
    ruleLanes: createRoute(schedule, LANES),
  };
}

const callbacks = (late: () => void) => ({
  failed(error: unknown): void {
    throw error;
  },
  late,
  overflowed() {},
});

/** Entries per batch: event time passes after each. */
const BATCH = 500;

interface Fed {
  readonly alerts: readonly Alert[];
  readonly late: number;
}

/** All lanes in one process. Cut after each of `cuts` flows, it goes on from its snapshot. */
export function inOneProcess(plan: LanePlanOptions, input: Written, cuts: readonly number[] = []): Fed {
  let late = 0;
  const create = (): LaneGroup =>
    localPlan(plan).create(
      0,
      callbacks(() => late++),
    );
  let group = create();
  const alerts: Alert[] = [];
  const log: LogEntry<Flow>[] = [];
  const give = (entry: Partial<LogEntry<Flow>>): void =>
    void log.push(logEntry<Flow>(log.length, { appendMs: Number.MAX_SAFE_INTEGER, ...entry }));
  let taken = 0;
  const take = (): void => {
    alerts.push(...group.take(0, log.slice(taken)));
    taken = log.length;
  };
  for (const [i, value] of input.flows.entries()) {
    give({ value });
    if (i % BATCH === BATCH - 1) give({ mark: markAt(input.clockMs(i)) });
    const isCut = cuts.includes(i);
    if (isCut || i % BATCH === BATCH - 1) take();
    if (!isCut) continue;
    const { chunks, resume } = group.snapshot();
    group = create();
    group.restore(chunks);
    taken = resume[0]!;
  }
  give({ mark: markAt(Number.MAX_SAFE_INTEGER / 2) });
  take();
  return { alerts: canonical(withoutRepeats(alerts)), late };
}

/** The same, with snapshots that are made a detector at a time while the fold goes on: it dies when one is whole. */
export function whileSaving(plan: LanePlanOptions, input: Written, begins: readonly number[]): Fed {
  let late = 0;
  const create = (): LaneGroup =>
    localPlan({ ...plan, sliceMs: 0 }).create(
      0,
      callbacks(() => late++),
    );
  let group = create();
  const alerts: Alert[] = [];
  const log: LogEntry<Flow>[] = [];
  const give = (entry: Partial<LogEntry<Flow>>): void =>
    void log.push(logEntry<Flow>(log.length, { appendMs: Number.MAX_SAFE_INTEGER, ...entry }));
  for (const [i, value] of input.flows.entries()) {
    give({ value });
    if (i % BATCH === BATCH - 1) give({ mark: markAt(input.clockMs(i)) });
  }
  give({ mark: markAt(Number.MAX_SAFE_INTEGER / 2) });
  const waits = begins.toSorted((a, b) => a - b);
  let beginsAt = waits.shift() ?? Infinity;
  let saving: { readonly cut: Cut; readonly chunks: Uint8Array[] } | null = null;
  for (let taken = 0; taken < log.length;) {
    const end = taken + (saving ? 7 : BATCH);
    alerts.push(...group.take(0, log.slice(taken, end)));
    taken = end;
    if (!saving && taken >= beginsAt) saving = { cut: group.cut(), chunks: [] };
    const slice = saving?.cut.next();
    if (slice) saving?.chunks.push(...slice);
    if (slice !== null || !saving) continue;
    group = create();
    group.restore(saving.chunks);
    taken = saving.cut.resume[0]!;
    saving = null;
    beginsAt = waits.shift() ?? Infinity;
  }
  return { alerts: canonical(withoutRepeats(alerts)), late };
}

/** What was learned of a history by detectors that were not live, taken up by others, which then see the rest. */
export async function afterBaseline(
  plan: LanePlanOptions,
  history: Written,
  rest: readonly Flow[],
): Promise<readonly Alert[]> {
  const create = (): LaneGroup =>
    localPlan(plan).create(
      0,
      callbacks(() => {}),
    );
  const give = (group: LaneGroup, flows: readonly Flow[], toMs: number): Alert[] =>
    group.take(0, [
      ...flows.map((value, offset) => logEntry<Flow>(offset, { value, appendMs: Number.MAX_SAFE_INTEGER })),
      logEntry<Flow>(flows.length, { mark: markAt(toMs) }),
    ]);
  const learning = create();
  const goingOn = new Set<string>();
  for (const { id, action } of give(learning, history.flows, history.clockMs(history.flows.length - 1)))
    if (action === 'closed') goingOn.delete(id);
    else goingOn.add(id);
  const live = create();
  await live.inherit(
    {
      id: 'history',
      read: (lane) => Promise.resolve(packLane(lane, learning.members[lane]!.state, [...goingOn])),
    },
    true,
  );
  return canonical(give(live, rest, Number.MAX_SAFE_INTEGER / 2));
}

/**
 * Lanes spread over processes. At each of `moves` they are dealt to another number of processes, each lane going on
 * from its snapshot where it is new.
 */
export function inProcesses(
  plan: LanePlanOptions & { readonly ruleLanes: RuleLanes },
  input: Written,
  moves: readonly number[],
): Fed {
  let late = 0;
  const plans = partitionedPlan(plan);
  const create = (lane: number): LaneGroup =>
    plans.create(
      lane,
      callbacks(() => late++),
    );
  const groups = Array.from({ length: LANES }, (_, lane) => create(lane));
  const logs = groups.map((): LogEntry<Flow>[][] => [[], []]);
  const taken = groups.map(() => [0, 0]);
  const alerts: Alert[] = [];
  const append = (lane: number, feed: number, entry: Partial<LogEntry<Flow>>): void => {
    const log = logs[lane]![feed]!;
    log.push(logEntry<Flow>(log.length, { appendMs: Number.MAX_SAFE_INTEGER, ...entry }));
  };
  const take = (): void => {
    for (const [lane, group] of groups.entries())
      for (const feed of [0, 1]) {
        const log = logs[lane]![feed]!;
        alerts.push(...group.take(feed, log.slice(taken[lane]![feed])));
        taken[lane]![feed] = log.length;
      }
  };
  const mark = (toMs: number): void => {
    for (let lane = 0; lane < LANES; lane++)
      for (const feed of [0, 1]) append(lane, feed, { mark: markAt(toMs) });
  };
  for (const [i, value] of input.flows.entries()) {
    append(laneOf(value.source), 0, { value });
    append(laneOf(value.destination), 1, { value });
    for (const lane of plan.ruleLanes(value)) append(lane, 1, { value, role: 'rule' });
    const isMoved = moves.includes(i);
    if (i % BATCH === BATCH - 1) mark(input.clockMs(i));
    if (isMoved || i % BATCH === BATCH - 1) take();
    if (!isMoved) continue;
    for (const [lane, group] of groups.entries()) {
      // Every other lane stays where it is.
      if ((lane + i) % 2 === 0) continue;
      const { chunks, resume } = group.snapshot();
      groups[lane] = create(lane);
      groups[lane].restore(chunks);
      taken[lane] = [...resume];
    }
  }
  mark(Number.MAX_SAFE_INTEGER / 2);
  take();
  return { alerts: canonical(withoutRepeats(alerts)), late };
}

const laneOf = (side: Flow['source']): number => partitionOf(side.entity ?? side.ip ?? '', LANES);

const markAt = (watermarkMs: number): Mark => ({ input: 'file', of: 1, watermarkMs, final: false });

/** What a lane raises again after its snapshot has the same id and revision. */
const withoutRepeats = (alerts: readonly Alert[]): Alert[] => [
  ...new Map(alerts.map((alert) => [`${alert.id}-${alert.revision}`, alert])).values(),
];
