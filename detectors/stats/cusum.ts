import type { ColumnHolder } from './holder.ts';

/** Sums of small deviations, for what is too slow to stand out at any one time. */
export interface Cusum {
  /** Takes a value in standard deviations from what is expected. */
  add(slot: number, z: number): void;
  /** How far values have lately added up above what is expected, beyond `slack` each. */
  above(slot: number): number;
  below(slot: number): number;
  /** After an alarm, so that it does not go on by itself. */
  reset(slot: number): void;
}

/**
 * Two one-sided cumulative sums (E. Page, "Continuous inspection schemes", Biometrika 41, 1954) in tabular form: up =
 * max(0, up + z - slack), down = max(0, down - z - slack). A slack of half the shift to be found is best; an alarm is due
 * when a sum exceeds a threshold, see `runLength`. One value adds at most `most`, so that a single outlier is no drift. 16 bytes a
 * key.
 */
export function createCusum(
  table: ColumnHolder,
  name: string,
  options: { readonly slack: number; readonly most: number },
): Cusum {
  const { slack, most } = options;
  const up = table.column(`${name}.up`, Float64Array);
  const down = table.column(`${name}.down`, Float64Array);
  return {
    add(slot, z) {
      up.at[slot] = Math.max(0, up.at[slot]! + Math.min(z, most) - slack);
      down.at[slot] = Math.max(0, down.at[slot]! - Math.max(z, -most) - slack);
    },
    above: (slot) => up.at[slot]!,
    below: (slot) => down.at[slot]!,
    reset(slot) {
      up.at[slot] = 0;
      down.at[slot] = 0;
    },
  };
}

/**
 * About how many values a one-sided sum takes on average to exceed `threshold`, when they are normal with mean `shift`
 * and deviation 1: without a shift the time between false alarms (D. Siegmund, "Sequential Analysis", 1985, with the
 * threshold raised by 1.166). R `spc::xcusum.arl(slack, threshold, shift)`.
 */
export function runLength(slack: number, threshold: number, shift = 0): number {
  const drift = shift - slack;
  const raised = threshold + 1.166;
  if (drift === 0) return raised * raised;
  return (Math.exp(-2 * drift * raised) + 2 * drift * raised - 1) / (2 * drift * drift);
}
