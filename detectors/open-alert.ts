import { ANY_TENANT } from '../pipeline/tenant.ts';
import type {
  AlertEndpoint,
  Attack,
  Coverage,
  Endpoint,
  Flow,
  FlowSummary,
  Outcome,
  Party,
  PolicyRef,
  Severity,
} from '../schema/records.ts';
import { eventMs } from './event-time.ts';
import { newAlertEndpoint } from '../schema/records.ts';
import { alertEndpointOf, decidingPolicy, entityKey, nameOf, policyName, summaryOf } from './party.ts';

const MAX_SUMMARIES = 5;
const MAX_IDS = 20;
const MAX_DISTINCT = 50;

/** Evidence that is no flow: a policy change, a loss, or that nothing came. */
export interface Occurrence {
  readonly timeMs: number;
  readonly cluster: string;
  readonly tenant: string | null;
  readonly owner: string | null;
  /** Whom it is about, as a person would name it. */
  readonly name: string;
  /** Id of its record; null when there is none. */
  readonly recordId: string | null;
  /** A flow that shows it, such as the last one before the silence. */
  readonly flow?: FlowSummary;
}

/** What an alert rests on. */
export type Seen = Flow | Occurrence;

const isFlow = (seen: Seen): seen is Flow => 'destination' in seen;

export const timeOf = (seen: Seen): number => (isFlow(seen) ? eventMs(seen) : seen.timeMs);

/** Tenant and owner of whom an alert is about. */
export const ownerOf = (
  seen: Seen,
  about: 'source' | 'destination',
): { readonly tenant: string | null; readonly owner: string | null } => (isFlow(seen) ? seen[about] : seen);

/** Numbers a detector keeps with an open alert, to explain it with. */
export type Facts = Record<string, number>;

/** An alert that still gathers evidence. Plain data: it is its own snapshot. Every list is bounded. */
export interface OpenAlert {
  /** Hash of the grouping key, by which the book finds it. */
  readonly handle: number;
  readonly id: string;
  readonly rule: string;
  readonly cluster: string;
  /** Which side of its flows it is about; the other side are the peers. */
  readonly about: 'source' | 'destination';
  readonly entity: Party;
  readonly firstMs: number;
  /** Sides and policy as of the first flow, for names in sentences. */
  readonly sourceName: string;
  readonly destinationName: string;
  readonly policyText: string;
  /** What the detector wants to say in its own words; null when numbers say it all. */
  readonly note: string | null;
  /** KQL that finds the evidence. */
  query: string;
  target: Party | null;
  tenant: string | null;
  owner: string | null;
  revision: number;
  severity: Severity;
  lastMs: number;
  count: number;
  /** Count at which the next revision is due. */
  nextCount: number;
  tenants: string[];
  scopes: string[];
  attack: readonly Attack[];
  facts: Facts;
  outcome: Outcome;
  coverage: Coverage;
  source: AlertEndpoint;
  destination: AlertEndpoint;
  protocol: number | null;
  policy: PolicyRef | null;
  flows: FlowSummary[];
  flowIds: string[];
  ports: number[];
  peers: string[];
  policies: string[];
  /** Ids of evidence that is no flow. */
  records: string[];
}

/** What a detector says when it opens an alert. */
export interface Opening {
  /** The full grouping key, for the id. */
  readonly key: string;
  /** Who it is about: the source of the flow, or its destination. */
  readonly about: 'source' | 'destination';
  readonly entity: Party;
  readonly target: Party | null;
  readonly rule: string;
  readonly severity: Severity;
  readonly attack: readonly Attack[];
  /** KQL that finds the evidence. */
  readonly query: string;
  /** Evidence that was counted before this flow. */
  readonly earlier?: {
    readonly count: number;
    readonly firstMs: number;
    readonly ports: readonly number[];
    readonly peers?: readonly string[];
    /** Tenants of all that `peers` names; where it is absent, anybody may be named. */
    readonly tenants?: readonly string[];
  };
  readonly facts: Facts;
  /** Event time of the decision, where it is later than the flow: nothing more came. */
  readonly decidedMs?: number;
  /** Words to keep with the alert, to explain it with; none when absent. */
  readonly note?: string;
  /** What to list as the peer, where the other side's entity would say too little; null lists none. */
  readonly peer?: string | null;
}

/** What an alert shows of its first evidence. */
function shownOf(
  seen: Seen,
): Pick<
  OpenAlert,
  'sourceName' | 'destinationName' | 'policy' | 'outcome' | 'source' | 'destination' | 'protocol'
> {
  if (!isFlow(seen))
    return {
      sourceName: seen.name,
      destinationName: seen.name,
      policy: null,
      outcome: 'unknown',
      source: newAlertEndpoint(),
      destination: newAlertEndpoint(),
      protocol: null,
    };
  return {
    sourceName: nameOf(seen.source),
    destinationName: nameOf(seen.destination),
    policy: decidingPolicy(seen),
    outcome: outcomeOf(seen),
    source: alertEndpointOf(seen.source),
    destination: alertEndpointOf(seen.destination),
    protocol: seen.protocol,
  };
}

export function openAlert(id: string, handle: number, seen: Seen, opening: Opening): OpenAlert {
  const { tenant, owner } = ownerOf(seen, opening.about);
  const shown = shownOf(seen);
  return {
    ...shown,
    handle,
    id,
    rule: opening.rule,
    cluster: seen.cluster,
    about: opening.about,
    entity: opening.entity,
    firstMs: Math.min(opening.earlier?.firstMs ?? timeOf(seen), timeOf(seen)),
    policyText: policyName(shown.policy),
    note: opening.note ?? null,
    query: opening.query,
    target: opening.target,
    tenant,
    owner,
    revision: -1,
    severity: opening.severity,
    lastMs: timeOf(seen),
    count: opening.earlier?.count ?? 0,
    nextCount: 10,
    tenants: [...tenantsBefore(opening.earlier)],
    scopes: [],
    attack: opening.attack,
    facts: opening.facts,
    coverage: 'ok',
    flows: [],
    flowIds: [],
    ports: [...(opening.earlier?.ports ?? [])],
    peers: [...(opening.earlier?.peers ?? [])],
    policies: [],
    records: [],
  };
}

/** Whoever is named decides who may read the alert whole. */
function tenantsBefore(earlier: Opening['earlier']): readonly string[] {
  if (earlier?.peers === undefined || earlier.peers.length === 0) return [];
  return earlier.tenants ?? [ANY_TENANT];
}

/**
 * Adds one piece of evidence. What differs from the flows before is no longer single-valued and becomes absent. A
 * flood of evidence passes here: once the lists are full a flow only counts.
 */
export function addEvidence(alert: OpenAlert, seen: Seen, peer?: string | null): void {
  alert.count++;
  alert.lastMs = Math.max(alert.lastMs, timeOf(seen));
  if (isFlow(seen)) addFlow(alert, seen, peer);
  else addOccurrence(alert, seen, peer);
}

function addOccurrence(alert: OpenAlert, { recordId, flow }: Occurrence, peer?: string | null): void {
  if (recordId !== null && alert.records.length < MAX_IDS) addDistinct(alert.records, recordId);
  if (flow !== undefined && alert.flows.length < MAX_SUMMARIES) alert.flows.push(flow);
  if (typeof peer === 'string') addDistinct(alert.peers, peer);
}

function addFlow(alert: OpenAlert, flow: Flow, peer?: string | null): void {
  if (flow.samplingRate > 1) alert.coverage = 'sampled';
  if (alert.outcome !== outcomeOf(flow)) alert.outcome = 'mixed';
  if (alert.protocol !== flow.protocol) alert.protocol = null;
  narrow(alert.source, flow.source);
  narrow(alert.destination, flow.destination);
  addPolicy(alert, decidingPolicy(flow));
  if (alert.flows.length < MAX_SUMMARIES) alert.flows.push(summaryOf(flow));
  else if (alert.flowIds.length < MAX_IDS) alert.flowIds.push(flow.id);
  if (peer !== null && alert.peers.length < MAX_DISTINCT) {
    addDistinct(alert.peers, peer ?? entityKey(alert.about === 'source' ? flow.destination : flow.source));
  }
  if (flow.destination.port !== null) addDistinct(alert.ports, flow.destination.port);
  if (flow.source.tenant !== null) addDistinct(alert.tenants, flow.source.tenant);
  if (flow.destination.tenant !== null) addDistinct(alert.tenants, flow.destination.tenant);
  for (const scope of flow.source.scopes) addDistinct(alert.scopes, scope);
  for (const scope of flow.destination.scopes) addDistinct(alert.scopes, scope);
}

/** While the policy is single-valued its name is listed already. */
function addPolicy(alert: OpenAlert, policy: PolicyRef | null): void {
  const isSame = alert.policy !== null && samePolicy(alert.policy, policy);
  if (isSame && alert.policies.length > 0) return;
  if (!isSame) alert.policy = null;
  if (policy !== null && alert.policies.length < MAX_DISTINCT)
    addDistinct(alert.policies, policyName(policy));
}

/** Appends what is not there yet, up to a bound. */
export function addDistinct<T>(list: T[], item: T): void {
  if (list.length < MAX_DISTINCT && !list.includes(item)) list.push(item);
}

function outcomeOf(flow: Flow): Outcome {
  if (flow.verdict === 'deny') return 'blocked';
  return flow.verdict === 'allow' || flow.verdict === 'audit' ? 'allowed' : 'unknown';
}

function narrow(held: AlertEndpoint, seen: Endpoint): void {
  if (held.address !== seen.ip) held.address = null;
  if (held.network !== seen.network) held.network = null;
  if (held.port !== seen.port) held.port = null;
  if (held.namespace !== seen.namespace) held.namespace = null;
  if (held.pod !== seen.pod) held.pod = null;
  if (held.workload !== seen.workload) held.workload = null;
  if (held.serviceAccount !== seen.serviceAccount) held.serviceAccount = null;
  if (held.node !== seen.node) held.node = null;
}

const samePolicy = (a: PolicyRef, b: PolicyRef | null): boolean =>
  b !== null && a.kind === b.kind && a.namespace === b.namespace && a.name === b.name && a.rule === b.rule;
