import { isIP } from 'node:net';
import type { Access, Alert, Incident, Loss, Party, PolicyChange, Severity } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { protocolName } from '../records/protocols.ts';
import { ECS_VERSION, policyName } from './ecs.ts';
import { isoTime } from '../records/time.ts';

/** `event.severity`, in the steps Kibana's detection rules use for low to critical. */
const severities: Readonly<Record<Severity, number>> = {
  info: 10,
  low: 21,
  medium: 47,
  high: 73,
  critical: 99,
};

/** Kinds of record that are events, and what the third part of their data stream's name is. */
export type EventKind = 'alert' | 'policy_change' | 'loss' | 'access';

interface Head {
  readonly id: string;
  readonly timeMs: number;
  readonly namespace: string | null;
  readonly kind: EventKind | 'incident';
}

function head({ timeMs, namespace, kind }: Head): Record<string, unknown> {
  const dataset = `weir.${kind}`;
  return {
    '@timestamp': isoTime(timeMs),
    ecs: { version: ECS_VERSION },
    data_stream: namespace === null ? null : { type: 'logs', dataset, namespace },
    observer: { vendor: 'Weir', product: 'weir', type: 'sensor' },
  };
}

const cluster = (name: string | null): object | null =>
  name === null ? null : { type: 'kubernetes', cluster: { name } };

/** One revision of an alert, as an event or as its current state. The text after `event.kind` is per ECS for alerts. */
export function alertDocument(alert: Alert, namespace: string | null): string {
  const addresses = [alert.entity.ip, alert.target?.ip, alert.source?.address, alert.destination?.address];
  const related = [
    ...new Set(addresses.filter((ip): ip is string => ip !== null && ip !== undefined && isAddress(ip))),
  ];
  const { entity, target, policy, attack } = alert;
  const type = alert.outcome === 'blocked' ? 'denied' : alert.outcome === 'allowed' ? 'allowed' : 'info';
  return anyJson({
    ...head({ id: alert.id, timeMs: alert.raisedMs, namespace, kind: 'alert' }),
    message: alert.why.summary,
    event: {
      id: `${alert.id}-${alert.revision}`,
      kind: 'alert',
      module: 'weir',
      dataset: 'weir.alert',
      provider: alert.detector,
      category: ['network', 'intrusion_detection'],
      type: [type],
      action: `alert-${alert.action}`,
      severity: severities[alert.severity],
      risk_score: Math.round(alert.score * 1000) / 10,
      reason: alert.why.summary,
      start: isoTime(alert.firstMs),
      end: isoTime(alert.lastMs),
      reference: alert.links.runbook,
      url: alert.links.kibana,
    },
    log: { level: alert.severity },
    rule: {
      id: alert.detector,
      name: alert.rule,
      category: alert.detector,
      version: alert.contentVersion || null,
    },
    threat: attack.length === 0 ? null : threat(alert),
    source: side(alert.source),
    destination: side(alert.destination),
    network:
      alert.protocol === null
        ? null
        : { transport: protocolName(alert.protocol), iana_number: String(alert.protocol) },
    related: related.length === 0 ? null : { ip: related },
    host: entity.kind === 'host' && entity.name !== null ? { name: entity.name } : null,
    kubernetes: kubernetes(entity),
    orchestrator: cluster(alert.cluster),
    weir: {
      alert: {
        id: alert.id,
        revision: alert.revision,
        action: alert.action,
        status: alert.action === 'closed' ? 'closed' : 'open',
        detector: alert.detector,
        severity: alert.severity,
        score: alert.score,
        outcome: alert.outcome,
        count: alert.count,
        coverage: alert.coverage,
        learning: alert.why.learning,
        history_ms: alert.why.historyMs,
        content_version: alert.contentVersion,
        suppressed_by: alert.suppressedBy,
        historical: alert.historical,
        incident: alert.incident,
        factors: alert.why.factors.map(
          (factor) =>
            `${factor.name}: ${factor.observed}` +
            (factor.expected === null ? '' : `, usually ${factor.expected}`) +
            (factor.threshold === null ? '' : `, threshold ${factor.threshold}`),
        ),
        flow_ids: alert.evidence.flowIds,
        flows: alert.evidence.flows.map(
          (flow) =>
            `${isoTime(flow.timeMs)} ${flow.verdict} ${flow.source} -> ${flow.destination}` +
            (flow.policy === null ? '' : ` (${flow.policy})`),
        ),
        ports: alert.evidence.ports,
        peers: alert.evidence.peers,
        policies: alert.evidence.policies,
        record_ids: alert.evidence.records,
        search: alert.links.search,
      },
      entity: party(entity),
      target: party(target),
      source: identity(alert.source),
      destination: identity(alert.destination),
      policy:
        policy === null
          ? null
          : {
              namespace: policy.namespace,
              name: policyName(policy),
              kind: policy.kind,
              tier: policy.tier,
              inferred: policy.inferred,
            },
      tenants: alert.tenants,
      tenant: alert.tenant,
      scopes: alert.scopes,
      owner: alert.owner,
    },
  });
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

/** Current state of an incident. */
export function incidentDocument(incident: Incident): string {
  return anyJson({
    ...head({ id: incident.id, timeMs: incident.lastMs, namespace: null, kind: 'incident' }),
    message: incident.story.summary,
    event: {
      id: incident.id,
      kind: 'alert',
      module: 'weir',
      dataset: 'weir.incident',
      category: ['network', 'intrusion_detection'],
      type: ['info'],
      action: `incident-${incident.state}`,
      severity: severities[incident.severity],
      risk_score: Math.round(incident.score * 1000) / 10,
      reason: incident.story.summary,
      start: isoTime(incident.firstMs),
      end: isoTime(incident.lastMs),
    },
    kubernetes: kubernetes(incident.entity),
    orchestrator: cluster(incident.cluster),
    weir: {
      incident: {
        id: incident.id,
        revision: incident.revision,
        status: incident.state,
        severity: incident.severity,
        score: incident.score,
        tactics: incident.tactics,
        alert_ids: incident.alerts.map(({ id }) => id),
        alerts: incident.alerts.map(
          (alert) => `${isoTime(alert.timeMs)} ${alert.severity} ${alert.detector}: ${alert.line}`,
        ),
        normal: incident.story.normal,
        question: incident.story.question,
        query: incident.story.query,
      },
      entity: party(incident.entity),
      tenant: incident.tenant,
      tenants: incident.tenants,
      scopes: incident.scopes,
      owner: incident.owner,
    },
  });
}

const policyVerbs: Readonly<Record<string, string>> = { create: 'creation', delete: 'deletion' };

export function policyChangeDocument(change: PolicyChange, namespace: string | null): string {
  return anyJson({
    ...head({ id: change.id, timeMs: change.timeMs, namespace, kind: 'policy_change' }),
    event: {
      id: change.id,
      kind: 'event',
      module: 'weir',
      dataset: 'weir.policy_change',
      category: ['configuration'],
      type: [policyVerbs[change.verb] ?? 'change'],
      action: `policy-${change.verb}`,
      outcome: 'success',
    },
    user: change.user === null ? null : { name: change.user, roles: change.groups },
    user_agent: change.userAgent === null ? null : { original: change.userAgent },
    source: change.sourceIps.some(isAddress) ? { ip: change.sourceIps.filter(isAddress) } : null,
    related: change.sourceIps.some(isAddress) ? { ip: change.sourceIps.filter(isAddress) } : null,
    rule: { name: policyName(change), category: change.kind },
    orchestrator: cluster(change.cluster),
    weir: {
      policy: { namespace: change.namespace, name: change.name, kind: change.kind },
      policy_change: {
        verb: change.verb,
        before: change.before,
        after: change.after,
        logging: change.logging,
      },
      tenant: change.tenant,
    },
  });
}

export function lossDocument(loss: Loss, namespace: string | null): string {
  return anyJson({
    ...head({ id: loss.id, timeMs: loss.untilMs, namespace, kind: 'loss' }),
    message: loss.detail,
    event: {
      id: loss.id,
      kind: 'pipeline_error',
      module: 'weir',
      dataset: 'weir.loss',
      category: ['network'],
      type: ['info'],
      action: 'records-lost',
      reason: loss.why,
      start: isoTime(loss.sinceMs),
      end: isoTime(loss.untilMs),
    },
    host: loss.node === null ? null : { name: loss.node },
    orchestrator: cluster(loss.cluster),
    weir: {
      collector: loss.collector,
      origin: loss.origin,
      loss: {
        where: loss.where,
        why: loss.why,
        count: loss.count,
        from: loss.fromPosition,
        to: loss.toPosition,
      },
      tenant: loss.tenant,
    },
  });
}

export function accessDocument(access: Access, namespace: string | null): string {
  return anyJson({
    ...head({ id: access.id, timeMs: access.timeMs, namespace, kind: 'access' }),
    message: access.detail,
    event: {
      id: access.id,
      kind: 'event',
      module: 'weir',
      dataset: 'weir.access',
      category: ['database'],
      type: ['access'],
      action: access.action,
      outcome: 'success',
    },
    user: { name: access.user },
    orchestrator: cluster(access.cluster),
    weir: { access: { rows: access.rows }, tenant: access.tenant },
  });
}

type AlertSide = Alert['source'];

function side(end: AlertSide): object | null {
  if (end === null || (end.address === null && end.port === null)) return null;
  return {
    address: end.address,
    ip: end.address !== null && isAddress(end.address) ? end.address : null,
    port: end.port,
  };
}

function identity(end: AlertSide): object | null {
  if (end === null) return null;
  return {
    network: end.network,
    namespace: end.namespace,
    pod: end.pod,
    workload: end.workload,
    service_account: end.serviceAccount,
    node: end.node,
  };
}

const party = (who: Party | null): object | null =>
  who === null
    ? null
    : {
        kind: who.kind,
        key: who.key,
        ip: who.ip !== null && isAddress(who.ip) ? who.ip : null,
        namespace: who.namespace,
        name: who.name,
        port: who.port,
      };

const kubernetes = (entity: Party): object | null =>
  entity.namespace === null && entity.kind !== 'host'
    ? null
    : {
        namespace: entity.namespace,
        node: entity.kind === 'host' && entity.name !== null ? { name: entity.name } : null,
        service: entity.kind === 'service' && entity.name !== null ? { name: entity.name } : null,
      };

/** Fields of type `ip` refuse the whole document for anything else. */
const isAddress = (text: string): boolean => isIP(text) !== 0;
