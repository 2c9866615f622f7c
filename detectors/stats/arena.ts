import { bytesOf, readAs } from '../key-table.ts';

/** Blocks of 4, 8, 16 … words in one typed array, for state whose size differs by key. */
export interface Arena {
  /** Replaced when it grows, so it is read anew after every `take`. */
  words: Uint32Array<ArrayBuffer>;
  /** Index of a block of `4 << sizeClass` zero words; -1 when the bound is reached. */
  take(sizeClass: number): number;
  give(block: number, sizeClass: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

const CLASSES = 16;

/**
 * Blocks that were given back are chained through their first word and taken again before the arena grows; at the
 * bound larger ones are halved. Halves are not joined again, so the bound should leave room for what is large.
 */
export function createArena(name: string, maxWords: number): Arena {
  /** Per class the first block that was given back; 0 when there is none, since no block begins at 0. */
  let free = new Uint32Array(CLASSES);
  let end = 1;

  function give(block: number, sizeClass: number): void {
    arena.words[block] = free[sizeClass]!;
    free[sizeClass] = block;
  }
  function again(sizeClass: number): number {
    const block = free[sizeClass]!;
    free[sizeClass] = arena.words[block]!;
    arena.words.fill(0, block, block + (4 << sizeClass));
    return block;
  }
  /** Halves a larger block that was given back until it is of this class. */
  function split(sizeClass: number): number {
    let larger = sizeClass + 1;
    while (larger < CLASSES && free[larger] === 0) larger++;
    if (larger >= CLASSES) return -1;
    const block = again(larger);
    while (larger > sizeClass) give(block + (4 << --larger), larger);
    return block;
  }

  const arena: Arena = {
    words: new Uint32Array(Math.min(1024, maxWords)),
    take(sizeClass) {
      const size = 4 << sizeClass;
      if (free[sizeClass] !== 0) return again(sizeClass);
      if (end + size > maxWords) return split(sizeClass);
      if (end + size > arena.words.length) {
        const grown = new Uint32Array(Math.min(Math.max(arena.words.length * 2, end + size), maxWords));
        grown.set(arena.words);
        arena.words = grown;
      }
      end += size;
      return end - size;
    },
    give,
    *sections() {
      yield [`${name}.free`, bytesOf(free)];
      yield [`${name}.words`, bytesOf(arena.words.subarray(0, end))];
    },
    restore(sections) {
      free = new Uint32Array(CLASSES);
      free.set(readAs(Uint32Array, sections.get(`${name}.free`) ?? new Uint8Array(0)));
      const words = readAs(Uint32Array, sections.get(`${name}.words`) ?? new Uint8Array(0));
      end = Math.max(1, words.length);
      arena.words = new Uint32Array(Math.max(Math.min(1024, maxWords), words.length));
      arena.words.set(words);
    },
  };
  return arena;
}
