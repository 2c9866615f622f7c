import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ecsDocument } from '../../../sinks/ecs/document.ts';
import { agentFields, schemaFields } from '../../../sinks/ecs/ecs-fields.ts';
import { ecsFields } from '../../../sinks/ecs/fields.ts';
import { mappings } from '../../../sinks/ecs/mappings.ts';
import { ownFields } from '../../../sinks/ecs/own-fields.ts';
import { ecsKinds, namespaceOf, streamOf, type EcsKind } from '../../../sinks/ecs/streams.ts';
import { closedLists, examples, hostileText, withText } from './examples.ts';
import { legalTypes } from './legal-types.ts';

type Tree = Readonly<Record<string, unknown>>;

/** Names of the fields of a document, with the values they have. */
function leaves(document: Tree, path = ''): [name: string, value: unknown][] {
  return Object.entries(document).flatMap(([key, value]): [string, unknown][] => {
    const name = path + key;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && ecsFields.get(name)?.type !== 'flattened'
      ? leaves(value as Tree, `${name}.`)
      : [[name, value]];
  });
}

const documentOf = (kind: EcsKind, record: (typeof examples)[EcsKind][number]): Tree =>
  JSON.parse(
    ecsDocument(kind, record as never, { stream: streamOf(kind, record as never), namespace: 'default' }),
  ) as Tree;

for (const kind of ecsKinds)
  test(`ecs: the documents of ${kind} have the fields that are listed for it, all of them, in their types`, () => {
    const seen = new Set<string>();
    for (const record of examples[kind])
      for (const [name, value] of leaves(documentOf(kind, record))) {
        const field = ecsFields.get(name);
        assert.ok(field, `${name} is not listed`);
        assert.ok(field.kinds.includes(kind), `${name} is not listed for ${kind}`);
        assert.equal(Array.isArray(value), field.isList, `${name}: list or not`);
        for (const one of [value].flat()) assertType(name, one, field.type);
        seen.add(name);
      }
    const listed = [...ecsFields.values()]
      .filter(({ kinds }) => kinds.includes(kind))
      .map(({ name }) => name);
    assert.deepEqual(
      listed.filter((name) => !seen.has(name)),
      [],
      'listed, and in no example',
    );
  });

function assertType(name: string, value: unknown, type: string): void {
  const wanted: Readonly<Record<string, string>> = {
    long: 'number',
    float: 'number',
    boolean: 'boolean',
    flattened: 'object',
  };
  assert.equal(typeof value, wanted[type] ?? 'string', name);
  if (type === 'long') assert.ok(Number.isInteger(value), name);
  if (type === 'date') assert.match(String(value), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, name);
}

test('ecs: categories, types, kinds and outcomes are those that ECS allows', () => {
  for (const kind of ecsKinds)
    for (const record of examples[kind])
      for (const variant of variantsOf(kind, record)) {
        const event = documentOf(kind, variant)['event'] as Tree;
        const allowed = (event['category'] as string[]).map((category) => {
          const types = legalTypes[category];
          assert.ok(types, `${category} is no category`);
          return types;
        });
        for (const type of event['type'] as string[])
          assert.ok(
            allowed.some((types) => types.includes(type)),
            `${kind}: type ${type} of ${String(event['category'])}`,
          );
        assert.ok(['event', 'alert', 'pipeline_error'].includes(String(event['kind'])));
        assert.ok([undefined, 'success', 'failure', 'unknown'].includes(event['outcome'] as string));
        if (event['severity'] !== undefined)
          assert.ok([10, 21, 47, 73, 99].includes(event['severity'] as number));
        const risk = event['risk_score'] as number | undefined;
        if (risk !== undefined) assert.ok(risk >= 0 && risk <= 100);
      }
});

/** The record with each value of the closed lists that decide about `event`. */
function* variantsOf(kind: EcsKind, record: object): Generator<(typeof examples)[EcsKind][number]> {
  const values: Partial<Record<EcsKind, readonly [string, readonly unknown[]][]>> = {
    flow: [['verdict', ['allow', 'deny', 'audit', 'error', 'unknown']]],
    alert: [
      ['outcome', ['blocked', 'allowed', 'mixed', 'unknown']],
      ['severity', ['info', 'low', 'medium', 'high', 'critical']],
      ['score', [0, 1, 1.5, -1]],
    ],
    policy_change: [['verb', ['create', 'update', 'patch', 'delete', 'deletecollection']]],
  };
  yield record as (typeof examples)[EcsKind][number];
  for (const [name, list] of values[kind] ?? [])
    for (const value of list) yield { ...(record as (typeof examples)[EcsKind][number]), [name]: value };
}

test('ecs: a document is one line of JSON whatever the texts of a record are, and gives them back', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ecsKinds), fc.infiniteStream(hostileText), (kind, texts) => {
      for (const record of examples[kind].slice(0, 2)) {
        const hostile = withText(record as object, () => texts.next().value as string, closedLists);
        const text = ecsDocument(kind, hostile as never);
        for (const control of ['\n', '\r', '\0']) assert.ok(!text.includes(control));
        // Every code unit can be sent: what has no half of a pair is escaped.
        assert.equal(Buffer.from(text).toString(), text);
        const id = (hostile as { id: string; revision?: number }).id;
        const event = (JSON.parse(text) as { event: { id: string } }).event;
        assert.ok(event.id.startsWith(id));
      }
    }),
    { numRuns: 60 },
  );
});

test('ecs: names of Weir are under `weir`, all others are of ECS or of the agents', () => {
  for (const { name } of ownFields) assert.match(name, /^weir\./);
  for (const { name } of agentFields) assert.match(name, /^kubernetes\./);
  for (const { name } of schemaFields) assert.doesNotMatch(name, /^(weir|kubernetes)\./);
});

test('ecs: mappings name every field with its type', () => {
  for (const { name, type } of ecsFields.values()) {
    if (name.startsWith('data_stream.')) continue;
    let at = mappings as { properties?: object };
    for (const part of name.split('.')) at = (at.properties as Record<string, object>)[part]!;
    assert.equal((at as { type?: string }).type, type, name);
  }
});

test('ecs: tenants never share a namespace, and each is fit for the name of a data stream', () => {
  assert.equal(namespaceOf('payments'), 'payments');
  assert.equal(namespaceOf('team-a'), 'team_a');
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[aA_\-.]{1,6}$/)), {
        minLength: 2,
        maxLength: 6,
      }),
      (tenants) => {
        const names = tenants.map(namespaceOf);
        assert.equal(new Set(names).size, tenants.length);
        for (const name of names) assert.match(name, /^[a-z0-9][a-z0-9_.]{0,99}$/);
      },
    ),
  );
});

const REFERENCE = '../shared/reference/ecs_fields.csv';

test('ecs: every field has the type and arity that the schema gives it', (t) => {
  if (!existsSync(REFERENCE)) return t.diagnostic(`${REFERENCE} is not there: types were not compared`);
  const rows = readFileSync(REFERENCE, 'utf8').split('\n');
  const schema = new Map(
    rows.slice(1).map((row) => {
      const [, , , field, type, , normalization] = row.split(',');
      return [field, { type, isList: normalization === 'array' }] as const;
    }),
  );
  for (const { name, type, isList } of schemaFields) {
    const known = schema.get(name);
    assert.ok(known, `${name} is not in ECS`);
    assert.equal(type, known.type, name);
    assert.equal(isList, known.isList, `${name}: list or not`);
  }
});
