import type { Incident } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { isoTime } from '../records/time.ts';
import {
  entityParts,
  head,
  orchestrator,
  party,
  related,
  riskScore,
  severities,
  type Target,
} from './parts.ts';

/** Current state of an incident. */
export function incidentDocument(incident: Incident, target: Target): string {
  const { entity, story } = incident;
  return anyJson({
    ...head('incident', target, incident.lastMs, {
      id: incident.id,
      kind: 'alert',
      category: ['network', 'intrusion_detection'],
      type: ['info'],
      action: `incident-${incident.state}`,
      severity: severities[incident.severity],
      risk_score: riskScore(incident.score),
      reason: story.summary,
      start: isoTime(incident.firstMs),
      end: isoTime(incident.lastMs),
    }),
    message: story.summary,
    log: { level: incident.severity },
    related: related({ ips: [entity.ip], hosts: [entity.kind === 'host' ? entity.name : null] }),
    ...entityParts(entity),
    orchestrator: orchestrator(incident.cluster),
    weir: {
      kind: 'incident',
      incident: {
        id: incident.id,
        revision: incident.revision,
        status: incident.state,
        severity: incident.severity,
        score: incident.score,
        notify: incident.notify,
        decided_by: incident.decidedBy,
        decided: incident.decidedMs === null ? null : isoTime(incident.decidedMs),
        reason: incident.reason,
        follows: incident.follows,
        tactics: incident.tactics,
        alert_ids: incident.alerts.map(({ id }) => id),
        alerts: incident.alerts.map(
          (alert) => `${isoTime(alert.timeMs)} ${alert.severity} ${alert.detector}: ${alert.line}`,
        ),
        normal: story.normal,
        question: story.question,
        query: story.query,
      },
      entity: party(entity),
      tenant: incident.tenant,
      tenants: incident.tenants,
      scopes: incident.scopes,
      owner: incident.owner,
    },
  });
}
