import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import type { Node, Value } from '../../query/ast.ts';
import { QueryError } from '../../query/errors.ts';
import { compileQuery } from '../../query/evaluate.ts';
import { print } from '../../query/print.ts';
import {
  newAlert,
  newEndpoint,
  newEvidence,
  newFlow,
  newLinks,
  newParty,
  newPolicyRef,
  newWhy,
  type Alert,
  type Flow,
} from '../../schema/records.ts';
import { flowQueries, flows } from './arbitraries.ts';

const flow = (change: (flow: Flow) => void): Flow => {
  const made = newFlow({
    id: 'f',
    origin: 'o',
    position: 1,
    cluster: 'default',
    collector: 'ovn_acl',
    startMs: Date.UTC(2026, 0, 2, 3),
    endMs: Date.UTC(2026, 0, 2, 3, 12),
    receivedMs: 0,
    source: newEndpoint(),
    destination: newEndpoint(),
  });
  change(made);
  return made;
};
const shop = flow((f) => {
  f.verdict = 'deny';
  f.protocol = 6;
  f.sourceBytes = 1500;
  f.source.namespace = 'shop';
  f.source.ip = '10.1.2.3';
  f.source.labels = { app: 'web', 'app.kubernetes.io/name': 'front' };
  f.destination.ip = 'fd00::7';
  f.destination.port = 5432;
  f.destination.scopes = ['pci', 'hipaa'];
  f.policies = [
    { ...newPolicyRef(), name: 'allow-dns', namespace: 'shop' },
    { ...newPolicyRef(), name: null, action: 'default_deny' },
  ];
});
const alert = (change: (alert: Alert) => void): Alert => {
  const made = newAlert({
    id: 'a',
    revision: 0,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.7,
    entity: newParty({ key: 'k' }),
    cluster: 'default',
    firstMs: 1,
    lastMs: 2,
    raisedMs: 3,
    count: 4,
    why: newWhy({ summary: 's' }),
    evidence: newEvidence(),
    links: newLinks(),
  });
  change(made);
  return made;
};

test('flows', () => {
  const yes = [
    'source.namespace : "shop" and verdict : deny',
    'verdict : denied',
    'event.action : DENY',
    'source.ip : 10.0.0.0/8',
    'source.ip : 10.1.*',
    'destination.ip : fd00::/16',
    'destination.ip : FD00:0::7',
    'ip : (192.168.0.0/16 or fd00::7)',
    'protocol : tcp and network.iana_number : 6',
    'policy : allow-*',
    'policies.action : default_deny',
    'destination.scopes : hipaa',
    'source.bytes >= 1500 and sourceBytes < 1501',
    'destination.port : (5432 or 3306)',
    '@timestamp > 2026-01-02 and endMs <= "2026-01-02T04:12:00+01:00"',
    'endMs : 2026-01-02',
    'not endMs : 2026-01-03',
    'source.labels.app : w*b',
    'kubernetes.labels.app.kubernetes.io/name : front',
    'not destination.namespace : shop',
    'not source.pod : *',
    'not destination.asn > 5',
    'policies : *',
    '',
  ];
  const no = [
    'source.namespace : Shop',
    'source.ip : 11.0.0.0/8',
    'destination.ip : 10.0.0.0/8',
    'destination.namespace : *',
    'destination.asn > 5',
    'destination.asn <= 5',
    'service : *',
    'source.labels.tier : *',
    'policy : "allow-*"',
  ];
  for (const query of yes) assert.equal(compileQuery('flow', query)(shop), true, query);
  for (const query of no) assert.equal(compileQuery('flow', query)(shop), false, query);
});

test('alerts: severity is ordered, policy is its name', () => {
  const high = alert((a) => {
    a.severity = 'high';
    a.policy = { ...newPolicyRef(), name: 'deny-all' };
  });
  for (const query of [
    'severity >= medium',
    'severity < critical',
    'severity : (low or high)',
    'policy : deny-*',
    'score > .5',
  ]) {
    assert.equal(compileQuery('alert', query)(high), true, query);
  }
  for (const query of ['severity > high', 'severity < info', 'target.ip : *', 'destination.port : 1']) {
    assert.equal(compileQuery('alert', query)(high), false, query);
  }
  assert.equal(compileQuery('alert', 'severity < low')(alert(() => {})), true);
});

test('a name or value that does not fit is refused at its column', () => {
  const cases: [Parameters<typeof compileQuery>[0], string, number, RegExp][] = [
    [
      'flow',
      'sourc.namespace : x',
      1,
      /expected a field of a flow, found 'sourc.namespace'; did you mean 'source.namespace'\?/,
    ],
    ['flow', 'severity >= low', 1, /expected a field of a flow/],
    ['alert', 'verdict : deny', 1, /field of an alert/],
    ['flow', 'verdict : denyy', 11, /one of unknown, allow, deny, audit, error/],
    ['flow', 'protocol : tpc', 12, /tcp/],
    ['flow', 'source.ip : 10.0.0.0/33', 13, /an address/],
    ['flow', 'source.port > many', 15, /a number/],
    ['flow', 'cluster > a', 11, /compares numbers, times and severity/],
    ['flow', 'endMs > yesterday', 9, /a time such as/],
    ['flow', 'endMs : 2026-02-30', 9, /a time such as/],
    ['flow', 'counted : maybe', 11, /'true', 'false'/],
    ['flow', 'service : web', 11, /one of its parts/],
    ['flow', 'protocol : constructor', 12, /a protocol number/],
    ['flow', 'constructor : x', 1, /expected a field/],
    ['alert', 'severity >= hi*', 13, /one of info/],
  ];
  for (const [kind, query, column, message] of cases) {
    assert.throws(
      () => compileQuery(kind, query),
      (error) => error instanceof QueryError && error.at === column - 1 && message.test(error.message),
      query,
    );
  }
});

/** The same meaning, written without any regard to speed and from the text of the README. */
function naive(node: Node, record: Flow): boolean {
  switch (node.type) {
    case 'all':
      return true;
    case 'and':
      return node.items.every((item) => naive(item, record));
    case 'or':
      return node.items.some((item) => naive(item, record));
    case 'not':
      return !naive(node.item, record);
    case 'compare': {
      const wanted = node.value.parts[0]!;
      const limit = wanted.includes('T') ? Date.parse(wanted) : Number(wanted);
      return valuesOf(record, node.field).some((value) => {
        const left = value as number;
        return { '<': left < limit, '<=': left <= limit, '>': left > limit, '>=': left >= limit }[
          node.operator
        ];
      });
    }
    default:
      return valuesOf(record, node.field).some((value) =>
        node.values.some((wanted) => fits(value, wanted, node.field)),
      );
  }
}

const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  '@timestamp': ['endMs'],
  'event.start': ['startMs'],
  'event.action': ['verdict'],
  'network.transport': ['protocol'],
  'rule.name': ['policies.name'],
  policy: ['policies.name'],
  ip: ['source.ip', 'destination.ip'],
  'related.ip': ['source.ip', 'destination.ip'],
  port: ['source.port', 'destination.port'],
  namespace: ['source.namespace', 'destination.namespace'],
  scopes: ['source.scopes', 'destination.scopes'],
  'labels.tier': ['source.labels.tier', 'destination.labels.tier'],
  'kubernetes.pod.name': ['source.pod', 'destination.pod'],
};

function valuesOf(record: Flow, name: string): unknown[] {
  return (OTHER_NAMES[name] ?? [name]).flatMap((own) => {
    const label = /^(.*\.labels)\.(.*)$/.exec(own);
    let found: unknown[] = [record];
    for (const step of label ? [...label[1]!.split('.'), label[2]!] : own.split('.')) {
      found = found.flatMap((value) => (value as Record<string, unknown>)[step] ?? []);
    }
    return found;
  });
}

function fits(value: unknown, wanted: Value, field: string): boolean {
  const text = wanted.parts.join('*');
  if (text === '*') return true;
  if (typeof value === 'boolean') return String(value) === text.toLowerCase();
  if (typeof value === 'number') {
    if (text.startsWith('2026')) {
      const from = Date.parse(text);
      return value >= from && value < from + (text.includes('T') ? 60_000 : 86_400_000);
    }
    return value === ({ tcp: 6, udp: 17 }[text.toLowerCase()] ?? Number(text));
  }
  if (/(^|\.)ip$/.test(field) && text.includes('/')) {
    const address = ipaddr.parse(value as string);
    const [network, bits] = ipaddr.parseCIDR(text);
    return address.kind() === network.kind() && address.match(network, bits);
  }
  const lower = /verdict|event.action/.test(field) ? text.toLowerCase() : text;
  const parts = wanted.parts.length === 1 ? [lower] : lower.split('*');
  const pattern = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*');
  return new RegExp(`^${pattern}$`, 'su').test(value as string);
}

test('evaluation agrees with a naive reading of the tree', () => {
  fc.assert(
    fc.property(flowQueries, fc.array(flows, { minLength: 1, maxLength: 5 }), (node, records) => {
      const predicate = compileQuery('flow', print(node));
      for (const record of records) assert.equal(predicate(record), naive(node, record), print(node));
    }),
    { numRuns: 400 },
  );
});
