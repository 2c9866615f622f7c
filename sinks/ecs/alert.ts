import type { Alert } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { protocolName } from '../records/protocols.ts';
import { isoTime } from '../records/time.ts';
import {
  entityParts,
  head,
  identity,
  orchestrator,
  party,
  policyPart,
  related,
  riskScore,
  severities,
  side,
  type Target,
} from './parts.ts';

/** `event.type`, one that ECS allows for both categories. */
const types = { blocked: 'denied', allowed: 'allowed', mixed: 'info', unknown: 'info' } as const;

/** One revision of an alert, as an event or as its current state. `rule` is the detector; the policy is `weir.policy`. */
export function alertDocument(alert: Alert, target: Target): string {
  const { entity, source, destination, attack } = alert;
  return anyJson({
    ...head('alert', target, alert.raisedMs, {
      id: `${alert.id}-${alert.revision}`,
      kind: 'alert',
      provider: alert.detector,
      category: ['network', 'intrusion_detection'],
      type: [types[alert.outcome]],
      action: `alert-${alert.action}`,
      severity: severities[alert.severity],
      risk_score: riskScore(alert.score),
      reason: alert.why.summary,
      start: isoTime(alert.firstMs),
      end: isoTime(alert.lastMs),
      reference: alert.links.runbook,
      url: alert.links.kibana,
    }),
    message: alert.why.summary,
    log: { level: alert.severity },
    rule: {
      id: alert.detector,
      name: alert.rule,
      category: alert.detector,
      version: alert.contentVersion || null,
    },
    threat: attack.length === 0 ? null : threat(alert),
    source: side(source),
    destination: side(destination),
    network:
      alert.protocol === null
        ? null
        : { transport: protocolName(alert.protocol), iana_number: String(alert.protocol) },
    related: related({
      ips: [entity.ip, alert.target?.ip, source?.address, destination?.address],
      hosts: [
        entity.kind === 'host' ? entity.name : null,
        alert.target?.kind === 'host' ? alert.target.name : null,
        source?.pod,
        source?.node,
        destination?.pod,
        destination?.node,
      ],
    }),
    ...entityParts(entity, [source, destination]),
    orchestrator: orchestrator(alert.cluster),
    weir: {
      kind: 'alert',
      alert: own(alert),
      entity: party(entity),
      target: party(alert.target),
      source: identity(source),
      destination: identity(destination),
      policy: policyPart(alert.policy),
      tenants: alert.tenants,
      tenant: alert.tenant,
      scopes: alert.scopes,
      owner: alert.owner,
    },
  });
}

function own(alert: Alert): object {
  const { evidence, why } = alert;
  return {
    id: alert.id,
    revision: alert.revision,
    action: alert.action,
    status: alert.action === 'closed' ? 'closed' : 'open',
    detector: alert.detector,
    rule: alert.rule,
    severity: alert.severity,
    score: alert.score,
    outcome: alert.outcome,
    count: alert.count,
    coverage: alert.coverage,
    learning: why.learning,
    history_ms: why.historyMs,
    content_version: alert.contentVersion,
    suppressed_by: alert.suppressedBy,
    historical: alert.historical,
    incident: alert.incident,
    factors: why.factors.map(
      (factor) =>
        `${factor.name}: ${factor.observed}` +
        (factor.expected === null ? '' : `, usually ${factor.expected}`) +
        (factor.threshold === null ? '' : `, threshold ${factor.threshold}`),
    ),
    flow_ids: evidence.flowIds,
    record_ids: evidence.records,
    flows: evidence.flows.map(
      (flow) =>
        `${isoTime(flow.timeMs)} ${flow.verdict} ${flow.source} -> ${flow.destination}` +
        (flow.policy === null ? '' : ` (${flow.policy})`),
    ),
    ports: evidence.ports,
    peers: evidence.peers,
    policies: evidence.policies,
    search: alert.links.search,
  };
}

function threat(alert: Alert): object {
  const techniques = alert.attack.flatMap(({ techniqueId, technique }) =>
    techniqueId === null ? [] : [{ id: techniqueId, name: technique ?? techniqueId }],
  );
  const main = techniques.filter(({ id }) => !id.includes('.'));
  const sub = techniques.filter(({ id }) => id.includes('.'));
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  const page = (id: string): string => `https://attack.mitre.org/techniques/${id.replace('.', '/')}/`;
  return {
    framework: 'MITRE ATT&CK',
    tactic: {
      id: unique(alert.attack.map(({ tacticId }) => tacticId)),
      name: unique(alert.attack.map(({ tactic }) => tactic)),
    },
    technique: {
      id: unique([...main.map(({ id }) => id), ...sub.map(({ id }) => id.split('.')[0]!)]),
      name: unique(main.map(({ name }) => name)),
      reference: unique(main.map(({ id }) => page(id))),
      subtechnique:
        sub.length === 0
          ? null
          : {
              id: unique(sub.map(({ id }) => id)),
              name: unique(sub.map(({ name }) => name)),
              reference: unique(sub.map(({ id }) => page(id))),
            },
    },
  };
}
