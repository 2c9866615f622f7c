import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/control_plane_access/index.ts';
import { options } from '../../detectors/control_plane_access/options.ts';
import type { Endpoint, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { notifications, opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, life, node, pod, policy, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const apiService: Endpoint = pod('default/kubernetes', {
  kind: 'service',
  workloadKind: 'Service',
  pod: null,
  entity: 'test/default/Service/kubernetes',
});
const metadata = address('169.254.169.254', { kind: 'private' });

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  /** Alerts that open, apart from the lists of existing clients. */
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a workload that never talked to the API server begins to',
    traffic: [life, { at: '30h', times: 20, from: web, to: apiService, port: 443, fate: 'allowed' }],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web contacted the API server at [\d.]+ for the first time in \d+\.\d h of history .*Ask the owner of shop\/web whether it uses the Kubernetes API/,
      },
    ],
  },
  {
    name: 'with the default service account, which has no business there, it is medium',
    traffic: [
      life,
      {
        at: '30h',
        from: pod('shop/web', { serviceAccount: 'default', owner: 'team-shop' }),
        to: node('master-0'),
        port: 6443,
        fate: 'answered',
      },
    ],
    finds: [{ who: WEB, severity: 'medium', says: /default service account .*Ask team-shop whether/ }],
  },
  {
    name: 'the metadata service is asked for credentials, over IPv4 and IPv6',
    traffic: [
      life,
      { at: '30h', every: '5m', times: 9, from: web, to: metadata, port: 80, fate: 'allowed' },
      {
        at: '31h',
        from: pod('shop/cart'),
        to: address('fd00:ec2::254', { kind: 'private' }),
        port: 80,
        fate: 'answered',
      },
    ],
    finds: [
      { who: WEB, severity: 'medium', says: /contacted the cloud metadata service at 169\.254\.169\.254/ },
      { who: 'test/shop/Deployment/cart', severity: 'medium', says: /at fd00:ec2::254/ },
    ],
  },
  {
    name: 'a denied contact is a control that worked, and one that works afterwards is told',
    traffic: [
      life,
      { at: '30h', times: 3, from: web, to: metadata, port: 80, fate: 'denied', policy: policy(null) },
      { at: '40h', from: web, to: metadata, port: 80, fate: 'allowed' },
    ],
    finds: [
      { who: WEB, severity: 'info', says: /3 flows, denied|1 flow, denied/ },
      { who: WEB, severity: 'medium', says: /1 flow, allowed/ },
    ],
  },
  {
    name: 'a hundred kubelets are one contact, etcd is another and worse',
    traffic: [
      life,
      {
        at: '30h',
        from: web,
        to: Array.from({ length: 100 }, (_, i) => node(`worker-${i}`)),
        port: 10250,
        fate: 'answered',
      },
      { at: '31h', from: web, to: node('master-0'), port: 2379, fate: 'answered' },
    ],
    finds: [
      { who: WEB, severity: 'medium', says: /contacted a kubelet/ },
      { who: WEB, severity: 'high', says: /contacted etcd .*only the API server talks to etcd/ },
    ],
  },
  {
    name: 'a source in a compliance scope is a step worse',
    traffic: [
      life,
      {
        at: '30h',
        from: pod('payments/card', { scopes: ['pci'] }),
        to: metadata,
        port: 80,
        fate: 'allowed',
      },
    ],
    finds: [{ who: 'test/payments/Deployment/card', severity: 'high', says: /metadata service/ }],
  },
  {
    name: 'a node joins etcd long after',
    traffic: [
      life,
      { at: '50h', from: node('worker-7'), to: node('master-0'), port: 2379, fate: 'answered' },
    ],
    finds: [{ who: 'test/host/worker-7', severity: 'high', says: /^node worker-7 contacted etcd/ }],
  },
  {
    name: 'a kubelet answers the internet',
    traffic: [
      life,
      { at: '30h', from: addresses('203.0', 40), to: node('worker-1'), port: 10250, fate: 'answered' },
    ],
    finds: [
      {
        who: 'test/host/worker-1',
        severity: 'high',
        says: /^node worker-1 answered the internet as a kubelet .*one address.*Ask whoever runs the cluster/,
      },
    ],
  },
  {
    name: 'silence: the internet knocks and nobody answers',
    traffic: [
      life,
      { at: '30h', from: addresses('203.0', 40), to: node('worker-1'), port: 6443, fate: 'failed' },
    ],
    finds: [],
  },
  {
    name: 'silence: what talked when detection began goes on, after a restart of its pods too',
    traffic: [
      life,
      { at: '1m', every: '10m', times: 600, from: web, to: apiService, port: 443, fate: 'allowed' },
      {
        at: '50h',
        every: '10m',
        times: 60,
        from: pod('shop/web', { ip: '10.130.9.9', pod: 'web-77-zzz' }),
        to: node('master-2'),
        port: 6443,
        fate: 'allowed',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: kubelets, operators, metrics and platform agents are known good',
    traffic: [
      life,
      { at: '30h', from: node('worker-9'), to: node('master-0'), port: 6443, fate: 'answered' },
      { at: '30h', from: pod('cert-manager/cert-manager'), to: apiService, port: 443, fate: 'answered' },
      { at: '30h', from: pod('openshift-dns/dns-operator'), to: apiService, port: 443, fate: 'answered' },
      {
        at: '30h',
        from: pod('kube-system/metrics-server'),
        to: node('worker-1'),
        port: 10250,
        fate: 'answered',
      },
      { at: '30h', from: pod('kube-system/ebs-csi-node'), to: metadata, port: 80, fate: 'answered' },
      { at: '30h', from: node('worker-9'), to: metadata, port: 80, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: the same ports where they mean something else',
    traffic: [
      life,
      { at: '30h', from: node('master-0'), to: pod('cert-manager/webhook'), port: 10250, fate: 'answered' },
      { at: '30h', from: web, to: pod('vitess/etcd'), port: 2379, fate: 'answered' },
      { at: '30h', from: web, to: address('203.0.113.9'), port: 443, fate: 'answered' },
      { at: '30h', from: web, to: metadata, port: 53, protocol: 'udp', fate: 'answered' },
      { at: '30h', from: web, to: pod('shop/cart'), port: 443, fate: 'answered' },
    ],
    finds: [],
  },
];

const isList = (rule: string): boolean => rule.startsWith('Existing');

for (const scenario of scenarios) {
  test(`control_plane_access: ${scenario.name}`, () => {
    const { alerts } = runDetector(factory, flowsOf(scenario.traffic));
    const found = opened(alerts).filter(({ rule }) => !isList(rule));
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('control_plane_access: a cold start is silent; when it is learned, one list a lane tells who was there', () => {
  const clients = Array.from({ length: 300 }, (_, i) => pod(`team-${i % 30}/app-${i}`));
  const talk = { every: '1s', from: clients, to: apiService, port: 443, fate: 'allowed' } as const;
  assert.deepEqual(runDetector(factory, flowsOf([{ ...talk, at: '0s', times: 3_000 }])).alerts, []);
  const { alerts } = runDetector(
    factory,
    flowsOf([
      { ...talk, at: '0s', times: 3_000 },
      { ...talk, at: '1h', every: '10m', times: 200 },
      { ...talk, at: '25h', times: 3_000 },
    ]),
  );
  assert.deepEqual(notifications(alerts), []);
  const lists = opened(alerts);
  assert.equal(lists.length, 12);
  assert.equal(
    lists.reduce((sum, { why }) => sum + why.factors[0]!.observed, 0),
    300,
  );
  assert.match(
    lists[0]!.why.summary,
    /^\d+ clients were talking to the control plane while it was learned \(team-\d+\/app-\d+ -> the API server, /,
  );
  assert.ok(lists.every(({ why }) => why.learning));
});

test('control_plane_access: a cluster that is added later learns too', () => {
  const inOther = (name: string): Endpoint => pod(name, { entity: `other/${name}` });
  const late = flowsOf([
    {
      at: '60h',
      every: '1m',
      times: 200,
      from: [inOther('a/a'), inOther('b/b'), inOther('c/c')],
      to: apiService,
      port: 443,
      fate: 'allowed',
      tune(flow) {
        flow.cluster = 'other';
      },
    },
  ]);
  assert.deepEqual(notifications(runDetector(factory, [...flowsOf([life]), ...late]).alerts), []);
});

test('control_plane_access: an alert says how the client began and closes though it goes on', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      life,
      { at: '30h', every: '1m', times: 3_000, from: web, to: apiService, port: 443, fate: 'allowed' },
    ]),
  );
  const mine = alerts.filter(({ entity }) => entity.key === WEB);
  assert.deepEqual(
    mine.map(({ action, count }) => [action, count]),
    [
      ['opened', 1],
      ['updated', 10],
      ['closed', 61],
    ],
  );
  assert.equal(mine[0]!.links.runbook, 'detectors/control_plane_access/README.md');
  assert.ok(mine[0]!.why.historyMs > 24 * 3_600_000);
});

test('control_plane_access: `allow` names who may, and a query that is none is refused with its place', () => {
  const allowing = create(options.parse({ allow: ['source.namespace : shop'] }));
  const traffic = flowsOf([life, { at: '30h', from: web, to: apiService, port: 443, fate: 'allowed' }]);
  assert.deepEqual(notifications(runDetector(allowing, traffic).alerts), []);
  assert.throws(() => create(options.parse({ allow: ['source.namespace : a', 'source.nothing : b'] })), {
    code: 'config_invalid',
    message: /^detectors\.control_plane_access\.allow\[1\]: /,
  });
});

detectorContract({
  name: 'control_plane_access',
  factory,
  alerting: flowsOf([
    { ...life, every: '15m', times: 200 },
    { at: '1h', every: '7m', times: 100, from: pod('shop/old'), to: apiService, port: 443, fate: 'allowed' },
    { at: '30h', every: '20s', times: 100, from: web, to: apiService, port: 443, fate: 'allowed' },
    {
      at: '31h',
      every: '3m',
      times: 40,
      from: [web, pod('shop/cart'), pod('shop/pay')],
      to: [metadata, node('worker-1')],
      port: [80, 10250],
      fate: ['allowed', 'denied', 'answered'],
    },
    { at: '32h', from: addresses('203.0', 15), to: node('worker-1'), port: 6443, fate: 'answered' },
  ]),
  benign: flowsOf([
    life,
    { at: '30h', from: node('worker-9'), to: node('master-0'), port: 6443, fate: 'answered' },
  ]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: apiService,
        port: 443,
        fate: 'allowed',
      },
    ]),
});
