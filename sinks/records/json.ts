import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { readerOf } from './reader.ts';
import { flowJson, quote } from './flow-json.ts';

/**
 * The JSON form of records: the same field names in the same order, one line, and nothing that is absent: nulls
 * and empty lists are left out. Bytes are base64. `fromJson` puts back what was left out.
 */
export function toJson<K extends RecordKind>(kind: K, record: RecordTypes[K]): string {
  if (kind === 'flow') return flowJson(record as RecordTypes['flow']);
  return anyJson(record);
}

/** The same for a record or list of any shape. */
export const anyJson = (value: object): string =>
  Array.isArray(value) ? listJson(value) : objectJson(value as Members);

type Members = Readonly<Record<string, unknown>>;

function objectJson(record: Members): string {
  let text = '{';
  for (const key of Object.keys(record)) {
    const value = record[key];
    if (value === null || value === undefined) continue;
    const isList = Array.isArray(value);
    if (isList && value.length === 0) continue;
    const member = isList ? listJson(value) : valueJson(value);
    if (member === null) continue;
    text += (text.length === 1 ? '' : ',') + quote(key) + ':' + member;
  }
  return text + '}';
}

function listJson(list: readonly unknown[]): string {
  let text = '[';
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    const member = Array.isArray(value) ? listJson(value) : valueJson(value);
    text += (i === 0 ? '' : ',') + (member ?? 'null');
  }
  return text + ']';
}

/** Null for what JSON has no form for. */
function valueJson(value: unknown): string | null {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  return objectJson(value as Members);
}

/**
 * The record that `toJson` wrote. Throws a SyntaxError when the text is not JSON, and a TypeError that names the
 * field when it is no record of that kind.
 */
export function fromJson<K extends RecordKind>(kind: K, text: string): RecordTypes[K] {
  return readerOf(kind)(JSON.parse(text)) as RecordTypes[K];
}
