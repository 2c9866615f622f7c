import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import * as fc from 'fast-check';
import { codecOf } from '../../schema/codec.ts';
import { schemas, type Flow, type RecordKind } from '../../schema/records.ts';
import { arbitraryOf } from '../helpers/arbitraries.ts';
import { aFlow } from '../helpers/flows.ts';

const kinds = Object.keys(schemas) as RecordKind[];
/** Decoded records have the decoder's own prototype; a clone is plain. */
const plain = <T>(value: T): T => structuredClone(value);

for (const kind of kinds) {
  test(`${kind}: what is encoded is decoded`, () => {
    const codec = codecOf(kind);
    const buffer = Buffer.alloc(1 << 20);
    fc.assert(
      fc.property(arbitraryOf(kind), fc.nat(64), (record, offset) => {
        const bytes = codec.encode(record);
        assert.deepEqual(plain(codec.decode(bytes)), plain(record));
        assert.equal(codec.encodeInto(buffer, offset, record), offset + bytes.length);
        assert.ok(buffer.subarray(offset, offset + bytes.length).equals(bytes));
        const short = Buffer.alloc(bytes.length - 1);
        if (bytes.length > 0) assert.equal(codec.encodeInto(short, 0, record), -1);
      }),
      { numRuns: 50 },
    );
  });
}

test('what does not fit the schema is refused', () => {
  const codec = codecOf('flow');
  const broken: readonly Partial<Record<keyof Flow, unknown>>[] = [
    { endMs: 2 ** 53 },
    { sourceBytes: Number.POSITIVE_INFINITY },
    { startMs: 1.5 },
    { aggregated: 2 ** 31 },
    { verdict: 'maybe' },
    { id: null },
    { source: null },
  ];
  for (const change of broken) {
    assert.throws(() => codec.encode({ ...aFlow(), ...change } as Flow), JSON.stringify(change));
  }
});

test('bytes that are cut or too long are refused', () => {
  const codec = codecOf('flow');
  const bytes = codec.encode(aFlow());
  assert.throws(() => codec.decode(bytes.subarray(0, bytes.length - 1)));
  assert.throws(() => codec.decode(Buffer.concat([bytes, Buffer.from([0])])));
});

interface AnyField {
  name: string;
  type: unknown;
  default?: unknown;
}

/** The flow of a later release: fields more at two levels, a symbol more, and one old field gone. */
function laterFlow(): { schema: string; type: avro.Type } {
  const schema = JSON.parse(schemas.flow) as { fields: AnyField[] };
  const field = (name: string) => schema.fields.find((entry) => entry.name === name)!;
  schema.fields.unshift({ name: 'vlan', type: ['null', 'int'], default: null });
  (field('source').type as { fields: AnyField[] }).fields.push({
    name: 'mac',
    type: 'string',
    default: 'unset',
  });
  (field('verdict').type as { symbols: string[] }).symbols.push('quarantine');
  schema.fields.splice(schema.fields.indexOf(field('malformed')), 1);
  const text = JSON.stringify(schema);
  return {
    schema: text,
    type: avro.Type.forSchema(JSON.parse(text) as avro.Schema, { wrapUnions: 'never' }),
  };
}

test('an old reader reads a new record: what it does not know is left out or becomes the default', () => {
  const later = laterFlow();
  const old = aFlow();
  const { malformed: _, ...rest } = old;
  const endpoint = (of: Flow['source']) => ({ ...of, mac: '00:00:5e:00:53:01' });
  const record = {
    ...rest,
    vlan: 7,
    verdict: 'quarantine',
    source: endpoint(old.source),
    destination: endpoint(old.destination),
  };
  const read = codecOf('flow').decoderFor(later.schema)(later.type.toBuffer(record));
  assert.deepEqual(plain(read), plain({ ...old, verdict: 'unknown', malformed: false }));
});

test('a new reader reads an old record: what is missing becomes the default', () => {
  const later = laterFlow();
  const codec = codecOf('flow');
  const writer = avro.Type.forSchema(JSON.parse(codec.schema) as avro.Schema, { wrapUnions: 'never' });
  const read = later.type.fromBuffer(codec.encode(aFlow()), later.type.createResolver(writer)) as Record<
    string,
    unknown
  >;
  assert.equal(read['vlan'], null);
  assert.equal((read['source'] as Record<string, unknown>)['mac'], 'unset');
  assert.equal((read['source'] as Record<string, unknown>)['ip'], '10.0.0.1');
});

test('every enum has a default symbol and every record field a default or a value always given', () => {
  const enums: string[] = [];
  const visit = (schema: unknown): void => {
    if (Array.isArray(schema)) return schema.forEach(visit);
    if (typeof schema !== 'object' || schema === null) return;
    const {
      type,
      symbols,
      default: fallback,
      name,
    } = schema as { type: unknown; symbols?: string[]; default?: string; name?: string };
    if (type === 'enum') {
      enums.push(name!);
      assert.ok(symbols!.includes(fallback!), `${name} has no default symbol`);
    }
    Object.values(schema).forEach(visit);
  };
  for (const kind of kinds) visit(JSON.parse(schemas[kind]));
  assert.ok(enums.includes('Verdict'));
});

test('schemas that do not resolve are told at once', () => {
  const other = JSON.stringify({
    type: 'record',
    name: 'Flow',
    namespace: 'weir',
    fields: [{ name: 'id', type: 'string' }],
  });
  assert.throws(() => codecOf('flow').decoderFor(other));
});

test('our own ways of writing give the bytes that avsc gives', () => {
  for (const kind of kinds) {
    const type = avro.Type.forSchema(JSON.parse(schemas[kind]) as avro.Schema, { wrapUnions: 'never' });
    const codec = codecOf(kind);
    fc.assert(
      fc.property(arbitraryOf(kind), (record) =>
        assert.ok(codec.encode(record).equals(type.toBuffer(record))),
      ),
      { numRuns: 50 },
    );
  }
});

test('a nullable field takes nothing but its own type', () => {
  const codec = codecOf('flow');
  for (const change of [
    { node: 1 },
    { protocol: 'tcp' },
    { service: [] },
    { service: 'x' },
    { request: true },
  ]) {
    assert.throws(() => codec.encode({ ...aFlow(), ...change } as unknown as Flow), JSON.stringify(change));
  }
  const labels = [{ labels: ['a'] }, { labels: 'a' }, { labels: { a: 1 } }];
  for (const change of labels) {
    const source = { ...aFlow().source, ...change };
    assert.throws(() => codec.encode({ ...aFlow(), source } as unknown as Flow), JSON.stringify(change));
  }
});

test('texts of any length are written as avsc writes them, up to the last byte of a buffer', () => {
  const codec = codecOf('flow');
  const type = avro.Type.forSchema(JSON.parse(schemas.flow) as avro.Schema, { wrapUnions: 'never' });
  for (const length of [0, 1, 62, 63, 64, 65, 127, 128, 8190, 8191, 8192, 8193])
    for (const end of ['', 'x', 'é', '€', '🙂'])
      for (const origin of ['a'.repeat(length) + end, end + 'a'.repeat(length)]) {
        const flow = { ...aFlow(), origin };
        const bytes = type.toBuffer(flow);
        const buffer = Buffer.alloc(bytes.length + 3, 255);
        assert.equal(codec.encodeInto(buffer, 3, flow), buffer.length);
        assert.ok(buffer.subarray(3).equals(bytes));
        assert.equal(codec.encodeInto(buffer, 4, flow), -1);
        assert.equal(codec.decode(bytes).origin, origin);
      }
});
