import { median, medianAbsoluteDeviation } from 'simple-statistics';

/** Where a value lies among others, told by their middle alone. */
export interface RobustZ {
  readonly z: number;
  readonly median: number;
  /** The deviation that `z` is counted in. */
  readonly scale: number;
}

/** 1 / qnorm(3/4): makes the median absolute deviation of normal values their standard deviation. R `mad()`. */
export const MAD_SCALE = 1.482602218505602;

/**
 * (value - median) / (1.4826 MAD), with a scale of at least `floor`, since half the values may be equal (B. Iglewicz,
 * D. Hoaglin, "How to detect and handle outliers", ASQ 1993). Up to half of the history may be outliers. History must
 * not be empty. Holds nothing: the history is `recent-values.ts`, or any list.
 */
export function robustZ(value: number, history: number[], floor: number): RobustZ {
  const middle = median(history);
  const scale = Math.max(MAD_SCALE * medianAbsoluteDeviation(history), floor);
  return { z: (value - middle) / scale, median: middle, scale };
}
