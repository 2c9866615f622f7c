import type { Hash } from './hash.ts';
import { bytesOf, readAs } from './key-table.ts';

/** Whether something was met recently, for a bounded number of things. */
export interface RecentSet {
  readonly size: number;
  /** Whether a key is held; meeting it keeps it. Times never decrease. */
  meet(key: Hash, timeMs: number): boolean;
  /** Remembers a key; true when it was not held. Meeting it again keeps it. Times never decrease. */
  add(key: Hash, timeMs: number): boolean;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface RecentSetOptions {
  /** Prefix of the snapshot sections. */
  readonly name: string;
  /** Most keys of one generation; two are held. */
  readonly maxKeys: number;
  /** A key is held at least this long after it was last met, and at most twice as long. */
  readonly keepMs: number;
  /** Called with the number of keys given up before their time because the cap was reached. */
  readonly evicted: (count: number) => void;
}

/**
 * Two generations of hash sets: what is met goes to the younger; when that is `keepMs` old or full it becomes the
 * older and the older is dropped whole. 11 to 21 bytes a key, nothing per key to expire.
 */
export function createRecentSet(options: RecentSetOptions): RecentSet {
  const { name, maxKeys, keepMs, evicted } = options;
  let young = createSet();
  let old = createSet();
  let sinceMs = Number.NEGATIVE_INFINITY;

  function turn(timeMs: number): void {
    old = timeMs - sinceMs >= 2 * keepMs ? createSet() : young;
    young = createSet();
    sinceMs = timeMs;
  }

  /** Puts a key into the younger generation, where it is not yet. */
  function keep(key: Hash, timeMs: number): void {
    if (young.size() >= maxKeys) {
      evicted(old.size());
      turn(timeMs);
    }
    young.add(key);
  }

  return {
    get size() {
      return young.size() + old.size();
    },
    meet(key, timeMs) {
      if (timeMs - sinceMs >= keepMs) turn(timeMs);
      if (young.has(key)) return true;
      if (!old.has(key)) return false;
      keep(key, timeMs);
      return true;
    },
    add(key, timeMs) {
      if (timeMs - sinceMs >= keepMs) turn(timeMs);
      if (young.has(key)) return false;
      const known = old.has(key);
      keep(key, timeMs);
      return !known;
    },
    *sections() {
      yield [`${name}.since`, bytesOf(Float64Array.of(sinceMs))];
      yield [`${name}.young`, bytesOf(young.words())];
      yield [`${name}.old`, bytesOf(old.words())];
    },
    restore(sections) {
      const section = (part: string) => sections.get(`${name}.${part}`) ?? new Uint8Array(0);
      sinceMs = readAs(Float64Array, section('since'))[0] ?? Number.NEGATIVE_INFINITY;
      young = createSet(readAs(Uint32Array, section('young')));
      old = createSet(readAs(Uint32Array, section('old')));
    },
  };
}

/** A set of hashes in pairs of words, open addressing, at most three quarters full. */
function createSet(from?: Uint32Array<ArrayBuffer>) {
  let words = new Uint32Array(32);
  let mask = words.length / 2 - 1;
  let size = 0;

  /** Index of the word pair that holds the key, or of the empty one where it belongs. */
  function seek(hi: number, lo: number): number {
    for (let i = lo & mask; ; i = (i + 1) & mask) {
      const at = i * 2;
      if (words[at + 1] === lo && words[at] === hi) return at;
      if (words[at] === 0 && words[at + 1] === 0) return at;
    }
  }
  function put(hi: number, lo: number): void {
    if (size * 8 >= words.length * 3) grow();
    const at = seek(hi, lo);
    if (words[at] === hi && words[at + 1] === lo) return;
    words[at] = hi;
    words[at + 1] = lo;
    size++;
  }
  function putAll(pairs: Uint32Array<ArrayBuffer>): void {
    for (let at = 0; at < pairs.length; at += 2) {
      if (pairs[at] !== 0 || pairs[at + 1] !== 0) put(pairs[at]!, pairs[at + 1]!);
    }
  }
  function grow(): void {
    const before = words;
    words = new Uint32Array(before.length * 2);
    mask = words.length / 2 - 1;
    size = 0;
    putAll(before);
  }
  if (from) putAll(from);
  return {
    size: () => size,
    has(key: Hash): boolean {
      const at = seek(key.hi, key.lo);
      return words[at] === key.hi && words[at + 1] === key.lo;
    },
    add: (key: Hash): void => put(key.hi, key.lo),
    words(): Uint32Array<ArrayBuffer> {
      const out = new Uint32Array(size * 2);
      let end = 0;
      for (let at = 0; at < words.length; at += 2) {
        if (words[at] === 0 && words[at + 1] === 0) continue;
        out[end++] = words[at]!;
        out[end++] = words[at + 1]!;
      }
      return out;
    },
  };
}
