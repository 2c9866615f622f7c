import { createKeyTable } from '../../key-table.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';
import { createRows } from './rows.ts';
import type { Subject } from '../subject.ts';

export interface SequenceOptions {
  readonly first: (subject: Subject) => boolean;
  readonly second: (subject: Subject) => boolean;
  /** How many of the first it takes, 1 to 32. */
  readonly least: number;
  readonly withinMs: number;
}

/** A flow that meets `second` after `least` others, all within the window, that met `first`. */
export const sequence =
  ({ first, second, least, withinMs }: SequenceOptions): ConditionFactory =>
  ({ name, maxKeys, evicted }) => {
    const table = createKeyTable({ name, maxKeys, evict: () => evicted(1) });
    const met = table.column('met', Float64Array);
    const times = createRows(name, least, table);
    const measured = { ...newMeasured(), value: least, earlier: least };

    function follows(group: Parameters<typeof table.find>[0], timeMs: number): boolean {
      const slot = table.find(group);
      if (slot === -1 || met.at[slot]! < least) return false;
      measured.firstMs = times.at[times.of(slot) + (met.at[slot]! % least)]!;
      return timeMs - measured.firstMs <= withinMs;
    }

    return {
      measured,
      lasting: false,
      get size() {
        return table.size;
      },
      take(subject, group, timeMs) {
        // A flow that meets both is no sequence by itself.
        const holds = second(subject) && follows(group, timeMs);
        if (first(subject)) {
          const slot = table.claim(group);
          const at = times.of(slot) + (met.at[slot]! % least);
          times.at[at] = timeMs;
          met.at[slot] = met.at[slot]! + 1;
        }
        return holds;
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
