import { createKeyTable } from '../../key-table.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';
import { createRows } from './rows.ts';

/** Up to so many flows are told apart by their times; above that they are counted in steps of the window. */
export const MAX_FEW = 32;

/** At least `least` flows (2 to 32) within the window, exactly: the times of the last ones are kept. */
export const few =
  (least: number, withinMs: number): ConditionFactory =>
  ({ name, maxKeys, evicted }) => {
    const table = createKeyTable({ name, maxKeys, evict: () => evicted(1) });
    /** Flows met so far, which says where the next time goes. */
    const met = table.column('met', Float64Array);
    const times = createRows(name, least - 1, table);
    const measured = { ...newMeasured(), earlier: least - 1 };
    return {
      measured,
      lasting: false,
      get size() {
        return table.size;
      },
      take(_flow, group, timeMs) {
        const slot = table.claim(group);
        const before = met.at[slot]!;
        met.at[slot] = before + 1;
        const at = times.of(slot) + (before % (least - 1));
        const oldestMs = times.at[at]!;
        times.at[at] = timeMs;
        if (before < least - 1 || timeMs - oldestMs > withinMs) return false;
        measured.value = least;
        measured.firstMs = oldestMs;
        return true;
      },
      *sections() {
        yield* table.sections();
        yield times.section();
      },
      restore(sections) {
        table.restore(sections);
        times.restore(sections);
      },
    };
  };
