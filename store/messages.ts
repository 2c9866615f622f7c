import type { RecordKind } from '../schema/records.ts';
import type { Refusal } from '../pipeline/errors.ts';
import type { Packed } from './batch.ts';
import type { EngineStats } from './engine-contract.ts';
import type { EventRequest } from './reader.ts';
import type { SearchFooter, SearchRequest } from './search.ts';

/** What the store's thread can be asked for: arguments and answer of each method. */
export interface Methods {
  open: { args: []; result: void };
  write: { args: [Packed]; result: readonly Refusal[] };
  /** Begins a search; the answer names it. */
  search: { args: [SearchRequest]; result: number };
  /** The next page as Avro bodies with their ends; null after the last. */
  page: { args: [number]; result: Page | null };
  endSearch: { args: [number]; result: void };
  count: { args: [Omit<SearchRequest, 'limit'>]; result: number };
  footer: { args: [{ fromMs: number | null; toMs: number | null }]; result: SearchFooter };
  events: { args: [EventRequest]; result: Page };
  stats: { args: []; result: EngineStats };
  roll: { args: []; result: void };
  retain: { args: []; result: void };
  close: { args: []; result: void };
}
export type Method = keyof Methods;

export interface Page {
  readonly kind: RecordKind;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

export interface Call<M extends Method = Method> {
  readonly call: number;
  readonly method: M;
  readonly args: Methods[M]['args'];
}
export type Answer =
  /** A buffer that was handed over with a write, given back. */
  | { readonly free: ArrayBuffer }
  | { readonly call: number; readonly result: unknown }
  | { readonly call: number; readonly error: { readonly code: string; readonly message: string } };
