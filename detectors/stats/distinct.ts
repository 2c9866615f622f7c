import type { Hash } from '../hash.ts';
import { createArena } from './arena.ts';
import type { ColumnHolder } from './holder.ts';
import { estimateDistinct, rankOf, REGISTERS, registerOf } from './hyperloglog.ts';

/** How many different things each key met. */
export interface DistinctCounter {
  /** Takes a thing; true when it changed what is known, which up to `EXACT_LIMIT` means that it is new. */
  add(slot: number, thing: Hash): boolean;
  /** Exact up to `EXACT_LIMIT` (but for prints that meet, 1 in 200,000 keys), then within about 3 %. */
  count(slot: number): number;
  isExact(slot: number): boolean;
  /** Forgets what a key met. To be called too when the key table gives the slot away: its `evict` hook. */
  clear(slot: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** Three quarters of the largest block: from here on a sketch takes its place. */
export const EXACT_LIMIT = 192;
/** A block of 256 words, which holds 192 prints or 1,024 registers of a byte. */
const LARGEST = 6;
/** Forms by the number in their column: one print in place of the block, sets by the class of the block, a sketch. */
const ONE = 0;
const SKETCH = LARGEST + 2;
const classOf = (form: number): number => Math.min(form - 1, LARGEST);

/**
 * A set of 32-bit prints that grows by doubling and turns into a HyperLogLog of the same size as its last step (the
 * plan of S. Heule, M. Nunkesser, A. Hall, "HyperLogLog in practice", EDBT 2013, with sets for sparse sketches). 9 bytes
 * a key; from the second thing on a block of 16 bytes, of 32 from the fourth, … of 1,024 from the 97th, whatever the number.
 * When the arena is full a key stays at what it has counted and `full` is called.
 */
export function createDistinctCounter(
  table: ColumnHolder,
  name: string,
  options: { readonly maxBytes: number; readonly full: () => void },
): DistinctCounter {
  const arena = createArena(`${name}.arena`, Math.floor(options.maxBytes / 4));
  /** Where the block begins; the print itself while there is but one. */
  const blocks = table.column(`${name}.block`, Uint32Array);
  /** Number of prints; of a sketch its estimate, 0 while that is not known. */
  const counts = table.column(`${name}.count`, Uint32Array);
  const forms = table.column(`${name}.form`, Uint8Array);

  /** Puts a print into a set; false when it is there. */
  function put(block: number, sizeClass: number, print: number): boolean {
    const { words } = arena;
    const mask = (4 << sizeClass) - 1;
    for (let i = print & mask; ; i = (i + 1) & mask) {
      const held = words[block + i]!;
      if (held === print) return false;
      if (held === 0) {
        words[block + i] = print;
        return true;
      }
    }
  }
  function has(block: number, sizeClass: number, print: number): boolean {
    const mask = (4 << sizeClass) - 1;
    for (let i = print & mask; ; i = (i + 1) & mask) {
      const held = arena.words[block + i]!;
      if (held === print || held === 0) return held === print;
    }
  }

  const registersAt = (block: number): Uint8Array => new Uint8Array(arena.words.buffer, block * 4, REGISTERS);

  /** Puts a print into a sketch; false when that changes nothing. */
  function raise(block: number, print: number): boolean {
    const word = block + (registerOf(print) >>> 2);
    const shift = (registerOf(print) & 3) * 8;
    const rank = rankOf(print);
    const held = arena.words[word]!;
    if (((held >>> shift) & 255) >= rank) return false;
    arena.words[word] = (held & ~(255 << shift)) | (rank << shift);
    return true;
  }

  /** Makes room for one more print: a first block, the next larger one, or a sketch in place of the largest. */
  function grow(slot: number): boolean {
    const form = forms.at[slot]!;
    const block = blocks.at[slot]!;
    if (form === LARGEST + 1) {
      const prints = arena.words.slice(block, block + (4 << LARGEST));
      arena.words.fill(0, block, block + (4 << LARGEST));
      for (const print of prints) if (print !== 0) raise(block, print);
      forms.at[slot] = SKETCH;
      return true;
    }
    const larger = arena.take(form);
    if (larger === -1) return false;
    if (form === ONE) put(larger, 0, block);
    else {
      for (const print of arena.words.subarray(block, block + (4 << (form - 1))))
        if (print !== 0) put(larger, form, print);
      arena.give(block, form - 1);
    }
    blocks.at[slot] = larger;
    forms.at[slot] = form + 1;
    return true;
  }

  /** Whether one print more would leave the search of a set without an empty word to stop at. */
  function isFull(slot: number): boolean {
    const form = forms.at[slot]!;
    return counts.at[slot]! >= (form === ONE ? 1 : 3 << (form - 1));
  }

  function addToSet(slot: number, print: number): boolean {
    const form = forms.at[slot]!;
    const block = blocks.at[slot]!;
    if (counts.at[slot] === 0) {
      blocks.at[slot] = print;
      counts.at[slot] = 1;
      return true;
    }
    if (form === ONE ? block === print : has(block, classOf(form), print)) return false;
    if (isFull(slot) && !grow(slot)) {
      options.full();
      return false;
    }
    if (forms.at[slot] === SKETCH) return addToSketch(slot, print);
    counts.at[slot] = counts.at[slot]! + 1;
    return put(blocks.at[slot]!, classOf(forms.at[slot]!), print);
  }

  function addToSketch(slot: number, print: number): boolean {
    if (!raise(blocks.at[slot]!, print)) return false;
    counts.at[slot] = 0;
    return true;
  }

  return {
    add(slot, thing) {
      const print = (thing.lo ^ Math.imul(thing.hi, 0x9e3779b1)) >>> 0 || 1;
      return forms.at[slot] === SKETCH ? addToSketch(slot, print) : addToSet(slot, print);
    },
    count(slot) {
      if (forms.at[slot] === SKETCH && counts.at[slot] === 0)
        counts.at[slot] = Math.round(estimateDistinct(registersAt(blocks.at[slot]!)));
      return counts.at[slot]!;
    },
    isExact: (slot) => forms.at[slot] !== SKETCH,
    clear(slot) {
      if (forms.at[slot] !== ONE) arena.give(blocks.at[slot]!, classOf(forms.at[slot]!));
      blocks.at[slot] = 0;
      counts.at[slot] = 0;
      forms.at[slot] = ONE;
    },
    sections: () => arena.sections(),
    restore: (sections) => arena.restore(sections),
  };
}
