import { bytesOf, readAs, type KeyTable } from '../../key-table.ts';

/** As many numbers for each slot of a table as a condition wants, side by side in memory. */
export interface Rows {
  /** Replaced when it grows: read anew after every `of`. */
  at: Float64Array<ArrayBuffer>;
  /** Index of the first number of a slot. The numbers of a slot are not cleared when its key changes. */
  of(slot: number): number;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export function createRows(name: string, width: number, table: Pick<KeyTable, 'size'>): Rows {
  const rows: Rows = {
    at: new Float64Array(width * 16),
    of(slot) {
      const from = slot * width;
      if (from + width > rows.at.length) {
        const grown = new Float64Array(Math.max(rows.at.length * 2, from + width));
        grown.set(rows.at);
        rows.at = grown;
      }
      return from;
    },
    section: () => [`${name}.rows`, bytesOf(rows.at.subarray(0, table.size * width))],
    restore(sections) {
      rows.at = readAs(Float64Array, sections.get(`${name}.rows`) ?? new Uint8Array(0));
    },
  };
  return rows;
}
