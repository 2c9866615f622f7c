import { createRecentSet } from '../../recent-set.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';

/** A group that was not met for `keepMs`, once the rule has been watched for `learnMs`. */
export const firstSeen =
  (keepMs: number, learnMs: number): ConditionFactory =>
  ({ name, maxKeys, evicted, sinceMs }) => {
    const known = createRecentSet({ name, maxKeys, keepMs, evicted });
    const measured = { ...newMeasured(), value: 1, expected: 0 };
    return {
      measured,
      lasting: true,
      get size() {
        return known.size;
      },
      take(_flow, group, timeMs) {
        const isNew = known.add(group, timeMs);
        measured.historyMs = Math.max(0, timeMs - sinceMs());
        return isNew && measured.historyMs >= learnMs;
      },
      sections: () => known.sections(),
      restore: (sections) => known.restore(sections),
    };
  };
