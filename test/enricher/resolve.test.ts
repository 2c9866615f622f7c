import assert from 'node:assert/strict';
import { test } from 'node:test';
import { T0 } from '../helpers/flows.ts';
import { generateCluster, PCI_LABEL, TEAM_LABEL, TENANT_LABEL } from '../helpers/cluster.ts';
import { enriched, object, ownedBy, pod } from './setup.ts';

const who = (endpoint: { workloadKind: string | null; workload: string | null }) =>
  `${endpoint.workloadKind}/${endpoint.workload}`;

test('a pod is named with its workload, node, zone, account, tenant, scopes and team', async (t) => {
  const made = generateCluster({ namespaces: 5 });
  const { one } = await enriched(t, made.list.items, {
    tenants: { label: TENANT_LABEL, default: 'platform' },
    owners: { label: TEAM_LABEL },
    scopes: { pci: { namespaceLabel: { [PCI_LABEL]: 'true' }, cidrs: ['10.128.0.2/32'] } },
  });
  const inPci = made.pods.at(-1)!;
  const first = made.pods[0]!;
  const flow = await one({ from: first.ip, to: inPci.ip, port: inPci.port });
  const { source, destination } = flow;
  assert.equal(source.kind, 'workload');
  assert.equal(source.namespace, first.namespace);
  assert.equal(source.pod, first.name);
  assert.equal(who(source), 'Deployment/api');
  assert.equal(source.entity, `test/${first.namespace}/Deployment/api`);
  assert.equal(source.node, 'node-1');
  assert.equal(source.zone, 'zone-a');
  assert.equal(source.serviceAccount, 'api');
  assert.equal(source.tenant, 'payments');
  assert.equal(source.owner, 'team-payments');
  assert.deepEqual(source.scopes, ['pci'], 'by its address');
  assert.deepEqual(destination.scopes, ['pci'], 'by its namespace');
  assert.equal(destination.tenant, 'retail');
  assert.deepEqual(flow.service, { namespace: inPci.namespace, name: 'web', portName: 'http' });
});

test('the owner that lasts is found through every chain', async (t) => {
  const { one } = await enriched(t, [
    pod('a', 'web-6d4f8c9b57-x2x4z', '10.1.0.1', ownedBy('ReplicaSet', 'web-6d4f8c9b57')),
    object('ReplicaSet', 'web-6d4f8c9b57', { namespace: 'a', ...ownedBy('Deployment', 'web') }),
    pod('a', 'canary-58f9c47d6b-zz5qk', '10.1.0.2', ownedBy('ReplicaSet', 'canary-58f9c47d6b')),
    object('ReplicaSet', 'canary-58f9c47d6b', { namespace: 'a', ...ownedBy('Rollout', 'canary') }),
    pod('a', 'shop-3-abcde', '10.1.0.3', ownedBy('ReplicationController', 'shop-3')),
    object('ReplicationController', 'shop-3', { namespace: 'a', ...ownedBy('DeploymentConfig', 'shop') }),
    pod('a', 'report-28912345-hx7lp', '10.1.0.4', ownedBy('Job', 'report-28912345')),
    object('Job', 'report-28912345', { namespace: 'a', ...ownedBy('CronJob', 'report') }),
    pod('a', 'import-q8v4x', '10.1.0.5', ownedBy('Job', 'import')),
    object('Job', 'import', { namespace: 'a' }),
    pod('a', 'db-0', '10.1.0.6', ownedBy('StatefulSet', 'db')),
    pod('a', 'agent-7xk2p', '10.1.0.7', ownedBy('DaemonSet', 'agent')),
    pod('a', 'shell', '10.1.0.8'),
    object('ReplicaSet', 'lone', { namespace: 'a' }),
    pod('a', 'lone-x2x4z', '10.1.0.9', ownedBy('ReplicaSet', 'lone')),
    pod('kube-system', 'etcd-node-1', '10.1.0.10', {
      ...ownedBy('Node', 'node-1'),
      annotations: { 'kubernetes.io/config.mirror': 'abc' },
    }),
    pod('a', 'pg-1', '10.1.0.11', ownedBy('Cluster', 'pg')),
  ]);
  const expected: Record<string, string> = {
    '10.1.0.1': 'Deployment/web',
    '10.1.0.2': 'Rollout/canary',
    '10.1.0.3': 'DeploymentConfig/shop',
    '10.1.0.4': 'CronJob/report',
    '10.1.0.5': 'Job/import',
    '10.1.0.6': 'StatefulSet/db',
    '10.1.0.7': 'DaemonSet/agent',
    '10.1.0.8': 'Pod/shell',
    '10.1.0.9': 'ReplicaSet/lone',
    '10.1.0.10': 'Pod/etcd',
    '10.1.0.11': 'Cluster/pg',
  };
  for (const [ip, workload] of Object.entries(expected))
    assert.equal(who((await one({ from: ip })).source), workload, ip);
});

test('an owner in between that is not listed is told by hash, label or time', async (t) => {
  const { one } = await enriched(t, [
    pod('a', 'web-6d4f8c9b57-x2x4z', '10.1.0.1', {
      ...ownedBy('ReplicaSet', 'web-6d4f8c9b57'),
      labels: { 'pod-template-hash': '6d4f8c9b57' },
    }),
    pod('a', 'web-two-6d4f8c9b57-x2x4z', '10.1.0.2', ownedBy('ReplicaSet', 'web-two-6d4f8c9b57')),
    pod('a', 'c-6d4f8c9b57-x2x4z', '10.1.0.3', {
      ...ownedBy('ReplicaSet', 'c-6d4f8c9b57'),
      labels: { 'rollouts-pod-template-hash': '6d4f8c9b57' },
    }),
    pod('a', 'shop-3-abcde', '10.1.0.4', {
      ...ownedBy('ReplicationController', 'shop-3'),
      annotations: { 'openshift.io/deployment-config.name': 'shop' },
    }),
    pod('a', 'report-28912345-hx7lp', '10.1.0.5', ownedBy('Job', 'report-28912345')),
    pod('a', 'by-hand-x2x4z', '10.1.0.6', ownedBy('ReplicaSet', 'by-hand')),
  ]);
  const expected = [
    'Deployment/web',
    'Deployment/web-two',
    'Rollout/c',
    'DeploymentConfig/shop',
    'CronJob/report',
    'ReplicaSet/by-hand',
  ];
  for (const [i, workload] of expected.entries()) {
    assert.equal(who((await one({ from: `10.1.0.${i + 1}` })).source), workload);
  }
});

test('a node address is the host, and names a pod only where one pod owns the port', async (t) => {
  const host = (name: string, port: number, extra: Record<string, unknown> = {}) =>
    pod('infra', name, '10.0.0.7', {
      ...ownedBy('DaemonSet', name.slice(0, -6)),
      spec: { hostNetwork: true, containers: [{ ports: [{ containerPort: port }] }] },
      ...extra,
    });
  const { one } = await enriched(t, [
    object('Node', 'node-1', {
      labels: { 'topology.kubernetes.io/zone': 'z1' },
      status: { addresses: [{ type: 'InternalIP', address: '10.0.0.7' }] },
    }),
    host('exporter-abcde', 9_100),
    host('first-abcde', 9_200),
    host('other-abcde', 9_200),
    pod('edge', 'router-abcde', '10.1.0.9', {
      ...ownedBy('DaemonSet', 'router'),
      spec: { containers: [{ ports: [{ containerPort: 8_443, hostPort: 443 }] }] },
    }),
  ]);
  const source = (await one({ from: '10.0.0.7' })).source;
  assert.deepEqual(
    [source.kind, source.entity, source.node, source.zone, source.pod],
    ['host', 'test/host/node-1', 'node-1', 'z1', null],
  );
  const exporter = (await one({ to: '10.0.0.7', port: 9_100 })).destination;
  assert.deepEqual(
    [exporter.kind, who(exporter), exporter.node],
    ['workload', 'DaemonSet/exporter', 'node-1'],
  );
  assert.equal(exporter.entity, 'test/infra/DaemonSet/exporter');
  assert.equal(
    (await one({ to: '10.0.0.7', port: 9_200 })).destination.entity,
    'test/host/node-1',
    'two pods claim it',
  );
  assert.equal((await one({ to: '10.0.0.7', port: 22 })).destination.entity, 'test/host/node-1');
  assert.equal(who((await one({ to: '10.0.0.7', port: 443 })).destination), 'DaemonSet/router');
  assert.equal(
    (await one({ to: '10.0.0.7', port: 8_443 })).destination.kind,
    'host',
    'the pod has it at its own address only',
  );
  const udp = await one({ to: '10.0.0.7', port: 9_100, edit: (flow) => (flow.protocol = 17) });
  assert.equal(udp.destination.kind, 'host');
});

test('the address of a node that is not listed is known by its host-network pods', async (t) => {
  const { one } = await enriched(t, [
    pod('infra', 'proxy-abcde', '10.0.0.8', { spec: { hostNetwork: true, nodeName: 'node-8' } }),
  ]);
  assert.equal((await one({ from: '10.0.0.8' })).source.entity, 'test/host/node-8');
});

test('a service that is given the address of a node does not hide the node', async (t) => {
  const balancer = { loadBalancer: { ingress: [{ ip: '10.0.0.9' }] } };
  const { one } = await enriched(t, [
    object('Node', 'n', { status: { addresses: [{ address: '10.0.0.9' }] } }),
    object('Service', 's', {
      namespace: 'a',
      creationTimestamp: new Date(T0 - 1).toISOString(),
      status: balancer,
    }),
  ]);
  assert.equal((await one({ to: '10.0.0.9' })).destination.entity, 'test/host/n');
});

test('services are known by cluster address, endpoint slice and node port', async (t) => {
  const slice = (service: string, name: string) =>
    object('EndpointSlice', `${service}-abcde`, {
      namespace: 'a',
      labels: { 'kubernetes.io/service-name': service },
      ports: [{ name, port: 8_080, protocol: 'TCP' }],
      endpoints: [{ addresses: ['10.1.0.1'] }],
    });
  const service = object('Service', 'web', {
    namespace: 'a',
    spec: {
      clusterIP: '172.30.0.5',
      clusterIPs: ['172.30.0.5', 'fd00::5'],
      ports: [
        { name: 'http', port: 80, nodePort: 30_080 },
        { port: 53, protocol: 'UDP' },
      ],
    },
  });
  const node = object('Node', 'n', { status: { addresses: [{ address: '10.0.0.9' }] } });
  const first = await enriched(t, [pod('a', 'web', '10.1.0.1'), service, slice('web', 'http'), node]);
  const direct = await first.one({ to: '172.30.0.5', port: 80 });
  assert.deepEqual(direct.service, { namespace: 'a', name: 'web', portName: 'http' });
  assert.equal(direct.destination.kind, 'service');
  assert.equal(direct.destination.entity, 'test/a/Service/web');
  assert.equal((await first.one({ to: 'fd00::5', port: 80 })).service?.name, 'web');
  const unnamed = await first.one({ to: '172.30.0.5', port: 53, edit: (flow) => (flow.protocol = 17) });
  assert.deepEqual(unnamed.service, { namespace: 'a', name: 'web', portName: null });
  assert.equal((await first.one({ to: '172.30.0.5', port: 81 })).service, null, 'no such port');
  const behind = await first.one({ to: '10.1.0.1', port: 8_080 });
  assert.deepEqual(behind.service, { namespace: 'a', name: 'web', portName: 'http' });
  assert.equal(behind.destination.pod, 'web');
  assert.equal((await first.one({ to: '10.1.0.1', port: 8_081 })).service, null);
  const viaNode = await first.one({ to: '10.0.0.9', port: 30_080 });
  assert.deepEqual(viaNode.service, { namespace: 'a', name: 'web', portName: 'http' });
  assert.equal(viaNode.destination.entity, 'test/host/n');
  const kept = await first.one({
    to: '10.1.0.1',
    port: 8_080,
    edit: (flow) => (flow.service = { namespace: 'x', name: 'y', portName: null }),
  });
  assert.equal(kept.service?.name, 'y', 'what the source says stays');

  const second = await enriched(t, [
    pod('a', 'web', '10.1.0.1'),
    slice('web', 'http'),
    slice('web-all', 'http'),
  ]);
  assert.equal((await second.one({ to: '10.1.0.1', port: 8_080 })).service, null, 'two services lead there');
});

test('addresses outside are classed by network, and clusters with equal addresses stay apart', async (t) => {
  const { one } = await enriched(t, [pod('a', 'x', '10.1.0.1')], {
    networks: {
      internal: ['198.51.100.0/24'],
      named: { schemes: ['203.0.113.0/28'], narrow: ['203.0.113.4/30'], pods: ['10.1.0.0/16'] },
    },
    tenants: { default: 'platform', cidrs: { cards: ['10.40.0.0/16'] } },
  });
  const facts = async (ip: string) => {
    const { kind, entity, networkSet } = (await one({ to: ip })).destination;
    return [kind, entity, networkSet];
  };
  assert.deepEqual(await facts('8.8.8.8'), ['public', 'ip/8.8.8.8', null]);
  assert.deepEqual(await facts('10.9.9.9'), ['private', 'test/ip/10.9.9.9', null]);
  assert.deepEqual(await facts('100.64.1.1'), ['private', 'test/ip/100.64.1.1', null]);
  assert.deepEqual(await facts('169.254.169.254'), ['private', 'test/ip/169.254.169.254', null]);
  assert.deepEqual(await facts('fe80::1'), ['private', 'test/ip/fe80::1', null]);
  assert.deepEqual(await facts('fd12::1'), ['private', 'test/ip/fd12::1', null]);
  assert.deepEqual(await facts('2001:db8::1'), ['public', 'ip/2001:db8::1', null]);
  assert.deepEqual(await facts('198.51.100.7'), ['private', 'test/ip/198.51.100.7', null]);
  assert.deepEqual(await facts('203.0.113.1'), ['network_set', 'ip/203.0.113.1', 'schemes']);
  assert.deepEqual(await facts('203.0.113.5'), ['network_set', 'ip/203.0.113.5', 'narrow']);
  assert.deepEqual(await facts('10.1.0.1'), ['workload', 'test/a/Pod/x', 'pods']);
  assert.equal((await one({ to: '10.40.0.1' })).destination.tenant, 'cards');
  assert.equal((await one({ to: '8.8.8.8' })).destination.tenant, null);
  assert.equal((await one({ to: '10.1.0.1' })).destination.tenant, 'platform');
  const elsewhere = await one({ to: '10.1.0.1', edit: (flow) => (flow.cluster = 'other') });
  assert.deepEqual(
    [elsewhere.destination.kind, elsewhere.destination.entity],
    ['network_set', 'other/ip/10.1.0.1'],
  );
  const network = await one({ to: '10.1.0.1', edit: (flow) => (flow.destination.network = 'a/blue') });
  assert.equal(network.destination.entity, 'test/ip/10.1.0.1@a/blue');
});

test('what the source says is kept, and the inventory fills the gaps', async (t) => {
  const { one } = await enriched(
    t,
    [
      object('Namespace', 'a', { labels: { tenant: 'cards' } }),
      pod('a', 'web-6d4f8c9b57-x2x4z', '10.1.0.1', {
        ...ownedBy('ReplicaSet', 'web-6d4f8c9b57'),
        labels: { app: 'web' },
      }),
      pod('a', 'db-0', '10.1.0.2', ownedBy('StatefulSet', 'db')),
      object('Node', 'node-1', { labels: { 'topology.kubernetes.io/zone': 'z1' } }),
    ],
    { tenants: { label: 'tenant' } },
  );
  const byName = (
    await one({
      from: '10.9.9.9',
      edit: (flow) => Object.assign(flow.source, { namespace: 'a', pod: 'db-0' }),
    })
  ).source;
  assert.deepEqual(
    [byName.pod, who(byName), byName.node, byName.tenant, byName.zone],
    ['db-0', 'StatefulSet/db', 'node-1', 'cards', 'z1'],
  );

  const other = (
    await one({ from: '10.1.0.1', edit: (flow) => Object.assign(flow.source, { namespace: 'b', pod: 'z' }) })
  ).source;
  assert.deepEqual(
    [other.namespace, other.pod, who(other), other.labels],
    ['b', 'z', 'Pod/z', null],
    'nothing of the other pod',
  );
  assert.equal(other.entity, 'test/b/Pod/z');

  const same = (
    await one({ from: '10.1.0.1', edit: (flow) => Object.assign(flow.source, { namespace: 'a' }) })
  ).source;
  assert.deepEqual([same.pod, same.labels], ['web-6d4f8c9b57-x2x4z', { app: 'web' }]);

  const set = (
    await one({
      from: '10.1.0.1',
      edit: (flow) =>
        Object.assign(flow.source, {
          namespace: 'a',
          workloadKind: 'ReplicaSet',
          workload: 'web-6d4f8c9b57',
        }),
    })
  ).source;
  assert.equal(set.entity, 'test/a/Deployment/web', 'a ReplicaSet is brought to what lasts');

  const unknown = (
    await one({
      from: '10.7.7.7',
      edit: (flow) => Object.assign(flow.source, { namespace: 'c', pod: 'api-7d9c64b5f8-k2x4z' }),
    })
  ).source;
  assert.equal(unknown.entity, 'test/c/Deployment/api');

  const owner = { namespace: 'c', pod: 'q', workloadKind: 'VirtualMachine', workload: 'vm1' };
  assert.equal(
    (await one({ edit: (flow) => Object.assign(flow.source, owner) })).source.entity,
    'test/c/VirtualMachine/vm1',
  );
  const node = { workloadKind: 'Node', workload: 'node-9' };
  const host = (await one({ edit: (flow) => Object.assign(flow.source, node) })).source;
  assert.deepEqual([host.kind, host.entity, host.node], ['host', 'test/host/node-9', 'node-9']);

  const mirror = {
    namespace: 'kube-system',
    pod: 'etcd-node-9',
    kind: 'workload',
    workloadKind: 'Node',
    workload: 'node-9',
  };
  const stat = (await one({ edit: (flow) => Object.assign(flow.source, mirror) })).source;
  assert.deepEqual([stat.kind, stat.entity], ['workload', 'test/kube-system/Pod/etcd']);
  const named = { kind: 'service', namespace: 'c', workloadKind: 'Service', workload: 's' };
  const reached = await one({ to: '172.30.9.9', edit: (flow) => Object.assign(flow.destination, named) });
  assert.deepEqual(
    [reached.destination.entity, reached.service],
    ['test/c/Service/s', { namespace: 'c', name: 's', portName: null }],
  );

  const nameless = (await one({ edit: (flow) => Object.assign(flow.source, { ip: null, kind: 'public' }) }))
    .source;
  assert.deepEqual([nameless.kind, nameless.entity], ['public', 'public']);
});

test('enriching twice changes nothing', async (t) => {
  const made = generateCluster({});
  const { one, enricher } = await enriched(t, made.list.items, { tenants: { label: TENANT_LABEL } });
  for (const [from, to] of [
    [made.pods[0]!.ip, made.pods[3]!.ip],
    [made.nodes[0]!.ip, made.services[0]!.ip],
    ['8.8.8.8', '10.200.0.1'],
  ] as const) {
    const flow = await one({ from, to, port: 80 });
    const before = structuredClone(flow);
    await enricher.apply([flow], new AbortController().signal);
    assert.deepEqual(structuredClone(flow), before);
  }
});

test('an address goes from pod to pod, and each flow gets the one of its time', async (t) => {
  const at = (offsetMs: number): string => new Date(T0 + offsetMs).toISOString();
  const { one, enricher } = await enriched(t, [
    pod('a', 'first', '10.1.0.1', {
      uid: '1',
      status: {
        phase: 'Succeeded',
        startTime: at(0),
        containerStatuses: [{ state: { terminated: { finishedAt: at(10_000) } } }],
      },
    }),
    pod('a', 'second', '10.1.0.1', {
      uid: '2',
      deletionTimestamp: at(30_000),
      status: { startTime: at(20_000) },
    }),
    pod('a', 'third', '10.1.0.1', { uid: '3', creationTimestamp: at(29_000) }),
  ]);
  const holder = async (startMs: number, endMs = startMs) =>
    (await one({ from: '10.1.0.1', startMs: T0 + startMs, endMs: T0 + endMs })).source.pod;
  const expected: readonly [number, string | null][] = [
    [-1, null],
    [0, 'first'],
    [9_999, 'first'],
    [10_000, null],
    [19_999, null],
    [20_000, 'second'],
    [28_999, 'second'],
    [29_000, 'third'],
    [9e9, 'third'],
  ];
  for (const round of [expected, [...expected].reverse()]) {
    for (const [offset, name] of round) assert.equal(await holder(offset), name, `at ${offset}`);
  }
  assert.equal(await holder(9_000, 12_000), 'first', 'written after its pod had ended');
  assert.equal(enricher.inventory.endpointAt('test', null, '10.1.0.1', T0 + 25_000)?.name, 'second');
  assert.equal(enricher.inventory.endpointAt('other', null, '10.1.0.1', T0 + 25_000), null);
});

test('addresses of other networks of a pod are its own in that network only', async (t) => {
  const { one } = await enriched(t, [
    pod('a', 'x', '10.1.0.1', {
      annotations: {
        'k8s.v1.cni.cncf.io/network-status': JSON.stringify([
          { name: 'ovn', default: true, ips: ['10.1.0.1'] },
          { name: 'a/blue', ips: ['192.168.0.4'] },
        ]),
        'k8s.ovn.org/pod-networks': JSON.stringify({
          default: { ip_address: '10.1.0.1/24' },
          'a/red': { ip_addresses: ['10.200.0.4/16'] },
        }),
      },
    }),
  ]);
  const named = async (ip: string, network: string | null) =>
    (await one({ from: ip, edit: (flow) => (flow.source.network = network) })).source.pod;
  assert.equal(await named('192.168.0.4', 'a/blue'), 'x');
  assert.equal(await named('10.200.0.4', 'a/red'), 'x');
  assert.equal(await named('192.168.0.4', null), null);
  assert.equal(await named('10.1.0.1', 'a/blue'), null);
  assert.equal(await named('10.1.0.1', 'default'), 'x');
});

test('flows before the inventory caught up are marked', async (t) => {
  const { one } = await enriched(t, [pod('a', 'x', '10.1.0.1')], {}, { caughtUpToMs: () => T0 });
  assert.equal((await one({ endMs: T0 })).inventoryStale, false);
  assert.equal((await one({ endMs: T0 + 1 })).inventoryStale, true);
});
