import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject, inventoryKinds } from '../../enricher/inventory/decode.ts';
import { jsonErrorOffset } from '../../enricher/inventory/json-error.ts';
import { parseInventory } from '../../enricher/inventory/parse.ts';
import { codecOf } from '../../schema/codec.ts';
import { generateCluster } from '../helpers/cluster.ts';
import { asList, object, ownedBy, pod } from './setup.ts';

test('every object of a cluster becomes a record that the schema takes', () => {
  const { list } = generateCluster({ namespaces: 3 });
  const codec = codecOf('inventory');
  const records = parseInventory(JSON.stringify(list), 'c', 'x.json');
  assert.ok(records.length > 20);
  for (const record of records) {
    assert.deepEqual(Object.keys(codec.decode(codec.encode(record))), Object.keys(record));
    assert.ok(inventoryKinds.has(record.kind), 'others, such as NetworkPolicy, are passed over');
  }
});

test('a pod: addresses, ports, owner, account, and the time from which it was there', () => {
  const record = decodeObject(
    pod('a', 'x', '10.0.0.1', {
      uid: 'u',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'x', number: 1 },
      annotations: { noise: 'y', 'openshift.io/deployment-config.name': 'dc' },
      ownerReferences: [
        { kind: 'Other', name: 'o' },
        { kind: 'ReplicaSet', name: 'r', controller: true },
      ],
      spec: {
        hostNetwork: true,
        containers: [{ ports: [{ containerPort: 53, hostPort: 5_353, protocol: 'UDP', name: 'dns' }] }],
        initContainers: [
          { ports: [{ containerPort: 1 }] },
          { restartPolicy: 'Always', ports: [{ containerPort: 2 }] },
        ],
      },
      status: { podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00:0:0::1' }], startTime: '2026-01-01T00:00:05Z' },
    }),
    'c',
  );
  assert.deepEqual(record, {
    id: 'Pod/u',
    cluster: 'c',
    kind: 'Pod',
    uid: 'u',
    namespace: 'a',
    name: 'x',
    validFromMs: Date.parse('2026-01-01T00:00:05Z'),
    validToMs: null,
    labels: { app: 'x', number: '1' },
    annotations: { 'openshift.io/deployment-config.name': 'dc' },
    ips: ['10.0.0.1', 'fd00::1'],
    node: 'node-1',
    hostNetwork: true,
    ownerKind: 'ReplicaSet',
    ownerName: 'r',
    serviceAccount: 'sa',
    zone: null,
    service: null,
    ports: [
      { name: 'dns', port: 53, protocol: 17, nodePort: 5_353 },
      { name: null, port: 2, protocol: 6, nodePort: null },
    ],
    static: false,
  });
});

test('a pod that has ended holds its address no longer', () => {
  const ended = (status: object) =>
    decodeObject(pod('a', 'x', '10.0.0.1', { creationTimestamp: '2026-01-01T00:00:00Z', status }), 'c')
      ?.validToMs;
  const finishedAt = '2026-01-01T01:00:00Z';
  const terminated = [
    { state: { terminated: { finishedAt: '2026-01-01T00:30:00Z' } } },
    { state: { terminated: { finishedAt } } },
  ];
  assert.equal(ended({ phase: 'Failed', containerStatuses: terminated }), Date.parse(finishedAt));
  assert.equal(
    ended({ phase: 'Failed', conditions: [{ type: 'Ready', lastTransitionTime: finishedAt }] }),
    Date.parse(finishedAt),
  );
  assert.equal(
    ended({ phase: 'Succeeded' }),
    Date.parse('2026-01-01T00:00:00Z'),
    'when it ended is not known: it names nothing',
  );
  assert.equal(ended({ phase: 'Running' }), null);
});

test('a headless service has no address; external and balancer addresses are its own', () => {
  assert.deepEqual(decodeObject(object('Service', 's', { spec: { clusterIP: 'None' } }), 'c')?.ips, []);
  const wide = object('Service', 's', {
    spec: { clusterIP: '172.30.0.1', externalIPs: ['192.0.2.1'] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }, { hostname: 'x' }] } },
  });
  assert.deepEqual(decodeObject(wide, 'c')?.ips, ['172.30.0.1', '192.0.2.1', '192.0.2.2']);
});

test('static pods are told by mirror annotation, source or owner', () => {
  const isStatic = (rest: Record<string, unknown>) =>
    decodeObject(pod('a', 'x', '10.0.0.1', rest), 'c')?.static;
  assert.equal(isStatic({ annotations: { 'kubernetes.io/config.mirror': 'h' } }), true);
  assert.equal(isStatic({ annotations: { 'kubernetes.io/config.source': 'file' } }), true);
  assert.equal(isStatic({ annotations: { 'kubernetes.io/config.source': 'api' } }), false);
  assert.equal(isStatic(ownedBy('Node', 'n')), true);
  assert.equal(isStatic({}), false);
});

test('JSON, YAML, several documents, typed lists, arrays and single objects all read', () => {
  const names = (text: string) =>
    parseInventory(text, 'c', 'f').map((record) => `${record.kind}/${record.name}`);
  const one = pod('a', 'x', '10.0.0.1');
  assert.deepEqual(names(JSON.stringify(one)), ['Pod/x']);
  assert.deepEqual(names(JSON.stringify([one, one])), ['Pod/x', 'Pod/x']);
  assert.deepEqual(names('{"kind":"PodList","items":[{"metadata":{"name":"y"}}]}'), ['Pod/y']);
  const yaml = [
    '# comment',
    'apiVersion: v1',
    'kind: List',
    'items:',
    '- {kind: Pod, metadata: {name: p, creationTimestamp: 2026-01-01T00:00:00Z}}',
    '---',
    'kind: Namespace',
    'metadata: {name: n, creationTimestamp: "2026-01-01T00:00:00Z"}',
    '---',
  ].join('\n');
  assert.deepEqual(names(yaml), ['Pod/p', 'Namespace/n']);
  assert.deepEqual(names('{"kind":"List","items":[]}'), []);
});

test('several outputs of kubectl one after the other in one file all read', () => {
  const names = (text: string) =>
    parseInventory(text, 'c', 'f').map((record) => `${record.kind}/${record.name}`);
  const pretty = (value: unknown): string => JSON.stringify(value, null, 4);
  const list = { kind: 'List', items: [pod('a', 'y', '10.0.0.2'), object('Namespace', 'a', {})] };
  assert.deepEqual(names(`${pretty(pod('a', 'x', '10.0.0.1'))}\n${pretty(list)}\n`), [
    'Pod/x',
    'Pod/y',
    'Namespace/a',
  ]);
  assert.deepEqual(names(`\uFEFF${JSON.stringify(list)}${JSON.stringify(list)}`).length, 4);
  assert.throws(
    () => parseInventory(`${JSON.stringify(list)}\n{"kind": "List",\n "items": [}`, 'c', '/etc/c.json'),
    /^WeirError: \/etc\/c\.json:3:12: not JSON: /,
  );
  assert.throws(
    () => parseInventory(`${JSON.stringify(list)}\nnonsense`, 'c', '/etc/c.json'),
    /^WeirError: \/etc\/c\.json:2:1: not JSON: /,
  );
});

test('what is wrong is named with its place', () => {
  const fails = (text: string, message: RegExp) =>
    assert.throws(() => parseInventory(text, 'c', '/etc/c.json'), message);
  fails('', /^WeirError: \/etc\/c\.json: the file is empty/);
  fails('{"kind": "List",\n "items": [}', /^WeirError: \/etc\/c\.json:2:12: not JSON: /);
  fails('{"kind": "List", "items": [', /^WeirError: \/etc\/c\.json:1:\d+: not JSON: /);
  fails('kind: Pod\nmetadata: {name: [', /^WeirError: \/etc\/c\.json:2:\d+: not YAML: /);
  fails(
    asList([pod('a', 'x', '10.0.0.1'), { kind: 'Pod' }]),
    /item 2: Pod: expected a field "metadata\.name"/,
  );
  fails(asList([{ metadata: { name: 'x' } }]), /item 1: expected a field "kind"/);
  fails(
    asList([object('Node', 'n', { creationTimestamp: 'soon' })]),
    /item 1: Node n: creationTimestamp is "soon", expected a time/,
  );
  fails(asList(['x']), /item 1 is "x", expected a Kubernetes object/);
});

test('any JSON value gives records or an error that we made', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...inventoryKinds),
      fc.jsonValue(),
      fc.jsonValue(),
      fc.jsonValue(),
      (kind, metadata, spec, status) => {
        const value = {
          kind,
          metadata: { name: 'x', ownerReferences: metadata, labels: metadata },
          spec,
          status,
          endpoints: spec,
          ports: status,
        };
        try {
          decodeObject(value, 'c');
        } catch (error) {
          assert.equal((error as Error).name, 'WeirError');
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('the place where JSON breaks is found', () => {
  const places: readonly [string, number][] = [
    ['{"a": 1,}', 8],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['{"a": tru}', 6],
    ['{"a": "b\u0001"}', 6],
    ['{} x', 3],
    ['[{"a": [1, {"b": 2}', 19],
    ['[}', 1],
  ];
  for (const [text, offset] of places) assert.equal(jsonErrorOffset(text), offset, text);
  fc.assert(
    fc.property(fc.json(), (text) => assert.equal(jsonErrorOffset(`${text} \u0001`), text.length + 1)),
  );
});
