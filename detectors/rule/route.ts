import { partitionOf } from '../../pipeline/partition.ts';
import type { Flow } from '../../schema/records.ts';
import { ruleTimeMs, type RuleSchedule } from './schedule.ts';

const MAX_CACHED = 100_000;
const NONE: readonly number[] = [];

/** Lane of a group: hashing a key costs more than looking it up. */
export function groupLanes(lanes: number): (key: string) => number {
  const known = new Map<string, number>();
  return (key) => {
    let lane = known.get(key);
    if (lane === undefined) {
      if (known.size >= MAX_CACHED) known.clear();
      known.set(key, (lane = partitionOf(key, lanes)));
    }
    return lane;
  };
}

/** The lanes of the groups that rules put a flow into, each once. A flow that no rule looks at goes nowhere. */
export function createRoute(schedule: RuleSchedule, lanes: number): (flow: Flow) => readonly number[] {
  const laneOf = groupLanes(lanes);
  return (flow) => {
    let found: number[] | null = null;
    for (const { rule } of schedule.at(ruleTimeMs(flow)).rules) {
      if (rule.definition.over !== 'flow' || !rule.matches(flow)) continue;
      const { grouping } = rule;
      const lane = laneOf(grouping.laneKeyOf(flow, grouping.keyOf(flow)));
      if (found === null) found = [lane];
      else if (!found.includes(lane)) found.push(lane);
    }
    return found ?? NONE;
  };
}
