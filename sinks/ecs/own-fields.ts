import { fieldsOf, type EcsField } from './field.ts';
import type { EcsKind } from './streams.ts';

const finding: readonly EcsKind[] = ['alert', 'incident'];
const traffic: readonly EcsKind[] = ['flow', 'alert'];

/** Who one side of the traffic is in Kubernetes, which ECS can say of one party only. */
const identity = (name: 'source' | 'destination'): EcsField[] => [
  ...fieldsOf(traffic, `weir.${name}.`, {
    network: ['keyword', 'Address space; absent for the default of the cluster.'],
    namespace: ['keyword', 'Namespace.'],
    pod: ['keyword', 'Pod.'],
    workload: ['keyword', 'Owner that is stable over restarts of pods.'],
    service_account: ['keyword', 'Service account.'],
    node: ['keyword', 'Node it runs on.'],
  }),
  ...fieldsOf(['flow'], `weir.${name}.`, {
    kind: ['keyword', '`workload`, `host`, `service`, `network_set`, `private`, `public` or `unknown`.'],
    workload_kind: ['keyword', 'Kind of the owner.'],
    entity: ['keyword', 'Key of who it is.'],
    zone: ['keyword', 'Zone.'],
    network_set: ['keyword', 'Named network.'],
    account: ['keyword', 'Cloud account.'],
    instance: ['keyword', 'Cloud instance.'],
    tenant: ['keyword', 'Tenant.'],
    scopes: ['keyword[]', 'Compliance scopes.'],
    owner: ['keyword', 'Owning team.'],
    labels: [
      'flattened',
      'Labels of the pod: `weir.' +
        name +
        '.labels.app : "cart"`; where there is more than 10 kB of them, each up to 1,024 characters.',
    ],
  }),
];

const party = (name: 'entity' | 'target', kinds: readonly EcsKind[], what: string): EcsField[] =>
  fieldsOf(kinds, `weir.${name}.`, {
    kind: ['keyword', `What ${what} is.`],
    key: ['keyword', `Stable key of ${what}.`],
    ip: ['ip', `Address of ${what}.`],
    namespace: ['keyword', `Namespace of ${what}.`],
    name: ['keyword', `Name of ${what}.`],
    port: ['long', `Port of ${what}.`],
  });

/** Weir's own names, for what ECS has no word for, or means something else by. */
export const ownFields: readonly EcsField[] = [
  ...fieldsOf('all', 'weir.', {
    kind: ['keyword', 'Kind of record: `flow`, `alert`, `incident`, `policy_change`, `loss`, `access`.'],
    tenants: ['keyword[]', 'Tenants of both sides: who may see it.'],
  }),
  ...fieldsOf(['alert', 'incident', 'policy_change', 'loss', 'access'], 'weir.', {
    tenant: ['keyword', 'Tenant it belongs to.'],
  }),
  ...fieldsOf(['flow', 'alert', 'incident'], 'weir.', {
    scopes: ['keyword[]', 'Compliance scopes of either side.'],
  }),
  ...fieldsOf(finding, 'weir.', { owner: ['keyword', 'Owning team of the entity.'] }),
  ...fieldsOf(['flow', 'loss'], 'weir.', {
    collector: ['keyword', 'Source type.'],
    origin: ['keyword', 'Ordered stream it was read from.'],
  }),
  ...fieldsOf(['flow'], 'weir.', {
    position: ['long', 'Place in the origin.'],
    reporter: ['keyword', 'Where on the path the observer stood: `source`, `destination`, `transit`.'],
    unit: ['keyword', 'What one observation counts: `flow`, `packet`, `connection`, `request`.'],
    aggregated: ['long', 'Units the record stands for.'],
    sampling_rate: ['long', '1 in N units was observed.'],
    counted: ['boolean', 'True for one reporter of a connection: sum over these.'],
    verdict: ['keyword', '`allow`, `deny`, `audit` (would be denied), `error` or `unknown`.'],
    verdict_raw: ['keyword', 'The verdict as the source wrote it.'],
    'icmp.type': ['long', 'ICMP type.'],
    'icmp.code': ['long', 'ICMP code.'],
    tcp_flags: ['long', 'TCP flags seen, ORed.'],
    initiator_guessed: ['boolean', 'Who began was guessed from the ports.'],
    malformed: ['boolean', 'Only part of the line could be read.'],
    inventory_stale: ['boolean', 'The inventory had not caught up.'],
    'connections.started': ['long', 'Connections begun.'],
    'connections.completed': ['long', 'Connections answered and ended.'],
    'connections.live': ['long', 'Connections answered and open.'],
    'service.namespace': ['keyword', 'Namespace of the service it was reached through.'],
    'service.name': ['keyword', 'Service it was reached through.'],
    'service.port_name': ['keyword', 'Name of its port.'],
  }),
  ...identity('source'),
  ...identity('destination'),
  ...party('entity', finding, 'the entity'),
  ...party('target', ['alert'], 'the target'),
  ...fieldsOf(['flow', 'alert', 'policy_change'], 'weir.policy.', {
    namespace: ['keyword', 'Namespace of the policy.'],
    name: ['keyword', 'Policy as namespace/name; `default deny` where none can be named.'],
    kind: ['keyword', 'Kind, such as `NetworkPolicy`.'],
  }),
  ...fieldsOf(traffic, 'weir.policy.', {
    tier: ['keyword', 'Tier.'],
    rule: ['keyword', 'Rule inside the policy.'],
    direction: ['keyword', '`ingress` or `egress`.'],
    action: ['keyword', '`allow`, `deny`, `pass`, `audit` or `default_deny`.'],
    staged: ['boolean', 'It reports and does not enforce.'],
    truncated: ['boolean', 'The source cut its name.'],
    inferred: ['boolean', 'Named by Weir, not by the data plane.'],
  }),
  ...fieldsOf(['flow'], 'weir.policy.', {
    trace: ['keyword[]', 'Every policy on the way to the verdict, in order.'],
  }),
  ...fieldsOf(['alert'], 'weir.alert.', {
    id: ['keyword', 'Identity, the same for all revisions.'],
    revision: ['long', 'Revision.'],
    action: ['keyword', '`opened`, `updated`, `escalated` or `closed`.'],
    status: ['keyword', '`open` or `closed`.'],
    detector: ['keyword', 'Detector.'],
    rule: ['keyword', 'Rule by its name.'],
    severity: ['keyword', '`info`, `low`, `medium`, `high` or `critical`.'],
    score: ['float', 'Score, 0 to 1.'],
    outcome: ['keyword', '`blocked`, `allowed`, `mixed` or `unknown`.'],
    count: ['long', 'Flows of evidence.'],
    coverage: ['keyword', '`ok`, `sampled` or `lossy`.'],
    learning: ['boolean', 'The detector was still learning.'],
    history_ms: ['long', 'How much event time was learned from.'],
    content_version: ['keyword', 'Digest of options, rules and lists.'],
    suppressed_by: ['keyword', 'Suppression that hides it.'],
    historical: ['boolean', 'Its evidence was old: it notifies no one.'],
    incident: ['keyword', 'Incident it was joined to.'],
    factors: ['match_only_text[]', 'What was measured, usual, and the threshold.'],
    flow_ids: ['keyword[]', 'Flows of evidence, at most 20.'],
    record_ids: ['keyword[]', 'Policy changes and losses of evidence, at most 20.'],
    flows: ['match_only_text[]', 'Flows of evidence in short, at most 5.'],
    ports: ['long[]', 'Ports.'],
    peers: ['keyword[]', 'Peers.'],
    policies: ['keyword[]', 'Policies.'],
    search: ['match_only_text', 'Command that shows the flows.'],
  }),
  ...fieldsOf(['incident'], 'weir.incident.', {
    id: ['keyword', 'Identity.'],
    revision: ['long', 'Revision.'],
    status: ['keyword', '`new`, `updated`, `acknowledged` or `closed`.'],
    severity: ['keyword', 'Severity.'],
    score: ['float', 'Score, 0 to 1.'],
    notify: ['boolean', 'Worth telling a person: the first revision of its severity.'],
    decided_by: ['keyword', 'Who acknowledged or closed it by hand.'],
    decided: ['date', 'Event time at which it was acknowledged or closed by hand.'],
    reason: ['match_only_text', 'Why it was acknowledged or closed by hand.'],
    follows: [
      'keyword',
      'Incident of the same entity that was closed by hand, and after which there was new evidence.',
    ],
    tactics: ['keyword[]', 'ATT&CK tactics seen.'],
    alert_ids: ['keyword[]', 'Its alerts.'],
    alerts: ['match_only_text[]', 'Its alerts, a line each.'],
    normal: ['match_only_text', 'What is normal for the entity.'],
    question: ['match_only_text', 'First question to ask.'],
    query: ['match_only_text', 'Query that shows the flows.'],
  }),
  ...fieldsOf(['policy_change'], 'weir.policy_change.', {
    verb: ['keyword', '`create`, `update`, `patch` or `delete`.'],
    before: ['keyword', 'Digest before.'],
    after: ['keyword', 'Digest after.'],
    logging: ['keyword', '`on` or `off`, where logging was turned.'],
  }),
  ...fieldsOf(['loss'], 'weir.loss.', {
    where: ['keyword', 'Component that noticed.'],
    why: ['keyword', 'Reason.'],
    count: ['long', 'How many; absent when unknown.'],
    from: ['long', 'First position missing.'],
    to: ['long', 'Last position missing.'],
  }),
  ...fieldsOf(['access'], 'weir.access.', { rows: ['long', 'How many rows it gave.'] }),
];
