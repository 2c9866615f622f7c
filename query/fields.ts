import { schemas, type RecordKind } from '../schema/records.ts';

/** How the values of a field compare. `record` and `map` can only be asked whether they are there. */
export type FieldType =
  | 'text'
  | 'number'
  | 'time'
  | 'boolean'
  | 'enum'
  | 'severity'
  | 'address'
  | 'protocol'
  | 'record'
  | 'map';

/** One field of a record, as a path through it. */
export interface Field {
  readonly name: string;
  readonly path: readonly string[];
  readonly type: FieldType;
  /** Names of an enum in ascending order; empty for other types. */
  readonly symbols: readonly string[];
  /** Some step of the path is an array: any element may fit. */
  readonly many: boolean;
}

type Schema = string | Schema[] | Complex;
interface Complex {
  type: string;
  name?: string;
  namespace?: string;
  fields?: { name: string; type: Schema }[];
  items?: Schema;
  symbols?: string[];
}

const ADDRESS = new Set(['ip', 'address', 'ips', 'sourceIps']);
/** Durations that end as times do. */
const DURATION = new Set(['historyMs']);
const NUMBERS = new Set(['int', 'long', 'double', 'float']);

const made = new Map<RecordKind, ReadonlyMap<string, Field>>();

/** Every field of a kind by its dotted name, read from the kind's schema. */
export function fieldsOf(kind: RecordKind): ReadonlyMap<string, Field> {
  let fields = made.get(kind);
  if (!fields) made.set(kind, (fields = readFields(JSON.parse(schemas[kind]) as Complex)));
  return fields;
}

/** A field by its dotted name; the keys of a map follow its name, dots and all: `source.labels.app.kubernetes.io/name`. */
export function fieldNamed(kind: RecordKind, name: string): Field | undefined {
  const fields = fieldsOf(kind);
  const found = fields.get(name);
  if (found) return found;
  for (const map of fields.values()) {
    if (map.type !== 'map' || !name.startsWith(`${map.name}.`)) continue;
    const key = name.slice(map.name.length + 1);
    if (key !== '') return { ...map, name, path: [...map.path, key], type: 'text' };
  }
  return undefined;
}

function readFields(root: Complex): ReadonlyMap<string, Field> {
  const out = new Map<string, Field>();
  const named = new Map<string, Complex>();

  function walk(schema: Schema, path: readonly string[], many: boolean): void {
    if (Array.isArray(schema)) {
      for (const branch of schema) if (branch !== 'null') walk(branch, path, many);
      return;
    }
    if (typeof schema === 'string') {
      const known = named.get(schema);
      if (known) walk(known, path, many);
      else if (schema !== 'bytes') put(path, scalarType(schema, path.at(-1) ?? ''), [], many);
      return;
    }
    if (schema.name) named.set(`${schema.namespace ?? 'weir'}.${schema.name}`, schema);
    if (schema.type === 'record') {
      if (path.length > 0) put(path, 'record', [], many);
      for (const field of schema.fields ?? []) walk(field.type, [...path, field.name], many);
    } else if (schema.type === 'array') {
      walk(schema.items ?? 'null', path, true);
    } else if (schema.type === 'map') {
      put(path, 'map', [], many);
    } else if (schema.type === 'enum') {
      put(path, schema.name === 'Severity' ? 'severity' : 'enum', schema.symbols ?? [], many);
    } else {
      walk(schema.type, path, many);
    }
  }

  function put(path: readonly string[], type: FieldType, symbols: readonly string[], many: boolean): void {
    const name = path.join('.');
    out.set(name, { name, path, type, symbols, many });
  }

  walk(root, [], false);
  return out;
}

function scalarType(type: string, name: string): FieldType {
  if (type === 'boolean') return 'boolean';
  if (NUMBERS.has(type)) {
    if (name === 'protocol') return 'protocol';
    return type === 'long' && name.endsWith('Ms') && !DURATION.has(name) ? 'time' : 'number';
  }
  return ADDRESS.has(name) ? 'address' : 'text';
}
