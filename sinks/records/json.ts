import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { readerOf } from './reader.ts';
import { flowJson } from './flow-json.ts';

/**
 * The JSON form of records: the same field names in the same order, one line, and nothing that is absent: nulls
 * and empty lists are left out. Bytes are base64. `fromJson` puts back what was left out.
 */
export function toJson<K extends RecordKind>(kind: K, record: RecordTypes[K]): string {
  if (kind === 'flow') return flowJson(record as RecordTypes['flow']);
  return anyJson(record);
}

/** The same for a value of any shape; slower. */
export const anyJson = (record: object): string => JSON.stringify(record, withoutAbsent);

function withoutAbsent(this: unknown, key: string, value: unknown): unknown {
  if (value === null) return undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  // A Buffer's own toJSON has run by now; the bytes themselves are still in the holder.
  const held = (this as Readonly<Record<string, unknown>>)[key];
  if (held instanceof Uint8Array) return Buffer.from(held).toString('base64');
  return value;
}

/**
 * The record that `toJson` wrote. Throws a SyntaxError when the text is not JSON, and a TypeError that names the
 * field when it is no record of that kind.
 */
export function fromJson<K extends RecordKind>(kind: K, text: string): RecordTypes[K] {
  return readerOf(kind)(JSON.parse(text)) as RecordTypes[K];
}
