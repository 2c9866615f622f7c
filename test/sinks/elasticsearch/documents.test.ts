import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  newAccess,
  newAlert,
  newAlertEndpoint,
  newEvidence,
  newFactor,
  newFlowSummary,
  newIncident,
  newIncidentAlert,
  newLinks,
  newLoss,
  newParty,
  newPolicyChange,
  newPolicyRef,
  newStory,
  newWhy,
} from '../../../schema/records.ts';
import { communityOf } from '../../../sinks/elasticsearch/community-of.ts';
import {
  accessDocument,
  alertDocument,
  incidentDocument,
  lossDocument,
  policyChangeDocument,
} from '../../../sinks/elasticsearch/documents.ts';
import { flowDocument } from '../../../sinks/elasticsearch/ecs.ts';
import { mappings } from '../../../sinks/elasticsearch/mappings.ts';
import { dayOf, isoTime } from '../../../sinks/records/time.ts';
import { aFlow } from '../../helpers/flows.ts';
import { flows } from '../../query/arbitraries.ts';

type Tree = Readonly<Record<string, unknown>>;

/** Paths of a document that no mapping names, arrays of objects among them; `data_stream` is in the index templates. */
function unmapped(document: Tree, properties: Tree, path = ''): string[] {
  return Object.entries(document).flatMap(([name, value]) => {
    if (path === '' && name === 'data_stream') return [];
    const mapping = properties[name] as { properties?: Tree; type?: string } | undefined;
    if (!mapping) return [path + name];
    if (Array.isArray(value)) return value.some((one) => typeof one === 'object') ? [`${path}${name}[]`] : [];
    if (typeof value !== 'object' || value === null) return mapping.properties ? [path + name] : [];
    if (mapping.type === 'flattened') return [];
    return unmapped(value as Tree, mapping.properties ?? {}, `${path}${name}.`);
  });
}

const all = (text: string): string[] => unmapped(JSON.parse(text) as Tree, mappings.properties);

test('elasticsearch documents: any flow is valid JSON on one line, and every field of it has a mapping', () => {
  fc.assert(
    fc.property(flows, (flow) => {
      const text = flowDocument(flow, { namespace: 'default', communityId: communityOf });
      assert.ok(!text.includes('\n'));
      assert.deepEqual(all(text), []);
    }),
  );
});

test('elasticsearch documents: a flow by the fields of ECS', () => {
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
  assert.deepEqual(JSON.parse(flowDocument(flow, { namespace: 'default', communityId: communityOf })), {
    '@timestamp': '2023-11-14T22:13:21.500Z',
    ecs: { version: '8.11.0' },
    data_stream: { type: 'logs', dataset: 'weir.flow', namespace: 'default' },
    event: {
      id: flow.id,
      kind: 'event',
      module: 'weir',
      dataset: 'weir.flow',
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
    related: { ip: ['128.232.110.120', '66.35.250.204'] },
    weir: {
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
        name: 'only-app',
        action: 'deny',
        staged: false,
        truncated: false,
        inferred: false,
        trace: ['pass AdminNetworkPolicy baseline', 'deny NetworkPolicy db/only-app rule 2'],
      },
    },
  });
});

test('elasticsearch documents: a flow of which little is known leaves out what is not', () => {
  const flow = aFlow({ verdict: 'unknown' });
  flow.source.ip = flow.destination.ip = flow.source.port = flow.node = flow.protocol = null;
  const document = JSON.parse(flowDocument(flow, { namespace: null, communityId: communityOf })) as Record<
    string,
    Tree
  >;
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
  source: { ...newAlertEndpoint(), address: '10.0.0.1', namespace: 'shop', workload: 'web' },
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

test('elasticsearch documents: an alert by the fields of ECS', () => {
  const text = alertDocument(alert, 'default');
  assert.deepEqual(all(text), []);
  const document = JSON.parse(text) as Record<string, Tree>;
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
  assert.deepEqual(document['kubernetes'], { namespace: 'shop' });
  assert.deepEqual(document['related'], { ip: ['10.0.0.1'] });
  assert.equal((document['weir']!['policy'] as Tree)['name'], 'default deny');
});

test('elasticsearch documents: every field of the other kinds has a mapping', () => {
  const incident = newIncident({
    id: 'i',
    revision: 0,
    cluster: 'c',
    entity: { ...newParty({ key: 'n1' }), kind: 'host', name: 'n1' },
    score: 1,
    firstMs: 0,
    lastMs: 1,
    story: { ...newStory({ summary: 's' }), normal: 'n', question: 'q', query: 'k' },
  });
  incident.alerts = [newIncidentAlert({ id: 'a', timeMs: 1, detector: 'd', line: 'l' })];
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
    sourceIps: ['10.0.0.1', 'proxy'],
    userAgent: 'kubectl',
    logging: 'off',
  });
  const loss = newLoss({ id: 'l', where: 'source.x', sinceMs: 0, untilMs: 1 });
  Object.assign(loss, {
    node: 'n1',
    cluster: 'c',
    count: 3,
    fromPosition: 1,
    toPosition: 4,
    detail: 'd',
    origin: 'o',
  });
  const access = newAccess({ id: 'x', timeMs: 1, user: 'u', action: 'search', detail: 'q' });
  access.rows = 4;
  for (const text of [
    incidentDocument(incident),
    policyChangeDocument(change, 'default'),
    lossDocument(loss, 'default'),
    accessDocument(access, 'default'),
  ])
    assert.deepEqual(all(text), [], text);
  assert.deepEqual((JSON.parse(policyChangeDocument(change, null)) as { source: object }).source, {
    ip: ['10.0.0.1'],
  });
});

test('elasticsearch documents: times are written as Date writes them', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200_000, max: 8.64e15 }), (ms) => {
      assert.equal(isoTime(ms), new Date(ms).toISOString());
    }),
  );
  assert.equal(dayOf(Date.UTC(2026, 10, 24, 23, 59, 59, 999)), '2026.11.24');
  assert.throws(() => isoTime(NaN));
});
