import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createLogQuantiles } from '../stats/log-quantiles.ts';

const HOURS_MS = 3_600_000;
/** A year of one connection. */
const MOST_HOURS = 8_760;

/** How long the long connections of each edge were. */
export interface Usual {
  readonly size: number;
  /** Long connections of the edge before, and their 99th percentile in milliseconds; null with fewer than `enough`. */
  of(edge: Hash): { readonly connections: number; readonly p99Ms: number | null };
  /** Takes a duration; `isFirst` when the connection was not counted at a shorter one. */
  add(edge: Hash, durationMs: number, isFirst: boolean): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** Only edges that had a long connection are held: about 130 bytes each. */
export function createUsual(enough: number, maxKeys: number, evict: () => void): Usual {
  const table = createKeyTable({ name: 'edge', maxKeys, evict });
  const connections = table.column('connections', Uint32Array);
  const hours = createLogQuantiles(table, 'hours', { accuracy: 0.1, least: 1 / 60, most: MOST_HOURS });
  return {
    get size() {
      return table.size;
    },
    of(edge) {
      const slot = table.find(edge);
      if (slot === -1) return { connections: 0, p99Ms: null };
      const count = connections.at[slot]!;
      return { connections: count, p99Ms: count < enough ? null : hours.quantile(slot, 0.99) * HOURS_MS };
    },
    add(edge, durationMs, isFirst) {
      const slot = table.claim(edge);
      if (isFirst) connections.at[slot] = connections.at[slot]! + 1;
      hours.add(slot, durationMs / HOURS_MS);
    },
    *sections() {
      yield* table.sections();
      yield* hours.sections();
    },
    restore(sections) {
      table.restore(sections);
      hours.restore(sections);
    },
  };
}
