import { medianSorted } from 'simple-statistics';

export interface Quartiles {
  readonly q1: number;
  readonly q2: number;
  readonly q3: number;
}

/**
 * Quartiles of sorted values as medians of their halves, the middle value in neither (D. Moore, G. McCabe; the method
 * of the library RITA uses). R's `quantile` interpolates and differs on short lists. At least 2 values.
 */
export function quartiles(sorted: readonly number[]): Quartiles {
  const half = Math.floor(sorted.length / 2);
  return {
    q1: medianSorted(sorted.slice(0, half)),
    q2: medianSorted(sorted),
    q3: medianSorted(sorted.slice(sorted.length - half)),
  };
}

/** Quartiles closer than this are taken to be symmetric. */
const LEAST_SPREAD = 10;

/**
 * Skew by quartiles, (q1 + q3 - 2 q2) / (q3 - q1), in [-1, 1] (A. Bowley, "Elements of Statistics", 1920). 0 where
 * the quartiles are less than 10 apart or two of them are equal, as RITA v5 has it, so that jitter of seconds is no skew. At
 * least 2 values, sorted. Holds nothing.
 */
export function bowleySkew(sorted: readonly number[]): number {
  const { q1, q2, q3 } = quartiles(sorted);
  if (q3 - q1 < LEAST_SPREAD || q2 === q1 || q2 === q3) return 0;
  return (q1 + q3 - 2 * q2) / (q3 - q1);
}
