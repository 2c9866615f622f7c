import { mean, medianAbsoluteDeviation, medianSorted, standardDeviation } from 'simple-statistics';
import { toThreePlaces } from '../stats/regularity.ts';

/**
 * How even the times between calls are, 1 - standard deviation / mean, in [0, 1]. Calls that come at random have 0, those of a
 * person less than that. Jitter of half the interval either way has 0.71.
 */
export const evenness = (gaps: readonly number[]): number =>
  gaps.length < 2 ? 0 : toThreePlaces(Math.max(0, 1 - standardDeviation([...gaps]) / mean([...gaps])));

/**
 * The same by medians, which some calls that are missed or made out of turn do not move: 1 - median absolute deviation / median.
 * Calls that come at random have 0.3, jitter of half the interval either way 0.75.
 */
export function robustEvenness(gaps: readonly number[]): number {
  if (gaps.length < 2) return 0;
  const median = medianSorted(gaps.toSorted((a, b) => a - b));
  return median === 0 ? 0 : toThreePlaces(Math.max(0, 1 - medianAbsoluteDeviation([...gaps]) / median));
}

/** A measure of calls, by how many there are: what random ones reach in one of 10,000 cases is `base + slope / sqrt(calls)`. */
export interface Chance {
  readonly base: number;
  readonly slope: number;
}

/**
 * Simulated (100,000 sets each of 10 to 60 calls, the same check is in `npm test -- detectors/beacon_families`): intervals that are exponential, as those
 * of independent requests, or lognormal, as those of people, whichever reaches more; calls of one burst taken as one.
 */
export const chances = {
  evenness: { base: 0.19, slope: 1.9 },
  robustEvenness: { base: 0.51, slope: 1.5 },
} as const satisfies Readonly<Record<string, Chance>>;

/** What a measure is worth that random calls reach in one of 10,000 cases. */
const UNLIKELY = 0.7;

/** The value on one scale for measures that chance treats differently: 0.7 is what chance reaches in one of 10,000 cases, 1 is a clock. */
export function beyondChance(value: number, calls: number, { base, slope }: Chance, least = 0): number {
  const bound = Math.min(0.99, Math.max(least, base + slope / Math.sqrt(calls)));
  const scaled =
    value < bound ? (UNLIKELY * value) / bound : UNLIKELY + ((1 - UNLIKELY) * (value - bound)) / (1 - bound);
  return toThreePlaces(scaled);
}

/** Least median duration of calls that wait for an answer until there is one: what is fetched comes as fast as it can. */
const WAITS_MS = 1000;

/** Connections of one client may overlap by this share and still follow each other. */
const OVERLAP = 1.05;

/**
 * How much of the time one connection or another was there, in [0, 1], where each began when the one before had ended:
 * long polls, which keep a channel open by calling again at once. 0 where connections overlap, as those of a download do, or are
 * short, as those that fetch one thing after another. Takes connections in the order in which they began.
 */
export function coverage(
  connections: readonly { readonly startMs: number; readonly durationMs: number }[],
): number {
  const firstMs = connections[0]?.startMs ?? 0;
  let untilMs = firstMs;
  let covered = 0;
  let sum = 0;
  for (const { startMs, durationMs } of connections) {
    const endMs = startMs + durationMs;
    covered += Math.max(0, endMs - Math.max(startMs, untilMs));
    untilMs = Math.max(untilMs, endMs);
    sum += durationMs;
  }
  const durations = connections.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  if (durations.length === 0 || medianSorted(durations) < WAITS_MS) return 0;
  return untilMs === firstMs || sum > covered * OVERLAP ? 0 : toThreePlaces(covered / (untilMs - firstMs));
}

/** Timers that may run beside each other to one port: those of the liveness, readiness and startup probe, and a monitor. */
const TIMERS = 4;
const SLACK_MS = 50;
const SLACK_SHARE = 0.05;

/**
 * The period of a timer, or of up to four of one period beside each other, in milliseconds; null when calls come by none. Of k
 * timers each sum of k gaps in a row is the period. It has the slack of a single gap: jitter that calls draw each by itself adds
 * up in the sum, so more timers never excuse it.
 */
export function timerPeriod(gaps: readonly number[]): number | null {
  for (let timers = 1; timers <= TIMERS && gaps.length >= timers * 3; timers++) {
    const sums = gaps.slice(timers - 1).map((_, i) => sumOf(gaps, i, timers));
    const period = medianSorted(sums.toSorted((a, b) => a - b));
    const slackMs = Math.max(SLACK_MS, (period / timers) * SLACK_SHARE);
    if (medianAbsoluteDeviation(sums) <= slackMs) return period;
  }
  return null;
}

function sumOf(gaps: readonly number[], from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += gaps[i]!;
  return sum;
}
