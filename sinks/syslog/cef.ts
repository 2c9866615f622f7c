/**
 * CEF:0 of a record (OpenText, Implementing ArcSight Common Event Format). The labels of custom fields are part
 * of the contract with whoever wrote rules on them: they do not change within a major version.
 */
import { isIP } from 'node:net';
import type { Delivery } from '../../pipeline/contracts.ts';
import type {
  Access,
  Alert,
  Flow,
  Incident,
  Loss,
  PolicyChange,
  PolicyRef,
  Severity,
} from '../../schema/records.ts';
import { cefHeader, cefValue } from './text.ts';

/** Extension pairs in the order they are written; a null value leaves the key out. */
type Pairs = [key: string, value: string | number | null][];

interface Event {
  readonly classId: string;
  readonly name: string;
  /** 0 to 10. */
  readonly severity: number;
  readonly pairs: Pairs;
}

const severityLevels: Record<Severity, number> = { info: 1, low: 3, medium: 5, high: 8, critical: 10 };

const protocolNames: Record<number, string> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
};

/** Longest value of a key in the extension dictionary, UTF-16 units; 1023 for the keys not named here. */
const lengths: Record<string, number> = {
  act: 63,
  outcome: 63,
  proto: 31,
  dvchost: 100,
  externalId: 40,
  cs1: 4000,
  cs2: 4000,
  cs3: 4000,
  cs4: 4000,
  cs5: 4000,
  cs6: 4000,
};

/** One line. `cap` shortens every text value to that many UTF-16 units and marks the event as shortened. */
export function cef(item: Delivery, version: string, cap: number | null): string {
  const event = eventOf(item);
  let text = `CEF:0|Weir|weir|${cefHeader(version, 31)}|${cefHeader(event.classId, 1023)}|${cefHeader(event.name, 512)}|${event.severity}|`;
  let separator = '';
  for (const [key, value] of event.pairs) {
    if (value === null || value === '') continue;
    const length = lengths[key] ?? 1023;
    const safe =
      typeof value === 'number'
        ? String(value)
        : cefValue(value, cap === null || key === 'externalId' ? length : Math.min(cap, length));
    text += `${separator}${key}=${safe}`;
    separator = ' ';
  }
  return cap === null ? text : `${text}${separator}weirTruncated=1`;
}

function eventOf(item: Delivery): Event {
  switch (item.kind) {
    case 'alert':
      return alertEvent((item as Delivery<'alert'>).record);
    case 'flow':
      return flowEvent((item as Delivery<'flow'>).record);
    case 'incident':
      return incidentEvent((item as Delivery<'incident'>).record);
    case 'loss':
      return lossEvent((item as Delivery<'loss'>).record);
    case 'policy_change':
      return changeEvent((item as Delivery<'policy_change'>).record);
    case 'access':
      return accessEvent((item as Delivery<'access'>).record);
    default:
      return {
        classId: item.kind,
        name: 'Weir record',
        severity: 0,
        pairs: [['externalId', item.record.id]],
      };
  }
}

const outcomes = { blocked: 'failure', allowed: 'success', mixed: null, unknown: null } as const;

function alertEvent(alert: Alert): Event {
  const pairs: Pairs = [
    ['externalId', alert.id],
    ['cat', `alert/${alert.action}`],
    ['start', alert.firstMs],
    ['end', alert.lastMs],
    ['rt', alert.raisedMs],
    ['cnt', alert.count],
    ['act', alert.outcome === 'unknown' ? null : alert.outcome],
    ['outcome', outcomes[alert.outcome]],
    ['reason', alert.why.summary],
    ['dvchost', alert.source?.node ?? alert.destination?.node ?? alert.cluster],
    ['proto', protocolName(alert.protocol)],
  ];
  const from = alert.source;
  const to = alert.destination;
  if (from)
    endpoint(pairs, 'source', from.address, from.port, podHost(from.pod, from.namespace), from.workload);
  if (to) endpoint(pairs, 'destination', to.address, to.port, podHost(to.pod, to.namespace), to.workload);
  labelled(pairs, 'cs1', 'PolicyName', alert.policy && policyName(alert.policy));
  labelled(pairs, 'cs2', 'SourceNamespace', from?.namespace ?? null);
  labelled(pairs, 'cs3', 'DestinationNamespace', to?.namespace ?? null);
  labelled(pairs, 'cs4', 'Tenant', alert.tenant);
  labelled(pairs, 'cs5', 'Incident', alert.incident);
  labelled(pairs, 'cs6', 'Cluster', alert.cluster);
  labelled(pairs, 'cn3', 'Revision', alert.revision);
  labelled(pairs, 'cfp1', 'AnomalyScore', alert.score);
  labelled(pairs, 'flexString1', 'Entity', alert.entity.key);
  labelled(
    pairs,
    'flexString2',
    'AttackTechniques',
    alert.attack.map((one) => one.techniqueId ?? one.tacticId).join(' '),
  );
  return { classId: alert.detector, name: alert.rule, severity: severityLevels[alert.severity], pairs };
}

const verdictActions = {
  allow: 'allowed',
  deny: 'blocked',
  audit: 'audited',
  error: 'failed',
  unknown: null,
} as const;
const verdictOutcomes = {
  allow: 'success',
  deny: 'failure',
  audit: null,
  error: 'failure',
  unknown: null,
} as const;

function flowEvent(flow: Flow): Event {
  const from = flow.source;
  const to = flow.destination;
  const decided = flow.policies.at(-1) ?? null;
  const pairs: Pairs = [
    ['externalId', flow.id],
    ['cat', 'flow'],
    ['start', flow.startMs],
    ['end', flow.endMs],
    ['rt', flow.receivedMs],
    ['cnt', flow.aggregated],
    ['act', verdictActions[flow.verdict]],
    ['outcome', verdictOutcomes[flow.verdict]],
    ['reason', flow.dropReason],
    ['dvchost', flow.node ?? flow.cluster],
    ['proto', protocolName(flow.protocol)],
    ['deviceDirection', flow.direction === 'ingress' ? 0 : flow.direction === 'egress' ? 1 : null],
    ['in', flow.sourceBytes],
    ['out', flow.destinationBytes],
  ];
  endpoint(
    pairs,
    'source',
    from.ip,
    from.port,
    podHost(from.pod, from.namespace) ?? from.hostname,
    from.workload,
  );
  endpoint(pairs, 'destination', to.ip, to.port, podHost(to.pod, to.namespace) ?? to.hostname, to.workload);
  labelled(pairs, 'cs1', 'PolicyName', decided && policyName(decided));
  labelled(pairs, 'cs2', 'SourceNamespace', from.namespace);
  labelled(pairs, 'cs3', 'DestinationNamespace', to.namespace);
  labelled(pairs, 'cs4', 'Tenant', from.tenant ?? to.tenant);
  labelled(pairs, 'cs6', 'Cluster', flow.cluster);
  labelled(pairs, 'cn1', 'Packets', sum(flow.sourcePackets, flow.destinationPackets));
  return { classId: 'flow', name: 'Network flow', severity: flow.verdict === 'deny' ? 3 : 1, pairs };
}

function incidentEvent(incident: Incident): Event {
  const pairs: Pairs = [
    ['externalId', incident.id],
    ['cat', `incident/${incident.state}`],
    ['start', incident.firstMs],
    ['end', incident.lastMs],
    ['rt', incident.lastMs],
    ['cnt', incident.alerts.length],
    ['reason', incident.story.summary],
    ['dvchost', incident.cluster],
  ];
  if (incident.entity.ip !== null)
    endpoint(pairs, 'source', incident.entity.ip, null, null, incident.entity.name);
  labelled(pairs, 'cs2', 'SourceNamespace', incident.entity.namespace);
  labelled(pairs, 'cs4', 'Tenant', incident.tenant);
  labelled(pairs, 'cs5', 'Incident', incident.id);
  labelled(pairs, 'cs6', 'Cluster', incident.cluster);
  labelled(pairs, 'cn3', 'Revision', incident.revision);
  labelled(pairs, 'cfp1', 'AnomalyScore', incident.score);
  labelled(pairs, 'flexString1', 'Entity', incident.entity.key);
  labelled(pairs, 'flexString2', 'AttackTactics', incident.tactics.join(' '));
  return { classId: 'incident', name: 'Incident', severity: severityLevels[incident.severity], pairs };
}

function lossEvent(loss: Loss): Event {
  const pairs: Pairs = [
    ['externalId', loss.id],
    ['cat', 'loss'],
    ['start', loss.sinceMs],
    ['end', loss.untilMs],
    ['rt', loss.untilMs],
    ['cnt', loss.count],
    ['reason', loss.why],
    ['msg', loss.detail],
    ['dvchost', loss.node ?? loss.cluster],
  ];
  labelled(pairs, 'cs4', 'Tenant', loss.tenant);
  labelled(pairs, 'cs6', 'Cluster', loss.cluster);
  return { classId: 'loss', name: 'Records not seen', severity: 3, pairs };
}

function changeEvent(change: PolicyChange): Event {
  const pairs: Pairs = [
    ['externalId', change.id],
    ['cat', 'policy_change'],
    ['start', change.timeMs],
    ['end', change.timeMs],
    ['rt', change.timeMs],
    ['act', change.verb],
    ['suser', change.user],
    ['requestClientApplication', change.userAgent],
    ['dvchost', change.cluster],
  ];
  endpoint(pairs, 'source', change.sourceIps[0] ?? null, null, null, null);
  labelled(
    pairs,
    'cs1',
    'PolicyName',
    change.namespace === null
      ? `${change.kind} ${change.name}`
      : `${change.kind} ${change.namespace}/${change.name}`,
  );
  labelled(pairs, 'cs4', 'Tenant', change.tenant);
  labelled(pairs, 'cs6', 'Cluster', change.cluster);
  labelled(pairs, 'flexString1', 'PolicyLogging', change.logging);
  return { classId: 'policy_change', name: 'Network policy changed', severity: 3, pairs };
}

function accessEvent(access: Access): Event {
  const pairs: Pairs = [
    ['externalId', access.id],
    ['cat', 'access'],
    ['start', access.timeMs],
    ['end', access.timeMs],
    ['rt', access.timeMs],
    ['act', access.action],
    ['suser', access.user],
    ['msg', access.detail],
    ['dvchost', access.cluster],
  ];
  labelled(pairs, 'cn2', 'Rows', access.rows);
  labelled(pairs, 'cs4', 'Tenant', access.tenant);
  labelled(pairs, 'cs6', 'Cluster', access.cluster);
  return { classId: 'access', name: 'Audit data accessed', severity: 1, pairs };
}

const endpointKeys = {
  source: {
    v4: 'src',
    v6: 'c6a2',
    label: 'Source IPv6 Address',
    port: 'spt',
    host: 'shost',
    service: 'sourceServiceName',
  },
  destination: {
    v4: 'dst',
    v6: 'c6a3',
    label: 'Destination IPv6 Address',
    port: 'dpt',
    host: 'dhost',
    service: 'destinationServiceName',
  },
} as const;

/** `src` and `dst` hold IPv4 only in the dictionary; IPv6 has custom address fields 2 and 3 set aside for it. */
function endpoint(
  pairs: Pairs,
  side: keyof typeof endpointKeys,
  ip: string | null,
  port: number | null,
  host: string | null,
  service: string | null,
): void {
  const keys = endpointKeys[side];
  const family = ip === null ? 0 : isIP(ip);
  if (family === 4) pairs.push([keys.v4, ip]);
  else if (family === 6) labelled(pairs, keys.v6, keys.label, ip);
  pairs.push([keys.port, port], [keys.host, host], [keys.service, service]);
}

function labelled(pairs: Pairs, key: string, label: string, value: string | number | null): void {
  if (value !== null && value !== '') pairs.push([key, value], [`${key}Label`, label]);
}

const protocolName = (protocol: number | null): string | null =>
  protocol === null ? null : (protocolNames[protocol] ?? String(protocol));

const podHost = (pod: string | null, namespace: string | null): string | null =>
  pod === null ? null : namespace === null ? pod : `${pod}.${namespace}`;

const sum = (a: number | null, b: number | null): number | null =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);

function policyName(policy: PolicyRef): string {
  const name = policy.name ?? (policy.action === 'default_deny' ? 'default deny' : null);
  const named =
    name === null ? (policy.tier ?? '') : policy.namespace === null ? name : `${policy.namespace}/${name}`;
  return policy.rule === null ? named : `${named} ${policy.rule}`;
}
