import type { DuckDBConnection } from '@duckdb/node-api';
import type { Refusal } from '../pipeline/errors.ts';
import type { Packed } from './batch.ts';
import type { Slice } from './slice.ts';

/** What the owner of the files does; runs in the store's thread. */
export interface Engine {
  open(): Promise<void>;
  /**
   * Resolves when all but the refused are durable. Rejects, retryably, when none is known to be. `staged` is
   * called when the bytes have been read and may be used for something else.
   */
  write(packed: Packed, staged?: () => void): Promise<readonly Refusal[]>;
  /** A view for reading: what is committed. No slice in it is removed before it is released. */
  view(): Promise<View>;
  /** Removes what is too old or too much; called by itself from the first write on, hourly and after each new slice. */
  retain(): Promise<void>;
  /** Seals the open slice and begins another. */
  roll(): Promise<void>;
  stats(): EngineStats;
  close(): Promise<void>;
}

export interface View {
  readonly connection: DuckDBConnection;
  /** Another connection, for a result that is streamed; closed by who asked for it. */
  connect(): Promise<DuckDBConnection>;
  /** Oldest first. */
  readonly slices: readonly Slice[];
  release(): Promise<void>;
}

export interface EngineStats {
  readonly slices: number;
  readonly bytes: number;
  /** When the oldest slice was begun, epoch milliseconds. */
  readonly oldestMs: number | null;
  readonly writtenRows: number;
  readonly skippedRows: number;
  readonly commits: number;
  readonly removedSlices: number;
}
