import { medianAbsoluteDeviation, medianSorted } from 'simple-statistics';
import { bowleySkew } from './bowley.ts';

/** Fewest values that are judged. */
const LEAST = 3;

/**
 * How alike values are, in [0, 1]: the mean of 1 - |Bowley skew| and of (median - MAD) / median, to three places. The
 * ts and ds score of RITA v5 (analysis/beacons.go, calculateStatisticalScore). `tinyMedianScore` stands for the second
 * part where the median is below 1. Null with fewer than three values. Sorts `values`.
 */
function regularity(values: number[], tinyMedianScore: number): number | null {
  if (values.length < LEAST) return null;
  const sorted = values.sort((a, b) => a - b);
  const skewScore = 1 - Math.abs(bowleySkew(sorted));
  const median = medianSorted(sorted);
  const madScore =
    median < 1 ? tinyMedianScore : Math.max(0, (median - medianAbsoluteDeviation(sorted)) / median);
  return toThreePlaces((skewScore + madScore) / 2);
}

/**
 * How alike the distances between times are. `times` are whole seconds in ascending order; equal ones count once. Null
 * with fewer than three distances. RITA's ts score. Holds nothing: times are `recent-values.ts`, 8 bytes each.
 */
export function intervalRegularity(times: readonly number[]): number | null {
  const intervals: number[] = [];
  for (let i = 1; i < times.length; i++)
    if (times[i]! > times[i - 1]!) intervals.push(times[i]! - times[i - 1]!);
  return regularity(intervals, 1);
}

/** How alike sizes in bytes are. Null with fewer than three. RITA's ds score. */
export const sizeRegularity = (sizes: readonly number[]): number | null => regularity([...sizes], 0);

export const toThreePlaces = (score: number): number => Math.round(score * 1000) / 1000;
