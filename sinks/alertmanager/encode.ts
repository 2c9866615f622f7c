import type { Delivery } from '../../pipeline/contracts.ts';
import { TEST, goodUntilMs } from '../../pipeline/marked.ts';
import { Severities, type Alert, type Incident, type Party, type Severity } from '../../schema/records.ts';

/** An alert as `POST /api/v2/alerts` takes it. Its labels are its identity. */
export interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** A finding with all that Alertmanager has to be told of it. */
export interface Finding {
  /** The same for all revisions. */
  readonly key: string;
  readonly isOpen: boolean;
  /** Whether it is to be told again as long as it is open; a heartbeat that is not sent must not be heard. */
  readonly isLasting: boolean;
  /** Fires until `endMs`; for a closed one that is the time of its close. */
  alertUntil(endMs: number): PostedAlert;
  /**
   * The same finding under each lower severity, ended: severity is a label, by which people route, so a rise in it
   * makes another alert of it. Alertmanager passes on no end of what never fired.
   */
  readonly before: readonly PostedAlert[];
}

/** How long a test event fires. */
const TEST_MS = 5 * 60_000;

/** Ascending. */
const ascending: readonly Severity[] = Severities;

/** Null for a kind that is no finding. */
export function findingOf(
  item: Delivery,
  labels: Readonly<Record<string, string>>,
  nowMs: number,
): Finding | null {
  if (item.kind === 'alert') return finding(alertFacts((item as Delivery<'alert'>).record), labels, nowMs);
  if (item.kind === 'incident')
    return finding(incidentFacts((item as Delivery<'incident'>).record), labels, nowMs);
  return null;
}

interface Facts {
  readonly id: string;
  readonly isOpen: boolean;
  /** When it ends by itself; null when its close is told. */
  readonly endsMs: number | null;
  readonly severity: Severity;
  readonly startMs: number;
  readonly labels: Readonly<Record<string, string | null>>;
  readonly annotations: Readonly<Record<string, string | null>>;
}

function finding(facts: Facts, further: Readonly<Record<string, string>>, nowMs: number): Finding {
  const startsAt = new Date(Math.min(facts.startMs, nowMs)).toISOString();
  const annotations = present(facts.annotations);
  const posted = (severity: Severity, endMs: number): PostedAlert => ({
    labels: { ...present({ ...facts.labels, severity, weir_id: facts.id }), ...further },
    annotations,
    startsAt,
    // An alert that ends before it starts is refused.
    endsAt: new Date(Math.max(endMs, Math.min(facts.startMs, nowMs))).toISOString(),
  });
  return {
    key: facts.id,
    isOpen: facts.isOpen,
    isLasting: facts.endsMs === null,
    alertUntil: (endMs) => posted(facts.severity, facts.isOpen ? (facts.endsMs ?? endMs) : nowMs),
    before: ascending.slice(0, ascending.indexOf(facts.severity)).map((lower) => posted(lower, nowMs)),
  };
}

const alertFacts = (alert: Alert): Facts => ({
  id: alert.id,
  isOpen: alert.action !== 'closed',
  endsMs: alert.detector === TEST ? alert.raisedMs + TEST_MS : goodUntilMs(alert),
  severity: alert.severity,
  startMs: alert.firstMs,
  labels: {
    alertname: alert.rule,
    detector: alert.detector,
    cluster: alert.cluster,
    tenant: alert.tenant,
    ...partyLabels(alert.entity),
    scopes: alert.scopes.length === 0 ? null : [...alert.scopes].sort().join(','),
  },
  annotations: {
    summary: alert.why.summary,
    description: alert.why.factors
      .map(
        ({ name, observed, expected }) =>
          `${name}: ${observed}${expected === null ? '' : `, expected ${expected}`}`,
      )
      .join('; '),
    target: alert.target?.key ?? null,
    outcome: alert.outcome,
    policy: alert.policy?.name ?? null,
    techniques: alert.attack.map(({ techniqueId, tacticId }) => techniqueId ?? tacticId).join(','),
    count: String(alert.count),
    runbook_url: alert.links.runbook,
    search: alert.links.search,
  },
});

const incidentFacts = (incident: Incident): Facts => ({
  id: incident.id,
  isOpen: incident.state !== 'closed',
  endsMs: null,
  severity: incident.severity,
  startMs: incident.firstMs,
  labels: {
    alertname: 'incident',
    cluster: incident.cluster,
    tenant: incident.tenant,
    ...partyLabels(incident.entity),
  },
  annotations: {
    summary: incident.story.summary,
    description: incident.alerts.map(({ line }) => line).join('\n'),
    tactics: incident.tactics.join(','),
  },
});

const partyLabels = (entity: Party): Record<string, string | null> => ({
  entity: entity.key,
  namespace: entity.namespace,
});

/** Alertmanager takes an empty label for an absent one, and refuses none that is UTF-8. */
const present = (texts: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === null || text === '' ? [] : [[name, text]])),
  );
