import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createCusum } from '../stats/cusum.ts';
import { createEwma } from '../stats/ewma.ts';
import { createLogQuantiles } from '../stats/log-quantiles.ts';
import type { Transfer } from './transfer.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Half of what is usual for a sender is forgotten in a week. */
const HALF_LIFE_MS = 7 * DAY_MS;
/** Hours without traffic that are taken into account one by one; what was silent for longer is known for that. */
const MOST_EMPTY_HOURS = 168;
/** Hours of history before a rise means anything. */
const LEAST_HOURS = 24;
/** With fewer hours one of them, such as that of a weekly backup, is more than a thousandth: the most is usual. */
const HOURS_OF_QUANTILE = 1_000;
/** Half a year; then older hours count half, and what was seen once is forgotten. */
const MOST_HOURS = 4_380;
/** Bytes of an hour are compared by their logarithm; below this scale they are all alike. */
const SCALE_BYTES = 100_000;
/** Least deviation of such logarithms: less than two thirds more is no rise. */
const LEAST_DEVIATION = 0.5;

/** What a sender did in the present hour and before. */
export interface Sent {
  readonly slot: number;
  /** In the present hour. */
  readonly bytes: number;
  readonly receivedBytes: number;
  readonly flows: number;
  readonly firstMs: number;
  /** Since the sender was first met. */
  readonly ageMs: number;
  /** A rise over many hours, as of the last full one; null while there is none, and where that hour was judged before. */
  readonly rise: Rise | null;
}

export interface Rise {
  readonly sum: number;
  /** Above the usual, over all hours of the rise. */
  readonly excessBytes: number;
  readonly sinceMs: number;
  readonly usualBytes: number;
  readonly hourBytes: number;
}

/** Bytes to the outside by sender and hour. */
export interface Senders {
  readonly size: number;
  add(sender: Hash, transfer: Transfer, timeMs: number): Sent;
  /** 99.9th percentile of its full hours, the most while they are few; 0 without one. */
  usualBytes(sender: Hash): number;
  /** How many outside peers it had that it does not call itself; counts one more. */
  callers(slot: number): number;
  countCaller(slot: number): void;
  /** After a rise was told. */
  settle(sender: Hash): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** About 60 bytes a sender, and 160 more once it was seen in a second hour. */
export function createSenders(maxKeys: number, evict: () => void): Senders {
  const table = createKeyTable({ name: 'sender', maxKeys, evict });
  const metMs = table.column('metMs', Float64Array);
  /** First flow of the present hour. */
  const firstMs = table.column('firstMs', Float64Array);
  const bytes = table.column('bytes', Float64Array);
  const received = table.column('received', Float64Array);
  const flows = table.column('flows', Uint32Array);
  const callers = table.column('callers', Uint16Array);

  const history = createKeyTable({ name: 'history', maxKeys, evict });
  const hours = createLogQuantiles(history, 'hours', { accuracy: 0.25, least: 10_000, most: 1e12 });
  const usual = createEwma(history, 'usual', HALF_LIFE_MS);
  const drift = createCusum(history, 'drift', { slack: 1, most: 3 });
  const sinceMs = history.column('sinceMs', Float64Array);
  const excess = history.column('excess', Float64Array);

  /** Takes a full hour into account. */
  function learn(at: number, hourBytes: number, hourMs: number): void {
    const value = Math.log1p(hourBytes / SCALE_BYTES);
    if (usual.weight(at) >= LEAST_HOURS) {
      const wasAbove = drift.above(at) > 0;
      drift.add(at, usual.z(at, value, LEAST_DEVIATION));
      if (drift.above(at) === 0) excess.at[at] = 0;
      else {
        if (!wasAbove) sinceMs.at[at] = hourMs;
        excess.at[at] = excess.at[at]! + Math.max(0, hourBytes - usualBytesOf(at));
      }
    }
    usual.add(at, value, hourMs);
    hours.add(at, hourBytes);
    if (hours.count(at) >= MOST_HOURS) hours.fade(at);
  }

  const usualBytesOf = (at: number): number => Math.expm1(usual.mean(at)) * SCALE_BYTES;

  /** The hours that are over once event time is in `hour`. */
  function finish(sender: Hash, slot: number, hour: number): Rise | null {
    const at = history.claim(sender);
    const last = Math.floor(firstMs.at[slot]! / HOUR_MS);
    const hourBytes = bytes.at[slot]!;
    const usualBytes = usualBytesOf(at);
    learn(at, hourBytes, last * HOUR_MS);
    const rise =
      drift.above(at) > 0
        ? {
            sum: drift.above(at),
            excessBytes: excess.at[at]!,
            sinceMs: sinceMs.at[at]!,
            usualBytes,
            hourBytes,
          }
        : null;
    for (let empty = Math.max(last + 1, hour - MOST_EMPTY_HOURS); empty < hour; empty++)
      learn(at, 0, empty * HOUR_MS);
    return rise;
  }

  return {
    get size() {
      return table.size + history.size;
    },
    add(sender, transfer, timeMs) {
      let slot = table.find(sender);
      let rise: Rise | null = null;
      if (slot === -1) {
        slot = table.claim(sender);
        metMs.at[slot] = timeMs;
        firstMs.at[slot] = timeMs;
      } else {
        const hour = Math.floor(timeMs / HOUR_MS);
        if (hour > Math.floor(firstMs.at[slot]! / HOUR_MS)) {
          rise = finish(sender, slot, hour);
          firstMs.at[slot] = timeMs;
          bytes.at[slot] = 0;
          received.at[slot] = 0;
          flows.at[slot] = 0;
        }
      }
      return {
        slot,
        bytes: (bytes.at[slot] = bytes.at[slot]! + transfer.sentBytes),
        receivedBytes: (received.at[slot] = received.at[slot]! + transfer.receivedBytes),
        flows: (flows.at[slot] = flows.at[slot]! + 1),
        firstMs: firstMs.at[slot]!,
        ageMs: timeMs - metMs.at[slot]!,
        rise,
      };
    },
    usualBytes(sender) {
      const at = history.find(sender);
      if (at === -1) return 0;
      return hours.quantile(at, hours.count(at) < HOURS_OF_QUANTILE ? 1 : 0.999);
    },
    callers: (slot) => callers.at[slot]!,
    countCaller(slot) {
      if (callers.at[slot]! < 65_535) callers.at[slot] = callers.at[slot]! + 1;
    },
    settle(sender) {
      const at = history.find(sender);
      if (at === -1) return;
      drift.reset(at);
      excess.at[at] = 0;
    },
    *sections() {
      yield* table.sections();
      yield* history.sections();
      yield* hours.sections();
    },
    restore(sections) {
      table.restore(sections);
      history.restore(sections);
      hours.restore(sections);
    },
  };
}
