import { createKeyTable } from '../../key-table.ts';
import { reaches, type Threshold } from '../threshold.ts';
import { newMeasured, type ConditionFactory } from './condition.ts';
import { createRows } from './rows.ts';
import type { Subject } from '../subject.ts';

const STEPS = 10;
/** The step under way and ten whole ones: the window is never cut short, and at most a tenth too long. */
const WIDTH = STEPS + 1;

/** A count or sum over a window that slides in tenths of itself. */
export const total =
  (amountOf: (subject: Subject) => number, threshold: Threshold, withinMs: number): ConditionFactory =>
  ({ name, maxKeys, evicted }) => {
    const stepMs = withinMs / STEPS;
    const table = createKeyTable({ name, maxKeys, evict: () => evicted(1) });
    const step = table.column('step', Float64Array);
    const amount = table.column('amount', Float64Array);
    const isOld = table.column('isOld', Uint8Array);
    const cells = createRows(name, WIDTH, table);
    const measured = newMeasured();
    return {
      measured,
      lasting: false,
      get size() {
        return table.size;
      },
      take(subject, group, timeMs) {
        const slot = table.claim(group);
        const at = cells.of(slot);
        const now = Math.floor(timeMs / stepMs);
        if (isOld.at[slot] === 0) {
          isOld.at[slot] = 1;
          step.at[slot] = now;
          cells.at.fill(0, at, at + WIDTH);
        }
        const passed = now - step.at[slot]!;
        if (passed > 0) {
          const first = Math.max(step.at[slot]! + 1, now - WIDTH + 1);
          for (let each = first; each <= now; each++) cells.at[at + cellOf(each)] = 0;
          step.at[slot] = now;
          let sum = 0;
          for (let i = 0; i < WIDTH; i++) sum += cells.at[at + i]!;
          amount.at[slot] = sum;
        }
        const more = amountOf(subject);
        cells.at[at + cellOf(step.at[slot]!)]! += more;
        measured.value = amount.at[slot] = amount.at[slot]! + more;
        return reaches(threshold, measured.value);
      },
      *sections() {
        yield* table.sections();
        yield cells.section();
      },
      restore(sections) {
        table.restore(sections);
        cells.restore(sections);
      },
    };
  };

/** Also for times before 1970. */
const cellOf = (step: number): number => ((step % WIDTH) + WIDTH) % WIDTH;
