// Generated from schema/*.avsc by `npm run generate`. Do not edit.

export type RecordKind =
  | 'access'
  | 'alert'
  | 'control'
  | 'dead_letter'
  | 'flow'
  | 'incident'
  | 'inventory'
  | 'loss'
  | 'policy_change'
  ;

/** Who searched, exported, suppressed, replayed or changed what. */
export interface Access {
  /** Stable identity. */
  id: string;
  /** When. */
  timeMs: number;
  /** Who. */
  user: string;
  /** What was done. */
  action: string;
  /** With which words. */
  detail: string;
  /** How many rows it gave. */
  rows: number | null;
  /** Tenant. */
  tenant: string | null;
  /** Cluster. */
  cluster: string | null;
}

/** One finding, revised while it lasts. */
export interface Alert {
  /** Stable over revisions: detector, rule, cluster, tenant, grouping key and firstMs. */
  id: string;
  /** 0, 1, … each at a log10 step of count, a rise in severity, or the close. */
  revision: number;
  /** What this revision does. */
  action: AlertAction;
  /** Detector type, such as port_scan. */
  detector: string;
  /** Human name of the rule. */
  rule: string;
  /** How much it matters. */
  severity: Severity;
  /** 0 to 1. */
  score: number;
  /** Who it is about. */
  entity: Party;
  /** Towards what. */
  target: Party | null;
  /** Cluster. */
  cluster: string;
  /** Tenant of the entity. */
  tenant: string | null;
  /** Tenants of both sides: who may see the alert. With `*` others may be named in it too. */
  tenants: readonly string[];
  /** Compliance scopes touched. */
  scopes: readonly string[];
  /** Owning team of the entity. */
  owner: string | null;
  /** What became of the traffic. */
  outcome: Outcome;
  /** Source, where single-valued. */
  source: AlertEndpoint | null;
  /** Destination, where single-valued. */
  destination: AlertEndpoint | null;
  /** IANA protocol number, where single-valued. */
  protocol: number | null;
  /** Policy that decided, where single-valued. */
  policy: PolicyRef | null;
  /** Event time of the first evidence. */
  firstMs: number;
  /** Event time of the last evidence. */
  lastMs: number;
  /** Event time at which this revision was decided. */
  raisedMs: number;
  /** Pieces of evidence: flows, policy changes or losses. */
  count: number;
  /** MITRE ATT&CK techniques. */
  attack: readonly Attack[];
  /** The reasons, for a person. */
  why: Why;
  /** How complete the evidence is. */
  coverage: Coverage;
  /** Digest of the options, rules and lists used. */
  contentVersion: string;
  /** Bounded evidence. */
  evidence: Evidence;
  /** Where to go from here. */
  links: Links;
  /** Name of the suppression that hid it. */
  suppressedBy: string | null;
  /** The evidence was older than notifyMaxAge: stored, notifies no one. */
  historical: boolean;
  /** Incident it was joined to. */
  incident: string | null;
}

/** What this revision does. */
export const AlertActions = ['updated', 'opened', 'escalated', 'closed'] as const;
export type AlertAction = (typeof AlertActions)[number];

/** One side of the traffic, where single-valued over the evidence. */
export interface AlertEndpoint {
  /** Address. */
  address: string | null;
  /** Address space. */
  network: string | null;
  /** Port. */
  port: number | null;
  /** Namespace. */
  namespace: string | null;
  /** Pod. */
  pod: string | null;
  /** Workload. */
  workload: string | null;
  /** Service account. */
  serviceAccount: string | null;
  /** Node. */
  node: string | null;
}

/** A MITRE ATT&CK technique. */
export interface Attack {
  /** Tactic id, such as TA0007. */
  tacticId: string;
  /** Tactic name. */
  tactic: string;
  /** Technique id, such as T1046. */
  techniqueId: string | null;
  /** Technique name. */
  technique: string | null;
}

/** A reload, an acknowledgement or another change that enters the stream with an event time. */
export interface Control {
  /** Stable identity. */
  id: string;
  /** Event time. */
  timeMs: number;
  /** What it controls. */
  kind: string;
  /** JSON. */
  body: string;
}

/** How complete the evidence is. */
export const Coverages = ['ok', 'sampled', 'lossy'] as const;
export type Coverage = (typeof Coverages)[number];

/** A record that could not be processed or was refused. */
export interface DeadLetter {
  /** Stable identity. */
  id: string;
  /** When it was given up. */
  timeMs: number;
  /** Component that gave up, such as sink.elastic. */
  component: string;
  /** Kind of record: line, flow, alert, … */
  kind: string;
  /** Error code from the closed list. */
  code: string;
  /** What was expected and what was found. */
  reason: string;
  /** Stack, where our code threw. */
  stack: string | null;
  /** Origin. */
  origin: string | null;
  /** Position in the origin. */
  position: number | null;
  /** Topic. */
  topic: string | null;
  /** Partition. */
  partition: number | null;
  /** Offset. */
  offset: number | null;
  /** The record as it was, at most 1 MiB. */
  payload: Uint8Array;
  /** Tenant of the sink that refused it: who may see it. */
  tenant: string | null;
  /** When it was delivered after all: such a record has no payload, and ends the letter of the same id. */
  replayedMs: number | null;
}

/** Relative to the enforcing workload. */
export const Directions = ['unknown', 'ingress', 'egress'] as const;
export type Direction = (typeof Directions)[number];

/** One side of a flow. */
export interface Endpoint {
  /** Address in canonical text form. */
  ip: string | null;
  /** Transport port, 0 to 65535. */
  port: number | null;
  /** Address space the address belongs to (UDN, VPC); the cluster's default when absent. */
  network: string | null;
  /** What the endpoint is. */
  kind: EndpointKind;
  /** Kubernetes namespace. */
  namespace: string | null;
  /** Pod name. */
  pod: string | null;
  /** Kind of the owner that is stable over pod restarts, such as Deployment. */
  workloadKind: string | null;
  /** Name of that owner. */
  workload: string | null;
  /** Key of who it is: cluster/namespace/kind/owner, else host, else address. */
  entity: string | null;
  /** Kubernetes service account. */
  serviceAccount: string | null;
  /** Node the endpoint runs on. */
  node: string | null;
  /** Availability zone. */
  zone: string | null;
  /** Pod labels. */
  labels: Readonly<Record<string, string>> | null;
  /** Name of the most specific named network holding the address. */
  networkSet: string | null;
  /** Cloud account. */
  account: string | null;
  /** Cloud instance. */
  instance: string | null;
  /** DNS name. */
  hostname: string | null;
  /** ISO 3166-1 alpha-2 country of the address. */
  country: string | null;
  /** Autonomous system number. */
  asn: number | null;
  /** Autonomous system name. */
  asName: string | null;
  /** Tenant the endpoint belongs to. */
  tenant: string | null;
  /** Compliance scopes, such as pci. */
  scopes: readonly string[];
  /** Owning team, from a configured label. */
  owner: string | null;
}

/** What the endpoint is. */
export const EndpointKinds = ['unknown', 'workload', 'host', 'service', 'network_set', 'private', 'public'] as const;
export type EndpointKind = (typeof EndpointKinds)[number];

/** Bounded evidence. */
export interface Evidence {
  /** At most 5 whole summaries. */
  flows: readonly FlowSummary[];
  /** At most 20 flow ids. */
  flowIds: readonly string[];
  /** Distinct ports, bounded. */
  ports: readonly number[];
  /** Distinct peers, bounded. */
  peers: readonly string[];
  /** Distinct policies, bounded. */
  policies: readonly string[];
  /** At most 20 ids of evidence that is no flow: policy changes and losses. */
  records: readonly string[];
}

/** One measured reason. */
export interface Factor {
  /** What was measured, unit in the name. */
  name: string;
  /** Value seen. */
  observed: number;
  /** Usual value. */
  expected: number | null;
  /** Value at which it alerts. */
  threshold: number | null;
}

/** One observation of traffic between two endpoints. The source is the initiator of the connection, the destination the responder. */
export interface Flow {
  /** Stable identity of the observation: cluster, node, collector, origin and position. At most 40 printable characters. */
  id: string;
  /** The ordered stream at the source the observation was read from. */
  origin: string;
  /** Place in the origin; strictly increases in it. */
  position: number;
  /** Cluster the observation was made in; empty text never, 'default' when not configured. */
  cluster: string;
  /** Configured name of the observing machine, never a container's. */
  node: string | null;
  /** Source type, such as ovn_acl. */
  collector: string;
  /** Where on the path the observer stood. */
  reporter: Reporter;
  /** What one observation counts. */
  unit: Unit;
  /** How many units the record stands for. */
  aggregated: number;
  /** 1 in N units was observed. */
  samplingRate: number;
  /** True for one reporter of a connection, so that sums never double. */
  counted: boolean;
  /** First packet, epoch milliseconds UTC. */
  startMs: number;
  /** Last packet, epoch milliseconds UTC. The event time. */
  endMs: number;
  /** When the collector read it, epoch milliseconds UTC. */
  receivedMs: number;
  /** What policy enforcement decided; audit is would-be-denied. */
  verdict: Verdict;
  /** The verdict or connection state as the origin wrote it. */
  verdictRaw: string | null;
  /** Why it was dropped, as the origin wrote it. */
  dropReason: string | null;
  /** IANA protocol number. */
  protocol: number | null;
  /** ICMP type. */
  icmpType: number | null;
  /** ICMP code. */
  icmpCode: number | null;
  /** TCP flags seen, ORed: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32. */
  tcpFlags: number | null;
  /** Relative to the enforcing workload. */
  direction: Direction;
  /** Who began the connection was guessed from the ports. */
  initiatorGuessed: boolean;
  /** The initiator. */
  source: Endpoint;
  /** The responder. */
  destination: Endpoint;
  /** Service reached through, when address translation hides it. */
  service: ServiceRef | null;
  /** Bytes from source to destination. */
  sourceBytes: number | null;
  /** Bytes from destination to source. */
  destinationBytes: number | null;
  /** Packets from source to destination. */
  sourcePackets: number | null;
  /** Packets from destination to source. */
  destinationPackets: number | null;
  /** Connections begun. */
  connectionsStarted: number | null;
  /** Connections that were answered and ended. */
  connectionsCompleted: number | null;
  /** Connections answered and still open. */
  connectionsLive: number | null;
  /** Ordered policy trace. */
  policies: readonly PolicyRef[];
  /** Request part, from mesh and DNS origins only. */
  request: Request | null;
  /** Only part of the origin's line could be read. */
  malformed: boolean;
  /** The inventory had not caught up with the flow's time. */
  inventoryStale: boolean;
}

/** A flow of evidence in short. */
export interface FlowSummary {
  /** Flow id. */
  id: string;
  /** Event time. */
  timeMs: number;
  /** Source as a person would name it. */
  source: string;
  /** Destination as a person would name it, with port. */
  destination: string;
  /** IANA protocol number. */
  protocol: number | null;
  /** Verdict. */
  verdict: string;
  /** Policy in short. */
  policy: string | null;
}

/** Alerts of one entity joined. */
export interface Incident {
  /** Stable over revisions. */
  id: string;
  /** 0, 1, … */
  revision: number;
  /** State of the case. */
  state: IncidentState;
  /** Cluster. */
  cluster: string;
  /** Who it is about. */
  entity: Party;
  /** Tenant. */
  tenant: string | null;
  /** Who may see it. */
  tenants: readonly string[];
  /** Scopes. */
  scopes: readonly string[];
  /** Owner. */
  owner: string | null;
  /** How much it matters. */
  severity: Severity;
  /** 0 to 1. */
  score: number;
  /** First evidence. */
  firstMs: number;
  /** Last evidence. */
  lastMs: number;
  /** Alerts in time order. */
  alerts: readonly IncidentAlert[];
  /** ATT&CK tactics seen. */
  tactics: readonly string[];
  /** What an analyst reads first. */
  story: Story;
  /** The first revision of its severity, and worth telling a person: true at most once for each step. */
  notify: boolean;
  /** Who acknowledged or closed it by hand. */
  decidedBy: string | null;
  /** Event time at which it was acknowledged or closed by hand. */
  decidedMs: number | null;
  /** Why it was acknowledged or closed by hand. */
  reason: string | null;
  /** Incident of the same entity that was closed by hand, and after which there was new evidence. */
  follows: string | null;
}

/** An alert in one line. */
export interface IncidentAlert {
  /** Alert id. */
  id: string;
  /** Event time. */
  timeMs: number;
  /** Detector. */
  detector: string;
  /** Severity. */
  severity: Severity;
  /** One line. */
  line: string;
}

/** State of the case. */
export const IncidentStates = ['new', 'updated', 'acknowledged', 'closed'] as const;
export type IncidentState = (typeof IncidentStates)[number];

/** One incarnation of an object of the cluster. Deletion is an update that sets validToMs. */
export interface Inventory {
  /** kind/uid. */
  id: string;
  /** Cluster. */
  cluster: string;
  /** Kind. */
  kind: string;
  /** uid. */
  uid: string;
  /** Namespace. */
  namespace: string | null;
  /** Name. */
  name: string;
  /** Since when. */
  validFromMs: number;
  /** Until when. */
  validToMs: number | null;
  /** Labels. */
  labels: Readonly<Record<string, string>> | null;
  /** Annotations that matter here. */
  annotations: Readonly<Record<string, string>> | null;
  /** Addresses: pod IPs, node addresses, cluster IPs. */
  ips: readonly string[];
  /** Node. */
  node: string | null;
  /** Shares the node's address. */
  hostNetwork: boolean;
  /** Kind of the controlling owner. */
  ownerKind: string | null;
  /** Name of the controlling owner. */
  ownerName: string | null;
  /** Service account. */
  serviceAccount: string | null;
  /** Zone. */
  zone: string | null;
  /** Service an EndpointSlice belongs to. */
  service: string | null;
  /** Ports. */
  ports: readonly InventoryPort[];
  /** A static pod, run by the kubelet from a file. */
  static: boolean;
}

/** A port of a service. */
export interface InventoryPort {
  /** Name. */
  name: string | null;
  /** Port. */
  port: number;
  /** IANA protocol number. */
  protocol: number;
  /** Node port. */
  nodePort: number | null;
}

/** Where to go from here. */
export interface Links {
  /** What to do when it fires. */
  runbook: string | null;
  /** Command that shows the flows. */
  search: string | null;
  /** Address in Kibana. */
  kibana: string | null;
}

/** What was not seen. */
export interface Loss {
  /** Stable identity. */
  id: string;
  /** Cluster. */
  cluster: string | null;
  /** Node. */
  node: string | null;
  /** Source type. */
  collector: string | null;
  /** Origin. */
  origin: string | null;
  /** Component that noticed. */
  where: string;
  /** Why it was not seen. */
  why: LossReason;
  /** How many records; unknown when absent. */
  count: number | null;
  /** First position or sequence missing. */
  fromPosition: number | null;
  /** Last position or sequence missing. */
  toPosition: number | null;
  /** From when, event time. */
  sinceMs: number;
  /** Until when, event time. */
  untilMs: number;
  /** What was found, with the place. */
  detail: string | null;
  /** Tenant. */
  tenant: string | null;
}

/** Why it was not seen. */
export const LossReasons = ['other', 'rate_limiter', 'ring_overrun', 'sequence_gap', 'malformed', 'queue_overflow', 'rotated', 'retention', 'late'] as const;
export type LossReason = (typeof LossReasons)[number];

/** What became of the traffic. */
export const Outcomes = ['unknown', 'blocked', 'allowed', 'mixed'] as const;
export type Outcome = (typeof Outcomes)[number];

/** Who an alert is about, or towards what. */
export interface Party {
  /** What the party is. */
  kind: PartyKind;
  /** Stable key of the party. */
  key: string;
  /** Address. */
  ip: string | null;
  /** Namespace. */
  namespace: string | null;
  /** Name. */
  name: string | null;
  /** Port. */
  port: number | null;
}

/** What the party is. */
export const PartyKinds = ['unknown', 'ip', 'workload', 'host', 'service', 'network', 'policy', 'cluster'] as const;
export type PartyKind = (typeof PartyKinds)[number];

/** Who changed which policy. */
export interface PolicyChange {
  /** Stable identity. */
  id: string;
  /** When. */
  timeMs: number;
  /** Cluster. */
  cluster: string;
  /** create, update, patch or delete. */
  verb: string;
  /** Kind. */
  kind: string;
  /** Namespace. */
  namespace: string | null;
  /** Name. */
  name: string;
  /** Digest before. */
  before: string | null;
  /** Digest after. */
  after: string | null;
  /** on or off, when logging was turned. */
  logging: string | null;
  /** ingress, egress: directions in which the policy, as it is after the change, lets everybody and everything through; empty when none, or unknown. */
  allowsAll: readonly string[];
  /** User. */
  user: string | null;
  /** Groups. */
  groups: readonly string[];
  /** Addresses the change came from. */
  sourceIps: readonly string[];
  /** User agent. */
  userAgent: string | null;
  /** Tenant. */
  tenant: string | null;
}

/** One step of the ordered policy trace that led to the verdict. */
export interface PolicyRef {
  /** Policy kind as the data plane names it, such as NetworkPolicy or AdminNetworkPolicy. */
  kind: string | null;
  /** Calico tier or another ordering group. */
  tier: string | null;
  /** Namespace of the policy; absent for cluster-wide policies. */
  namespace: string | null;
  /** Policy name. Absent on a default deny, which no policy object can be named for. */
  name: string | null;
  /** Rule name or index inside the policy. */
  rule: string | null;
  /** ingress or egress. */
  direction: string | null;
  /** allow, deny, pass, audit or default_deny. */
  action: string | null;
  /** The policy is staged: it reports but does not enforce. */
  staged: boolean;
  /** The origin cut the policy's name. */
  truncated: boolean;
  /** Named by Weir's evaluator, not by the data plane. */
  inferred: boolean;
}

/** Where on the path the observer stood. */
export const Reporters = ['unknown', 'source', 'destination', 'transit'] as const;
export type Reporter = (typeof Reporters)[number];

/** Request part, from mesh and DNS origins only. */
export interface Request {
  /** Method. */
  method: string | null;
  /** Path. */
  path: string | null;
  /** Status. */
  status: number | null;
  /** DNS query name. */
  query: string | null;
}

/** A service the connection was made through. */
export interface ServiceRef {
  /** Namespace. */
  namespace: string | null;
  /** Service name. */
  name: string;
  /** Name of the service port. */
  portName: string | null;
}

/** How much it matters. */
export const Severities = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof Severities)[number];

/** What an analyst reads first. */
export interface Story {
  /** What happened. */
  summary: string;
  /** What is normal for this entity. */
  normal: string | null;
  /** First question to ask. */
  question: string | null;
  /** Query that shows the flows. */
  query: string | null;
}

/** What one observation counts. */
export const Units = ['flow', 'packet', 'connection', 'request'] as const;
export type Unit = (typeof Units)[number];

/** What policy enforcement decided; audit is would-be-denied. */
export const Verdicts = ['unknown', 'allow', 'deny', 'audit', 'error'] as const;
export type Verdict = (typeof Verdicts)[number];

/** The reasons, for a person. */
export interface Why {
  /** One sentence a person can act on. */
  summary: string;
  /** Measured reasons. */
  factors: readonly Factor[];
  /** How much event time was learned from. */
  historyMs: number;
  /** The detector was still learning. */
  learning: boolean;
}

export interface RecordTypes {
  access: Access;
  alert: Alert;
  control: Control;
  dead_letter: DeadLetter;
  flow: Flow;
  incident: Incident;
  inventory: Inventory;
  loss: Loss;
  policy_change: PolicyChange;
}

export function newAccess(required: Pick<Access, 'id' | 'timeMs' | 'user' | 'action' | 'detail'>): Access {
  return {
    id: required.id,
    timeMs: required.timeMs,
    user: required.user,
    action: required.action,
    detail: required.detail,
    rows: null,
    tenant: null,
    cluster: null,
  };
}

export function newAlert(required: Pick<Alert, 'id' | 'revision' | 'detector' | 'rule' | 'score' | 'entity' | 'cluster' | 'firstMs' | 'lastMs' | 'raisedMs' | 'count' | 'why' | 'evidence' | 'links'>): Alert {
  return {
    id: required.id,
    revision: required.revision,
    action: 'updated',
    detector: required.detector,
    rule: required.rule,
    severity: 'info',
    score: required.score,
    entity: required.entity,
    target: null,
    cluster: required.cluster,
    tenant: null,
    tenants: [],
    scopes: [],
    owner: null,
    outcome: 'unknown',
    source: null,
    destination: null,
    protocol: null,
    policy: null,
    firstMs: required.firstMs,
    lastMs: required.lastMs,
    raisedMs: required.raisedMs,
    count: required.count,
    attack: [],
    why: required.why,
    coverage: 'ok',
    contentVersion: '',
    evidence: required.evidence,
    links: required.links,
    suppressedBy: null,
    historical: false,
    incident: null,
  };
}

export function newParty(required: Pick<Party, 'key'>): Party {
  return {
    kind: 'unknown',
    key: required.key,
    ip: null,
    namespace: null,
    name: null,
    port: null,
  };
}

export function newAlertEndpoint(): AlertEndpoint {
  return {
    address: null,
    network: null,
    port: null,
    namespace: null,
    pod: null,
    workload: null,
    serviceAccount: null,
    node: null,
  };
}

export function newPolicyRef(): PolicyRef {
  return {
    kind: null,
    tier: null,
    namespace: null,
    name: null,
    rule: null,
    direction: null,
    action: null,
    staged: false,
    truncated: false,
    inferred: false,
  };
}

export function newAttack(required: Pick<Attack, 'tacticId' | 'tactic'>): Attack {
  return {
    tacticId: required.tacticId,
    tactic: required.tactic,
    techniqueId: null,
    technique: null,
  };
}

export function newWhy(required: Pick<Why, 'summary'>): Why {
  return {
    summary: required.summary,
    factors: [],
    historyMs: 0,
    learning: false,
  };
}

export function newFactor(required: Pick<Factor, 'name' | 'observed'>): Factor {
  return {
    name: required.name,
    observed: required.observed,
    expected: null,
    threshold: null,
  };
}

export function newEvidence(): Evidence {
  return {
    flows: [],
    flowIds: [],
    ports: [],
    peers: [],
    policies: [],
    records: [],
  };
}

export function newFlowSummary(required: Pick<FlowSummary, 'id' | 'timeMs' | 'source' | 'destination' | 'verdict'>): FlowSummary {
  return {
    id: required.id,
    timeMs: required.timeMs,
    source: required.source,
    destination: required.destination,
    protocol: null,
    verdict: required.verdict,
    policy: null,
  };
}

export function newLinks(): Links {
  return {
    runbook: null,
    search: null,
    kibana: null,
  };
}

export function newControl(required: Pick<Control, 'id' | 'timeMs' | 'kind' | 'body'>): Control {
  return {
    id: required.id,
    timeMs: required.timeMs,
    kind: required.kind,
    body: required.body,
  };
}

export function newDeadLetter(required: Pick<DeadLetter, 'id' | 'timeMs' | 'component' | 'kind' | 'code' | 'reason' | 'payload'>): DeadLetter {
  return {
    id: required.id,
    timeMs: required.timeMs,
    component: required.component,
    kind: required.kind,
    code: required.code,
    reason: required.reason,
    stack: null,
    origin: null,
    position: null,
    topic: null,
    partition: null,
    offset: null,
    payload: required.payload,
    tenant: null,
    replayedMs: null,
  };
}

export function newFlow(required: Pick<Flow, 'id' | 'origin' | 'position' | 'cluster' | 'collector' | 'startMs' | 'endMs' | 'receivedMs' | 'source' | 'destination'>): Flow {
  return {
    id: required.id,
    origin: required.origin,
    position: required.position,
    cluster: required.cluster,
    node: null,
    collector: required.collector,
    reporter: 'unknown',
    unit: 'flow',
    aggregated: 1,
    samplingRate: 1,
    counted: true,
    startMs: required.startMs,
    endMs: required.endMs,
    receivedMs: required.receivedMs,
    verdict: 'unknown',
    verdictRaw: null,
    dropReason: null,
    protocol: null,
    icmpType: null,
    icmpCode: null,
    tcpFlags: null,
    direction: 'unknown',
    initiatorGuessed: false,
    source: required.source,
    destination: required.destination,
    service: null,
    sourceBytes: null,
    destinationBytes: null,
    sourcePackets: null,
    destinationPackets: null,
    connectionsStarted: null,
    connectionsCompleted: null,
    connectionsLive: null,
    policies: [],
    request: null,
    malformed: false,
    inventoryStale: false,
  };
}

export function newEndpoint(): Endpoint {
  return {
    ip: null,
    port: null,
    network: null,
    kind: 'unknown',
    namespace: null,
    pod: null,
    workloadKind: null,
    workload: null,
    entity: null,
    serviceAccount: null,
    node: null,
    zone: null,
    labels: null,
    networkSet: null,
    account: null,
    instance: null,
    hostname: null,
    country: null,
    asn: null,
    asName: null,
    tenant: null,
    scopes: [],
    owner: null,
  };
}

export function newServiceRef(required: Pick<ServiceRef, 'name'>): ServiceRef {
  return {
    namespace: null,
    name: required.name,
    portName: null,
  };
}

export function newRequest(): Request {
  return {
    method: null,
    path: null,
    status: null,
    query: null,
  };
}

export function newIncident(required: Pick<Incident, 'id' | 'revision' | 'cluster' | 'entity' | 'score' | 'firstMs' | 'lastMs' | 'story'>): Incident {
  return {
    id: required.id,
    revision: required.revision,
    state: 'new',
    cluster: required.cluster,
    entity: required.entity,
    tenant: null,
    tenants: [],
    scopes: [],
    owner: null,
    severity: 'info',
    score: required.score,
    firstMs: required.firstMs,
    lastMs: required.lastMs,
    alerts: [],
    tactics: [],
    story: required.story,
    notify: false,
    decidedBy: null,
    decidedMs: null,
    reason: null,
    follows: null,
  };
}

export function newIncidentAlert(required: Pick<IncidentAlert, 'id' | 'timeMs' | 'detector' | 'line'>): IncidentAlert {
  return {
    id: required.id,
    timeMs: required.timeMs,
    detector: required.detector,
    severity: 'info',
    line: required.line,
  };
}

export function newStory(required: Pick<Story, 'summary'>): Story {
  return {
    summary: required.summary,
    normal: null,
    question: null,
    query: null,
  };
}

export function newInventory(required: Pick<Inventory, 'id' | 'cluster' | 'kind' | 'uid' | 'name' | 'validFromMs'>): Inventory {
  return {
    id: required.id,
    cluster: required.cluster,
    kind: required.kind,
    uid: required.uid,
    namespace: null,
    name: required.name,
    validFromMs: required.validFromMs,
    validToMs: null,
    labels: null,
    annotations: null,
    ips: [],
    node: null,
    hostNetwork: false,
    ownerKind: null,
    ownerName: null,
    serviceAccount: null,
    zone: null,
    service: null,
    ports: [],
    static: false,
  };
}

export function newInventoryPort(required: Pick<InventoryPort, 'port'>): InventoryPort {
  return {
    name: null,
    port: required.port,
    protocol: 6,
    nodePort: null,
  };
}

export function newLoss(required: Pick<Loss, 'id' | 'where' | 'sinceMs' | 'untilMs'>): Loss {
  return {
    id: required.id,
    cluster: null,
    node: null,
    collector: null,
    origin: null,
    where: required.where,
    why: 'other',
    count: null,
    fromPosition: null,
    toPosition: null,
    sinceMs: required.sinceMs,
    untilMs: required.untilMs,
    detail: null,
    tenant: null,
  };
}

export function newPolicyChange(required: Pick<PolicyChange, 'id' | 'timeMs' | 'cluster' | 'verb' | 'kind' | 'name'>): PolicyChange {
  return {
    id: required.id,
    timeMs: required.timeMs,
    cluster: required.cluster,
    verb: required.verb,
    kind: required.kind,
    namespace: null,
    name: required.name,
    before: null,
    after: null,
    logging: null,
    allowsAll: [],
    user: null,
    groups: [],
    sourceIps: [],
    userAgent: null,
    tenant: null,
  };
}

/** The schema of each record, as published to other readers. */
export const schemas = {
  access: "{\"type\":\"record\",\"name\":\"Access\",\"namespace\":\"weir\",\"doc\":\"Who searched, exported, suppressed, replayed or changed what.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"When.\"},{\"name\":\"user\",\"type\":\"string\",\"doc\":\"Who.\"},{\"name\":\"action\",\"type\":\"string\",\"doc\":\"What was done.\"},{\"name\":\"detail\",\"type\":\"string\",\"doc\":\"With which words.\"},{\"name\":\"rows\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"How many rows it gave.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant.\"},{\"name\":\"cluster\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Cluster.\"}]}",
  alert: "{\"type\":\"record\",\"name\":\"Alert\",\"namespace\":\"weir\",\"doc\":\"One finding, revised while it lasts.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable over revisions: detector, rule, cluster, tenant, grouping key and firstMs.\"},{\"name\":\"revision\",\"type\":\"int\",\"doc\":\"0, 1, … each at a log10 step of count, a rise in severity, or the close.\"},{\"name\":\"action\",\"type\":{\"type\":\"enum\",\"name\":\"AlertAction\",\"namespace\":\"weir\",\"doc\":\"What this revision does.\",\"symbols\":[\"updated\",\"opened\",\"escalated\",\"closed\"],\"default\":\"updated\"},\"default\":\"updated\",\"doc\":\"What this revision does.\"},{\"name\":\"detector\",\"type\":\"string\",\"doc\":\"Detector type, such as port_scan.\"},{\"name\":\"rule\",\"type\":\"string\",\"doc\":\"Human name of the rule.\"},{\"name\":\"severity\",\"type\":{\"type\":\"enum\",\"name\":\"Severity\",\"namespace\":\"weir\",\"doc\":\"How much it matters.\",\"symbols\":[\"info\",\"low\",\"medium\",\"high\",\"critical\"],\"default\":\"info\"},\"default\":\"info\",\"doc\":\"How much it matters.\"},{\"name\":\"score\",\"type\":\"double\",\"doc\":\"0 to 1.\"},{\"name\":\"entity\",\"type\":{\"type\":\"record\",\"name\":\"Party\",\"namespace\":\"weir\",\"doc\":\"Who an alert is about, or towards what.\",\"fields\":[{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"PartyKind\",\"namespace\":\"weir\",\"doc\":\"What the party is.\",\"symbols\":[\"unknown\",\"ip\",\"workload\",\"host\",\"service\",\"network\",\"policy\",\"cluster\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"What the party is.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Stable key of the party.\"},{\"name\":\"ip\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name.\"},{\"name\":\"port\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Port.\"}]},\"doc\":\"Who it is about.\"},{\"name\":\"target\",\"type\":[\"null\",\"weir.Party\"],\"default\":null,\"doc\":\"Towards what.\"},{\"name\":\"cluster\",\"type\":\"string\",\"doc\":\"Cluster.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant of the entity.\"},{\"name\":\"tenants\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Tenants of both sides: who may see the alert. With `*` others may be named in it too.\"},{\"name\":\"scopes\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Compliance scopes touched.\"},{\"name\":\"owner\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Owning team of the entity.\"},{\"name\":\"outcome\",\"type\":{\"type\":\"enum\",\"name\":\"Outcome\",\"namespace\":\"weir\",\"doc\":\"What became of the traffic.\",\"symbols\":[\"unknown\",\"blocked\",\"allowed\",\"mixed\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"What became of the traffic.\"},{\"name\":\"source\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"AlertEndpoint\",\"namespace\":\"weir\",\"doc\":\"One side of the traffic, where single-valued over the evidence.\",\"fields\":[{\"name\":\"address\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address.\"},{\"name\":\"network\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address space.\"},{\"name\":\"port\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Port.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"pod\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Pod.\"},{\"name\":\"workload\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Workload.\"},{\"name\":\"serviceAccount\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Service account.\"},{\"name\":\"node\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Node.\"}]}],\"default\":null,\"doc\":\"Source, where single-valued.\"},{\"name\":\"destination\",\"type\":[\"null\",\"weir.AlertEndpoint\"],\"default\":null,\"doc\":\"Destination, where single-valued.\"},{\"name\":\"protocol\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"IANA protocol number, where single-valued.\"},{\"name\":\"policy\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"PolicyRef\",\"namespace\":\"weir\",\"doc\":\"One step of the ordered policy trace that led to the verdict.\",\"fields\":[{\"name\":\"kind\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Policy kind as the data plane names it, such as NetworkPolicy or AdminNetworkPolicy.\"},{\"name\":\"tier\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Calico tier or another ordering group.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace of the policy; absent for cluster-wide policies.\"},{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Policy name. Absent on a default deny, which no policy object can be named for.\"},{\"name\":\"rule\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Rule name or index inside the policy.\"},{\"name\":\"direction\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"ingress or egress.\"},{\"name\":\"action\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"allow, deny, pass, audit or default_deny.\"},{\"name\":\"staged\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The policy is staged: it reports but does not enforce.\"},{\"name\":\"truncated\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The origin cut the policy's name.\"},{\"name\":\"inferred\",\"type\":\"boolean\",\"default\":false,\"doc\":\"Named by Weir's evaluator, not by the data plane.\"}]}],\"default\":null,\"doc\":\"Policy that decided, where single-valued.\"},{\"name\":\"firstMs\",\"type\":\"long\",\"doc\":\"Event time of the first evidence.\"},{\"name\":\"lastMs\",\"type\":\"long\",\"doc\":\"Event time of the last evidence.\"},{\"name\":\"raisedMs\",\"type\":\"long\",\"doc\":\"Event time at which this revision was decided.\"},{\"name\":\"count\",\"type\":\"long\",\"doc\":\"Pieces of evidence: flows, policy changes or losses.\"},{\"name\":\"attack\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Attack\",\"namespace\":\"weir\",\"doc\":\"A MITRE ATT&CK technique.\",\"fields\":[{\"name\":\"tacticId\",\"type\":\"string\",\"doc\":\"Tactic id, such as TA0007.\"},{\"name\":\"tactic\",\"type\":\"string\",\"doc\":\"Tactic name.\"},{\"name\":\"techniqueId\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Technique id, such as T1046.\"},{\"name\":\"technique\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Technique name.\"}]}},\"default\":[],\"doc\":\"MITRE ATT&CK techniques.\"},{\"name\":\"why\",\"type\":{\"type\":\"record\",\"name\":\"Why\",\"namespace\":\"weir\",\"doc\":\"The reasons, for a person.\",\"fields\":[{\"name\":\"summary\",\"type\":\"string\",\"doc\":\"One sentence a person can act on.\"},{\"name\":\"factors\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Factor\",\"namespace\":\"weir\",\"doc\":\"One measured reason.\",\"fields\":[{\"name\":\"name\",\"type\":\"string\",\"doc\":\"What was measured, unit in the name.\"},{\"name\":\"observed\",\"type\":\"double\",\"doc\":\"Value seen.\"},{\"name\":\"expected\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Usual value.\"},{\"name\":\"threshold\",\"type\":[\"null\",\"double\"],\"default\":null,\"doc\":\"Value at which it alerts.\"}]}},\"default\":[],\"doc\":\"Measured reasons.\"},{\"name\":\"historyMs\",\"type\":\"long\",\"default\":0,\"doc\":\"How much event time was learned from.\"},{\"name\":\"learning\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The detector was still learning.\"}]},\"doc\":\"The reasons, for a person.\"},{\"name\":\"coverage\",\"type\":{\"type\":\"enum\",\"name\":\"Coverage\",\"namespace\":\"weir\",\"doc\":\"How complete the evidence is.\",\"symbols\":[\"ok\",\"sampled\",\"lossy\"],\"default\":\"ok\"},\"default\":\"ok\",\"doc\":\"How complete the evidence is.\"},{\"name\":\"contentVersion\",\"type\":\"string\",\"default\":\"\",\"doc\":\"Digest of the options, rules and lists used.\"},{\"name\":\"evidence\",\"type\":{\"type\":\"record\",\"name\":\"Evidence\",\"namespace\":\"weir\",\"doc\":\"Bounded evidence.\",\"fields\":[{\"name\":\"flows\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"FlowSummary\",\"namespace\":\"weir\",\"doc\":\"A flow of evidence in short.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Flow id.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"Event time.\"},{\"name\":\"source\",\"type\":\"string\",\"doc\":\"Source as a person would name it.\"},{\"name\":\"destination\",\"type\":\"string\",\"doc\":\"Destination as a person would name it, with port.\"},{\"name\":\"protocol\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"IANA protocol number.\"},{\"name\":\"verdict\",\"type\":\"string\",\"doc\":\"Verdict.\"},{\"name\":\"policy\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Policy in short.\"}]}},\"default\":[],\"doc\":\"At most 5 whole summaries.\"},{\"name\":\"flowIds\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"At most 20 flow ids.\"},{\"name\":\"ports\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[],\"doc\":\"Distinct ports, bounded.\"},{\"name\":\"peers\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Distinct peers, bounded.\"},{\"name\":\"policies\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Distinct policies, bounded.\"},{\"name\":\"records\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"At most 20 ids of evidence that is no flow: policy changes and losses.\"}]},\"doc\":\"Bounded evidence.\"},{\"name\":\"links\",\"type\":{\"type\":\"record\",\"name\":\"Links\",\"namespace\":\"weir\",\"doc\":\"Where to go from here.\",\"fields\":[{\"name\":\"runbook\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"What to do when it fires.\"},{\"name\":\"search\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Command that shows the flows.\"},{\"name\":\"kibana\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address in Kibana.\"}]},\"doc\":\"Where to go from here.\"},{\"name\":\"suppressedBy\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name of the suppression that hid it.\"},{\"name\":\"historical\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The evidence was older than notifyMaxAge: stored, notifies no one.\"},{\"name\":\"incident\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Incident it was joined to.\"}]}",
  control: "{\"type\":\"record\",\"name\":\"Control\",\"namespace\":\"weir\",\"doc\":\"A reload, an acknowledgement or another change that enters the stream with an event time.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"Event time.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"What it controls.\"},{\"name\":\"body\",\"type\":\"string\",\"doc\":\"JSON.\"}]}",
  dead_letter: "{\"type\":\"record\",\"name\":\"DeadLetter\",\"namespace\":\"weir\",\"doc\":\"A record that could not be processed or was refused.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"When it was given up.\"},{\"name\":\"component\",\"type\":\"string\",\"doc\":\"Component that gave up, such as sink.elastic.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind of record: line, flow, alert, …\"},{\"name\":\"code\",\"type\":\"string\",\"doc\":\"Error code from the closed list.\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"What was expected and what was found.\"},{\"name\":\"stack\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Stack, where our code threw.\"},{\"name\":\"origin\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Origin.\"},{\"name\":\"position\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Position in the origin.\"},{\"name\":\"topic\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Topic.\"},{\"name\":\"partition\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Partition.\"},{\"name\":\"offset\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Offset.\"},{\"name\":\"payload\",\"type\":\"bytes\",\"doc\":\"The record as it was, at most 1 MiB.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant of the sink that refused it: who may see it.\"},{\"name\":\"replayedMs\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"When it was delivered after all: such a record has no payload, and ends the letter of the same id.\"}]}",
  flow: "{\"type\":\"record\",\"name\":\"Flow\",\"namespace\":\"weir\",\"doc\":\"One observation of traffic between two endpoints. The source is the initiator of the connection, the destination the responder.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity of the observation: cluster, node, collector, origin and position. At most 40 printable characters.\"},{\"name\":\"origin\",\"type\":\"string\",\"doc\":\"The ordered stream at the source the observation was read from.\"},{\"name\":\"position\",\"type\":\"long\",\"doc\":\"Place in the origin; strictly increases in it.\"},{\"name\":\"cluster\",\"type\":\"string\",\"doc\":\"Cluster the observation was made in; empty text never, 'default' when not configured.\"},{\"name\":\"node\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Configured name of the observing machine, never a container's.\"},{\"name\":\"collector\",\"type\":\"string\",\"doc\":\"Source type, such as ovn_acl.\"},{\"name\":\"reporter\",\"type\":{\"type\":\"enum\",\"name\":\"Reporter\",\"namespace\":\"weir\",\"doc\":\"Where on the path the observer stood.\",\"symbols\":[\"unknown\",\"source\",\"destination\",\"transit\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"Where on the path the observer stood.\"},{\"name\":\"unit\",\"type\":{\"type\":\"enum\",\"name\":\"Unit\",\"namespace\":\"weir\",\"doc\":\"What one observation counts.\",\"symbols\":[\"flow\",\"packet\",\"connection\",\"request\"],\"default\":\"flow\"},\"default\":\"flow\",\"doc\":\"What one observation counts.\"},{\"name\":\"aggregated\",\"type\":\"int\",\"default\":1,\"doc\":\"How many units the record stands for.\"},{\"name\":\"samplingRate\",\"type\":\"int\",\"default\":1,\"doc\":\"1 in N units was observed.\"},{\"name\":\"counted\",\"type\":\"boolean\",\"default\":true,\"doc\":\"True for one reporter of a connection, so that sums never double.\"},{\"name\":\"startMs\",\"type\":\"long\",\"doc\":\"First packet, epoch milliseconds UTC.\"},{\"name\":\"endMs\",\"type\":\"long\",\"doc\":\"Last packet, epoch milliseconds UTC. The event time.\"},{\"name\":\"receivedMs\",\"type\":\"long\",\"doc\":\"When the collector read it, epoch milliseconds UTC.\"},{\"name\":\"verdict\",\"type\":{\"type\":\"enum\",\"name\":\"Verdict\",\"namespace\":\"weir\",\"doc\":\"What policy enforcement decided; audit is would-be-denied.\",\"symbols\":[\"unknown\",\"allow\",\"deny\",\"audit\",\"error\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"What policy enforcement decided; audit is would-be-denied.\"},{\"name\":\"verdictRaw\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"The verdict or connection state as the origin wrote it.\"},{\"name\":\"dropReason\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Why it was dropped, as the origin wrote it.\"},{\"name\":\"protocol\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"IANA protocol number.\"},{\"name\":\"icmpType\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"ICMP type.\"},{\"name\":\"icmpCode\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"ICMP code.\"},{\"name\":\"tcpFlags\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"TCP flags seen, ORed: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.\"},{\"name\":\"direction\",\"type\":{\"type\":\"enum\",\"name\":\"Direction\",\"namespace\":\"weir\",\"doc\":\"Relative to the enforcing workload.\",\"symbols\":[\"unknown\",\"ingress\",\"egress\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"Relative to the enforcing workload.\"},{\"name\":\"initiatorGuessed\",\"type\":\"boolean\",\"default\":false,\"doc\":\"Who began the connection was guessed from the ports.\"},{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Endpoint\",\"namespace\":\"weir\",\"doc\":\"One side of a flow.\",\"fields\":[{\"name\":\"ip\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address in canonical text form.\"},{\"name\":\"port\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Transport port, 0 to 65535.\"},{\"name\":\"network\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address space the address belongs to (UDN, VPC); the cluster's default when absent.\"},{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"EndpointKind\",\"namespace\":\"weir\",\"doc\":\"What the endpoint is.\",\"symbols\":[\"unknown\",\"workload\",\"host\",\"service\",\"network_set\",\"private\",\"public\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"What the endpoint is.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Kubernetes namespace.\"},{\"name\":\"pod\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Pod name.\"},{\"name\":\"workloadKind\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Kind of the owner that is stable over pod restarts, such as Deployment.\"},{\"name\":\"workload\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name of that owner.\"},{\"name\":\"entity\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Key of who it is: cluster/namespace/kind/owner, else host, else address.\"},{\"name\":\"serviceAccount\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Kubernetes service account.\"},{\"name\":\"node\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Node the endpoint runs on.\"},{\"name\":\"zone\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Availability zone.\"},{\"name\":\"labels\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null,\"doc\":\"Pod labels.\"},{\"name\":\"networkSet\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name of the most specific named network holding the address.\"},{\"name\":\"account\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Cloud account.\"},{\"name\":\"instance\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Cloud instance.\"},{\"name\":\"hostname\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"DNS name.\"},{\"name\":\"country\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"ISO 3166-1 alpha-2 country of the address.\"},{\"name\":\"asn\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Autonomous system number.\"},{\"name\":\"asName\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Autonomous system name.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant the endpoint belongs to.\"},{\"name\":\"scopes\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Compliance scopes, such as pci.\"},{\"name\":\"owner\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Owning team, from a configured label.\"}]},\"doc\":\"The initiator.\"},{\"name\":\"destination\",\"type\":\"weir.Endpoint\",\"doc\":\"The responder.\"},{\"name\":\"service\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"ServiceRef\",\"namespace\":\"weir\",\"doc\":\"A service the connection was made through.\",\"fields\":[{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Service name.\"},{\"name\":\"portName\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name of the service port.\"}]}],\"default\":null,\"doc\":\"Service reached through, when address translation hides it.\"},{\"name\":\"sourceBytes\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Bytes from source to destination.\"},{\"name\":\"destinationBytes\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Bytes from destination to source.\"},{\"name\":\"sourcePackets\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Packets from source to destination.\"},{\"name\":\"destinationPackets\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Packets from destination to source.\"},{\"name\":\"connectionsStarted\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Connections begun.\"},{\"name\":\"connectionsCompleted\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Connections that were answered and ended.\"},{\"name\":\"connectionsLive\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Connections answered and still open.\"},{\"name\":\"policies\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"PolicyRef\",\"namespace\":\"weir\",\"doc\":\"One step of the ordered policy trace that led to the verdict.\",\"fields\":[{\"name\":\"kind\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Policy kind as the data plane names it, such as NetworkPolicy or AdminNetworkPolicy.\"},{\"name\":\"tier\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Calico tier or another ordering group.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace of the policy; absent for cluster-wide policies.\"},{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Policy name. Absent on a default deny, which no policy object can be named for.\"},{\"name\":\"rule\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Rule name or index inside the policy.\"},{\"name\":\"direction\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"ingress or egress.\"},{\"name\":\"action\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"allow, deny, pass, audit or default_deny.\"},{\"name\":\"staged\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The policy is staged: it reports but does not enforce.\"},{\"name\":\"truncated\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The origin cut the policy's name.\"},{\"name\":\"inferred\",\"type\":\"boolean\",\"default\":false,\"doc\":\"Named by Weir's evaluator, not by the data plane.\"}]}},\"default\":[],\"doc\":\"Ordered policy trace.\"},{\"name\":\"request\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Request\",\"namespace\":\"weir\",\"doc\":\"Request part, from mesh and DNS origins only.\",\"fields\":[{\"name\":\"method\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Method.\"},{\"name\":\"path\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Path.\"},{\"name\":\"status\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Status.\"},{\"name\":\"query\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"DNS query name.\"}]}],\"default\":null,\"doc\":\"Request part, from mesh and DNS origins only.\"},{\"name\":\"malformed\",\"type\":\"boolean\",\"default\":false,\"doc\":\"Only part of the origin's line could be read.\"},{\"name\":\"inventoryStale\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The inventory had not caught up with the flow's time.\"}]}",
  incident: "{\"type\":\"record\",\"name\":\"Incident\",\"namespace\":\"weir\",\"doc\":\"Alerts of one entity joined.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable over revisions.\"},{\"name\":\"revision\",\"type\":\"int\",\"doc\":\"0, 1, …\"},{\"name\":\"state\",\"type\":{\"type\":\"enum\",\"name\":\"IncidentState\",\"namespace\":\"weir\",\"doc\":\"State of the case.\",\"symbols\":[\"new\",\"updated\",\"acknowledged\",\"closed\"],\"default\":\"new\"},\"default\":\"new\",\"doc\":\"State of the case.\"},{\"name\":\"cluster\",\"type\":\"string\",\"doc\":\"Cluster.\"},{\"name\":\"entity\",\"type\":{\"type\":\"record\",\"name\":\"Party\",\"namespace\":\"weir\",\"doc\":\"Who an alert is about, or towards what.\",\"fields\":[{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"PartyKind\",\"namespace\":\"weir\",\"doc\":\"What the party is.\",\"symbols\":[\"unknown\",\"ip\",\"workload\",\"host\",\"service\",\"network\",\"policy\",\"cluster\"],\"default\":\"unknown\"},\"default\":\"unknown\",\"doc\":\"What the party is.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Stable key of the party.\"},{\"name\":\"ip\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Address.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name.\"},{\"name\":\"port\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Port.\"}]},\"doc\":\"Who it is about.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant.\"},{\"name\":\"tenants\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Who may see it.\"},{\"name\":\"scopes\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Scopes.\"},{\"name\":\"owner\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Owner.\"},{\"name\":\"severity\",\"type\":{\"type\":\"enum\",\"name\":\"Severity\",\"namespace\":\"weir\",\"doc\":\"How much it matters.\",\"symbols\":[\"info\",\"low\",\"medium\",\"high\",\"critical\"],\"default\":\"info\"},\"default\":\"info\",\"doc\":\"How much it matters.\"},{\"name\":\"score\",\"type\":\"double\",\"doc\":\"0 to 1.\"},{\"name\":\"firstMs\",\"type\":\"long\",\"doc\":\"First evidence.\"},{\"name\":\"lastMs\",\"type\":\"long\",\"doc\":\"Last evidence.\"},{\"name\":\"alerts\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"IncidentAlert\",\"namespace\":\"weir\",\"doc\":\"An alert in one line.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Alert id.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"Event time.\"},{\"name\":\"detector\",\"type\":\"string\",\"doc\":\"Detector.\"},{\"name\":\"severity\",\"type\":\"weir.Severity\",\"default\":\"info\",\"doc\":\"Severity.\"},{\"name\":\"line\",\"type\":\"string\",\"doc\":\"One line.\"}]}},\"default\":[],\"doc\":\"Alerts in time order.\"},{\"name\":\"tactics\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"ATT&CK tactics seen.\"},{\"name\":\"story\",\"type\":{\"type\":\"record\",\"name\":\"Story\",\"namespace\":\"weir\",\"doc\":\"What an analyst reads first.\",\"fields\":[{\"name\":\"summary\",\"type\":\"string\",\"doc\":\"What happened.\"},{\"name\":\"normal\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"What is normal for this entity.\"},{\"name\":\"question\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"First question to ask.\"},{\"name\":\"query\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Query that shows the flows.\"}]},\"doc\":\"What an analyst reads first.\"},{\"name\":\"notify\",\"type\":\"boolean\",\"default\":false,\"doc\":\"The first revision of its severity, and worth telling a person: true at most once for each step.\"},{\"name\":\"decidedBy\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Who acknowledged or closed it by hand.\"},{\"name\":\"decidedMs\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Event time at which it was acknowledged or closed by hand.\"},{\"name\":\"reason\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Why it was acknowledged or closed by hand.\"},{\"name\":\"follows\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Incident of the same entity that was closed by hand, and after which there was new evidence.\"}]}",
  inventory: "{\"type\":\"record\",\"name\":\"Inventory\",\"namespace\":\"weir\",\"doc\":\"One incarnation of an object of the cluster. Deletion is an update that sets validToMs.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"kind/uid.\"},{\"name\":\"cluster\",\"type\":\"string\",\"doc\":\"Cluster.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind.\"},{\"name\":\"uid\",\"type\":\"string\",\"doc\":\"uid.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Name.\"},{\"name\":\"validFromMs\",\"type\":\"long\",\"doc\":\"Since when.\"},{\"name\":\"validToMs\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Until when.\"},{\"name\":\"labels\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null,\"doc\":\"Labels.\"},{\"name\":\"annotations\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null,\"doc\":\"Annotations that matter here.\"},{\"name\":\"ips\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Addresses: pod IPs, node addresses, cluster IPs.\"},{\"name\":\"node\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Node.\"},{\"name\":\"hostNetwork\",\"type\":\"boolean\",\"default\":false,\"doc\":\"Shares the node's address.\"},{\"name\":\"ownerKind\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Kind of the controlling owner.\"},{\"name\":\"ownerName\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name of the controlling owner.\"},{\"name\":\"serviceAccount\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Service account.\"},{\"name\":\"zone\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Zone.\"},{\"name\":\"service\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Service an EndpointSlice belongs to.\"},{\"name\":\"ports\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"InventoryPort\",\"namespace\":\"weir\",\"doc\":\"A port of a service.\",\"fields\":[{\"name\":\"name\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Name.\"},{\"name\":\"port\",\"type\":\"int\",\"doc\":\"Port.\"},{\"name\":\"protocol\",\"type\":\"int\",\"default\":6,\"doc\":\"IANA protocol number.\"},{\"name\":\"nodePort\",\"type\":[\"null\",\"int\"],\"default\":null,\"doc\":\"Node port.\"}]}},\"default\":[],\"doc\":\"Ports.\"},{\"name\":\"static\",\"type\":\"boolean\",\"default\":false,\"doc\":\"A static pod, run by the kubelet from a file.\"}]}",
  loss: "{\"type\":\"record\",\"name\":\"Loss\",\"namespace\":\"weir\",\"doc\":\"What was not seen.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity.\"},{\"name\":\"cluster\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Cluster.\"},{\"name\":\"node\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Node.\"},{\"name\":\"collector\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Source type.\"},{\"name\":\"origin\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Origin.\"},{\"name\":\"where\",\"type\":\"string\",\"doc\":\"Component that noticed.\"},{\"name\":\"why\",\"type\":{\"type\":\"enum\",\"name\":\"LossReason\",\"namespace\":\"weir\",\"doc\":\"Why it was not seen.\",\"symbols\":[\"other\",\"rate_limiter\",\"ring_overrun\",\"sequence_gap\",\"malformed\",\"queue_overflow\",\"rotated\",\"retention\",\"late\"],\"default\":\"other\"},\"default\":\"other\",\"doc\":\"Why it was not seen.\"},{\"name\":\"count\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"How many records; unknown when absent.\"},{\"name\":\"fromPosition\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"First position or sequence missing.\"},{\"name\":\"toPosition\",\"type\":[\"null\",\"long\"],\"default\":null,\"doc\":\"Last position or sequence missing.\"},{\"name\":\"sinceMs\",\"type\":\"long\",\"doc\":\"From when, event time.\"},{\"name\":\"untilMs\",\"type\":\"long\",\"doc\":\"Until when, event time.\"},{\"name\":\"detail\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"What was found, with the place.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant.\"}]}",
  policy_change: "{\"type\":\"record\",\"name\":\"PolicyChange\",\"namespace\":\"weir\",\"doc\":\"Who changed which policy.\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"doc\":\"Stable identity.\"},{\"name\":\"timeMs\",\"type\":\"long\",\"doc\":\"When.\"},{\"name\":\"cluster\",\"type\":\"string\",\"doc\":\"Cluster.\"},{\"name\":\"verb\",\"type\":\"string\",\"doc\":\"create, update, patch or delete.\"},{\"name\":\"kind\",\"type\":\"string\",\"doc\":\"Kind.\"},{\"name\":\"namespace\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Namespace.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Name.\"},{\"name\":\"before\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Digest before.\"},{\"name\":\"after\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Digest after.\"},{\"name\":\"logging\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"on or off, when logging was turned.\"},{\"name\":\"allowsAll\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"ingress, egress: directions in which the policy, as it is after the change, lets everybody and everything through; empty when none, or unknown.\"},{\"name\":\"user\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"User.\"},{\"name\":\"groups\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Groups.\"},{\"name\":\"sourceIps\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"default\":[],\"doc\":\"Addresses the change came from.\"},{\"name\":\"userAgent\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"User agent.\"},{\"name\":\"tenant\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"Tenant.\"}]}",
} as const satisfies Record<RecordKind, string>;
