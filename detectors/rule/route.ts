import { cachedPartitions } from '../../pipeline/partition.ts';
import type { Flow } from '../../schema/records.ts';
import { ruleTimeMs, type RuleSchedule } from './schedule.ts';

const NONE: readonly number[] = [];

/** The lanes of the groups that rules put a flow into, each once. A flow that no rule looks at goes nowhere. */
export function createRoute(schedule: RuleSchedule, lanes: number): (flow: Flow) => readonly number[] {
  const laneOf = cachedPartitions(lanes);
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
