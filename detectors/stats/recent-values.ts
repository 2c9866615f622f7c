import type { ColumnHolder } from './holder.ts';
import { createRows, type RowType } from './rows.ts';

/** The last values of each key. */
export interface RecentValues {
  add(slot: number, value: number): void;
  /** How many are held. */
  count(slot: number): number;
  /** Oldest first, in a list of its own. */
  values(slot: number): number[];
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/**
 * A ring of `length` numbers by slot: history for `robustZ`, regularity and periodicity. 8 * length + 4 bytes a key as
 * doubles; sizes and durations do with the seven digits of a `Float32Array`.
 */
export function createRecentValues(
  table: ColumnHolder,
  name: string,
  length: number,
  type: RowType<Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>> = Float64Array,
): RecentValues {
  const added = table.column(`${name}.added`, Uint32Array);
  const rows = createRows(name, type, length);
  const count = (slot: number): number => Math.min(added.at[slot]!, length);
  return {
    add(slot, value) {
      const start = rows.start(slot);
      rows.at[start + (added.at[slot]! % length)] = value;
      // Turned over to a number that is as full and points to the same place, long before 32 bits are used up.
      added.at[slot] = added.at[slot]! + 1 < length * 2 ? added.at[slot]! + 1 : length;
    },
    count,
    values(slot) {
      const start = rows.start(slot);
      const held = count(slot);
      const oldest = held < length ? 0 : added.at[slot]! % length;
      return Array.from({ length: held }, (_, i) => rows.at[start + ((oldest + i) % length)]!);
    },
    sections: () => rows.sections(),
    restore: (sections) => rows.restore(sections),
  };
}
