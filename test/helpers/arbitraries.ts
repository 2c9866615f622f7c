import * as fc from 'fast-check';
import { schemas, type RecordKind, type RecordTypes } from '../../schema/records.ts';

type Schema = string | readonly Schema[] | NamedSchema;
interface NamedSchema {
  readonly type: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly symbols?: readonly string[];
  readonly items?: Schema;
  readonly values?: Schema;
  readonly fields?: readonly { readonly name: string; readonly type: Schema }[];
}

const MAX_INT = 2 ** 31 - 1;
/** Any text that UTF-8 can carry: no lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 12 });

/** Records of a kind with any values its schema allows, made from the schema itself, so that new fields join in. */
export function arbitraryOf<K extends RecordKind>(kind: K): fc.Arbitrary<RecordTypes[K]> {
  return arbitrary(JSON.parse(schemas[kind]) as Schema, new Map()) as fc.Arbitrary<RecordTypes[K]>;
}

function arbitrary(schema: Schema, named: Map<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  if (typeof schema === 'string') return primitive(schema, named);
  if (isUnion(schema)) return fc.oneof(...schema.map((branch) => arbitrary(branch, named)));
  switch (schema.type) {
    case 'array':
      return fc.array(arbitrary(schema.items!, named), { maxLength: 3 });
    case 'map': {
      const key = text.filter((name) => name !== '__proto__');
      return fc.dictionary(key, arbitrary(schema.values!, named), { maxKeys: 3, noNullPrototype: true });
    }
    case 'enum':
      return keep(named, schema, fc.constantFrom(...schema.symbols!));
    case 'record': {
      const fields = schema.fields!.map((field) => [field.name, arbitrary(field.type, named)] as const);
      return keep(named, schema, fc.record(Object.fromEntries(fields), { noNullPrototype: true }));
    }
    default:
      return primitive(schema.type, named);
  }
}

const isUnion = (schema: Schema): schema is readonly Schema[] => Array.isArray(schema);

function keep(
  named: Map<string, fc.Arbitrary<unknown>>,
  schema: NamedSchema,
  made: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  named.set(`${schema.namespace === undefined ? '' : `${schema.namespace}.`}${schema.name}`, made);
  return made;
}

function primitive(name: string, named: ReadonlyMap<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  switch (name) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.integer({ min: -MAX_INT - 1, max: MAX_INT });
    case 'long':
      // avsc refuses the last safe number, and below -2^52 its zigzag is off by one; we have no such times or sizes.
      return fc.integer({ min: -(2 ** 52), max: Number.MAX_SAFE_INTEGER - 1 });
    case 'double':
      return fc.double({ noNaN: true });
    case 'string':
      return text;
    case 'bytes':
      return fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
    default: {
      const made = named.get(name) ?? named.get(`weir.${name}`);
      if (made === undefined) throw new Error(`no generator for the schema type ${name}`);
      return made;
    }
  }
}
