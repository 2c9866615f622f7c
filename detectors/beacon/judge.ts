import { medianAbsoluteDeviation, medianSorted } from 'simple-statistics';
import { strongestPeriod } from '../stats/periodicity.ts';
import { sizeRegularity, toThreePlaces } from '../stats/regularity.ts';
import { steadiness } from '../stats/steadiness.ts';
import { HELD, type Held } from './calls.ts';
import { beyondChance, chances, coverage, evenness, robustEvenness, timerPeriod } from './rhythm.ts';

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
  /** Share of the time in which a call waited for its answer. */
  readonly covered: number;
  /** Period of the timers that make the calls; null when none do. */
  readonly timerMs: number | null;
  /** Median bytes that came back to a call. */
  readonly receivedBytes: number;
  readonly calls: number;
  readonly connections: number;
  readonly spanMs: number;
}

/** RITA cuts its 24 hours into as many; where fewer calls are held than can be, into fewer, so that chance does not empty a bar. */
const MOST_BARS = 24;
const LEAST_BARS = 8;
const DAY_MS = 86_400_000;
/** Within less than this a page loads its parts, evenly or not. */
const LEAST_SPAN_MS = 20_000;
/** Calls that move more do not wait for news, they are busy. */
const WAITING_BYTES = 65_536;
/** Buckets in which a period is looked for; twice the connections held, so that a period has some. */
const BUCKETS = 128;
/** Regularity from which on looking for a period adds nothing. */
const REGULAR = 0.9;
/** Fewer calls than this have a period by chance alone often enough. */
const FEW = 20;
/**
 * Least evenness of calls of differing sizes, however many: below it are clients that wait for an answer, work for a while and ask
 * again. It is as if half the interval were fixed and half left to chance.
 */
const LEAST_EVEN = 0.5;
/** Sizes in both directions that are so alike are those of a program that has nothing to say. */
const ALIKE = 0.95;

/** Connections this much closer than the mean are one call: a page and its pictures, a request and its retry. */
const BURST = 0.1;
/**
 * RITA's score over the time the calls span, at most 24 hours, and not over a fixed day: a beacon that began ten minutes ago
 * fills its window as one of yesterday does. Connections of one burst are one call. Sizes are those of both directions: who
 * fetches things asks alike and gets what differs, who asks for orders gets none. How regular the calls are is not RITA's measure, which random
 * calls pass in one judgement of ten, but the greatest of two measures of evenness, the strongest period, and how calls cover the time.
 * Null when there are too few.
 */
export function judge(held: Held): Judgement | null {
  const { starts, sent, received, connections, covered } = callsOf(held);
  const spanMs = starts.at(-1)! - starts[0]!;
  if (spanMs < LEAST_SPAN_MS || starts.length < 4) return null;
  const parts = Math.min(MOST_BARS, Math.max(LEAST_BARS, Math.floor((starts.length * MOST_BARS) / HELD)));
  const bars = counts(starts, spanMs, parts);
  const sentAlike = sizeRegularity(sent);
  if (sentAlike === null) return null;
  const { histogram, duration } = steadiness(bars, 1);
  const gaps = starts.slice(1).map((ms, i) => ms - starts[i]!);
  const sorted = gaps.toSorted((a, b) => a - b);
  const receivedBytes = medianSorted(received.toSorted((a, b) => a - b));
  // Where nothing comes back, or nobody told, what is sent says it all.
  const sizes =
    receivedBytes < 1 ? sentAlike : toThreePlaces((sentAlike + (sizeRegularity(received) ?? sentAlike)) / 2);
  const intervals = Math.max(rhythmOf(gaps, starts, sizes), covered);
  return {
    score: toThreePlaces((intervals + sizes + histogram + duration) / 4),
    intervals,
    sizes,
    histogram,
    duration,
    intervalMs: medianSorted(sorted),
    deviationMs: medianAbsoluteDeviation(sorted),
    onTheMinute: gaps.filter(isOnTheMinute).length / gaps.length,
    covered,
    timerMs: timerPeriod(gaps),
    receivedBytes,
    calls: starts.length,
    connections,
    spanMs,
  };
}

interface Bursts {
  readonly starts: readonly number[];
  readonly sent: readonly number[];
  readonly received: readonly number[];
  readonly connections: number;
  /** How much of the time is covered by connections that follow each other. */
  readonly covered: number;
}

function callsOf({ startsMs, durationsMs, sent, received }: Held): Bursts {
  const order = startsMs.map((_, i) => i).sort((a, b) => startsMs[a]! - startsMs[b]! || a - b);
  const lastMs = startsMs[order.at(-1)!]!;
  const recent = order.filter((i) => startsMs[i]! >= lastMs - DAY_MS);
  const least = ((lastMs - startsMs[recent[0]!]!) / Math.max(1, recent.length - 1)) * BURST;
  const bursts = { starts: [] as number[], sent: [] as number[], received: [] as number[] };
  let beforeMs = Number.NEGATIVE_INFINITY;
  for (const i of recent) {
    if (startsMs[i]! - beforeMs > least) {
      bursts.starts.push(startsMs[i]!);
      bursts.sent.push(sent[i]!);
      bursts.received.push(received[i]!);
    } else {
      bursts.sent[bursts.sent.length - 1]! += sent[i]!;
      bursts.received[bursts.received.length - 1]! += received[i]!;
    }
    beforeMs = startsMs[i]!;
  }
  const bytes = medianSorted(recent.map((i) => sent[i]! + received[i]!).sort((a, b) => a - b));
  const covered =
    bytes > WAITING_BYTES
      ? 0
      : coverage(recent.map((i) => ({ startMs: startsMs[i]!, durationMs: durationsMs[i]! })));
  return { ...bursts, connections: recent.length, covered };
}

function counts(starts: readonly number[], spanMs: number, parts: number): number[] {
  const bars = Array.from({ length: parts }, () => 0);
  for (const ms of starts) bars[Math.min(parts - 1, Math.floor(((ms - starts[0]!) / spanMs) * parts))]!++;
  return bars;
}

/**
 * How regular the calls are: the most that one measure says, each held against what random calls reach. The period says
 * something only of many calls.
 */
function rhythmOf(gaps: readonly number[], starts: readonly number[], sizes: number): number {
  const calls = starts.length;
  const even = Math.max(
    beyondChance(evenness(gaps), calls, chances.evenness, sizes < ALIKE ? LEAST_EVEN : 0),
    beyondChance(robustEvenness(gaps), calls, chances.robustEvenness),
  );
  if (calls < FEW || even >= REGULAR) return even;
  return Math.max(even, period(starts, starts.at(-1)! - starts[0]!));
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

/** Whether calls come by a timer of one server: an exact one, and of what is told late since nothing hurries. */
export const isExact = ({ intervals, calls }: Judgement): boolean => intervals >= REGULAR && calls >= FEW;

/**
 * Whether calls come whole minutes apart, some perhaps left out, as those of scheduled jobs, update checks and meters do: what
 * hides its calls spreads them, and of spread ones one in ten is as near to a minute.
 */
export const isTimer = ({ intervalMs, onTheMinute }: Judgement): boolean =>
  intervalMs >= TIMER_MS && onTheMinute >= TIMER_SHARE;

/** Longest period of a health probe. */
const PROBE_MS = 65_000;

/** Whether calls come as those of health probes: within a minute, by timers without jitter, all of one size. */
export const isProbe = ({ timerMs, sizes }: Judgement): boolean =>
  timerMs !== null && timerMs <= PROBE_MS && sizes >= 0.95;

const BULK_BYTES = 1_000_000;

/** Whether each call fetches so much that it is a film or a download in pieces: orders are short. */
export const isStream = ({ receivedBytes }: Judgement): boolean => receivedBytes >= BULK_BYTES;
