import * as fc from 'fast-check';
import type { Node, Value } from '../../query/ast.ts';
import {
  Directions,
  EndpointKinds,
  newEndpoint,
  newFlow,
  newPolicyRef,
  Reporters,
  Units,
  Verdicts,
  type Endpoint,
  type Flow,
  type PolicyRef,
} from '../../schema/records.ts';

const names = fc.constantFrom(
  'shop',
  'pay',
  'web-1',
  'kube-system',
  'a"b',
  'x y',
  'Ünïcode',
  '%',
  'a_b',
  "o'c",
  '\\',
);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const addresses = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('10.1.2.3', '10.200.0.1', '192.168.0.7', '2001:db8::1', 'fd00::42', 'fd00:1::9'),
);
const counts = fc.integer({ min: 0, max: 2 ** 31 - 1 });
/** avsc takes nothing beyond 2^53 - 2. */
const big = fc.maxSafeNat().map((value) => Math.min(value, 2 ** 53 - 3));
const longs = fc.oneof(fc.integer({ min: 0, max: 100 }), big);
const times = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 1, 3) });

export const endpoints: fc.Arbitrary<Endpoint> = fc
  .record({
    ip: maybe(addresses),
    port: maybe(fc.integer({ min: 0, max: 65535 })),
    network: maybe(names),
    kind: fc.constantFrom(...EndpointKinds),
    namespace: maybe(names),
    pod: maybe(names),
    workloadKind: maybe(fc.constantFrom('Deployment', 'StatefulSet')),
    workload: maybe(names),
    entity: maybe(names),
    serviceAccount: maybe(names),
    node: maybe(names),
    zone: maybe(names),
    labels: maybe(fc.dictionary(fc.constantFrom('app', 'app.kubernetes.io/name', 'tier'), names)),
    networkSet: maybe(names),
    account: maybe(names),
    instance: maybe(names),
    hostname: maybe(names),
    country: maybe(fc.constantFrom('DE', 'FR')),
    asn: maybe(fc.oneof(fc.integer({ min: 0, max: 70000 }), counts)),
    asName: maybe(names),
    tenant: maybe(names),
    scopes: fc.array(fc.constantFrom('pci', 'hipaa'), { maxLength: 2 }),
    owner: maybe(names),
  })
  .map((fields) => ({ ...newEndpoint(), ...fields, labels: fields.labels && { ...fields.labels } }));

const policies: fc.Arbitrary<PolicyRef> = fc
  .record({
    kind: maybe(fc.constantFrom('NetworkPolicy', 'AdminNetworkPolicy')),
    tier: maybe(names),
    namespace: maybe(names),
    name: maybe(names),
    rule: maybe(names),
    direction: maybe(fc.constantFrom('ingress', 'egress')),
    action: maybe(fc.constantFrom('allow', 'deny', 'default_deny')),
    staged: fc.boolean(),
    truncated: fc.boolean(),
    inferred: fc.boolean(),
  })
  .map((fields) => ({ ...newPolicyRef(), ...fields }));

/** Flows that use every field, present and absent, within three hours of one day. */
export const flows: fc.Arbitrary<Flow> = fc
  .tuple(
    endpoints,
    endpoints,
    times,
    fc.integer({ min: 0, max: 100_000 }),
    fc.record({
      node: maybe(names),
      reporter: fc.constantFrom(...Reporters),
      unit: fc.constantFrom(...Units),
      aggregated: counts,
      samplingRate: fc.integer({ min: 1, max: 65535 }),
      counted: fc.boolean(),
      verdict: fc.constantFrom(...Verdicts),
      verdictRaw: maybe(names),
      dropReason: maybe(names),
      protocol: maybe(fc.constantFrom(1, 6, 17, 58, 132)),
      icmpType: maybe(fc.integer({ min: 0, max: 255 })),
      icmpCode: maybe(fc.integer({ min: 0, max: 255 })),
      tcpFlags: maybe(fc.integer({ min: 0, max: 63 })),
      direction: fc.constantFrom(...Directions),
      initiatorGuessed: fc.boolean(),
      service: maybe(fc.record({ namespace: maybe(names), name: names, portName: maybe(names) })),
      sourceBytes: maybe(longs),
      destinationBytes: maybe(longs),
      sourcePackets: maybe(longs),
      destinationPackets: maybe(longs),
      connectionsStarted: maybe(counts),
      connectionsCompleted: maybe(counts),
      connectionsLive: maybe(counts),
      policies: fc.array(policies, { maxLength: 3 }),
      request: maybe(
        fc.record({ method: maybe(names), path: maybe(names), status: maybe(counts), query: maybe(names) }),
      ),
      malformed: fc.boolean(),
      inventoryStale: fc.boolean(),
    }),
    fc.record({
      origin: fc.constantFrom('file:a', 'file:b'),
      position: big,
      cluster: fc.constantFrom('default', 'prod-eu-1'),
      collector: fc.constantFrom('ovn_acl', 'netobserv'),
      id: fc.uuid(),
    }),
  )
  .map(([source, destination, endMs, durationMs, fields, identity]) => ({
    ...newFlow({
      ...identity,
      source,
      destination,
      startMs: endMs - durationMs,
      endMs,
      receivedMs: endMs + 5,
    }),
    ...fields,
  }));

const text = (...values: string[]): Value => ({ parts: values, at: 0 });
const plainText = names.map((name) => text(name));
const textValues = fc.oneof(
  plainText,
  plainText,
  fc.constantFrom(
    text('', ''),
    text('w', ''),
    text('', 'o'),
    text('s', 'p'),
    text('', 'e', ''),
    text('%', ''),
    text('a_', ''),
  ),
);
const addressValues = fc.oneof(
  addresses.map((address) => text(address)),
  fc.constantFrom(
    text('10.0.0.0/8'),
    text('fd00::/16'),
    text('2001:db8::/32'),
    text('10.', ''),
    text('', ''),
    text('0.0.0.0/0'),
  ),
);
const match = (fields: fc.Arbitrary<string>, values: fc.Arbitrary<Value>): fc.Arbitrary<Node> =>
  fc
    .tuple(fields, fc.array(values, { minLength: 1, maxLength: 3 }))
    .map(([field, values]) => ({ type: 'match', field, at: 0, values }));
const number = (value: number): Value => text(String(value));

const leaves: fc.Arbitrary<Node> = fc.oneof(
  match(
    fc.constantFrom(
      'source.namespace',
      'destination.workload',
      'namespace',
      'policy',
      'policies.namespace',
      'rule.name',
      'kubernetes.pod.name',
      'source.labels.app',
      'destination.labels.app.kubernetes.io/name',
      'labels.tier',
      'service.name',
      'request.path',
      'verdictRaw',
      'node',
      'source.scopes',
      'scopes',
      'cluster',
      'collector',
    ),
    textValues,
  ),
  match(fc.constantFrom('source.ip', 'destination.ip', 'ip', 'related.ip'), addressValues),
  match(
    fc.constantFrom('verdict', 'event.action'),
    fc.constantFrom(text('deny'), text('ALLOW'), text('', 'n', ''), text('', '')),
  ),
  match(
    fc.constantFrom('protocol', 'network.transport'),
    fc.constantFrom(text('tcp'), text('UDP'), text('1'), text('', '')),
  ),
  match(
    fc.constantFrom('counted', 'malformed', 'policies.inferred'),
    fc.constantFrom(text('true'), text('False')),
  ),
  match(
    fc.constantFrom('endMs', '@timestamp', 'startMs'),
    fc.constantFrom(text('2026-01-01'), text('2026-01-01T01:00Z')),
  ),
  match(
    fc.constantFrom('service', 'request', 'policies', 'source.labels', 'sourceBytes'),
    fc.constant(text('', '')),
  ),
  fc
    .tuple(
      fc.constantFrom(
        'sourceBytes',
        'destination.port',
        'port',
        'aggregated',
        'source.asn',
        'request.status',
        'position',
      ),
      fc.constantFrom('<', '<=', '>', '>='),
      fc.oneof(fc.integer({ min: -5, max: 70000 }), fc.maxSafeNat()).map(number),
    )
    .map(([field, operator, value]): Node => ({ type: 'compare', field, at: 0, operator, value })),
  fc
    .tuple(
      fc.constantFrom('endMs', 'event.start', 'receivedMs'),
      fc.constantFrom('<', '<=', '>', '>='),
      times.map((ms) => text(new Date(ms).toISOString())),
    )
    .map(([field, operator, value]): Node => ({ type: 'compare', field, at: 0, operator, value })),
);

/** Trees over flow fields in the form `parse` gives them: groups of two or more, never one in its like. */
export const flowQueries: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    tie('node').map((item): Node => ({ type: 'not', item })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
      )
      .map(([type, items]): Node => ({
        type,
        items: items.flatMap((item) => (item.type === type ? item.items : [item])),
      })),
  ),
})).node;

/** The tree with every position set to 0, for comparing. */
export function withoutPositions(node: Node): Node {
  return JSON.parse(JSON.stringify(node, (key, value: unknown) => (key === 'at' ? 0 : value))) as Node;
}
