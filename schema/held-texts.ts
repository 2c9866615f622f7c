import { copyWords, hashEnd, hashPiece, sameWords, wordsOf } from './bytes.ts';

/** Gives the same string for the same bytes, where they came before and no other took their place since. */
export type HeldTexts = (bytes: Buffer, view: DataView, from: number, to: number) => string;

const PLACES = 1 << 12;
/** Longer texts are made anew each time. */
const MAX_BYTES = 128;
const WIDTH = wordsOf(MAX_BYTES);

/** Names come again and again; comparing one with what it was before costs less than making a string of it. */
export function createHeldTexts(seed: number): HeldTexts {
  const texts: string[] = Array.from({ length: PLACES }, () => '');
  const lengths = new Uint8Array(PLACES);
  const words = new Int32Array(PLACES * WIDTH);
  return (bytes, view, from, to) => {
    const length = to - from;
    if (length > MAX_BYTES) return bytes.toString(undefined, from, to);
    const place = hashEnd(hashPiece(seed, view, from, to)) & (PLACES - 1);
    if (lengths[place] === length && sameWords(view, from, to, words, place * WIDTH)) return texts[place]!;
    lengths[place] = length;
    copyWords(view, from, to, words, place * WIDTH);
    return (texts[place] = bytes.toString(undefined, from, to));
  };
}
