import { bytesOf, readAs } from '../key-table.ts';

type RowValues =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** The constructor of a typed array. */
export interface RowType<T extends RowValues> {
  new (length: number): T;
  new (buffer: ArrayBuffer): T;
}

/** A fixed number of numbers for each slot of a key table: what a column is, but wide. */
export interface Rows<T extends RowValues> {
  /** Replaced when it grows, so it is read anew after every `start`. */
  at: T;
  readonly width: number;
  /** Index in `at` where the row of a slot begins; makes room for it. */
  start(slot: number): number;
  clear(slot: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/**
 * `width` numbers a key in one typed array that grows by a quarter: rows are wide, and as many that nobody uses would
 * cost much. The key table does not know of it: who gives a slot to a new key clears the row, or sees by a column of
 * the table (which starts at 0) that what is in it is old.
 */
export function createRows<T extends RowValues>(name: string, type: RowType<T>, width: number): Rows<T> {
  let used = 0;
  const rows: Rows<T> = {
    at: new type(width * 16),
    width,
    start(slot) {
      if (slot >= used) used = slot + 1;
      if (used * width > rows.at.length) {
        const grown = new type(Math.max(Math.ceil(rows.at.length / width / 4) * width * 5, used * width));
        grown.set(rows.at);
        rows.at = grown;
      }
      return slot * width;
    },
    clear(slot) {
      const from = rows.start(slot);
      rows.at.fill(0, from, from + width);
    },
    *sections() {
      yield [`${name}.rows`, bytesOf(rows.at.subarray(0, used * width))];
    },
    restore(sections) {
      const saved = readAs(type, sections.get(`${name}.rows`) ?? new Uint8Array(0));
      used = saved.length / width;
      rows.at = new type(Math.max(saved.length, width * 16));
      rows.at.set(saved);
    },
  };
  return rows;
}
