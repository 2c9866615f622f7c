import { detectors, type DetectorType } from '../../detectors/registry.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import type { RuleSchedule } from '../../detectors/rule/schedule.ts';
import type { DetectorFactory, LearningState } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { detect, type DetectOptions, type LanePlan } from '../../pipeline/detect.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import type { LanePlanOptions, PlannedDetector } from '../../pipeline/lane-plan.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { compileQuery } from '../../query/index.ts';
import type { DetectorConfig } from '../config/index.ts';
import { contextOf, type Line, type Shared } from './process.ts';

/**
 * Keys that a table of a detector may hold over all lanes where its options do not say: a million, and as many more as
 * it takes for a million to fit though they are not spread evenly, with tables that are three quarters full.
 */
const DEFAULT_MAX_KEYS = 1_150_000;

export interface DetectorsOptions extends Omit<DetectOptions, 'plan' | 'counters'> {
  readonly detectors: readonly DetectorConfig[];
  readonly lanes: number;
  /** Flows that may wait for the watermark, over all lanes. */
  readonly maxWaiting: number;
  /** Which rules of the user are in force when. */
  readonly schedule: RuleSchedule;
  /** How lanes lie in the log. */
  readonly plan: (options: LanePlanOptions) => LanePlan;
}

/** The pump that folds flows through every configured detector. */
export async function detectorPump(options: DetectorsOptions, shared: Shared): Promise<Pump> {
  const counters = createCounters(shared.meter, 'detectors', 'detectors');
  const evicted = shared.meter.counter('detector_evicted_total', 'Keys given up because a cap was reached.', [
    'detector',
  ]);
  const keys = shared.meter.gauge('detector_keys', 'Keys a detector holds.', ['detector']);
  const watermark = shared.meter.gauge(
    'lane_watermark_seconds',
    'Event time up to which a lane group was judged.',
    ['group'],
  );
  const behind = shared.meter.gauge(
    'lane_watermark_lag_seconds',
    'How far behind the clock the event time is up to which a lane group was judged.',
    ['group'],
  );
  let held: ReadonlyMap<number, LaneGroup> = new Map();
  for (const { name } of options.detectors)
    shared.board.put('detectors', name, () => {
      const line = detectorLine(name, held);
      keys.set(Number(line['keys']), { detector: name });
      for (const [group, { watermarkMs }] of held)
        if (Number.isFinite(watermarkMs)) {
          watermark.set(watermarkMs / 1000, { group: String(group) });
          behind.set(Math.max(0, (shared.clock.now() - watermarkMs) / 1000), { group: String(group) });
        }
      return line;
    });
  const plan = options.plan({
    lanes: options.lanes,
    detectors: await plannedDetectors(options.detectors, options.schedule),
    ruleLanes: createRoute(options.schedule, options.lanes),
    maxWaiting: options.maxWaiting,
    evicted: (detector, count) => evicted.add(count, { detector }),
  });
  return {
    name: 'detectors',
    run: ({ drain }) =>
      detect(
        {
          ...options,
          plan,
          counters,
          held(groups) {
            held = groups;
            options.held?.(groups);
          },
        },
        contextOf(shared, 'detectors'),
        drain,
      ),
  };
}

function detectorLine(name: string, held: ReadonlyMap<number, LaneGroup>): Line {
  const states: Record<LearningState, number> = { ready: 0, learning: 0, stale: 0 };
  let keys = 0;
  let lanes = 0;
  let judgedToMs: number | null = null;
  for (const group of held.values()) {
    if (Number.isFinite(group.watermarkMs)) judgedToMs = Math.min(judgedToMs ?? Infinity, group.watermarkMs);
    for (const { state: lane } of group.members) {
      lanes++;
      const status = lane.detectors
        .find((each) => each.name === name)
        ?.detector.status(Number.isFinite(group.watermarkMs) ? group.watermarkMs : undefined);
      if (!status) continue;
      keys += status.keys;
      states[status.state]++;
    }
  }
  return { state: stateText(states, lanes), lanes, keys, judgedToMs, ...states };
}

/** One word where all lanes are alike, else how many are what. */
function stateText(states: Readonly<Record<LearningState, number>>, lanes: number): string {
  if (lanes === 0) return 'no lanes';
  const found = Object.entries(states).filter(([, count]) => count > 0);
  return found.length === 1 ? found[0]![0] : found.map(([state, count]) => `${count} ${state}`).join(', ');
}

/** The detectors of a configuration, before they have lanes. */
export const plannedDetectors = (
  detectors: readonly DetectorConfig[],
  schedule: RuleSchedule,
): Promise<PlannedDetector[]> => Promise.all(detectors.map((each) => planned(each, schedule)));

async function planned(
  { name, options, where }: DetectorConfig,
  schedule: RuleSchedule,
): Promise<PlannedDetector> {
  const module = await detectors[name as DetectorType].load();
  // Only `rule` takes a schedule; the others have options alone.
  const create = module.create as (options: unknown, schedule: RuleSchedule) => DetectorFactory;
  return {
    name,
    factory: create(options, schedule),
    where: where === null ? null : compileQuery('flow', where),
    maxKeys: (options as { maxKeys?: number }).maxKeys ?? DEFAULT_MAX_KEYS,
    content: JSON.stringify([options, where]),
  };
}
