/** Bytes as words: hashed, compared and kept four at a time, at any alignment. */

/** Bytes of a piece that all go into its hash; beyond them it is one word in four. */
const WHOLE = 96;

/**
 * Goes on with a hash over [from, to). The length goes in, so that where one piece ends and the next begins counts.
 * What tells keys apart stands at their beginning (addresses, names); labels follow, and are compared anyway.
 */
export function hashPiece(hash: number, view: DataView, from: number, to: number): number {
  let h = hash ^ (to - from);
  let i = from;
  const whole = Math.min(to, from + WHOLE);
  for (; i + 4 <= whole; i += 4) {
    h = Math.imul(h ^ view.getInt32(i, true), 0x9e3779b1);
    h ^= h >>> 15;
  }
  for (; i + 16 <= to; i += 16) {
    h = Math.imul(h ^ view.getInt32(i, true), 0x9e3779b1);
    h ^= h >>> 15;
  }
  for (; i < to; i++) {
    h = Math.imul(h ^ view.getUint8(i), 0x85ebca6b);
    h ^= h >>> 13;
  }
  return h;
}

/** Ends a hash: every bit of it counts in the lowest ones. */
export function hashEnd(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}

/** Words that so many bytes take. */
export const wordsOf = (bytes: number): number => (bytes + 3) >>> 2;

/** Copies bytes to whole words, the last of them filled up with zeros. */
export function copyWords(view: DataView, from: number, to: number, words: Int32Array, at: number): void {
  let i = from;
  let word = at;
  for (; i + 4 <= to; i += 4) words[word++] = view.getInt32(i, true);
  if (i < to) words[word] = lastWord(view, i, to);
}

/** Whether [from, to) is what `copyWords` put there. */
export function sameWords(view: DataView, from: number, to: number, words: Int32Array, at: number): boolean {
  let i = from;
  let word = at;
  for (; i + 4 <= to; i += 4) if (words[word++] !== view.getInt32(i, true)) return false;
  return i === to || words[word] === lastWord(view, i, to);
}

function lastWord(view: DataView, from: number, to: number): number {
  let word = 0;
  for (let i = to - 1; i >= from; i--) word = (word << 8) | view.getUint8(i);
  return word;
}

/** Whether [from, to) is what another view has from `at` on. */
export function sameBytes(view: DataView, from: number, to: number, other: DataView, at: number): boolean {
  let i = from;
  let j = at;
  for (; i + 4 <= to; i += 4, j += 4) if (view.getInt32(i) !== other.getInt32(j)) return false;
  for (; i < to; i++, j++) if (view.getUint8(i) !== other.getUint8(j)) return false;
  return true;
}
