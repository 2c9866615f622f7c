/** The record as it is, in one JSON object. */
import { WeirError } from '../../pipeline/errors.ts';
import { fieldsOf } from '../../query/index.ts';
import { sinkKinds, type SinkKind } from '../base-options.ts';
import { anyJson, toJson } from '../records/json.ts';
import { ownFields, type OwnField } from './field-map.ts';
import type { FormatSettings, Payload } from './payload.ts';
import { shorten } from './shorten.ts';
import { jsonLine, plainId } from './text.ts';

const fieldName = /^[A-Za-z_@][A-Za-z0-9_.@-]{0,127}$/;

export function jsonPayload(settings: FormatSettings): Payload {
  const own = addedFields(
    settings,
    (kind, name) => fieldsOf(kind).has(name) || name === 'truncated' || name === 'resent',
  );
  return (item, cap) => {
    const { record, kind } = item;
    const fields = own.get(kind);
    if (cap === 0) return `{"id":"${plainId(record.id)}","truncated":true}`;
    if (cap === null && !fields) return jsonLine(toJson(kind, record));
    const value = cap === null ? { ...record } : (shorten(record, cap) as object);
    const added = fields ? valuesOf(fields, record) : {};
    if (cap === null) return jsonLine(anyJson({ ...value, ...added }));
    return jsonLine(anyJson({ ...value, ...(shorten(added, cap) as object), truncated: true }));
  };
}

/** Fields that users add to a JSON document; they cannot take the place of what is there. */
export function addedFields(
  { fields }: FormatSettings,
  isTaken: (kind: SinkKind, name: string) => boolean,
): ReadonlyMap<string, readonly OwnField[]> {
  const out = new Map<string, readonly OwnField[]>();
  for (const kind of sinkKinds) {
    const own = ownFields(kind, fields[kind], fieldName);
    if (!own) continue;
    for (const name of own.replaced)
      if (isTaken(kind, name) || !own.added.some((one) => one.name === name))
        throw new WeirError(
          'config_invalid',
          `fields.${kind}.${name}: fields can be added to this format, not replaced or left out`,
        );
    out.set(kind, own.added);
  }
  return out;
}

export function valuesOf(fields: readonly OwnField[], record: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const { name, read } of fields) {
    const value = read(record);
    if (value !== null) out[name] = value;
  }
  return out;
}
