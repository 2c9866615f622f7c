import { detectors, type DetectorType } from '../../detectors/registry.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import type { RuleSchedule } from '../../detectors/rule/schedule.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import type { LanePlan, LanePlanOptions, LocalLanePlan, PlannedDetector } from '../../pipeline/lane-plan.ts';
import { compileQuery } from '../../query/index.ts';
import type { DetectorConfig } from '../config/index.ts';

/**
 * Keys that a table of a detector may hold over all lanes where its options do not say: a million, and as many more as
 * it takes for a million to fit though they are not spread evenly, with tables that are three quarters full.
 */
const DEFAULT_MAX_KEYS = 1_150_000;

/** What a plan of lanes is made from. */
export interface PlanSource {
  readonly detectors: readonly DetectorConfig[];
  readonly lanes: number;
  /** Flows that may wait for the watermark, over all lanes. */
  readonly maxWaiting: number;
  /** Which rules of the user are in force when. */
  readonly schedule: RuleSchedule;
  readonly evicted: (detector: string, count: number) => void;
}

/** Lanes in the thread that drives them. `created` is told of each group. */
export const inThisThread =
  (layout: (options: LanePlanOptions) => LocalLanePlan, created?: (group: LaneGroup) => void) =>
  async ({ detectors: configured, schedule, ...rest }: PlanSource): Promise<LanePlan> => {
    const plan = layout({
      ...rest,
      detectors: await plannedDetectors(configured, schedule),
      ruleLanes: createRoute(schedule, rest.lanes),
    });
    return {
      ...plan,
      create(number, callbacks) {
        const group = plan.create(number, callbacks);
        created?.(group);
        return group;
      },
    };
  };

/** The detectors of a configuration, before they have lanes. */
export const plannedDetectors = (
  configured: readonly DetectorConfig[],
  schedule: RuleSchedule,
): Promise<PlannedDetector[]> => Promise.all(configured.map((each) => planned(each, schedule)));

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
