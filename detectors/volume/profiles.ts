import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createSeasonalQuantiles } from '../stats/seasonal-quantiles.ts';
import type { Options } from './options.ts';

export const BUCKET_MS = 300_000;
const HOUR_MS = 3_600_000;
const HIGH = 0.999;
const LOW = 0.001;
/** What has gone on for a day is how it is from now on. */
const ACCEPTED = 288;
/** Halves all, six times: what fewer than 64 of the 2,016 spans of a week did is forgotten. */
const FIRST_FADES = 6;
/** More than a sketch has bins: as long as there are so many, halving leaves some. */
const LEAST_COUNT = 128;
/** After four weeks what was rare counts half. */
const FADE_SPANS = 8_064;

/** What an entity is measured in. */
export const units = { bytes: 0, connections: 1 } as const;

/** A span that ended. */
export interface Span {
  /** Spans in a row that were too low, this one included; 0 when it was not. */
  readonly low: number;
  readonly value: number;
  /** What is usual at that hour, what 999 of 1,000 spans exceed, and the share of it below which is too low. */
  readonly expected: number;
  readonly lowest: number;
  readonly floor: number;
}

/** What each watched entity moves in the present span, beside what it usually does. */
export interface Profiles {
  readonly size: number;
  readonly isFull: boolean;
  find(key: Hash): number;
  admit(key: Hash, unit: number): number;
  unit(slot: number): number;
  /** Adds to the present span; true when it is the first of it. */
  add(slot: number, amount: number, sent: number): boolean;
  value(slot: number): number;
  sentShare(slot: number): number;
  /** Flows of this span and of those before it that were too high in a row. */
  runFlows(slot: number): number;
  /** How many spans in a row are too high, with the present one; 0 when that is not, or not known. */
  high(slot: number, bucket: number): number;
  /** Above which a span is too high, and what 999 of 1,000 stay below. */
  limit(slot: number, bucket: number): number;
  highest(slot: number, bucket: number): number;
  expected(slot: number, bucket: number): number;
  /** Whether a fall could be told, so that a flow should be kept to show it with. */
  canFall(slot: number, bucket: number): boolean;
  /** How long it was watched. */
  knownMs(slot: number): number;
  /** Ends the span of one entity and learns it; null of the first, which was not watched whole. */
  end(slot: number, bucket: number): Span | null;
  /** Says that spans were left out: what was too high was so no longer in a row. */
  interrupt(): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/**
 * One profile by the hour of the week for each entity, of 756 bytes, and 38 for the present. Quantiles are those of the hour and
 * of both beside it, whichever is farther out: levels change by the hour, traffic does when people come to work, which in summer
 * is an hour off. Of spans in a row that are too high or too low only the first is learned, until they have gone on for a day: what
 * happened once is not usual, what happens every night is after some nights, and what stays is after a day.
 */
export function createProfiles(
  options: Options,
  { maxKeys, evict }: { readonly maxKeys: number; readonly evict: (slot: number) => void },
): Profiles {
  const learnSpans = Math.ceil(options.learnMs / BUCKET_MS);
  const seasonSpans = Math.ceil(options.seasonMs / BUCKET_MS);
  const riseLeast = [options.riseBytes, options.riseConnections];
  const fallLeast = [options.fallBytes, options.fallConnections];
  const table = createKeyTable({ name: 'profile', maxKeys, evict });
  const sums = table.column('sum', Float64Array);
  const sents = table.column('sent', Float64Array);
  const flows = table.column('flows', Uint32Array);
  const runFlows = table.column('runFlows', Uint32Array);
  const highRun = table.column('highRun', Uint16Array);
  const lowRun = table.column('lowRun', Uint16Array);
  /** As of the first span that was too high; 0 when it is to be asked anew. */
  const limits = table.column('limit', Float64Array);
  const unit = table.column('unit', Uint8Array);
  /** Spans it was watched for, and one more: 0 before the first ended, which it was not watched for from its beginning. */
  const spans = table.column('spans', Uint32Array);
  const usual = createSeasonalQuantiles(table, 'usual');

  const isReady = (slot: number): boolean => spans.at[slot]! > learnSpans;

  function highest(slot: number, bucket: number): number {
    const timeMs = bucket * BUCKET_MS;
    return Math.max(
      usual.quantile(slot, timeMs - HOUR_MS, HIGH),
      usual.quantile(slot, timeMs, HIGH),
      usual.quantile(slot, timeMs + HOUR_MS, HIGH),
    );
  }

  /** Before a whole week is known any hour of the day may be that of a day off. */
  function lowest(slot: number, bucket: number): number {
    const timeMs = bucket * BUCKET_MS;
    const [from, to] = spans.at[slot]! > seasonSpans ? [-1, 1] : [-12, 11];
    let least = Number.POSITIVE_INFINITY;
    for (let hour = from; hour <= to; hour++)
      least = Math.min(least, usual.quantile(slot, timeMs + hour * HOUR_MS, LOW));
    return least;
  }

  function limit(slot: number, bucket: number): number {
    if (limits.at[slot] === 0)
      limits.at[slot] = Math.max(riseLeast[unit.at[slot]!]!, options.riseFactor * highest(slot, bucket));
    return limits.at[slot]!;
  }

  const expected = (slot: number, bucket: number): number => usual.expected(slot, bucket * BUCKET_MS);
  const isHigh = (slot: number, bucket: number): boolean =>
    sums.at[slot]! > riseLeast[unit.at[slot]!]! && isReady(slot) && sums.at[slot]! > limit(slot, bucket);

  /** The least that is usual where the span is below the share of it, else 0. */
  function fallenFrom(slot: number, bucket: number): number {
    const value = sums.at[slot]!;
    if (!isReady(slot) || value * 2 > expected(slot, bucket)) return 0;
    const least = lowest(slot, bucket);
    return least >= fallLeast[unit.at[slot]!]! && value < options.fallFactor * least ? least : 0;
  }

  function judge(slot: number, bucket: number): Span {
    const value = sums.at[slot]!;
    const wasHigh = isHigh(slot, bucket);
    const least = wasHigh ? 0 : fallenFrom(slot, bucket);
    const span = {
      low: 0,
      value,
      expected: least > 0 ? expected(slot, bucket) : 0,
      lowest: least,
      floor: options.fallFactor * least,
    };
    const high = wasHigh ? Math.min(highRun.at[slot]! + 1, 65_535) : 0;
    const low = least > 0 ? Math.min(lowRun.at[slot]! + 1, 65_535) : 0;
    highRun.at[slot] = high;
    lowRun.at[slot] = low;
    runFlows.at[slot] = wasHigh ? runFlows.at[slot]! + flows.at[slot]! : 0;
    const isAccepted = high > ACCEPTED || low > ACCEPTED;
    if (isAccepted || (high <= 1 && low <= 1)) usual.add(slot, value, bucket * BUCKET_MS);
    // In the first week most hours were expected to be as others were: how far off that was says nothing of those to come.
    if (spans.at[slot] === seasonSpans)
      for (let i = 0; i < FIRST_FADES && usual.count(slot) > LEAST_COUNT; i++) usual.fade(slot);
    else if (spans.at[slot]! % FADE_SPANS === 0) usual.fade(slot);
    if (!wasHigh || isAccepted) limits.at[slot] = 0;
    return isAccepted ? span : { ...span, low };
  }

  return {
    get size() {
      return table.size;
    },
    get isFull() {
      return table.size >= maxKeys;
    },
    find: (key) => table.find(key),
    admit(key, kind) {
      const slot = table.claim(key);
      unit.at[slot] = kind;
      return slot;
    },
    unit: (slot) => unit.at[slot]!,
    add(slot, amount, sent) {
      sums.at[slot] = sums.at[slot]! + amount;
      sents.at[slot] = sents.at[slot]! + sent;
      flows.at[slot] = flows.at[slot]! + 1;
      return flows.at[slot] === 1;
    },
    value: (slot) => sums.at[slot]!,
    sentShare: (slot) => (sums.at[slot] === 0 ? 0 : sents.at[slot]! / sums.at[slot]!),
    runFlows: (slot) => runFlows.at[slot]! + flows.at[slot]!,
    high: (slot, bucket) => (isHigh(slot, bucket) ? highRun.at[slot]! + 1 : 0),
    limit,
    highest,
    expected,
    canFall: (slot, bucket) => isReady(slot) && expected(slot, bucket) >= fallLeast[unit.at[slot]!]!,
    knownMs: (slot) => Math.max(0, spans.at[slot]! - 1) * BUCKET_MS,
    end(slot, bucket) {
      // The span in which it was admitted began before.
      const span = spans.at[slot] === 0 ? null : judge(slot, bucket);
      spans.at[slot] = spans.at[slot]! + 1;
      sums.at[slot] = 0;
      sents.at[slot] = 0;
      flows.at[slot] = 0;
      return span;
    },
    interrupt() {
      highRun.at.fill(0);
      runFlows.at.fill(0);
      limits.at.fill(0);
    },
    *sections() {
      yield* table.sections();
      yield* usual.sections();
    },
    restore(sections) {
      table.restore(sections);
      usual.restore(sections);
    },
  };
}
