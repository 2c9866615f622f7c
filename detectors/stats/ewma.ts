import type { ColumnHolder } from './holder.ts';

/** Mean and variance of values by key, in which a value counts half as much after each half-life. */
export interface Ewma {
  /** Takes a value met at a time. A time before the last one counts as the last one. */
  add(slot: number, value: number, timeMs: number): void;
  /** Sum of the weights as of the last value: how many fresh values the history is worth. */
  weight(slot: number): number;
  /** 0 before the first value. */
  mean(slot: number): number;
  /** Mean squared distance from the mean, weights divided by their sum; 0 with fewer than two values. */
  variance(slot: number): number;
  /** Distance of a value from the mean in standard deviations, each at least `floor`. Ask before `add`, and not before there is weight. */
  z(slot: number, value: number, floor: number): number;
}

/**
 * Exponentially weighted mean and variance under irregular times. Welford's update with weights (D. H. D. West,
 * Comm. ACM 22(9), 1979; T. Finch, "Incremental calculation of weighted mean and variance", 2009), where all older
 * weights are scaled by 2^(-dt / halfLife) before a value of weight 1 is taken. Equal to the weighted mean and
 * (biased) variance over all values, as in R `cov.wt(x, w, method = "ML")`. 32 bytes a key.
 */
export function createEwma(table: ColumnHolder, name: string, halfLifeMs: number): Ewma {
  const weights = table.column(`${name}.weight`, Float64Array);
  const means = table.column(`${name}.mean`, Float64Array);
  /** Sum of weighted squared distances. */
  const squares = table.column(`${name}.squares`, Float64Array);
  const lastMs = table.column(`${name}.lastMs`, Float64Array);

  const decay = Math.LN2 / halfLifeMs;
  const variance = (slot: number): number =>
    weights.at[slot] === 0 ? 0 : squares.at[slot]! / weights.at[slot]!;
  return {
    add(slot, value, timeMs) {
      const before = weights.at[slot]!;
      const passedMs = before === 0 ? 0 : Math.max(0, timeMs - lastMs.at[slot]!);
      const kept = passedMs === 0 ? 1 : Math.exp(-passedMs * decay);
      const weight = before * kept + 1;
      const distance = value - means.at[slot]!;
      means.at[slot] = means.at[slot]! + distance / weight;
      squares.at[slot] = squares.at[slot]! * kept + distance * (value - means.at[slot]);
      weights.at[slot] = weight;
      lastMs.at[slot] = before === 0 ? timeMs : Math.max(timeMs, lastMs.at[slot]!);
    },
    weight: (slot) => weights.at[slot]!,
    mean: (slot) => means.at[slot]!,
    variance,
    z: (slot, value, floor) => (value - means.at[slot]!) / Math.max(Math.sqrt(variance(slot)), floor),
  };
}
