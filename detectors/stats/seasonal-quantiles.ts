import type { ColumnHolder } from './holder.ts';
import { HOURS_OF_WEEK, hourOfWeek } from './hour-of-week.ts';
import { createLogQuantiles } from './log-quantiles.ts';
import { createRows } from './rows.ts';

/** What is usual for each key at this hour of the week. */
export interface SeasonalQuantiles {
  /** Takes the value of a bucket that began at a time, such as bytes in 5 minutes. At least 0. */
  add(slot: number, value: number, timeMs: number): void;
  /** How many values were taken. */
  count(slot: number): number;
  /** Middle value expected at this hour of the week; 0 before the first. */
  expected(slot: number, timeMs: number): number;
  /** The value that a share q of buckets stays below at this hour of the week; q below 0.5 asks for falls. */
  quantile(slot: number, timeMs: number, q: number): number;
  /**
   * Forgets by half how far values were from what was expected: for when expectations have become better, such as after the
   * first week. `count` is halved too.
   */
  fade(slot: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** Later values of an hour count 1/24: two weeks of 5-minute buckets, so that a level follows within weeks. */
const MEMORY = 24;
const MOST_WEIGHT = 255;
/** Values of the hour that outweigh what is borrowed from other days, and of these that outweigh all hours. */
const OWN = 2;
/** A level in 16 bits: logarithms up to 36. */
const SCALE = 1800;
const DAYS = 7;

/**
 * A level per hour of the week, the mean of log(1 + value), and one DDSketch of (1 + value) / exp(level), so that a
 * quantile of a few weeks rests on all buckets, not on the dozen of one hour. An hour that was met seldom borrows from the
 * same hour of other days, and these from all hours (shrinkage by n / (n + 2)); a key that is a day old already knows
 * night from day. Levels are from before each value, so an outlier does not hide itself. 168 * 3 bytes for the levels and 244
 * for a sketch of 10 % over ten decades: 756 a key.
 */
export function createSeasonalQuantiles(table: ColumnHolder, name: string): SeasonalQuantiles {
  const levels = createRows(`${name}.level`, Uint16Array, HOURS_OF_WEEK);
  const weights = createRows(`${name}.weight`, Uint8Array, HOURS_OF_WEEK);
  const residuals = createLogQuantiles(table, `${name}.residual`, {
    accuracy: 0.1,
    least: 1e-5,
    most: 1e5,
  });
  /** Mean over all hours, of up to 1,000 values. */
  const overall = table.column(`${name}.overall`, Float64Array);

  function levelAt(slot: number, hour: number): number {
    const start = levels.start(slot);
    weights.start(slot);
    let days = 0;
    let sum = 0;
    for (let day = 0, at = hour % 24; day < DAYS; day++, at += 24) {
      const weight = weights.at[start + at]!;
      days += weight;
      sum += weight * levels.at[start + at]!;
    }
    const ofDay = (sum / SCALE + OWN * overall.at[slot]!) / (days + OWN);
    const own = weights.at[start + hour]!;
    return ((own * levels.at[start + hour]!) / SCALE + OWN * ofDay) / (own + OWN);
  }

  return {
    add(slot, value, timeMs) {
      const hour = hourOfWeek(timeMs);
      const log = Math.log1p(value);
      const count = residuals.count(slot);
      if (count === 0) {
        levels.clear(slot);
        weights.clear(slot);
        overall.at[slot] = log;
      }
      residuals.add(slot, Math.exp(log - levelAt(slot, hour)));
      const at = levels.start(slot) + hour;
      const weight = Math.min(weights.at[at]! + 1, MOST_WEIGHT);
      const change = (log * SCALE - levels.at[at]!) / Math.min(weight, MEMORY);
      levels.at[at] = Math.round(levels.at[at]! + change);
      weights.at[at] = weight;
      overall.at[slot] = overall.at[slot]! + (log - overall.at[slot]!) / Math.min(count + 1, 1000);
    },
    count: (slot) => residuals.count(slot),
    // Before the first value the row may hold what the key before it left.
    expected: (slot, timeMs) =>
      residuals.count(slot) === 0 ? 0 : Math.expm1(levelAt(slot, hourOfWeek(timeMs))),
    quantile: (slot, timeMs, q) =>
      Math.max(0, Math.exp(levelAt(slot, hourOfWeek(timeMs))) * residuals.quantile(slot, q) - 1),
    fade: (slot) => residuals.fade(slot),
    *sections() {
      yield* levels.sections();
      yield* weights.sections();
      yield* residuals.sections();
    },
    restore(sections) {
      levels.restore(sections);
      weights.restore(sections);
      residuals.restore(sections);
    },
  };
}
