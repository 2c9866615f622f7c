import { mean, medianAbsoluteDeviation, medianSorted, standardDeviation } from 'simple-statistics';
import { toThreePlaces } from '../stats/regularity.ts';

/**
 * How even the times between calls are, 1 - standard deviation / mean, in [0, 1]. Calls that come at random have 0; of ten such
 * calls one set in a thousand has 0.7 (a gamma of that shape). Jitter of half the interval either way has 0.71.
 */
export const evenness = (gaps: readonly number[]): number =>
  gaps.length < 2 ? 0 : toThreePlaces(Math.max(0, 1 - standardDeviation([...gaps]) / mean([...gaps])));

/** Connections of one client may overlap by this share and still follow each other. */
const OVERLAP = 1.05;

/**
 * How much of the time one connection or another was there, in [0, 1], where each began when the one before had ended:
 * long polls, which keep a channel open by calling again at once. 0 where connections overlap, as those of a download do. Takes
 * connections in the order in which they began.
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
