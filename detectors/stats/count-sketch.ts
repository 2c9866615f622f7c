import type { Hash } from '../hash.ts';
import { bytesOf, readAs } from '../key-table.ts';

/** How often each of very many keys was met lately, up to three times; a key takes a byte, whatever becomes of it. */
export interface CountSketch {
  /** Takes a key; how often it was met before, at most 3. Too often where it shares its counters, never too seldom. */
  add(key: Hash): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface CountSketchOptions {
  /** Prefix of the snapshot sections. */
  readonly name: string;
  /** What was met is known at least until so many other keys were met, and at most until twice as many. */
  readonly keys: number;
}

/** Counters for each key of a generation: with four, one key in six counts for one more than it was met. */
const COUNTERS_EACH = 4;
const MOST = 3;

/**
 * Two generations of count-min sketches with conservative update (C. Estan, G. Varghese, "New directions in traffic
 * measurement and accounting", SIGCOMM 2002): two counters of two bits for a key in each, of which the lesser counts.
 * Nothing is held before the first key.
 */
export function createCountSketch({ name, keys }: CountSketchOptions): CountSketch {
  let length = 4;
  while (length < keys * COUNTERS_EACH) length *= 2;
  const mask = length - 1;
  let young = new Uint8Array(0);
  let old = new Uint8Array(0);
  /** Keys that the younger generation met first. */
  let met = 0;

  const counterAt = (counters: Uint8Array, i: number): number => (counters[i >>> 2]! >>> ((i & 3) * 2)) & 3;
  const countIn = (counters: Uint8Array, key: Hash): number =>
    Math.min(counterAt(counters, key.lo & mask), counterAt(counters, key.hi & mask));

  /** The second time, where both counters of a key are one, it is no longer at `from`. */
  function raise(i: number, from: number): void {
    if (counterAt(young, i) === from) young[i >>> 2] = young[i >>> 2]! + (1 << ((i & 3) * 2));
  }

  return {
    add(key) {
      if (young.length === 0) {
        young = new Uint8Array(length / 4);
        old = new Uint8Array(length / 4);
      }
      const now = countIn(young, key);
      const before = Math.min(MOST, now + countIn(old, key));
      if (now === MOST) return before;
      if (now === 0 && ++met > keys) {
        [old, young] = [young, old.fill(0)];
        met = 1;
      }
      raise(key.lo & mask, now);
      raise(key.hi & mask, now);
      return before;
    },
    *sections() {
      yield [`${name}.met`, bytesOf(Float64Array.of(met))];
      yield [`${name}.young`, young];
      yield [`${name}.old`, old];
    },
    restore(sections) {
      const section = (part: string) => sections.get(`${name}.${part}`) ?? new Uint8Array(0);
      // Of another length it was made for another cap: it begins anew.
      const isSame = section('young').length === length / 4;
      met = isSame ? (readAs(Float64Array, section('met'))[0] ?? 0) : 0;
      young = readAs(Uint8Array, isSame ? section('young') : new Uint8Array(0));
      old = readAs(Uint8Array, isSame ? section('old') : new Uint8Array(0));
    },
  };
}
