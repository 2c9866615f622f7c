import {
  newEndpoint,
  newEvidence,
  type Alert,
  type AlertEndpoint,
  type Endpoint,
  type Flow,
  type Incident,
  type Party,
  type RecordKind,
  type RecordTypes,
} from '../schema/records.ts';

/** In the tenants of an alert: others than those listed may be named in it. No tenant has this name. */
export const ANY_TENANT = '*';

/**
 * A record as one tenant may see it: its own side whole, of any other side tenant name, port and verdict. Null
 * when the tenant has no part in it. Enforced here, beside any `where` of the configuration.
 */
export function tenantView<K extends RecordKind>(
  kind: K,
  record: RecordTypes[K],
  tenant: string,
): RecordTypes[K] | null {
  if (kind === 'flow') return flowView(record as Flow, tenant) as RecordTypes[K] | null;
  if (kind === 'alert') return alertView(record as Alert, tenant) as RecordTypes[K] | null;
  if (kind === 'incident') return incidentView(record as Incident, tenant) as RecordTypes[K] | null;
  return 'tenant' in record && record.tenant === tenant ? record : null;
}

function flowView(flow: Flow, tenant: string): Flow | null {
  const ownsSource = flow.source.tenant === tenant;
  const ownsDestination = flow.destination.tenant === tenant;
  if (!ownsSource && !ownsDestination) return null;
  if (ownsSource && ownsDestination) return flow;
  const own = ownsSource ? flow.source : flow.destination;
  return {
    ...flow,
    // The machine that saw the flow may be the other side's.
    node: flow.node === own.node ? flow.node : null,
    source: ownsSource ? flow.source : stranger(flow.source),
    destination: ownsDestination ? flow.destination : stranger(flow.destination),
    // What the data plane said in its own words may name the other side's policy.
    verdictRaw: null,
    dropReason: null,
    service: ownsDestination ? flow.service : null,
    request: ownsDestination ? flow.request : null,
    policies: flow.policies.filter(({ direction, namespace }) =>
      direction === 'egress'
        ? ownsSource
        : direction === 'ingress'
          ? ownsDestination
          : namespace !== null && namespace === own.namespace,
    ),
  };
}

function stranger(endpoint: Endpoint): Endpoint {
  const seen = newEndpoint();
  seen.port = endpoint.port;
  seen.tenant = endpoint.tenant;
  return seen;
}

/** Only the tenant of the entity reads the story; the other side is told no more than that something was decided. */
function alertView(alert: Alert, tenant: string): Alert | null {
  if (!alert.tenants.includes(tenant) && alert.tenant !== tenant) return null;
  if (alert.tenants.every((each) => each === tenant)) return alert;
  const own = alert.tenant === tenant;
  const port = alert.target?.port ?? null;
  return {
    ...alert,
    entity: own
      ? alert.entity
      : {
          kind: 'unknown',
          key: `tenant/${alert.tenant ?? 'none'}`,
          ip: null,
          namespace: null,
          name: null,
          port: null,
        },
    target:
      own && alert.target
        ? { kind: 'unknown', key: 'other tenant', ip: null, namespace: null, name: null, port }
        : null,
    tenants: [tenant],
    // Of which side they are is not known.
    scopes: [],
    owner: own ? alert.owner : null,
    source: own && isSame(alert.source, alert.entity) ? alert.source : null,
    destination: own && isSame(alert.destination, alert.entity) ? alert.destination : null,
    policy: null,
    why: {
      ...alert.why,
      summary: `${alert.rule}: traffic with another tenant${port === null ? '' : ` on port ${port}`} was ${alert.outcome}.`,
    },
    evidence: { ...newEvidence(), ports: alert.evidence.ports },
    links: { runbook: alert.links.runbook, search: null, kibana: null },
  };
}

/** Whether a side of the traffic is the one that the alert is about. */
function isSame(side: AlertEndpoint | null, entity: Party): boolean {
  if (side === null) return false;
  if (entity.ip !== null && side.address !== null) return entity.ip === side.address;
  return entity.namespace !== null && entity.namespace === side.namespace && entity.name === side.workload;
}

/** The tenant of the entity alone; lines that may name another tenant's side are reduced to who found something. */
function incidentView(incident: Incident, tenant: string): Incident | null {
  if (incident.tenant !== tenant) return null;
  if (incident.tenants.every((each) => each === tenant)) return incident;
  const { alerts, story } = incident;
  return {
    ...incident,
    tenants: [tenant],
    scopes: [],
    alerts: alerts.map((alert) => ({ ...alert, line: `${alert.detector}: traffic with another tenant.` })),
    story: {
      ...story,
      normal: null,
      summary: `${alerts.length} alert${alerts.length === 1 ? '' : 's'} about traffic with another tenant.`,
      query: null,
    },
  };
}
