import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createDecayedRate } from '../stats/decayed-rate.ts';
import { negativeBinomialTail, sizeOf } from '../stats/negative-binomial-tail.ts';

const MINUTE_MS = 60_000;
/** Minutes of the window, which slides by the minute. */
const MINUTES = 5;
export const WINDOW_MS = MINUTES * MINUTE_MS;
/** Beyond it no count says more, and sums stay far from what a double can hold. */
const MOST = 1e6;
/** The mean before anything was seen: Jeffreys' prior of a rate adds half an event. */
const PRIOR_EVENTS = 0.5;

/** What is usual of a key, and from which count on the window is not. */
export interface Usual {
  /** Denials expected in five minutes. */
  readonly mean: number;
  /** Size of the negative binomial; less is more varied. */
  readonly size: number;
  readonly knownMs: number;
}

export interface Denied {
  readonly count: number;
  /** 32 bits of who or what was at the other side. */
  readonly place: number;
  readonly timeMs: number;
  /** Since when the workload is known. */
  readonly sinceMs: number;
}

/** Denials of each key within the last five minutes, beside what is usual for it. */
export interface Denials {
  readonly size: number;
  /** Takes denials of a key whose workload is known since `sinceMs`; its slot. */
  add(key: Hash, denied: Denied): number;
  inWindow(slot: number): number;
  /** Least count of a window that is rarer than allowed. */
  limit(slot: number): number;
  usual(slot: number): Usual;
  /** How many different other sides there were at least, up to 32, in this span of five minutes and the one before. */
  places(slot: number): number;
  /** Event time at which the first minute of the window that has any began. */
  windowSinceMs(slot: number): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface DenialsOptions {
  readonly maxKeys: number;
  readonly evict: () => void;
  readonly minDenials: number;
  readonly probability: number;
  readonly halfLifeMs: number;
}

/**
 * The last five minutes slide by the minute. History is of spans of five minutes that ended before the window began, so a
 * burst is not its own excuse; mean and mean square of their counts, silent spans included, are decayed rates since the
 * workload is known. Counts are negative binomial: as varied as they were, and at least as the rate itself is uncertain
 * (the predictive distribution of a Poisson rate seen through n events has size n + 1/2). A span beyond twice its limit is
 * learned as that, so that one burst does not teach that any burst is usual. 101 bytes a key.
 */
export function createDenials(options: DenialsOptions): Denials {
  const { minDenials, halfLifeMs } = options;
  const logProbability = Math.log(options.probability);
  const tauSpans = halfLifeMs / Math.LN2 / WINDOW_MS;
  const table = createKeyTable({ name: 'denials', maxKeys: options.maxKeys, evict: options.evict });
  const minutes = table.column('minute', Float64Array);
  const cells = Array.from({ length: MINUTES }, (_, i) => table.column(`cell${i}`, Float32Array));
  /** The span that ended before the present one: not yet history, since the window may reach into it. */
  const before = table.column('before', Float32Array);
  /** Least count that is rare, as of the present span; 0 while it was not asked for. */
  const limits = table.column('limit', Float32Array);
  /** One bit of 32 for each other side, of this span and of the one before. */
  const places = table.column('places', Uint32Array);
  const placesBefore = table.column('placesBefore', Uint32Array);
  const rate = createDecayedRate(table, 'rate', { halfLifeMs, leastMs: WINDOW_MS });
  const squares = createDecayedRate(table, 'square', { halfLifeMs, leastMs: WINDOW_MS });

  const cellOf = (minute: number): number => ((minute % MINUTES) + MINUTES) % MINUTES;
  const spanOf = (minute: number): number => Math.floor(minute / MINUTES);

  /** Minutes of the present span up to the present minute. */
  function inSpan(slot: number): number {
    const minute = minutes.at[slot]!;
    let sum = 0;
    for (let at = spanOf(minute) * MINUTES; at <= minute; at++) sum += cells[cellOf(at)]!.at[slot]!;
    return sum;
  }

  function learn(slot: number, count: number, endMs: number): void {
    if (count === 0) return;
    const learned = count < minDenials ? count : Math.min(count, 2 * limit(slot));
    rate.add(slot, learned, endMs);
    squares.add(slot, learned * learned, endMs);
  }

  function turn(slot: number, minute: number): void {
    const held = minutes.at[slot]!;
    const passed = spanOf(minute) - spanOf(held);
    if (passed > 0) {
      const ended = inSpan(slot);
      const endMs = (spanOf(held) + 1) * WINDOW_MS;
      learn(slot, before.at[slot]!, endMs - WINDOW_MS);
      if (passed > 1) learn(slot, ended, endMs);
      before.at[slot] = passed > 1 ? 0 : ended;
      limits.at[slot] = 0;
      placesBefore.at[slot] = passed > 1 ? 0 : places.at[slot]!;
      places.at[slot] = 0;
    }
    for (let at = Math.max(held + 1, minute - MINUTES + 1); at <= minute; at++)
      cells[cellOf(at)]!.at[slot] = 0;
    minutes.at[slot] = minute;
  }

  function usual(slot: number): Usual {
    const timeMs = spanOf(minutes.at[slot]!) * WINDOW_MS;
    const knownMs = Math.max(rate.ageMs(slot, timeMs), WINDOW_MS);
    /** How many fresh spans the history is worth. */
    const spans = tauSpans * -Math.expm1(-knownMs / WINDOW_MS / tauSpans);
    const seen = rate.expected(slot, timeMs, WINDOW_MS);
    const variance = squares.expected(slot, timeMs, WINDOW_MS) - seen * seen;
    const events = seen * spans + PRIOR_EVENTS;
    return { mean: events / spans, size: Math.min(sizeOf(seen, variance), events), knownMs };
  }

  function limit(slot: number): number {
    if (limits.at[slot] !== 0) return limits.at[slot]!;
    const { mean, size } = usual(slot);
    const isRare = (count: number): boolean => negativeBinomialTail(count, mean, size) <= logProbability;
    let most = minDenials;
    while (most < MOST && !isRare(most)) most *= 2;
    let least = most === minDenials ? most : most / 2;
    while (least < most) {
      const middle = Math.floor((least + most) / 2);
      if (isRare(middle)) most = middle;
      else least = middle + 1;
    }
    limits.at[slot] = most;
    return most;
  }

  return {
    get size() {
      return table.size;
    },
    add(key, { count, place, timeMs, sinceMs }) {
      const minute = Math.floor(timeMs / MINUTE_MS);
      let slot = table.find(key);
      if (slot === -1) {
        slot = table.claim(key);
        minutes.at[slot] = minute;
        // That nothing was denied before is known for as long as the workload is.
        rate.add(slot, 0, sinceMs);
        squares.add(slot, 0, sinceMs);
      } else if (minute > minutes.at[slot]!) {
        turn(slot, minute);
      }
      const cell = cells[cellOf(minutes.at[slot]!)]!;
      cell.at[slot] = Math.min(cell.at[slot]! + count, MOST);
      places.at[slot] = places.at[slot]! | (1 << (place & 31));
      return slot;
    },
    inWindow(slot) {
      let sum = 0;
      for (const cell of cells) sum += cell.at[slot]!;
      return sum;
    },
    limit,
    usual,
    places: (slot) => bitsOf(places.at[slot]! | placesBefore.at[slot]!),
    windowSinceMs(slot) {
      const minute = minutes.at[slot]!;
      let at = minute - MINUTES + 1;
      while (at < minute && cells[cellOf(at)]!.at[slot] === 0) at++;
      return at * MINUTE_MS;
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}

/** How many bits of a word are set. */
function bitsOf(word: number): number {
  let rest = word;
  let bits = 0;
  for (; rest !== 0; bits++) rest &= rest - 1;
  return bits;
}
