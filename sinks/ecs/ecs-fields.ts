import { fieldsOf, type EcsField } from './field.ts';
import type { EcsKind } from './streams.ts';

const finding: readonly EcsKind[] = ['alert', 'incident'];
const traffic: readonly EcsKind[] = ['flow', 'alert'];

/** One side of the traffic: `source` is the initiator, `destination` the responder. */
const side = (name: 'source' | 'destination', what: string): EcsField[] => [
  ...fieldsOf(traffic, `${name}.`, {
    address: ['keyword', `Address of the ${what}, else its host name.`],
    ip: ['ip', `Address of the ${what}.`],
    port: ['long', `Port of the ${what}.`],
  }),
  ...fieldsOf(['flow'], `${name}.`, {
    bytes: ['long', `Bytes that the ${what} sent.`],
    packets: ['long', `Packets that the ${what} sent.`],
    domain: ['keyword', `DNS name of the ${what}.`],
    'geo.country_iso_code': ['keyword', 'Country of the address.'],
    'as.number': ['long', 'Autonomous system of the address.'],
    'as.organization.name': ['keyword', 'Name of the autonomous system.'],
  }),
];

/** Fields that have the names, types and meaning of the Elastic Common Schema. */
export const schemaFields: readonly EcsField[] = [
  ...fieldsOf('all', '', {
    '@timestamp': [
      'date',
      "Event time: a flow's end, the time at which an alert was decided, an incident's last evidence.",
    ],
    'ecs.version': ['keyword', 'Version of the Elastic Common Schema.'],
    'event.id': ['keyword', 'Stable identity; of an alert with its revision.'],
    'event.kind': ['keyword', '`event`, `alert` (alerts, incidents) or `pipeline_error` (losses).'],
    'event.module': ['keyword', '`weir`.'],
    'event.dataset': ['keyword', '`weir.` and the stream, as in `data_stream.dataset`.'],
    'event.category': ['keyword[]', '`network`, `intrusion_detection`, `configuration` or `database`.'],
    'event.type': [
      'keyword[]',
      'What ECS allows for the category: `connection`, `allowed`, `denied`, `info`, …',
    ],
    'event.action': [
      'keyword',
      '`flow-denied`, `alert-opened`, `incident-new`, `policy-update`, `records-lost`, or what was done.',
    ],
    'observer.vendor': ['keyword', '`Weir`.'],
    'observer.product': ['keyword', '`weir`.'],
    'observer.type': ['keyword', '`sensor`.'],
    'orchestrator.type': ['keyword', '`kubernetes`.'],
    'orchestrator.cluster.name': ['keyword', 'Cluster.'],
  }),
  ...fieldsOf(['flow', 'alert', 'policy_change', 'loss', 'access'], 'data_stream.', {
    type: ['constant_keyword', '`logs`.'],
    dataset: ['constant_keyword', '`weir.` and the stream.'],
    namespace: ['constant_keyword', 'The tenant, or `default`.'],
  }),
  ...fieldsOf(['alert', 'incident', 'policy_change', 'loss', 'access'], '', {
    message: ['match_only_text', 'One sentence for a person.'],
  }),
  ...fieldsOf(['flow', 'policy_change', 'access'], 'event.', {
    outcome: [
      'keyword',
      '`success` where it was done, so of an enforced deny too; `failure` where enforcement failed; absent when unknown.',
    ],
  }),
  ...fieldsOf(traffic, 'event.', {
    provider: ['keyword', 'Source type of a flow; detector of an alert.'],
  }),
  ...fieldsOf(['flow', 'alert', 'incident', 'loss'], 'event.', {
    reason: ['keyword', 'Why: the drop reason, the summary of an alert or incident, the reason of a loss.'],
    start: ['date', 'First packet, first evidence, or since when.'],
    end: ['date', 'Last packet, last evidence, or until when.'],
  }),
  ...fieldsOf(finding, 'event.', {
    severity: ['long', '10 info, 21 low, 47 medium, 73 high, 99 critical.'],
    risk_score: ['float', 'Score, 0 to 100.'],
  }),
  ...fieldsOf(['alert'], 'event.', {
    reference: ['keyword', 'Runbook.'],
    url: ['keyword', 'Page in Kibana.'],
  }),
  ...fieldsOf(['flow'], 'event.', {
    created: ['date', 'When the collector read it.'],
    duration: ['long', 'Nanoseconds from start to end.'],
  }),
  ...fieldsOf(finding, '', { 'log.level': ['keyword', 'Severity by name.'] }),
  ...fieldsOf(['flow', 'alert', 'incident', 'loss'], '', {
    'host.name': ['keyword', 'Node that observed a flow or lost records; node of the entity of an alert.'],
  }),
  ...side('source', 'initiator'),
  ...side('destination', 'responder'),
  ...fieldsOf(['policy_change'], '', {
    'source.address': ['keyword', 'Where the change came from: the client, before any proxy.'],
    'source.ip': ['ip', 'The same, where it is an address.'],
    'user.roles': ['keyword[]', 'Groups of the user.'],
    'user_agent.original': ['keyword', 'Program that made the change.'],
  }),
  ...fieldsOf(['policy_change', 'access'], 'user.', {
    name: ['keyword', 'Who did it.'],
  }),
  ...fieldsOf(traffic, 'network.', {
    transport: ['keyword', '`tcp`, `udp`, …; the number where it has no name.'],
    iana_number: ['keyword', 'Protocol number.'],
  }),
  ...fieldsOf(['flow'], 'network.', {
    type: ['keyword', '`ipv4` or `ipv6`.'],
    direction: ['keyword', '`ingress` or `egress`, as the enforcing workload sees it.'],
    bytes: ['long', 'Both ways.'],
    packets: ['long', 'Both ways.'],
    community_id: ['keyword', 'Community ID v1.'],
  }),
  ...fieldsOf(['flow'], '', {
    'observer.hostname': ['keyword', 'Node that observed it.'],
    'http.request.method': ['keyword', 'Method, from mesh sources.'],
    'http.response.status_code': ['long', 'Status, from mesh sources.'],
    'url.path': ['wildcard', 'Path, from mesh sources.'],
    'dns.question.name': ['keyword', 'Name that was asked for, from DNS sources.'],
  }),
  ...fieldsOf(['flow', 'alert', 'policy_change'], 'rule.', {
    name: ['keyword', 'Policy of a flow or a change, as namespace/name; rule of an alert.'],
    category: ['keyword', 'Kind of the policy; detector of an alert.'],
  }),
  ...fieldsOf(traffic, 'rule.', {
    id: ['keyword', 'Rule inside the policy; detector of an alert.'],
  }),
  ...fieldsOf(['flow'], 'rule.', { ruleset: ['keyword', 'Tier of the policy.'] }),
  ...fieldsOf(['alert'], 'rule.', { version: ['keyword', 'Digest of options, rules and lists.'] }),
  ...fieldsOf(['alert'], 'threat.', {
    framework: ['keyword', '`MITRE ATT&CK`.'],
    'tactic.id': ['keyword[]', 'Tactics.'],
    'tactic.name': ['keyword[]', 'Tactics by name.'],
    'technique.id': ['keyword[]', 'Techniques.'],
    'technique.name': ['keyword[]', 'Techniques by name.'],
    'technique.reference': ['keyword[]', 'Pages of the techniques.'],
    'technique.subtechnique.id': ['keyword[]', 'Sub-techniques.'],
    'technique.subtechnique.name': ['keyword[]', 'Sub-techniques by name.'],
    'technique.subtechnique.reference': ['keyword[]', 'Pages of the sub-techniques.'],
  }),
  ...fieldsOf(['flow', 'alert', 'incident', 'policy_change'], 'related.', {
    ip: ['ip[]', 'Every address in the record.'],
  }),
  ...fieldsOf(['flow', 'alert', 'incident', 'loss'], 'related.', {
    hosts: ['keyword[]', 'Every pod, node and host name in the record.'],
  }),
  ...fieldsOf(['policy_change', 'access'], 'related.', { user: ['keyword[]', 'Who did it.'] }),
];

const workload = 'Name, where it is the workload of this kind.';

/** `kubernetes` as the agents of Elastic write it: not of ECS, and of one party only, the observed one or the entity. */
export const agentFields: readonly EcsField[] = [
  ...fieldsOf(['flow', 'alert', 'incident', 'policy_change'], 'kubernetes.', {
    namespace: ['keyword', 'Namespace of the enforcing workload, of the entity, or of the policy.'],
  }),
  ...fieldsOf(traffic, 'kubernetes.', { 'pod.name': ['keyword', 'Its pod.'] }),
  ...fieldsOf(['flow', 'alert', 'incident'], 'kubernetes.', {
    'node.name': ['keyword', 'Its node.'],
    'deployment.name': ['keyword', workload],
    'statefulset.name': ['keyword', workload],
    'daemonset.name': ['keyword', workload],
    'replicaset.name': ['keyword', workload],
    'job.name': ['keyword', workload],
    'cronjob.name': ['keyword', workload],
  }),
  ...fieldsOf(finding, 'kubernetes.', {
    'service.name': ['keyword', 'Name, where the entity is a service.'],
  }),
];
