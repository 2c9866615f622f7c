import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createCountSketch } from '../stats/count-sketch.ts';
import { createRecentValues } from '../stats/recent-values.ts';

/** Connections of a pair that are held: eight hours of one call in seven minutes. */
export const HELD = 64;
/** A pair is held in full from its third connection on, so that a flood of pairs that speak once costs little. */
const ADMITTED = 3;
/** Contacts of so many times the cap of pairs are known beyond those that are held, once there are more than fit. */
const COUNTED = 5;
/** Pairs held in full take 1.3 kilobytes; one in so many of the cap may be. */
const SHARE = 8;
/** After the first judgement a pair is judged again after so many connections: while its history fills, and then. */
const JUDGED_EACH = 4;
const JUDGED_EACH_LATER = 8;
const DAY_MS = 86_400_000;
/** Calls with less than that between them are of one run. */
const PAUSE_MS = 30_000;

/** One connection of a pair. */
export interface Call {
  readonly startMs: number;
  readonly timeMs: number;
  /** 0 where the origin does not tell of whole connections. */
  readonly durationMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Connections of a pair, oldest end first. */
export interface Held {
  readonly startsMs: readonly number[];
  readonly durationsMs: readonly number[];
  readonly sent: readonly number[];
  readonly received: readonly number[];
}

/** Connections of each pair. */
export interface Calls {
  readonly size: number;
  /** When the pair was first met. */
  meet(pair: Hash, timeMs: number): number;
  /** One more connection; true when there is reason to judge the pair. */
  add(pair: Hash, call: Call): boolean;
  /** The last connections of the pair. */
  held(pair: Hash): Held;
  /** How long the pair has called without a pause of half a minute. */
  runMs(pair: Hash): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** When a pair is judged for the first time: after so many connections, so long after the first. */
export interface Ripe {
  readonly minConnections: number;
  readonly minSpanMs: number;
}

export function createCalls({ minConnections, minSpanMs }: Ripe, maxKeys: number, evict: () => void): Calls {
  let isFull = false;
  const contacts = createKeyTable({
    name: 'contact',
    maxKeys,
    evict() {
      isFull = true;
      evict();
    },
  });
  const forgotten = createCountSketch({ name: 'forgotten', keys: maxKeys * COUNTED });
  const firstMs = contacts.column('firstMs', Float64Array);
  const times = contacts.column('times', Uint8Array);
  const pairs = createKeyTable({ name: 'pair', maxKeys: Math.max(1, Math.floor(maxKeys / SHARE)), evict });
  const lastMs = pairs.column('lastMs', Float64Array);
  /** As of the contact that is counted, which may be forgotten sooner. */
  const sinceMs = pairs.column('sinceMs', Float64Array);
  const runSinceMs = pairs.column('runSinceMs', Float64Array);
  const sinceJudged = pairs.column('sinceJudged', Uint32Array);
  const starts = createRecentValues(pairs, 'start', HELD);
  const durations = createRecentValues(pairs, 'duration', HELD, Float32Array);
  const sent = createRecentValues(pairs, 'sent', HELD, Float32Array);
  const received = createRecentValues(pairs, 'received', HELD, Float32Array);

  /** Contacts of a pair before this one, as far as they matter. That it was forgotten in between is no new beginning. */
  function contactsBefore(pair: Hash, contact: number): number {
    if (!isFull) return times.at[contact]!;
    if (pairs.find(pair) !== -1) return ADMITTED - 1;
    return Math.max(times.at[contact]!, forgotten.add(pair));
  }

  return {
    get size() {
      return contacts.size + pairs.size;
    },
    meet(pair, timeMs) {
      let slot = contacts.find(pair);
      if (slot === -1) {
        slot = contacts.claim(pair);
        const held = isFull ? pairs.find(pair) : -1;
        firstMs.at[slot] = held === -1 ? timeMs : sinceMs.at[held]! || timeMs;
      }
      return firstMs.at[slot]!;
    },
    add(pair, call) {
      const contact = contacts.claim(pair);
      if (times.at[contact]! < ADMITTED - 1) {
        const before = contactsBefore(pair, contact);
        times.at[contact] = Math.min(before + 1, ADMITTED - 1);
        if (before < ADMITTED - 1) return false;
      }
      const slot = pairs.claim(pair);
      // What was held before a pause of a day says nothing of now.
      if (call.timeMs - lastMs.at[slot]! > DAY_MS) sinceJudged.at[slot] = 0;
      if (call.timeMs - lastMs.at[slot]! > PAUSE_MS) runSinceMs.at[slot] = call.timeMs;
      const ripeMs = firstMs.at[contact]! + minSpanMs;
      const ripens = lastMs.at[slot]! < ripeMs && call.timeMs >= ripeMs;
      lastMs.at[slot] = call.timeMs;
      sinceMs.at[slot] = firstMs.at[contact]!;
      starts.add(slot, call.startMs);
      durations.add(slot, call.durationMs);
      sent.add(slot, call.sentBytes);
      received.add(slot, call.receivedBytes);
      const since = sinceJudged.at[slot]! + 1;
      sinceJudged.at[slot] = since;
      const each = since <= HELD ? JUDGED_EACH : JUDGED_EACH_LATER;
      return since >= minConnections && (ripens || (since - minConnections) % each === 0);
    },
    held(pair) {
      const slot = pairs.claim(pair);
      return {
        startsMs: starts.values(slot),
        durationsMs: durations.values(slot),
        sent: sent.values(slot),
        received: received.values(slot),
      };
    },
    runMs(pair) {
      const slot = pairs.claim(pair);
      return lastMs.at[slot]! - runSinceMs.at[slot]!;
    },
    *sections() {
      yield ['contact.full', Uint8Array.of(isFull ? 1 : 0)];
      yield* contacts.sections();
      yield* forgotten.sections();
      yield* pairs.sections();
      yield* starts.sections();
      yield* durations.sections();
      yield* sent.sections();
      yield* received.sections();
    },
    restore(sections) {
      isFull = sections.get('contact.full')?.[0] === 1;
      contacts.restore(sections);
      forgotten.restore(sections);
      pairs.restore(sections);
      starts.restore(sections);
      durations.restore(sections);
      sent.restore(sections);
      received.restore(sections);
    },
  };
}
