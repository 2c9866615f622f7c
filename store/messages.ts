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
export interface Page {
  readonly kind: RecordKind;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}
