import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createRecentValues } from '../stats/recent-values.ts';

/** Connections of a pair that are held: eight hours of one call in seven minutes. */
const HELD = 64;
/** A pair is held in full from its third connection on, so that a flood of pairs that speak once costs little. */
const ADMITTED = 3;
/** Pairs held in full take a kilobyte; one in so many of the cap may be. */
const SHARE = 8;
/** After the first judgement a pair is judged again after so many connections. */
const JUDGED_EACH = 8;
const DAY_MS = 86_400_000;

/** Connections of each pair. */
export interface Calls {
  readonly size: number;
  /** When the pair was first met. */
  meet(pair: Hash, timeMs: number): number;
  /** One more connection; true when there is reason to judge the pair. */
  add(
    pair: Hash,
    call: { readonly startMs: number; readonly timeMs: number; readonly bytes: number },
  ): boolean;
  /** Begins and sizes of the connections of the pair that was added to last. */
  held(pair: Hash): { readonly startsMs: readonly number[]; readonly sizes: readonly number[] };
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export function createCalls(minConnections: number, maxKeys: number, evict: () => void): Calls {
  const contacts = createKeyTable({ name: 'contact', maxKeys, evict });
  const firstMs = contacts.column('firstMs', Float64Array);
  const times = contacts.column('times', Uint8Array);
  const pairs = createKeyTable({ name: 'pair', maxKeys: Math.max(1, Math.floor(maxKeys / SHARE)), evict });
  const lastMs = pairs.column('lastMs', Float64Array);
  const sinceJudged = pairs.column('sinceJudged', Uint32Array);
  const starts = createRecentValues(pairs, 'start', HELD);
  const bytes = createRecentValues(pairs, 'bytes', HELD);

  return {
    get size() {
      return contacts.size + pairs.size;
    },
    meet(pair, timeMs) {
      let slot = contacts.find(pair);
      if (slot === -1) {
        slot = contacts.claim(pair);
        firstMs.at[slot] = timeMs;
      }
      return firstMs.at[slot]!;
    },
    add(pair, call) {
      const contact = contacts.claim(pair);
      if (times.at[contact]! < ADMITTED - 1) {
        times.at[contact] = times.at[contact]! + 1;
        return false;
      }
      const slot = pairs.claim(pair);
      // What was held before a pause of a day says nothing of now.
      if (call.timeMs - lastMs.at[slot]! > DAY_MS) sinceJudged.at[slot] = 0;
      lastMs.at[slot] = call.timeMs;
      starts.add(slot, call.startMs);
      bytes.add(slot, call.bytes);
      const since = sinceJudged.at[slot]! + 1;
      sinceJudged.at[slot] = since;
      return since >= minConnections && (since - minConnections) % JUDGED_EACH === 0;
    },
    held(pair) {
      const slot = pairs.claim(pair);
      return { startsMs: starts.values(slot), sizes: bytes.values(slot) };
    },
    *sections() {
      yield* contacts.sections();
      yield* pairs.sections();
      yield* starts.sections();
      yield* bytes.sections();
    },
    restore(sections) {
      contacts.restore(sections);
      pairs.restore(sections);
      starts.restore(sections);
      bytes.restore(sections);
    },
  };
}
