import { medianAbsoluteDeviation, medianSorted } from 'simple-statistics';
import { beaconScore } from '../stats/beacon-score.ts';
import { strongestPeriod } from '../stats/periodicity.ts';
import { toThreePlaces } from '../stats/regularity.ts';

/** How much the last connections of a pair look like a beacon. */
export interface Judgement {
  readonly score: number;
  readonly intervals: number;
  readonly sizes: number;
  readonly histogram: number;
  readonly duration: number;
  /** Median time between connections, and the median distance from it. */
  readonly intervalMs: number;
  readonly deviationMs: number;
  /** Share of the times between calls that are whole minutes. */
  readonly onTheMinute: number;
  readonly calls: number;
  readonly connections: number;
  readonly spanMs: number;
}

/** RITA cuts its 24 hours into as many. */
const BARS = 24;
const DAY_MS = 86_400_000;
/** Buckets in which a period is looked for; twice the connections held, so that a period has some. */
const BUCKETS = 128;
/** Regularity from which on looking for a period adds nothing. */
const REGULAR = 0.9;

/** Connections this much closer than the mean are one call: a page and its pictures, a request and its retry. */
const BURST = 0.1;
/** Intervals are compared in whole seconds, as RITA does, or in hundredths of the mean where calls come faster than seconds tell. */
const FINEST_PARTS = 100;

/**
 * RITA's score over the time the calls span, at most 24 hours, and not over a fixed day: a beacon that began ten minutes ago
 * fills its window as one of yesterday does. Connections of one burst are one call. Where calls still come in patterns, intervals
 * alone are irregular; the period of the calls stands in for them when it is the stronger. Null when there are too few.
 */
export function judge(startsMs: readonly number[], bytes: readonly number[]): Judgement | null {
  const { starts, sizes, connections } = callsOf(startsMs, bytes);
  const spanMs = starts.at(-1)! - starts[0]!;
  if (spanMs < 1000 || starts.length < 4) return null;
  const unitMs = Math.min(1000, Math.max(1, spanMs / starts.length / FINEST_PARTS));
  const times = starts.map((ms) => Math.floor((ms - starts[0]!) / unitMs));
  const bars = counts(starts, spanMs, BARS);
  const scored = beaconScore({ times, sizes, bars, windowSeconds: Math.max(1, times.at(-1)!) });
  if (scored === null) return null;
  const intervals = Math.max(scored.intervals, scored.intervals < REGULAR ? period(starts, spanMs) : 0);
  const gaps = gapsOf(starts);
  return {
    ...scored,
    intervals,
    score: toThreePlaces(scored.score + (intervals - scored.intervals) / 4),
    intervalMs: medianSorted(gaps),
    deviationMs: medianAbsoluteDeviation(gaps),
    onTheMinute: gaps.filter(isOnTheMinute).length / gaps.length,
    calls: starts.length,
    connections,
    spanMs,
  };
}

interface Burst {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly connections: number;
}

function callsOf(startsMs: readonly number[], bytes: readonly number[]): Burst {
  const order = startsMs.map((_, i) => i).sort((a, b) => startsMs[a]! - startsMs[b]! || a - b);
  const lastMs = startsMs[order.at(-1)!]!;
  const recent = order.filter((i) => startsMs[i]! >= lastMs - DAY_MS);
  const least = ((lastMs - startsMs[recent[0]!]!) / Math.max(1, recent.length - 1)) * BURST;
  const starts: number[] = [];
  const sizes: number[] = [];
  let beforeMs = Number.NEGATIVE_INFINITY;
  for (const i of recent) {
    if (startsMs[i]! - beforeMs > least) {
      starts.push(startsMs[i]!);
      sizes.push(bytes[i]!);
    } else {
      sizes[sizes.length - 1]! += bytes[i]!;
    }
    beforeMs = startsMs[i]!;
  }
  return { starts, sizes, connections: recent.length };
}

/** Times between calls, shortest first. */
const gapsOf = (starts: readonly number[]): number[] =>
  starts
    .slice(1)
    .map((ms, i) => ms - starts[i]!)
    .sort((a, b) => a - b);

function counts(starts: readonly number[], spanMs: number, parts: number): number[] {
  const bars = Array.from({ length: parts }, () => 0);
  for (const ms of starts) bars[Math.min(parts - 1, Math.floor(((ms - starts[0]!) / spanMs) * parts))]!++;
  return bars;
}

const period = (starts: readonly number[], spanMs: number): number =>
  toThreePlaces(Math.min(1, strongestPeriod(counts(starts, spanMs, BUCKETS), { jitter: 1 })?.strength ?? 0));

/** Least interval of what is taken for a scheduled job, what its minutes may be off, and how many of its calls must be on them. */
const TIMER_MS = 240_000;
const MINUTE_MS = 60_000;
const TIMER_SLACK_MS = 3_000;
const TIMER_SHARE = 0.6;

const isOnTheMinute = (gapMs: number): boolean =>
  Math.abs(gapMs - Math.round(gapMs / MINUTE_MS) * MINUTE_MS) <= TIMER_SLACK_MS;

/**
 * Whether calls come whole minutes apart, some perhaps left out, as those of scheduled jobs, update checks and meters do: what
 * hides its calls spreads them, and of spread ones one in ten is as near to a minute.
 */
export const isTimer = ({ intervalMs, onTheMinute }: Judgement): boolean =>
  intervalMs >= TIMER_MS && onTheMinute >= TIMER_SHARE;

/** Longest interval of a health probe, and what its interval may vary. */
const PROBE_MS = 65_000;
const PROBE_SLACK = 0.05;

/** Whether calls come as those of a health probe: within a minute, without jitter, all of one size. */
export const isProbe = ({ intervalMs, deviationMs, sizes }: Judgement): boolean =>
  intervalMs <= PROBE_MS && deviationMs <= Math.max(50, intervalMs * PROBE_SLACK) && sizes >= 0.95;
