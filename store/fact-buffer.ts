import { factColumns, type FactColumn } from './layout.ts';

/** Rows of one data chunk; the database's vector size. */
export const CHUNK_ROWS = 2048;

export type Cells = Uint8Array | Int32Array;

/**
 * One chunk of facts as typed arrays. A 64-bit column is two 32-bit words a row, low word first, because
 * writing BigInts costs five times as much.
 */
export type FactBuffer = {
  readonly [K in FactColumn]: (typeof factColumns)[K] extends 'u8' ? Uint8Array : Int32Array;
};

export function newFactBuffer(): FactBuffer {
  const out: Record<string, Cells> = {};
  for (const [name, width] of Object.entries(factColumns)) {
    if (width === 'u8') out[name] = new Uint8Array(CHUNK_ROWS);
    else out[name] = new Int32Array(width === 'i64' ? CHUNK_ROWS * 2 : CHUNK_ROWS);
  }
  return out as unknown as FactBuffer;
}
