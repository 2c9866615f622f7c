import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow } from '../../schema/records.ts';
import { decodeAll, sample } from './decoding.ts';

const base = {
  SrcAddr: '10.128.0.29',
  DstAddr: '10.129.0.26',
  SrcPort: 40000,
  DstPort: 8080,
  Proto: 6,
  Flags: 2,
  Bytes: 456,
  Packets: 5,
  TimeFlowStartMs: 1709742328660,
  TimeFlowEndMs: 1709742328703,
  TimeReceived: 1709742330,
  AgentIP: '10.0.1.2',
  FlowDirection: 0,
  SrcK8S_HostIP: '10.0.1.1',
  SrcK8S_HostName: 'node-1',
  SrcK8S_Name: 'src-pod',
  SrcK8S_Namespace: 'first',
  SrcK8S_OwnerName: 'my-deployment',
  SrcK8S_OwnerType: 'Deployment',
  SrcK8S_Type: 'Pod',
  SrcK8S_Zone: 'zone-1',
  DstK8S_HostIP: '10.0.1.2',
  DstK8S_HostName: 'node-2',
  DstK8S_Name: 'dst-pod',
  DstK8S_Namespace: 'second',
  DstK8S_OwnerName: 'my-statefulset',
  DstK8S_OwnerType: 'StatefulSet',
  DstK8S_Type: 'Pod',
};

async function one(more: object, without: readonly string[] = []): Promise<Flow> {
  const record = Object.fromEntries(
    Object.entries({ ...base, ...more }).filter(([key]) => !without.includes(key)),
  );
  const { flows, rejects } = await decodeAll('netobserv', [JSON.stringify(record)]);
  assert.deepEqual(rejects, []);
  return flows[0]!;
}

test('a record with all its metadata', async () => {
  const flow = await one({
    Sampling: 50,
    K8S_ClusterName: 'prod',
    NetworkEvents: [
      {
        Feature: 'acl',
        Type: 'NetworkPolicy',
        Namespace: 'second',
        Name: 'web',
        Action: 'allow-related',
        Direction: 'Ingress',
      },
    ],
  });
  assert.deepEqual(
    [flow.startMs, flow.endMs, flow.cluster, flow.node, flow.samplingRate],
    [1709742328660, 1709742328703, 'prod', 'node-2', 50],
  );
  assert.deepEqual(
    [flow.reporter, flow.direction, flow.initiatorGuessed, flow.counted],
    ['destination', 'ingress', false, true],
  );
  assert.deepEqual(
    [flow.verdict, flow.verdictRaw, flow.policies[0]?.name, flow.policies[0]?.action],
    ['allow', 'allow-related', 'web', 'allow'],
  );
  assert.deepEqual([flow.sourceBytes, flow.sourcePackets, flow.destinationBytes], [456, 5, null]);
  const { source } = flow;
  assert.deepEqual(
    [
      source.kind,
      source.namespace,
      source.pod,
      source.workloadKind,
      source.workload,
      source.node,
      source.zone,
    ],
    ['workload', 'first', 'src-pod', 'Deployment', 'my-deployment', 'node-1', 'zone-1'],
  );
});

test('who began the connection: flags of the agent, then ports', async () => {
  const back = { SrcPort: 8080, DstPort: 40000 };
  const initiator = async (more: object): Promise<[string | null, boolean]> => {
    const flow = await one(more);
    return [flow.source.ip, flow.initiatorGuessed];
  };
  assert.deepEqual(await initiator({ Flags: 2 }), [base.SrcAddr, false]);
  assert.deepEqual(await initiator({ ...back, Flags: 0x100 | 16 }), [base.DstAddr, false]);
  assert.deepEqual(await initiator({ ...back, Flags: ['SYN_ACK', 'ACK'] }), [base.DstAddr, false]);
  assert.deepEqual(await initiator({ ...back, Flags: 16 }), [base.DstAddr, true]);
  assert.deepEqual(await initiator({ Flags: 16 }), [base.SrcAddr, true]);
  assert.deepEqual(await initiator({ ...back, Proto: 17, Flags: 0 }), [base.DstAddr, true]);
  const swapped = await one({ ...back, Flags: 16 });
  assert.deepEqual(
    [swapped.source.pod, swapped.destination.pod, swapped.sourceBytes, swapped.destinationBytes],
    ['dst-pod', 'src-pod', null, 456],
  );
  // A reply that comes in is traffic of a connection that the workload it comes to began.
  assert.deepEqual([swapped.direction, swapped.reporter, swapped.tcpFlags], ['egress', 'source', 16]);
  assert.equal((await one({ Flags: ['SYN', 'PSH'] })).tcpFlags, 10);
});

test('one reporter is counted', async () => {
  const counted = async (more: object, without: readonly string[] = []): Promise<boolean> =>
    (await one(more, without)).counted;
  assert.equal(await counted({ FlowDirection: 0 }), true);
  assert.equal(await counted({ FlowDirection: 1 }), false);
  assert.equal(await counted({ FlowDirection: 2 }), true);
  assert.equal(
    await counted({ FlowDirection: 1, DstAddr: '93.184.216.34' }, [
      'DstK8S_HostIP',
      'DstK8S_HostName',
      'DstK8S_Name',
      'DstK8S_Type',
    ]),
    true,
  );
  const egress = await one({ FlowDirection: 1, AgentIP: '10.0.1.1' });
  assert.deepEqual([egress.node, egress.direction, egress.reporter], ['node-1', 'egress', 'source']);
});

test('verdicts', async () => {
  const judged = async (more: object): Promise<[string, string | null, string | null, string | null]> => {
    const flow = await one(more);
    return [flow.verdict, flow.verdictRaw, flow.dropReason, flow.policies[0]?.action ?? null];
  };
  const event = (Action: string, Name?: string) => ({
    Feature: 'acl',
    Type: 'NetworkPolicy',
    Namespace: 'ns',
    Name,
    Action,
    Direction: 'Egress',
  });
  assert.deepEqual(await judged({}), ['unknown', null, null, null]);
  assert.deepEqual(await judged({ NetworkEvents: [event('drop', 'web')] }), ['deny', 'drop', null, 'deny']);
  assert.deepEqual(await judged({ NetworkEvents: [event('drop')] }), ['deny', 'drop', null, 'default_deny']);
  assert.deepEqual(await judged({ NetworkEvents: [event('allow', 'a'), event('reject', 'b')] }), [
    'deny',
    'reject',
    null,
    'allow',
  ]);
  assert.deepEqual(await judged({ NetworkEvents: [event('pass', 'a'), event('allow', 'b')] }), [
    'allow',
    'allow',
    null,
    'pass',
  ]);
  assert.deepEqual(await judged({ PktDropPackets: 5, PktDropLatestDropCause: 'OVS_DROP_EXPLICIT_ACTION' }), [
    'deny',
    null,
    'OVS_DROP_EXPLICIT_ACTION',
    null,
  ]);
  assert.deepEqual(await judged({ PktDropPackets: 1, PktDropLatestDropCause: 'SKB_DROP_REASON_NO_SOCKET' }), [
    'unknown',
    null,
    'SKB_DROP_REASON_NO_SOCKET',
    null,
  ]);
  assert.deepEqual(await judged({ PktDropPackets: 5, PktDropLatestDropCause: 'SKB_DROP_REASON_NO_SOCKET' }), [
    'error',
    null,
    'SKB_DROP_REASON_NO_SOCKET',
    null,
  ]);
  assert.deepEqual(
    await judged({
      NetworkEvents: [event('allow', 'a')],
      PktDropPackets: 1,
      PktDropLatestDropCause: 'OVS_DROP_LAST_ACTION',
    }),
    ['allow', 'allow', 'OVS_DROP_LAST_ACTION', 'allow'],
  );
});

test('network events as text, and what is none', async () => {
  const flow = await one({
    NetworkEvents: [
      'Dropped by network policy deny-all in namespace shop, direction Ingress',
      'hello',
      5,
      null,
      {},
    ],
  });
  assert.deepEqual([flow.verdict, flow.direction], ['deny', 'ingress']);
  assert.deepEqual(
    flow.policies.map(({ kind, namespace, name, action }) => [kind, namespace, name, action]),
    [['NetworkPolicy', 'shop', 'deny-all', 'deny']],
  );
  const node = await one({
    NetworkEvents: ['Allowed by default allow from local node policy, direction Ingress'],
  });
  assert.deepEqual(
    [node.verdict, node.policies[0]?.kind, node.policies[0]?.name],
    ['allow', 'NetpolNode', null],
  );
  assert.equal((await one({ NetworkEvents: ['hello'] })).verdict, 'unknown');
});

test('names: service, node, user-defined network, DNS', async () => {
  const service = await one({
    DstK8S_Type: 'Service',
    DstK8S_Name: 'web',
    DstK8S_OwnerType: 'Service',
    DstK8S_OwnerName: 'web',
  });
  assert.deepEqual(
    [service.destination.kind, service.service?.name, service.service?.namespace],
    ['service', 'web', 'second'],
  );
  const node = await one({ DstK8S_Type: 'Node', DstK8S_Name: 'worker-1' });
  assert.deepEqual([node.destination.kind, node.destination.node], ['host', 'worker-1']);
  const udn = await one({
    SrcK8S_NetworkName: 'tenant/blue',
    DstK8S_NetworkName: 'primary',
    DnsName: 'example.com',
  });
  assert.deepEqual(
    [udn.source.network, udn.destination.network, udn.request?.query],
    ['tenant/blue', null, 'example.com'],
  );
  assert.equal((await one({ Udns: ['tenant/red'] })).source.network, 'tenant/red');
});

test('connection records', async () => {
  const end = await one({
    _RecordType: 'endConnection',
    _HashId: 'abc',
    Bytes_AB: 10,
    Bytes_BA: 20,
    Packets_AB: 1,
    Packets_BA: 2,
    numFlowLogs: 7,
    Flags: 16,
  });
  assert.deepEqual(
    [
      end.unit,
      end.sourceBytes,
      end.destinationBytes,
      end.sourcePackets,
      end.destinationPackets,
      end.aggregated,
      end.connectionsCompleted,
      end.counted,
    ],
    ['connection', 10, 20, 1, 2, 7, 1, true],
  );
  const begun = await one({ _RecordType: 'newConnection', _HashId: 'abc' });
  assert.deepEqual([begun.connectionsStarted, begun.counted], [1, false]);
  assert.equal((await one({ _RecordType: 'flowLog', _HashId: 'abc' })).counted, false);
  assert.equal((await one({ _RecordType: 'flowLog' })).counted, true);
});

test('older and other records: seconds, TCPFlags, no times but the receipt', async () => {
  const received = await one({ TimeFlowStart: 0 }, ['TimeFlowStartMs', 'TimeFlowEndMs']);
  assert.deepEqual([received.startMs, received.endMs], [1709742330000, 1709742330000]);
  const seconds = await one({ TimeFlowStart: 1709742300, TimeFlowEnd: 1709742320, TCPFlags: 2 }, [
    'TimeFlowStartMs',
    'TimeFlowEndMs',
    'Flags',
  ]);
  assert.deepEqual([seconds.startMs, seconds.endMs, seconds.tcpFlags], [1709742300000, 1709742320000, 2]);
  const icmp = await one({ Proto: 1, IcmpType: 8, IcmpCode: 0, SrcPort: 0, DstPort: 0 });
  assert.deepEqual([icmp.icmpType, icmp.source.port, icmp.initiatorGuessed], [8, null, false]);
});

test('bad records are rejected with their place', async () => {
  const { flows, rejects } = await decodeAll('netobserv', [
    '{"SrcAddr":"10.0.0.1"}',
    'no json',
    '[]',
    JSON.stringify({ SrcAddr: '10.0.0.1', DstAddr: '10.0.0.2' }),
    '{"SrcAddr":"300.1.1.1","DstAddr":"10.0.0.2","TimeReceived":1}',
  ]);
  assert.equal(flows.length, 0);
  assert.deepEqual(
    rejects.map((reject) => reject.code),
    Array.from({ length: 5 }, () => 'line_malformed'),
  );
  assert.match(rejects[1]?.reason ?? '', /x\.log, position 23: expected a JSON object/);
});

test('wrapped by the log forwarder', async () => {
  const { flows } = await decodeAll('netobserv', [
    JSON.stringify({
      message: JSON.stringify({ ...base, AgentIP: undefined, DstK8S_HostName: undefined }),
      hostname: 'node-9',
      openshift: { cluster_id: 'c' },
    }),
  ]);
  assert.deepEqual([flows[0]?.node, flows[0]?.cluster], ['node-9', 'c']);
});

test('the shared samples are read', async () => {
  const lines = sample('netobserv-flow.jsonl');
  if (lines.length === 0) return;
  const { flows, rejects } = await decodeAll('netobserv', lines);
  assert.deepEqual([flows.length, rejects.length], [2, 0]);
});

test('times in seconds or milliseconds, under either name and with a fraction', async () => {
  const names = ['TimeFlowStartMs', 'TimeFlowEndMs', 'TimeReceived'];
  const times = async (more: object): Promise<[number, number]> => {
    const { startMs, endMs } = await one(
      more,
      names.filter((name) => !(name in more)),
    );
    return [startMs, endMs];
  };
  const both: [number, number] = [1_718_000_000_500, 1_718_000_001_250];
  assert.deepEqual(await times({ TimeFlowStartMs: 1718000000500.75, TimeFlowEndMs: 1718000001250.5 }), both);
  assert.deepEqual(await times({ TimeFlowStart: 1718000000.5, TimeFlowEnd: 1718000001.25 }), both);
  assert.deepEqual(await times({ TimeFlowStart: 1718000000500, TimeFlowEnd: 1718000001250 }), both);
  assert.deepEqual(
    await times({ TimeFlowStartMs: 1718000000, TimeFlowEndMs: 1718000001 }),
    [1_718_000_000_000, 1_718_000_001_000],
  );
  assert.deepEqual(await times({ TimeFlowStartMs: '1718000000500', TimeFlowEndMs: '1718000001250' }), both);
  const { rejects } = await decodeAll('netobserv', [
    JSON.stringify({ SrcAddr: '10.0.0.1', DstAddr: '10.0.0.2', TimeFlowEndMs: 1e18, TimeReceived: -5 }),
  ]);
  assert.match(rejects[0]?.reason ?? '', /expected a time in TimeFlowEndMs or TimeReceived/);
});

test('names in the other casing, as a pipeline configured by hand writes them', async () => {
  const lower = Object.fromEntries(
    Object.entries(base).map(([key, value]) => [key.replace(/^(Src|Dst)K8S_/, '$1K8s_'), value]),
  );
  const first = Object.fromEntries(
    Object.entries(base).map(([key, value]) => [
      key.replace(/^(Src|Dst)K8S_/, (_, side: string) => `${side.toLowerCase()}K8s_`),
      value,
    ]),
  );
  const usual = await one({});
  for (const record of [lower, first]) {
    const { flows } = await decodeAll('netobserv', [JSON.stringify(record)]);
    assert.deepEqual(flows[0], usual);
  }
});

test('what another interface of the node saw as well is not counted', async () => {
  assert.equal((await one({ Duplicate: false })).counted, true);
  assert.equal((await one({ Duplicate: true })).counted, false);
});

test('counters with a fraction are rounded, a protocol may be named', async () => {
  const flow = await one({ Bytes: 1234.5, Packets: 2.4, Proto: 'SCTP' });
  assert.deepEqual([flow.sourceBytes, flow.sourcePackets, flow.protocol], [1235, 2, 132]);
});
