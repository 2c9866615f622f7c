import { copyWords, sameWords, wordsOf } from './bytes.ts';

/**
 * Parts of records, found by the bytes they are written as: two pieces, with something between them that is not
 * looked at. Avro says in what it writes where it ends, so bytes that begin as a held part does are that part, and
 * where it ends is known without reading it.
 */
export interface HeldParts<T> {
  /** Number of the part of which [first, firstEnd) is the first piece and whose second one begins at `second`; -1: none. */
  find(view: DataView, hash: number, first: number, firstEnd: number, second: number, end: number): number;
  /** Bytes of the second piece of a part that was found. */
  lengthOf(part: number): number;
  valueOf(part: number): T;
  /** Keeps a part that was not found. Parts that are too large, or too many of one hash, are not kept. */
  hold(view: DataView, hash: number, pieces: Pieces, value: T): void;
}

/** Where the two pieces of a part begin and end. */
export interface Pieces {
  readonly first: number;
  readonly firstEnd: number;
  readonly second: number;
  readonly secondEnd: number;
}

const MAX_PARTS = 1 << 16;
/** 16 MiB of bytes, which is some 60,000 endpoints with five labels. */
const MAX_WORDS = 1 << 22;
/** A part longer than this is read anew each time. */
const MAX_PART_BYTES = 1 << 14;
/** Parts of one hash that are compared. */
const MAX_ALIKE = 8;
/** Words before the bytes of a part: which value it is, and the lengths of its pieces. */
const HEADER = 3;

/**
 * What is held changes nothing but the time it takes, so it is given up all at once when there is too much of it.
 * Most of that time the processor waits for memory: what belongs to a part lies together.
 */
export function createHeldParts<T>(): HeldParts<T> {
  /** A hash and where the part's words begin, or 0, by turns. */
  let slots = new Int32Array(1 << 12);
  let words = new Int32Array(1 << 14);
  let values: T[] = [];
  let used = 1;

  function clear(): void {
    slots.fill(0);
    values = [];
    used = 1;
  }

  function grow(): void {
    const old = slots;
    slots = new Int32Array(old.length * 2);
    const mask = slots.length - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      let slot = (old[i]! << 1) & mask;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = old[i]!;
      slots[slot + 1] = old[i + 1]!;
    }
  }

  return {
    find(view, hash, first, firstEnd, second, end) {
      const mask = slots.length - 1;
      for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
        const part = slots[slot + 1]!;
        if (part === 0) return -1;
        if (slots[slot] !== hash) continue;
        const firstLength = words[part + 1]!;
        const secondEnd = second + words[part + 2]!;
        if (
          firstLength === firstEnd - first &&
          secondEnd <= end &&
          sameWords(view, first, firstEnd, words, part + HEADER) &&
          sameWords(view, second, secondEnd, words, part + HEADER + wordsOf(firstLength))
        )
          return part;
      }
    },
    lengthOf: (part) => words[part + 2]!,
    valueOf: (part) => values[words[part]!]!,
    hold(view, hash, { first, firstEnd, second, secondEnd }, value) {
      const firstLength = firstEnd - first;
      const secondLength = secondEnd - second;
      if (firstLength + secondLength > MAX_PART_BYTES) return;
      const needed = HEADER + wordsOf(firstLength) + wordsOf(secondLength);
      if (values.length === MAX_PARTS || used + needed > MAX_WORDS) clear();
      if (values.length * 4 >= slots.length) grow();
      const mask = slots.length - 1;
      let slot = (hash << 1) & mask;
      let alike = 0;
      for (; slots[slot + 1] !== 0; slot = (slot + 2) & mask)
        if (slots[slot] === hash && ++alike === MAX_ALIKE) return;
      while (used + needed > words.length) words = enlarged(words);
      slots[slot] = hash;
      slots[slot + 1] = used;
      words[used] = values.push(value) - 1;
      words[used + 1] = firstLength;
      words[used + 2] = secondLength;
      copyWords(view, first, firstEnd, words, used + HEADER);
      copyWords(view, second, secondEnd, words, used + HEADER + wordsOf(firstLength));
      used += needed;
    },
  };
}

function enlarged(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
