import type { ColumnHolder } from './holder.ts';
import { createRows } from './rows.ts';

/** Quantiles of positive values by key, right to a share of the value. */
export interface LogQuantiles {
  /** Takes a value. What is below `least`, 0 too, counts as 0; what is above `most` as that. */
  add(slot: number, value: number): void;
  /** How many values are held. */
  count(slot: number): number;
  /** The value of rank q * (count - 1), within `accuracy` of it; 0 before the first. */
  quantile(slot: number, q: number): number;
  /** Halves all counts, so that newer values weigh more; single ones are forgotten. */
  fade(slot: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface LogQuantilesOptions {
  /** Greatest relative error of a quantile, such as 0.05. */
  readonly accuracy: number;
  readonly least: number;
  readonly most: number;
}

const FULL = 65_535;

/**
 * DDSketch (C. Masson, J. Rim, H. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", VLDB 2019) with a fixed range of bins, counted in 16 bits: bin i holds values in (g^(i-1), g^i] with g = (1 +
 * accuracy) / (1 - accuracy). 2 bytes a bin and 4: an accuracy of 0.1 over six decades takes 71 bins, 0.05 over ten takes 232.
 * When a bin is full all are halved, rounding up, so that what was rare is not forgotten. By hand, since one sketch of
 * `@datadog/sketches-js` takes 1,976 bytes; tested against it.
 */
export function createLogQuantiles(
  table: ColumnHolder,
  name: string,
  options: LogQuantilesOptions,
): LogQuantiles {
  const { accuracy, least, most } = options;
  const gamma = (1 + accuracy) / (1 - accuracy);
  const perLog = 1 / Math.log(gamma);
  const first = Math.ceil(Math.log(least) * perLog);
  /** Bin 0 is for what is below `least`. */
  const bins = Math.ceil(Math.log(most) * perLog) - first + 2;
  const rows = createRows(name, Uint16Array, bins);
  const counts = table.column(`${name}.count`, Uint32Array);

  const binOf = (value: number): number =>
    value < least ? 0 : Math.min(Math.ceil(Math.log(value) * perLog) - first + 1, bins - 1);
  const valueOf = (bin: number): number =>
    bin === 0 ? 0 : (2 * Math.exp((bin - 1 + first) / perLog)) / (gamma + 1);

  function halve(slot: number, roundUp: 0 | 1): void {
    const start = rows.start(slot);
    let count = 0;
    for (let bin = 0; bin < bins; bin++)
      count += rows.at[start + bin] = (rows.at[start + bin]! + roundUp) >>> 1;
    counts.at[slot] = count;
  }

  return {
    add(slot, value) {
      // A column of a new key is 0, its row is not: it is what the key before it left.
      if (counts.at[slot] === 0) rows.clear(slot);
      const at = rows.start(slot) + binOf(value);
      if (rows.at[at] === FULL) halve(slot, 1);
      rows.at[at] = rows.at[at]! + 1;
      counts.at[slot] = counts.at[slot]! + 1;
    },
    count: (slot) => counts.at[slot]!,
    quantile(slot, q) {
      const start = rows.start(slot);
      const rank = q * (counts.at[slot]! - 1);
      if (rank < 0) return 0;
      let below = 0;
      for (let bin = 0; bin < bins; bin++) {
        below += rows.at[start + bin]!;
        if (below > rank) return valueOf(bin);
      }
      return valueOf(bins - 1);
    },
    fade: (slot) => halve(slot, 0),
    sections: () => rows.sections(),
    restore: (sections) => rows.restore(sections),
  };
}
