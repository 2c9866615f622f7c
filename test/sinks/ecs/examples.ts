import * as fc from 'fast-check';
import {
  Directions,
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
  type Alert,
  type Flow,
  type Party,
  type RecordTypes,
} from '../../../schema/records.ts';
import type { EcsKind } from '../../../sinks/ecs/streams.ts';
import { aFlow } from '../../helpers/flows.ts';

const HOUR_MS = 3_600_000;

const workload = (kind: string): Party => ({
  ...newParty({ key: `c/shop/${kind}/web` }),
  kind: 'workload',
  namespace: 'shop',
  name: 'web',
  ip: '10.0.0.1',
  port: 443,
});
const parties: readonly Party[] = [
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'].map(workload),
  { ...newParty({ key: 'n1' }), kind: 'host', name: 'n1' },
  { ...newParty({ key: 'c/shop/svc' }), kind: 'service', namespace: 'shop', name: 'svc' },
];

const policy = {
  ...newPolicyRef(),
  kind: 'NetworkPolicy',
  tier: 'default',
  namespace: 'shop',
  name: 'web',
  rule: '1',
  direction: 'ingress',
  action: 'deny',
};

function fullFlow(workloadKind: string): Flow {
  const flow = aFlow({ verdict: 'deny', from: '10.0.0.1', to: '10.0.0.2', port: 80 });
  const end = {
    network: 'blue',
    kind: 'workload' as const,
    namespace: 'shop',
    pod: 'web-1',
    workloadKind,
    workload: 'web',
    entity: 'c/shop/Deployment/web',
    serviceAccount: 'sa',
    node: 'n1',
    zone: 'z',
    labels: { app: 'web' },
    networkSet: 'set',
    account: 'a',
    instance: 'i',
    hostname: 'web.shop',
    country: 'DE',
    asn: 64512,
    asName: 'AS',
    tenant: 'payments',
    scopes: ['pci'],
    owner: 'team',
  };
  Object.assign(flow.source, end, { port: 1 });
  Object.assign(flow.destination, end);
  Object.assign(flow, {
    direction: Directions[1],
    verdictRaw: 'drop',
    dropReason: 'policy',
    icmpType: 8,
    icmpCode: 0,
    tcpFlags: 2,
    initiatorGuessed: true,
    malformed: true,
    inventoryStale: true,
    service: { namespace: 'shop', name: 'svc', portName: 'http' },
    sourceBytes: 1,
    destinationBytes: 2,
    sourcePackets: 1,
    destinationPackets: 2,
    connectionsStarted: 1,
    connectionsCompleted: 1,
    connectionsLive: 0,
    policies: [policy],
    request: { method: 'GET', path: '/a', status: 200, query: 'a.example' },
  });
  return flow;
}

function fullAlert(entity: Party): Alert {
  const end = {
    ...newAlertEndpoint(),
    address: '10.0.0.1',
    network: 'blue',
    port: 443,
    namespace: 'shop',
    pod: 'web-1',
    workload: 'web',
    serviceAccount: 'sa',
    node: 'n1',
  };
  const alert = newAlert({
    id: 'a1',
    revision: 0,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.875,
    entity,
    cluster: 'c',
    firstMs: 0,
    lastMs: HOUR_MS,
    raisedMs: HOUR_MS,
    count: 40,
    why: {
      ...newWhy({ summary: 'web tried 40 ports' }),
      factors: [{ ...newFactor({ name: 'ports', observed: 40 }), expected: 1, threshold: 15 }],
    },
    evidence: {
      ...newEvidence(),
      ports: [22],
      peers: ['10.0.0.9'],
      policies: ['shop/web'],
      flowIds: ['f1'],
      records: ['r1'],
      flows: [
        {
          ...newFlowSummary({ id: 'f1', timeMs: 0, source: 'a', destination: 'b', verdict: 'deny' }),
          policy: 'shop/web',
        },
      ],
    },
    links: {
      ...newLinks(),
      runbook: 'https://r.example',
      search: 'weir search',
      kibana: 'https://k.example',
    },
  });
  return {
    ...alert,
    target: workload('Deployment'),
    source: end,
    destination: end,
    protocol: 6,
    policy,
    contentVersion: 'v1',
    tenant: 'payments',
    tenants: ['payments'],
    scopes: ['pci'],
    owner: 'team',
    suppressedBy: 's',
    incident: 'i1',
    attack: [
      {
        tacticId: 'TA0007',
        tactic: 'Discovery',
        techniqueId: 'T1046',
        technique: 'Network Service Discovery',
      },
      { tacticId: 'TA0006', tactic: 'Credential Access', techniqueId: 'T1552.005', technique: 'Metadata' },
    ],
  };
}

/** Records that between them have every field a kind can have. */
export const examples: { readonly [K in EcsKind]: readonly RecordTypes[K][] } = {
  flow: ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'].map(fullFlow),
  alert: parties.map(fullAlert),
  incident: parties.map((entity) => ({
    ...newIncident({
      id: 'i1',
      revision: 0,
      cluster: 'c',
      entity,
      score: 1,
      firstMs: 0,
      lastMs: 1,
      story: { ...newStory({ summary: 's' }), normal: 'n', question: 'q', query: 'k' },
    }),
    alerts: [newIncidentAlert({ id: 'a1', timeMs: 1, detector: 'port_scan', line: 'l' })],
    tactics: ['TA0007'],
    tenant: 'payments',
    tenants: ['payments'],
    scopes: ['pci'],
    owner: 'team',
    decidedBy: 'ann',
    decidedMs: 1,
    reason: 'known',
    follows: 'i0',
  })),
  policy_change: [
    {
      ...newPolicyChange({
        id: 'p',
        timeMs: 1,
        cluster: 'c',
        verb: 'patch',
        kind: 'NetworkPolicy',
        name: 'n',
      }),
      namespace: 'shop',
      before: 'b',
      after: 'a',
      logging: 'off',
      user: 'u',
      groups: ['g'],
      sourceIps: ['10.0.0.1'],
      userAgent: 'kubectl',
      tenant: 'payments',
    },
  ],
  loss: [
    {
      ...newLoss({ id: 'l', where: 'source.x', sinceMs: 0, untilMs: 1 }),
      cluster: 'c',
      node: 'n1',
      collector: 'ovn_acl',
      origin: 'o',
      count: 3,
      fromPosition: 1,
      toPosition: 4,
      detail: 'd',
      tenant: 'payments',
    },
  ],
  access: [
    {
      ...newAccess({ id: 'x', timeMs: 1, user: 'u', action: 'search', detail: 'q' }),
      rows: 4,
      cluster: 'c',
      tenant: 'payments',
    },
  ],
};

/** Text as an attacker would have it written. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '\n{"index":{"_index":"other"}}\n{}\n',
    '\u0000\u0001\u001b[31m',
    '\ud800',
    '\udc00 lone',
    '"}\n',
    '\\',
    '|=[]"',
    '\u202eright to left',
    'x'.repeat(40_000),
    '\u2028',
  ),
);

/** The record with every text in it that people or machines of others may have chosen replaced. */
export function withText<T>(record: T, text: () => string, keep: ReadonlySet<string>): T {
  const replaced = (value: unknown, name: string): unknown => {
    if (typeof value === 'string') return keep.has(name) ? value : text();
    if (Array.isArray(value)) return value.map((one) => replaced(one, name));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, key)]));
  };
  return replaced(record, '') as T;
}

/** Values of closed lists, which the schema holds to. */
export const closedLists: ReadonlySet<string> = new Set([
  'kind',
  'reporter',
  'unit',
  'verdict',
  'direction',
  'action',
  'severity',
  'outcome',
  'coverage',
  'state',
  'why',
]);
