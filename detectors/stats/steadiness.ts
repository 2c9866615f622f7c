import { mean, standardDeviation } from 'simple-statistics';
import { toThreePlaces } from './regularity.ts';

export interface Steadiness {
  /** How flat the bars are, or how well they fall into two heights; RITA's hist score. */
  readonly histogram: number;
  /** How much of the window is covered, or how long without a gap; RITA's dur score. */
  readonly duration: number;
}

/** Share of the highest bar within which heights are one mode. */
const MODE_WIDTH = 0.05;
/** Fewest non-empty bars for two modes to mean anything: 11 of RITA's 24; and for the duration. */
const LEAST_SHARE_FOR_MODES = 11 / 24;
const LEAST_BARS_FOR_DURATION = 6;
/** Non-empty bars in a row that make a full score. */
const FULL_RUN = 12;

/**
 * How steadily a pair speaks over a window cut into equal bars (RITA: 24 of an hour), in [0, 1] each. The hist and dur
 * score of RITA v5 (analysis/beacons.go). `bars` holds how many connections began in each, not all 0; `coveredShare` is
 * (last - first) / window. Holds nothing: 24 counts of 16 bits are 48 bytes a key.
 */
export function steadiness(bars: readonly number[], coveredShare: number): Steadiness {
  const filled = bars.filter((bar) => bar > 0);
  return {
    histogram: Math.max(flatness(bars), twoModes(filled, bars.length)),
    duration:
      filled.length < LEAST_BARS_FOR_DURATION
        ? 0
        : Math.max(upToThreePlaces(coveredShare), upToThreePlaces(longestRun(bars) / FULL_RUN)),
  };
}

/** 1 - standard deviation / mean of all bars, empty ones too. */
function flatness(bars: readonly number[]): number {
  const variation = standardDeviation(bars) / mean(bars);
  return variation > 1 ? 0 : toThreePlaces(1 - variation);
}

/** Share of the non-empty bars in the two commonest heights, one outlier left out. */
function twoModes(filled: readonly number[], bars: number): number {
  if (filled.length < bars * LEAST_SHARE_FOR_MODES) return 0;
  const width = Math.ceil(Math.max(...filled) * MODE_WIDTH);
  const modes = new Map<number, number>();
  for (const bar of filled) {
    const mode = Math.floor(bar / width);
    modes.set(mode, (modes.get(mode) ?? 0) + 1);
  }
  const [first = 0, second = 0] = [...modes.values()].sort((a, b) => b - a);
  return Math.min(1, toThreePlaces((first + second) / Math.max(1, filled.length - 1)));
}

/** Non-empty bars in a row, the first following the last. */
function longestRun(bars: readonly number[]): number {
  let longest = 0;
  let run = 0;
  for (let i = 0; i < bars.length * 2; i++) {
    run = bars[i % bars.length]! > 0 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return Math.min(longest, bars.length);
}

const upToThreePlaces = (score: number): number => Math.min(1, Math.ceil(score * 1000) / 1000);
