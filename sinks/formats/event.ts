/** What CEF and LEEF say of a record, once for both: which facts, in which order, under which keys. */
import { isIPv4, isIPv6 } from 'node:net';
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
import { destinationKeys, keys, sourceKeys, type Key, type SideKeys } from './event-keys.ts';

/** Takes the facts of one event; null, and the empty text, are left out. */
export interface EventWriter {
  /** `classId` and `name` are the same for all events of that sort; `severity` is 0 to 10. */
  begin(event: {
    readonly classId: string;
    readonly name: string;
    readonly severity: number;
    readonly id: string;
    readonly timeMs: number;
  }): void;
  text(key: Key, value: string | null): void;
  number(key: Key, value: number | null): void;
}

/** Tells the writer everything of one record. */
export function describe(item: Delivery, to: EventWriter): void {
  switch (item.kind) {
    case 'alert':
      return alertEvent((item as Delivery<'alert'>).record, to);
    case 'flow':
      return flowEvent((item as Delivery<'flow'>).record, to);
    case 'incident':
      return incidentEvent((item as Delivery<'incident'>).record, to);
    case 'loss':
      return lossEvent((item as Delivery<'loss'>).record, to);
    case 'policy_change':
      return changeEvent((item as Delivery<'policy_change'>).record, to);
    case 'access':
      return accessEvent((item as Delivery<'access'>).record, to);
    default: {
      const { id } = item.record;
      return to.begin({ classId: item.kind, name: 'Weir record', severity: 0, id, timeMs: 0 });
    }
  }
}

const severityLevels: Readonly<Record<Severity, number>> = {
  info: 1,
  low: 3,
  medium: 5,
  high: 8,
  critical: 10,
};

const names = new Map<string, string>();
/** Detector types are few; a hostile record must not make them many. */
const MAX_NAMES = 1000;

/** `port_scan` is the event `Port scan`, whatever the rule of the alert is called. */
export function eventName(detector: string): string {
  const known = names.get(detector);
  if (known !== undefined) return known;
  const words = detector.replaceAll('_', ' ');
  const name = words.slice(0, 1).toUpperCase() + words.slice(1);
  if (names.size < MAX_NAMES && detector.length < 64) names.set(detector, name);
  return name;
}

/** Rules ask whether traffic was blocked or allowed; where both or neither is known nothing is said. */
const alertActions = { blocked: 'blocked', allowed: 'allowed', mixed: null, unknown: null } as const;
const alertOutcomes = { blocked: 'failure', allowed: 'success', mixed: null, unknown: null } as const;

function alertEvent(alert: Alert, to: EventWriter): void {
  const { source, destination, policy, attack } = alert;
  to.begin({
    classId: alert.detector,
    name: eventName(alert.detector),
    severity: severityLevels[alert.severity],
    id: alert.id,
    timeMs: alert.raisedMs,
  });
  to.text(keys.category, 'alert/' + alert.action);
  to.number(keys.start, alert.firstMs);
  to.number(keys.end, alert.lastMs);
  to.number(keys.received, alert.raisedMs);
  to.number(keys.count, alert.count);
  to.text(keys.action, alertActions[alert.outcome]);
  to.text(keys.outcome, alertOutcomes[alert.outcome]);
  to.text(keys.reason, alert.why.summary);
  to.text(keys.message, alert.rule);
  to.text(keys.node, source?.node ?? destination?.node ?? alert.cluster);
  protocol(alert.protocol, to);
  if (source !== null) {
    side(sourceKeys, source.address, source.port, to);
    to.text(sourceKeys.host, podHost(source.pod, source.namespace));
    to.text(sourceKeys.service, source.workload);
  }
  if (destination !== null) {
    side(destinationKeys, destination.address, destination.port, to);
    to.text(destinationKeys.host, podHost(destination.pod, destination.namespace));
    to.text(destinationKeys.service, destination.workload);
  }
  if (policy !== null) to.text(keys.policy, policyName(policy));
  if (source !== null) to.text(keys.sourceNamespace, source.namespace);
  if (destination !== null) to.text(keys.destinationNamespace, destination.namespace);
  to.text(keys.tenant, alert.tenant);
  to.text(keys.incident, alert.incident);
  to.text(keys.cluster, alert.cluster);
  to.number(keys.revision, alert.revision);
  to.number(keys.score, alert.score);
  to.text(keys.entity, alert.entity.key);
  if (attack.length > 0)
    to.text(keys.techniques, attack.map((one) => one.techniqueId ?? one.tacticId).join(' '));
}

/** What would be denied and was let through is allowed. */
const verdictActions = {
  allow: 'allowed',
  deny: 'blocked',
  audit: 'allowed',
  error: null,
  unknown: null,
} as const;
const verdictOutcomes = {
  allow: 'success',
  deny: 'failure',
  audit: 'success',
  error: 'failure',
  unknown: null,
} as const;

function flowEvent(flow: Flow, to: EventWriter): void {
  const { source, destination } = flow;
  const decided = flow.policies.at(-1);
  to.begin({
    classId: 'flow',
    name: 'Network flow',
    severity: flow.verdict === 'deny' ? 3 : 1,
    id: flow.id,
    timeMs: flow.endMs,
  });
  to.text(keys.category, 'flow/' + flow.verdict);
  to.number(keys.start, flow.startMs);
  to.number(keys.end, flow.endMs);
  to.number(keys.received, flow.receivedMs);
  to.number(keys.count, flow.aggregated);
  to.text(keys.action, verdictActions[flow.verdict]);
  to.text(keys.outcome, verdictOutcomes[flow.verdict]);
  to.text(keys.reason, flow.dropReason);
  to.text(keys.node, flow.node ?? flow.cluster);
  protocol(flow.protocol, to);
  if (flow.direction !== 'unknown') to.number(keys.direction, flow.direction === 'ingress' ? 0 : 1);
  to.number(keys.sourceBytes, flow.sourceBytes);
  to.number(keys.destinationBytes, flow.destinationBytes);
  side(sourceKeys, source.ip, source.port, to);
  to.text(sourceKeys.host, podHost(source.pod, source.namespace) ?? source.hostname);
  to.text(sourceKeys.service, source.workload);
  side(destinationKeys, destination.ip, destination.port, to);
  to.text(destinationKeys.host, podHost(destination.pod, destination.namespace) ?? destination.hostname);
  to.text(destinationKeys.service, destination.workload);
  if (decided !== undefined) to.text(keys.policy, policyName(decided));
  to.text(keys.sourceNamespace, source.namespace);
  to.text(keys.destinationNamespace, destination.namespace);
  to.text(keys.tenant, source.tenant ?? destination.tenant);
  to.text(keys.cluster, flow.cluster);
  to.number(keys.packets, sum(flow.sourcePackets, flow.destinationPackets));
}

function incidentEvent(incident: Incident, to: EventWriter): void {
  const { entity } = incident;
  to.begin({
    classId: 'incident',
    name: 'Incident',
    severity: severityLevels[incident.severity],
    id: incident.id,
    timeMs: incident.lastMs,
  });
  to.text(keys.category, 'incident/' + incident.state);
  to.number(keys.start, incident.firstMs);
  to.number(keys.end, incident.lastMs);
  to.number(keys.received, incident.lastMs);
  to.number(keys.count, incident.alerts.length);
  to.text(keys.reason, incident.story.summary);
  to.text(keys.node, incident.cluster);
  side(sourceKeys, entity.ip, null, to);
  to.text(sourceKeys.service, entity.name);
  to.text(keys.sourceNamespace, entity.namespace);
  to.text(keys.tenant, incident.tenant);
  to.text(keys.incident, incident.id);
  to.text(keys.cluster, incident.cluster);
  to.number(keys.revision, incident.revision);
  to.number(keys.score, incident.score);
  to.text(keys.entity, entity.key);
  to.text(keys.tactics, incident.tactics.join(' '));
}

function lossEvent(loss: Loss, to: EventWriter): void {
  to.begin({ classId: 'loss', name: 'Records not seen', severity: 3, id: loss.id, timeMs: loss.untilMs });
  to.text(keys.category, 'loss');
  to.number(keys.start, loss.sinceMs);
  to.number(keys.end, loss.untilMs);
  to.number(keys.received, loss.untilMs);
  to.number(keys.count, loss.count);
  to.text(keys.reason, loss.why);
  to.text(keys.message, loss.detail);
  to.text(keys.node, loss.node ?? loss.cluster);
  to.text(keys.tenant, loss.tenant);
  to.text(keys.cluster, loss.cluster);
}

function changeEvent(change: PolicyChange, to: EventWriter): void {
  to.begin({
    classId: 'policy_change',
    name: 'Network policy changed',
    severity: 3,
    id: change.id,
    timeMs: change.timeMs,
  });
  to.text(keys.category, 'policy_change/' + change.verb);
  to.number(keys.start, change.timeMs);
  to.number(keys.end, change.timeMs);
  to.number(keys.received, change.timeMs);
  to.text(keys.action, change.verb);
  to.text(keys.user, change.user);
  to.text(keys.userAgent, change.userAgent);
  to.text(keys.node, change.cluster);
  side(sourceKeys, change.sourceIps[0] ?? null, null, to);
  const { namespace, name } = change;
  to.text(keys.policy, change.kind + ' ' + (namespace === null ? name : namespace + '/' + name));
  to.text(keys.tenant, change.tenant);
  to.text(keys.cluster, change.cluster);
  to.text(keys.logging, change.logging);
}

function accessEvent(access: Access, to: EventWriter): void {
  to.begin({
    classId: 'access',
    name: 'Audit data accessed',
    severity: 1,
    id: access.id,
    timeMs: access.timeMs,
  });
  to.text(keys.category, 'access');
  to.number(keys.start, access.timeMs);
  to.number(keys.end, access.timeMs);
  to.number(keys.received, access.timeMs);
  to.text(keys.action, access.action);
  to.text(keys.user, access.user);
  to.text(keys.message, access.detail);
  to.text(keys.node, access.cluster);
  to.number(keys.rows, access.rows);
  to.text(keys.tenant, access.tenant);
  to.text(keys.cluster, access.cluster);
}

/** What is no address is left out: receivers refuse it there. */
function side(of: SideKeys, ip: string | null, port: number | null, to: EventWriter): void {
  if (ip !== null) {
    if (ip.includes(':')) {
      if (isIPv6(ip)) to.text(of.v6, ip);
    } else if (isIPv4(ip)) to.text(of.v4, ip);
  }
  to.number(of.port, port);
}

const protocols: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
};

const protocol = (number: number | null, to: EventWriter): void => {
  if (number !== null) to.text(keys.protocol, protocols[number] ?? String(number));
};

const podHost = (pod: string | null, namespace: string | null): string | null =>
  pod === null || namespace === null ? pod : pod + '.' + namespace;

const sum = (a: number | null, b: number | null): number | null =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);

function policyName(policy: PolicyRef): string {
  const name = policy.name ?? (policy.action === 'default_deny' ? 'default deny' : null);
  const named =
    name === null ? (policy.tier ?? '') : policy.namespace === null ? name : policy.namespace + '/' + name;
  return policy.rule === null ? named : named + ' ' + policy.rule;
}
