import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';

/** How long each connection lasted so far, as of one more record of it. */
export interface Lasted {
  readonly durationMs: number;
  /** How long it had lasted as of the record before. */
  readonly beforeMs: number;
}

/** Connections whose origin tells of them in pieces, joined while no pause is longer than `joinMs`. */
export interface Pieces {
  readonly size: number;
  add(connection: Hash, startMs: number, endMs: number): Lasted;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export function createPieces(joinMs: number, maxKeys: number, evict: () => void): Pieces {
  const table = createKeyTable({ name: 'connection', maxKeys, evict });
  const firstMs = table.column('firstMs', Float64Array);
  const lastMs = table.column('lastMs', Float64Array);
  return {
    get size() {
      return table.size;
    },
    add(connection, startMs, endMs) {
      let slot = table.find(connection);
      if (slot === -1 || startMs - lastMs.at[slot]! > joinMs) {
        slot = table.claim(connection);
        firstMs.at[slot] = startMs;
        lastMs.at[slot] = endMs;
        return { durationMs: endMs - startMs, beforeMs: 0 };
      }
      const beforeMs = lastMs.at[slot]! - firstMs.at[slot]!;
      const untilMs = Math.max(lastMs.at[slot]!, endMs);
      lastMs.at[slot] = untilMs;
      return { durationMs: untilMs - firstMs.at[slot]!, beforeMs };
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
