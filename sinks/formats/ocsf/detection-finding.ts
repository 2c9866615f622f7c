import type { Alert, AlertEndpoint, Attack, Incident } from '../../../schema/records.ts';
import { eventName } from '../event.ts';
import {
  connection,
  controls,
  endpoint,
  firewallRule,
  metadata,
  severityIds,
  severityNames,
} from './parts.ts';

const activities = { create: [1, 'Create'], update: [2, 'Update'], close: [3, 'Close'] } as const;
const alertActivities = {
  opened: 'create',
  escalated: 'update',
  updated: 'update',
  closed: 'close',
} as const;
const incidentActivities = {
  new: 'create',
  updated: 'update',
  acknowledged: 'update',
  closed: 'close',
} as const;
const statuses = {
  new: [1, 'New'],
  progress: [2, 'In Progress'],
  suppressed: [3, 'Suppressed'],
  resolved: [4, 'Resolved'],
} as const;

/** Detectors that compare with what was usual are behavioural; those of a user's words are rules. */
const analyticTypes = { rule: [1, 'Rule'], policy_denied: [1, 'Rule'], other: [2, 'Behavioral'] } as const;

const outcomeControls = {
  blocked: 'blocked',
  allowed: 'allowed',
  mixed: 'unknown',
  unknown: 'unknown',
} as const;

/** Detection Finding [2004] of one revision of an alert. */
export function alertFinding(alert: Alert, version: string): Record<string, unknown> {
  const [activityId, activityName] = activities[alertActivities[alert.action]];
  const [statusId, status] =
    statuses[alert.suppressedBy !== null ? 'suppressed' : alert.action === 'closed' ? 'resolved' : 'new'];
  const [typeId, type] = Object.hasOwn(analyticTypes, alert.detector)
    ? analyticTypes[alert.detector as keyof typeof analyticTypes]
    : analyticTypes.other;
  const { entity, source, destination } = alert;
  const control = controls[outcomeControls[alert.outcome]];
  return {
    category_uid: 2,
    class_uid: 2004,
    class_name: 'Detection Finding',
    activity_id: activityId,
    activity_name: activityName,
    type_uid: 2004 * 100 + activityId,
    severity_id: severityIds[alert.severity],
    severity: severityNames[severityIds[alert.severity]],
    time: alert.raisedMs,
    metadata: metadata(version, {
      uid: `${alert.id}-${alert.revision}`,
      eventCode: alert.detector,
      profiles: ['security_control'],
      tenant: alert.tenant,
    }),
    message: alert.why.summary,
    start_time: alert.firstMs,
    end_time: alert.lastMs,
    count: alert.count,
    status_id: statusId,
    status,
    is_alert: alert.action !== 'closed',
    confidence_score: percent(alert.score),
    risk_score: percent(alert.score),
    action_id: control.action_id,
    action: control.action,
    disposition_id: control.disposition_id,
    disposition: control.disposition,
    firewall_rule: alert.policy ? firewallRule(alert.policy) : null,
    finding_info: {
      uid: alert.id,
      title: eventName(alert.detector),
      desc: alert.why.summary,
      first_seen_time: alert.firstMs,
      last_seen_time: alert.lastMs,
      modified_time: alert.raisedMs,
      analytic: {
        uid: alert.detector,
        name: alert.rule,
        type_id: typeId,
        type,
        version: alert.contentVersion,
      },
      attacks: attacks(alert.attack),
      related_events_count: alert.count,
      src_url: alert.links.kibana,
    },
    evidences: evidences(alert),
    resources: [resource(entity.key, entity.name ?? entity.key, entity.kind, alert.owner, entity.namespace)],
    unmapped: {
      cluster: alert.cluster,
      action: alert.action,
      revision: alert.revision,
      rule: alert.rule,
      incident: alert.incident,
      tenants: alert.tenants,
      scopes: alert.scopes,
      coverage: alert.coverage,
      historical: alert.historical,
      suppressed_by: alert.suppressedBy,
      source_namespace: source?.namespace ?? null,
      destination_namespace: destination?.namespace ?? null,
      search: alert.links.search,
      runbook: alert.links.runbook,
    },
  };
}

/** Detection Finding [2004] of an incident, whose alerts are the related events. */
export function incidentFinding(incident: Incident, version: string): Record<string, unknown> {
  const [activityId, activityName] = activities[incidentActivities[incident.state]];
  const [statusId, status] =
    statuses[
      incident.state === 'closed' ? 'resolved' : incident.state === 'acknowledged' ? 'progress' : 'new'
    ];
  const { entity } = incident;
  return {
    category_uid: 2,
    class_uid: 2004,
    class_name: 'Detection Finding',
    activity_id: activityId,
    activity_name: activityName,
    type_uid: 2004 * 100 + activityId,
    severity_id: severityIds[incident.severity],
    severity: severityNames[severityIds[incident.severity]],
    time: incident.lastMs,
    metadata: metadata(version, {
      uid: `${incident.id}-${incident.revision}`,
      eventCode: 'incident',
      profiles: [],
      tenant: incident.tenant,
    }),
    message: incident.story.summary,
    start_time: incident.firstMs,
    end_time: incident.lastMs,
    status_id: statusId,
    status,
    is_alert: incident.notify,
    risk_score: percent(incident.score),
    finding_info: {
      uid: incident.id,
      title: 'Incident',
      desc: incident.story.summary,
      first_seen_time: incident.firstMs,
      last_seen_time: incident.lastMs,
      types: ['incident'],
      related_events: incident.alerts.map((alert) => ({
        uid: alert.id,
        title: alert.line,
        type_name: alert.detector,
        severity_id: severityIds[alert.severity],
        first_seen_time: alert.timeMs,
      })),
      related_events_count: incident.alerts.length,
    },
    resources: [
      resource(entity.key, entity.name ?? entity.key, entity.kind, incident.owner, entity.namespace),
    ],
    unmapped: {
      cluster: incident.cluster,
      state: incident.state,
      revision: incident.revision,
      tactics: incident.tactics,
      tenants: incident.tenants,
      scopes: incident.scopes,
      normal: incident.story.normal,
      question: incident.story.question,
      query: incident.story.query,
    },
  };
}

const percent = (score: number): number => Math.round(Math.min(1, Math.max(0, score)) * 100);

const resource = (
  uid: string,
  name: string,
  type: string,
  owner: string | null,
  namespace: string | null,
): object => ({ uid, name, type, namespace, owner: owner === null ? null : { name: owner } });

function evidences(alert: Alert): object[] {
  const src = sideOf(alert.source);
  const dst = sideOf(alert.destination);
  if (src === null && dst === null && alert.protocol === null) return [];
  return [
    {
      src_endpoint: src,
      dst_endpoint: dst,
      connection_info: connection({
        protocol: alert.protocol,
        ip: alert.source?.address ?? alert.destination?.address ?? null,
        directionId: 0,
        tcpFlags: null,
        communityUid: null,
      }),
      data: { flow_ids: alert.evidence.flowIds, ports: alert.evidence.ports, peers: alert.evidence.peers },
    },
  ];
}

const sideOf = (end: AlertEndpoint | null): object | null =>
  end === null
    ? null
    : endpoint({
        ip: end.address,
        port: end.port,
        namespace: end.namespace,
        pod: end.pod,
        workload: end.workload,
        hostname: null,
        entity: null,
        zone: null,
      });

const attacks = (list: readonly Attack[]): object[] =>
  list.map((one) => ({
    tactic: { uid: one.tacticId, name: one.tactic },
    technique: one.techniqueId === null ? null : { uid: one.techniqueId, name: one.technique },
  }));
