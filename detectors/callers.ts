import type { Hash } from './hash.ts';
import { createKeyTable } from './key-table.ts';
import { createDistinctCounter } from './stats/distinct.ts';

/** How many sources call each destination, as far as it matters. */
export interface Callers {
  readonly size: number;
  /** Takes a caller of a destination; how many different ones there are, at most `enough`. */
  add(destination: Hash, source: Hash): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** Counting ends at `enough`: a destination that a million call takes no more than one that five do. */
export function createCallers(
  enough: number,
  { maxKeys, evicted }: { readonly maxKeys: number; readonly evicted: (count: number) => void },
): Callers {
  const table = createKeyTable({
    name: 'destination',
    maxKeys,
    evict(slot) {
      sources.clear(slot);
      evicted(1);
    },
  });
  const sources = createDistinctCounter(table, 'sources', {
    maxBytes: Math.max(4096, maxKeys * 32),
    full: () => evicted(1),
  });
  return {
    get size() {
      return table.size;
    },
    add(destination, source) {
      const slot = table.claim(destination);
      if (sources.count(slot) < enough) sources.add(slot, source);
      return sources.count(slot);
    },
    *sections() {
      yield* table.sections();
      yield* sources.sections();
    },
    restore(sections) {
      table.restore(sections);
      sources.restore(sections);
    },
  };
}
