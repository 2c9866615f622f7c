import type { Delivery } from '../../pipeline/contracts.ts';
import type { Access, Alert, Endpoint, Flow, Incident, Loss, PolicyChange } from '../../schema/records.ts';
import { protocolName } from '../records/protocols.ts';

/** Names of Splunk's Common Information Model; what is null or undefined is left out. */
export type CimFields = Readonly<Record<string, string | number | readonly string[] | null | undefined>>;

/** What data models of the Common Information Model call the facts of a record, so that searches built on them find it. */
export function cimFields(item: Delivery): CimFields {
  switch (item.kind) {
    case 'flow':
      return networkTraffic((item as Delivery<'flow'>).record);
    case 'alert':
      return alert((item as Delivery<'alert'>).record);
    case 'incident':
      return incident((item as Delivery<'incident'>).record);
    case 'policy_change':
      return change((item as Delivery<'policy_change'>).record);
    case 'loss':
      return loss((item as Delivery<'loss'>).record);
    case 'access':
      return access((item as Delivery<'access'>).record);
    default:
      return {};
  }
}

const VENDOR = { vendor_product: 'Weir' };

/** CIM knows allowed, blocked and teardown; what a policy would have denied passed. */
const actions = {
  allow: 'allowed',
  deny: 'blocked',
  audit: 'allowed',
  error: 'unknown',
  unknown: 'unknown',
} as const;
const alertActions = {
  blocked: 'blocked',
  allowed: 'allowed',
  mixed: 'allowed',
  unknown: 'unknown',
} as const;
const severities = {
  info: 'informational',
  low: 'low',
  medium: 'medium',
  high: 'high',
  critical: 'critical',
} as const;
const severityIds = { info: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;
const directions = { ingress: 'inbound', egress: 'outbound', unknown: 'unknown' } as const;
const verbs: Readonly<Record<string, string>> = {
  create: 'created',
  update: 'modified',
  patch: 'modified',
  delete: 'deleted',
};

/** Data model Network Traffic. */
function networkTraffic(flow: Flow): CimFields {
  const { source, destination } = flow;
  const policy = flow.policies.at(-1);
  return {
    ...VENDOR,
    action: actions[flow.verdict],
    src: hostOf(source) ?? source.ip,
    src_ip: source.ip,
    src_port: source.port,
    src_zone: source.namespace,
    dest: hostOf(destination) ?? destination.ip,
    dest_ip: destination.ip,
    dest_port: destination.port,
    dest_zone: destination.namespace,
    transport: protocolName(flow.protocol),
    protocol: 'ip',
    protocol_version: (source.ip ?? destination.ip)?.includes(':') ? 'ipv6' : 'ipv4',
    direction: directions[flow.direction],
    dvc: flow.node ?? flow.cluster,
    // Of the device that reports, as CIM has it: in is what came from the initiator.
    bytes_in: flow.sourceBytes,
    bytes_out: flow.destinationBytes,
    bytes: sum(flow.sourceBytes, flow.destinationBytes),
    packets_in: flow.sourcePackets,
    packets_out: flow.destinationPackets,
    packets: sum(flow.sourcePackets, flow.destinationPackets),
    duration: (flow.endMs - flow.startMs) / 1000,
    rule: policy?.name ?? null,
    session_id: flow.id,
  };
}

/** Data models Alerts and Intrusion Detection. */
function alert(alert: Alert): CimFields {
  const { source, destination } = alert;
  return {
    ...VENDOR,
    app: 'weir',
    id: alert.id,
    type: 'alert',
    signature: alert.rule,
    signature_id: alert.detector,
    category: alert.attack[0]?.tactic ?? alert.detector,
    ids_type: 'network',
    severity: severities[alert.severity],
    severity_id: severityIds[alert.severity],
    description: alert.why.summary,
    action: alertActions[alert.outcome],
    src:
      named(source?.pod ?? source?.workload, source?.namespace) ?? source?.address ?? partyName(alert.entity),
    src_ip: source?.address ?? alert.entity.ip,
    src_port: source?.port,
    dest:
      named(destination?.pod ?? destination?.workload, destination?.namespace) ??
      destination?.address ??
      (alert.target && partyName(alert.target)),
    dest_ip: destination?.address ?? alert.target?.ip,
    dest_port: destination?.port ?? alert.target?.port,
    transport: protocolName(alert.protocol),
    dvc: source?.node ?? destination?.node ?? alert.cluster,
    mitre_technique_id: alert.attack.flatMap(({ techniqueId }) => techniqueId ?? []),
  };
}

const incident = (incident: Incident): CimFields => ({
  ...VENDOR,
  app: 'weir',
  id: incident.id,
  type: 'alert',
  signature: 'Incident',
  signature_id: 'incident',
  severity: severities[incident.severity],
  severity_id: severityIds[incident.severity],
  description: incident.story.summary,
  src: partyName(incident.entity),
  src_ip: incident.entity.ip,
  dvc: incident.cluster,
});

/** Data model Change. */
const change = (change: PolicyChange): CimFields => ({
  ...VENDOR,
  action: verbs[change.verb] ?? 'unknown',
  change_type: 'network policy',
  command: change.verb,
  object: change.name,
  object_category: change.kind,
  object_path: change.namespace === null ? change.name : `${change.namespace}/${change.name}`,
  object_id: change.after ?? change.before,
  object_attrs: change.logging === null ? null : `logging ${change.logging}`,
  status: 'success',
  user: change.user,
  user_agent: change.userAgent,
  src: change.sourceIps[0],
  src_ip: change.sourceIps[0],
  dest: change.cluster,
  dvc: change.cluster,
});

const loss = (loss: Loss): CimFields => ({
  ...VENDOR,
  dvc: loss.node ?? loss.cluster,
  reason: loss.why,
  description: loss.detail,
});

const access = (access: Access): CimFields => ({
  ...VENDOR,
  action: access.action,
  user: access.user,
  description: access.detail,
  dvc: access.cluster,
});

const named = (name: string | null | undefined, namespace: string | null | undefined): string | null =>
  name === null || name === undefined ? null : namespace ? `${name}.${namespace}` : name;

const hostOf = (end: Endpoint): string | null =>
  named(end.pod ?? end.workload, end.namespace) ?? end.hostname;

const partyName = (party: Alert['entity']): string =>
  named(party.name, party.namespace) ?? party.ip ?? party.key;

const sum = (a: number | null, b: number | null): number | null =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);
