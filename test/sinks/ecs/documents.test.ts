import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  newAlert,
  newAlertEndpoint,
  newEvidence,
  newFactor,
  newFlowSummary,
  newLinks,
  newParty,
  newPolicyChange,
  newPolicyRef,
  newWhy,
} from '../../../schema/records.ts';
import { ecsDocument } from '../../../sinks/ecs/document.ts';
import type { Target } from '../../../sinks/ecs/parts.ts';
import { dayOf, isoTime } from '../../../sinks/records/time.ts';
import { aFlow } from '../../helpers/flows.ts';
import { flows } from '../../query/arbitraries.ts';

type Tree = Readonly<Record<string, unknown>>;

const stream = (name: Target['stream']): Target => ({ stream: name, namespace: 'default' });

test('ecs: any flow is valid JSON on one line', () => {
  fc.assert(
    fc.property(flows, (flow) => {
      const text = ecsDocument('flow', flow, stream('flow'));
      assert.ok(!text.includes('\n'));
      JSON.parse(text);
    }),
  );
});

test('ecs: a flow by the fields of ECS', () => {
  const flow = aFlow({
    verdict: 'deny',
    from: '128.232.110.120',
    to: '66.35.250.204',
    port: 80,
    startMs: 1_700_000_000_000,
    endMs: 1_700_000_001_500,
  });
  flow.source.port = 34_855;
  flow.direction = 'ingress';
  Object.assign(flow.source, {
    namespace: 'shop',
    pod: 'web-1',
    workload: 'web',
    workloadKind: 'Deployment',
  });
  Object.assign(flow.destination, { namespace: 'db', pod: 'pg-0', node: 'n1', labels: { app: 'pg' } });
  flow.sourceBytes = 100;
  flow.destinationBytes = 20;
  flow.dropReason = 'Policy denied';
  flow.policies = [
    { ...newPolicyRef(), kind: 'AdminNetworkPolicy', name: 'baseline', action: 'pass' },
    {
      ...newPolicyRef(),
      kind: 'NetworkPolicy',
      namespace: 'db',
      name: 'only-app',
      rule: '2',
      action: 'deny',
    },
  ];
  assert.deepEqual(JSON.parse(ecsDocument('flow', flow, stream('flow_kept'))), {
    '@timestamp': '2023-11-14T22:13:21.500Z',
    ecs: { version: '8.11.0' },
    data_stream: { type: 'logs', dataset: 'weir.flow_kept', namespace: 'default' },
    event: {
      id: flow.id,
      kind: 'event',
      module: 'weir',
      dataset: 'weir.flow_kept',
      provider: 'test',
      category: ['network'],
      type: ['connection', 'denied'],
      action: 'flow-denied',
      outcome: 'success',
      start: '2023-11-14T22:13:20.000Z',
      end: '2023-11-14T22:13:21.500Z',
      created: '2023-11-14T22:13:20.000Z',
      duration: 1_500_000_000,
      reason: 'Policy denied',
    },
    source: { address: '128.232.110.120', ip: '128.232.110.120', port: 34855, bytes: 100 },
    destination: { address: '66.35.250.204', ip: '66.35.250.204', port: 80, bytes: 20 },
    network: {
      transport: 'tcp',
      iana_number: '6',
      type: 'ipv4',
      direction: 'ingress',
      bytes: 120,
      community_id: '1:LQU9qZlK+B5F3KDmev6m5PMibrg=',
    },
    observer: { vendor: 'Weir', product: 'weir', type: 'sensor', hostname: 'n1' },
    host: { name: 'n1' },
    orchestrator: { type: 'kubernetes', cluster: { name: 'test' } },
    kubernetes: { namespace: 'db', pod: { name: 'pg-0' }, node: { name: 'n1' } },
    rule: { name: 'db/only-app', id: '2', category: 'NetworkPolicy' },
    related: { ip: ['128.232.110.120', '66.35.250.204'], hosts: ['web-1', 'pg-0', 'n1'] },
    weir: {
      kind: 'flow',
      collector: 'test',
      origin: 'file:a',
      position: 0,
      reporter: 'unknown',
      unit: 'flow',
      aggregated: 1,
      sampling_rate: 1,
      counted: true,
      verdict: 'deny',
      source: {
        kind: 'unknown',
        namespace: 'shop',
        pod: 'web-1',
        workload_kind: 'Deployment',
        workload: 'web',
        entity: 'ip/128.232.110.120',
      },
      destination: {
        kind: 'unknown',
        namespace: 'db',
        pod: 'pg-0',
        entity: 'ip/66.35.250.204',
        node: 'n1',
        labels: { app: 'pg' },
      },
      policy: {
        namespace: 'db',
        name: 'db/only-app',
        kind: 'NetworkPolicy',
        rule: '2',
        action: 'deny',
        staged: false,
        truncated: false,
        inferred: false,
        trace: ['pass AdminNetworkPolicy baseline', 'deny NetworkPolicy db/only-app rule 2'],
      },
    },
  });
});

test('ecs: a flow of which little is known leaves out what is not', () => {
  const flow = aFlow({ verdict: 'unknown' });
  flow.source.ip = flow.destination.ip = flow.source.port = flow.node = flow.protocol = null;
  const document = JSON.parse(ecsDocument('flow', flow)) as Record<string, Tree>;
  assert.equal(document['data_stream'], undefined);
  assert.equal(document['related'], undefined);
  assert.equal(document['event']!['outcome'], undefined);
  assert.deepEqual(document['source'], {});
  assert.deepEqual(document['network'], {});
});

const alert = {
  ...newAlert({
    id: 'a1',
    revision: 1,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.875,
    entity: {
      ...newParty({ key: 'c/shop/Deployment/web' }),
      kind: 'workload',
      namespace: 'shop',
      name: 'web',
      ip: '10.0.0.1',
    },
    cluster: 'c',
    firstMs: 1_700_000_000_000,
    lastMs: 1_700_000_060_000,
    raisedMs: 1_700_000_061_000,
    count: 40,
    why: {
      ...newWhy({ summary: 'web tried 40 ports' }),
      factors: [{ ...newFactor({ name: 'ports', observed: 40 }), threshold: 15 }],
    },
    evidence: {
      ...newEvidence(),
      ports: [22, 80],
      flowIds: ['f1'],
      flows: [
        newFlowSummary({
          id: 'f1',
          timeMs: 1_700_000_000_000,
          source: 'shop/web',
          destination: '10.0.0.9:22',
          verdict: 'deny',
        }),
      ],
    },
    links: newLinks(),
  }),
  severity: 'high',
  outcome: 'blocked',
  source: {
    ...newAlertEndpoint(),
    address: '10.0.0.1',
    namespace: 'shop',
    workload: 'web',
    pod: 'web-1',
    node: 'n7',
  },
  protocol: 6,
  policy: { ...newPolicyRef(), namespace: 'db' },
  attack: [
    { tacticId: 'TA0007', tactic: 'Discovery', techniqueId: 'T1046', technique: 'Network Service Discovery' },
    {
      tacticId: 'TA0006',
      tactic: 'Credential Access',
      techniqueId: 'T1552.005',
      technique: 'Cloud Instance Metadata API',
    },
  ],
} as const;

test('ecs: an alert by the fields of ECS', () => {
  const document = JSON.parse(ecsDocument('alert', alert, stream('alert'))) as Record<string, Tree>;
  assert.deepEqual(document['event'], {
    id: 'a1-1',
    kind: 'alert',
    module: 'weir',
    dataset: 'weir.alert',
    provider: 'port_scan',
    category: ['network', 'intrusion_detection'],
    type: ['denied'],
    action: 'alert-updated',
    severity: 73,
    risk_score: 87.5,
    reason: 'web tried 40 ports',
    start: '2023-11-14T22:13:20.000Z',
    end: '2023-11-14T22:14:20.000Z',
  });
  assert.deepEqual(document['threat'], {
    framework: 'MITRE ATT&CK',
    tactic: { id: ['TA0007', 'TA0006'], name: ['Discovery', 'Credential Access'] },
    technique: {
      id: ['T1046', 'T1552'],
      name: ['Network Service Discovery'],
      reference: ['https://attack.mitre.org/techniques/T1046/'],
      subtechnique: {
        id: ['T1552.005'],
        name: ['Cloud Instance Metadata API'],
        reference: ['https://attack.mitre.org/techniques/T1552/005/'],
      },
    },
  });
  assert.deepEqual(document['kubernetes'], {
    namespace: 'shop',
    pod: { name: 'web-1' },
    node: { name: 'n7' },
    deployment: { name: 'web' },
  });
  assert.deepEqual(document['host'], { name: 'n7' });
  assert.deepEqual(document['related'], { ip: ['10.0.0.1'], hosts: ['web-1', 'n7'] });
  assert.equal((document['weir']!['policy'] as Tree)['name'], 'default deny');
});

test('ecs: a change of policy is configuration, by its user, from where the client was', () => {
  const change = newPolicyChange({
    id: 'p',
    timeMs: 1,
    cluster: 'c',
    verb: 'delete',
    kind: 'NetworkPolicy',
    name: 'n',
  });
  Object.assign(change, {
    user: 'u',
    groups: ['g'],
    sourceIps: ['10.0.0.1', '10.9.9.9'],
    userAgent: 'kubectl',
  });
  const document = JSON.parse(ecsDocument('policy_change', change, stream('policy_change'))) as Record<
    string,
    Tree
  >;
  assert.deepEqual(document['event']!['category'], ['configuration']);
  assert.deepEqual(document['event']!['type'], ['deletion']);
  assert.deepEqual(document['user'], { name: 'u', roles: ['g'] });
  assert.deepEqual(document['source'], { address: '10.0.0.1', ip: '10.0.0.1' });
  assert.deepEqual(document['related'], { ip: ['10.0.0.1', '10.9.9.9'], user: ['u'] });
  change.sourceIps = ['not an address'];
  const named = JSON.parse(ecsDocument('policy_change', change)) as Record<string, Tree>;
  assert.deepEqual(named['source'], { address: 'not an address' });
});

test('ecs: times are written as Date writes them', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200_000, max: 8.64e15 }), (ms) => {
      assert.equal(isoTime(ms), new Date(ms).toISOString());
    }),
  );
  assert.equal(dayOf(Date.UTC(2026, 10, 24, 23, 59, 59, 999)), '2026.11.24');
  assert.throws(() => isoTime(NaN));
});

test('a label longer than any server takes is cut, and its record is not refused for it', () => {
  const flow = aFlow();
  flow.source.labels = { app: 'x'.repeat(40_000), team: 'shop' };
  const { weir } = JSON.parse(ecsDocument('flow', flow)) as {
    weir: { source: { labels: Record<string, string> } };
  };
  assert.deepEqual(weir.source.labels, { app: 'x'.repeat(1024), team: 'shop' });
});
