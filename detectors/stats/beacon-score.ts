import { intervalRegularity, sizeRegularity, toThreePlaces } from './regularity.ts';
import { steadiness } from './steadiness.ts';

/** How much a pair looks like a beacon, and by what; each in [0, 1]. */
export interface BeaconScore {
  readonly score: number;
  readonly intervals: number;
  readonly sizes: number;
  readonly histogram: number;
  readonly duration: number;
}

export interface BeaconEvidence {
  /** Begin of each connection in whole seconds, ascending. */
  readonly times: readonly number[];
  /** Bytes the originator sent in each, with IP headers. */
  readonly sizes: readonly number[];
  /** Connections that began in each of the equal parts of the window. */
  readonly bars: readonly number[];
  readonly windowSeconds: number;
}

/**
 * The beacon score of RITA v5: a quarter each of how alike the intervals are, how alike the sizes, how flat the
 * histogram of the window, how much of it is covered. Null where RITA does not judge: fewer than three intervals that are
 * not zero, or fewer than three sizes. In a cluster it is high for every health probe; what is none of those is for
 * the detector to tell.
 */
export function beaconScore(evidence: BeaconEvidence): BeaconScore | null {
  const { times, bars, windowSeconds } = evidence;
  const intervals = intervalRegularity(times);
  const sizes = sizeRegularity(evidence.sizes);
  if (intervals === null || sizes === null) return null;
  const { histogram, duration } = steadiness(bars, (times.at(-1)! - times[0]!) / windowSeconds);
  const score = toThreePlaces((intervals + sizes + histogram + duration) / 4);
  return { score, intervals, sizes, histogram, duration };
}
