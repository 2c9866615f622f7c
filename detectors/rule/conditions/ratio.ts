import { createKeyTable } from '../../key-table.ts';
import { reaches, type Threshold } from '../threshold.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';
import type { Subject } from '../subject.ts';

export interface RatioOptions {
  readonly amountOf: (subject: Subject) => number;
  /** What must be reached whatever the history says. */
  readonly floor: Threshold;
  /** How many times the mean it must be. */
  readonly ratio: Threshold;
  readonly withinMs: number;
  readonly historyMs: number;
}

/**
 * A window far above the group's own mean. Windows follow each other without overlap; the mean is over those that
 * ended, empty ones too, plain at first and exponentially forgotten over `historyMs` later. Nothing alerts before a
 * group was watched for `historyMs`.
 */
export const ratio =
  ({ amountOf, floor, ratio: times, withinMs, historyMs }: RatioOptions): ConditionFactory =>
  ({ name, maxKeys, evicted }) => {
    const table = createKeyTable({ name, maxKeys, evict: () => evicted(1) });
    const since = table.column('since', Float64Array);
    const window = table.column('window', Float64Array);
    const amount = table.column('amount', Float64Array);
    const mean = table.column('mean', Float64Array);
    const isOld = table.column('isOld', Uint8Array);
    const windows = historyMs / withinMs;
    const measured = newMeasured();
    return {
      measured,
      lasting: false,
      get size() {
        return table.size;
      },
      take(subject, group, timeMs) {
        const slot = table.claim(group);
        const now = Math.floor(timeMs / withinMs);
        if (isOld.at[slot] === 0) {
          isOld.at[slot] = 1;
          since.at[slot] = window.at[slot] = now;
        }
        const passed = now - window.at[slot]!;
        if (passed > 0) {
          const ended = window.at[slot]! - since.at[slot]!;
          const usual = mean.at[slot]!;
          const next = usual + (amount.at[slot]! - usual) / Math.min(ended + 1, windows);
          mean.at[slot] = next * emptied(ended + 1, passed - 1, windows);
          window.at[slot] = now;
          amount.at[slot] = 0;
        }
        measured.value = amount.at[slot] = amount.at[slot]! + amountOf(subject);
        measured.expected = mean.at[slot]!;
        measured.historyMs = (now - since.at[slot]!) * withinMs;
        return (
          measured.historyMs >= historyMs &&
          reaches(floor, measured.value) &&
          reaches(times, measured.value / mean.at[slot]!)
        );
      },
      sections: () => table.sections(),
      restore: (sections) => table.restore(sections),
    };
  };

/** What is left of a mean of `ended` windows after `empty` more in which nothing was. */
function emptied(ended: number, empty: number, windows: number): number {
  if (empty <= 0) return 1;
  const plain = Math.min(empty, Math.max(0, Math.ceil(windows) - ended));
  return (ended / (ended + plain)) * (1 - 1 / windows) ** (empty - plain);
}
