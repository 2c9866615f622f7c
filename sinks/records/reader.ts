import { schemas, type RecordKind } from '../../schema/records.ts';

type AvroType = string | AvroType[] | AvroObject;
interface AvroObject {
  readonly type: AvroType;
  readonly name?: string;
  readonly items?: AvroType;
  readonly values?: AvroType;
  readonly symbols?: readonly string[];
  readonly default?: string;
  readonly fields?: readonly { name: string; type: AvroType; default?: unknown }[];
}
type Reader = (value: unknown, where: string) => unknown;

const readers = new Map<RecordKind, Reader>();

/**
 * Turns the parsed JSON form of a record into the record: what was left out gets the default of its schema, an
 * unknown symbol of an enumeration that of the enumeration, unknown fields are passed over. Throws a TypeError
 * that names the field when the value does not fit.
 */
export function readerOf(kind: RecordKind): (parsed: unknown) => unknown {
  let reader = readers.get(kind);
  if (!reader) readers.set(kind, (reader = compile(JSON.parse(schemas[kind]) as AvroType, new Map())));
  return (parsed) => reader(parsed, kind);
}

function compile(type: AvroType, named: Map<string, Reader>): Reader {
  if (typeof type === 'string') return named.get(type.replace(/^.*\./, '')) ?? primitive(type);
  if (Array.isArray(type)) {
    const inner = compile(
      type.find((branch) => branch !== 'null')!,
      named,
    );
    return (value, where) => (value === null || value === undefined ? null : inner(value, where));
  }
  switch (type.type) {
    case 'record':
      return recordReader(type, named);
    case 'enum': {
      const symbols = new Set<unknown>(type.symbols);
      const reader: Reader = (value, where) => {
        if (symbols.has(value)) return value;
        if (typeof value === 'string' && type.default !== undefined) return type.default;
        return fail(where, `one of ${type.symbols?.join(', ')}`, value);
      };
      named.set(type.name!, reader);
      return reader;
    }
    case 'array': {
      const item = compile(type.items!, named);
      return (value, where) => {
        if (value === undefined) return [];
        if (!Array.isArray(value)) return fail(where, 'a list', value);
        return value.map((one, i) => item(one, `${where}[${i}]`));
      };
    }
    case 'map': {
      const entry = compile(type.values!, named);
      return (value, where) => {
        if (!isObject(value)) return fail(where, 'an object', value);
        for (const [key, one] of Object.entries(value)) entry(one, `${where}.${key}`);
        return value;
      };
    }
    default:
      return compile(type.type, named);
  }
}

function recordReader(type: AvroObject, named: Map<string, Reader>): Reader {
  const fields: { name: string; read: Reader; required: boolean; fallback: unknown }[] = [];
  const reader: Reader = (value, where) => {
    if (!isObject(value)) return fail(where, 'an object', value);
    const record: Record<string, unknown> = {};
    for (const { name, read, required, fallback } of fields) {
      const found = value[name];
      if (found === undefined && !required) record[name] = Array.isArray(fallback) ? [] : fallback;
      else record[name] = read(found, `${where}.${name}`);
    }
    return record;
  };
  named.set(type.name!, reader);
  for (const field of type.fields!) {
    fields.push({
      name: field.name,
      read: compile(field.type, named),
      required: field.default === undefined,
      fallback: field.default,
    });
  }
  return reader;
}

function primitive(type: string): Reader {
  if (type === 'bytes')
    return (value, where) =>
      typeof value === 'string' ? Buffer.from(value, 'base64') : fail(where, 'base64 text', value);
  if (type === 'string' || type === 'boolean')
    return (value, where) => (typeof value === type ? value : fail(where, `a ${type}`, value));
  const whole = type === 'int' || type === 'long';
  return (value, where) =>
    typeof value === 'number' && (!whole || Number.isSafeInteger(value))
      ? value
      : fail(where, whole ? 'a whole number' : 'a number', value);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fail(where: string, expected: string, found: unknown): never {
  const text = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 100);
  throw new TypeError(`${where}: expected ${expected}, found ${text}`);
}
