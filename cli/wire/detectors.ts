import type { LearningState } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { detect, type DetectOptions } from '../../pipeline/detect.ts';
import type { LaneGroupHandle } from '../../pipeline/lane-group.ts';
import type { LanePlan } from '../../pipeline/lane-plan.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import type { PlanSource } from './planned.ts';
import { contextOf, type Line, type Shared } from './process.ts';

export interface DetectorsOptions
  extends Omit<DetectOptions, 'plan' | 'counters'>, Omit<PlanSource, 'evicted'> {
  /** How lanes lie in the log, and in which thread they are. */
  readonly plan: (source: PlanSource) => LanePlan | Promise<LanePlan>;
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
  let held: ReadonlyMap<number, LaneGroupHandle> = new Map();
  for (const { name } of options.detectors)
    shared.board.put('detectors', name, async () => {
      const line = await detectorLine(name, held);
      keys.set(Number(line['keys']), { detector: name });
      for (const [group, { watermarkMs }] of held)
        if (Number.isFinite(watermarkMs)) {
          watermark.set(watermarkMs / 1000, { group: String(group) });
          behind.set(Math.max(0, (shared.clock.now() - watermarkMs) / 1000), { group: String(group) });
        }
      return line;
    });
  const plan = await options.plan({
    ...options,
    evicted: (detector, count) => evicted.add(count, { detector }),
  });
  return {
    name: 'detectors',
    async run({ drain }) {
      try {
        await detect(
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
        );
      } finally {
        held = new Map();
        await plan.end?.();
      }
    },
  };
}

async function detectorLine(name: string, held: ReadonlyMap<number, LaneGroupHandle>): Promise<Line> {
  const states: Record<LearningState, number> = { ready: 0, learning: 0, stale: 0 };
  let keys = 0;
  let lanes = 0;
  let judgedToMs: number | null = null;
  for (const group of held.values()) {
    if (Number.isFinite(group.watermarkMs)) judgedToMs = Math.min(judgedToMs ?? Infinity, group.watermarkMs);
    lanes += group.lanes.length;
    const status = (await group.status()).find((each) => each.name === name);
    if (!status) continue;
    keys += status.keys;
    for (const [state, count] of Object.entries(status.lanes)) states[state as LearningState] += count;
  }
  return { state: stateText(states, lanes), lanes, keys, judgedToMs, ...states };
}

/** One word where all lanes are alike, else how many are what. */
function stateText(states: Readonly<Record<LearningState, number>>, lanes: number): string {
  if (lanes === 0) return 'no lanes';
  const found = Object.entries(states).filter(([, count]) => count > 0);
  return found.length === 1 ? found[0]![0] : found.map(([state, count]) => `${count} ${state}`).join(', ');
}
