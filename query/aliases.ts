import type { RecordKind } from '../schema/records.ts';

/**
 * Other names of fields: those of the Elastic Common Schema (elastic.co/guide/en/ecs) and of Beats
 * (`kubernetes.*`), and short ones for either side of a flow. A field's own name always wins over an alias. An
 * alias for several fields is true when any of them fits.
 */
type Aliases = Readonly<Record<string, readonly string[]>>;

const ENDPOINT: Aliases = {
  address: ['ip'],
  domain: ['hostname'],
  'geo.country_iso_code': ['country'],
  'as.number': ['asn'],
  'as.organization.name': ['asName'],
  'kubernetes.namespace': ['namespace'],
  'kubernetes.pod.name': ['pod'],
  'kubernetes.node.name': ['node'],
  'kubernetes.labels': ['labels'],
  'cloud.account.id': ['account'],
  'cloud.instance.id': ['instance'],
  service_account: ['serviceAccount'],
  network_set: ['networkSet'],
};

const sides = (aliases: Aliases): Aliases => {
  const out: Record<string, readonly string[]> = {};
  for (const side of ['source', 'destination']) {
    for (const [name, targets] of Object.entries(aliases)) {
      out[`${side}.${name}`] = targets.map((target) => `${side}.${target}`);
    }
  }
  return out;
};
const either = (field: string): readonly string[] => [`source.${field}`, `destination.${field}`];

const TIMES: Aliases = { '@timestamp': ['timeMs'], 'event.id': ['id'] };
const CLUSTER: Aliases = { 'orchestrator.cluster.name': ['cluster'], 'organization.name': ['tenant'] };

const FLOW: Aliases = {
  ...sides(ENDPOINT),
  ...CLUSTER,
  '@timestamp': ['endMs'],
  'event.id': ['id'],
  'event.start': ['startMs'],
  'event.end': ['endMs'],
  'event.created': ['receivedMs'],
  'event.action': ['verdict'],
  'event.type': ['verdict'],
  'event.reason': ['dropReason'],
  'event.module': ['collector'],
  'network.transport': ['protocol'],
  'network.iana_number': ['protocol'],
  'network.direction': ['direction'],
  'source.bytes': ['sourceBytes'],
  'source.packets': ['sourcePackets'],
  'destination.bytes': ['destinationBytes'],
  'destination.packets': ['destinationPackets'],
  'rule.name': ['policies.name'],
  'rule.category': ['policies.kind'],
  'rule.ruleset': ['policies.tier'],
  policy: ['policies.name'],
  'host.name': ['node'],
  'host.hostname': ['node'],
  'observer.hostname': ['node'],
  'related.ip': either('ip'),
  'related.hosts': [...either('pod'), ...either('hostname'), ...either('node')],
  'http.request.method': ['request.method'],
  'http.response.status_code': ['request.status'],
  'url.path': ['request.path'],
  'dns.question.name': ['request.query'],
  'kubernetes.namespace': either('namespace'),
  'kubernetes.pod.name': either('pod'),
  'kubernetes.node.name': either('node'),
  'kubernetes.deployment.name': either('workload'),
  'kubernetes.service.name': ['service.name'],
  'kubernetes.labels': either('labels'),
  ip: either('ip'),
  port: either('port'),
  namespace: either('namespace'),
  pod: either('pod'),
  workload: either('workload'),
  entity: either('entity'),
  hostname: either('hostname'),
  tenant: either('tenant'),
  scopes: either('scopes'),
  owner: either('owner'),
  networkSet: either('networkSet'),
  labels: either('labels'),
};

const ALERT: Aliases = {
  ...CLUSTER,
  '@timestamp': ['raisedMs'],
  'event.id': ['id'],
  'event.start': ['firstMs'],
  'event.end': ['lastMs'],
  'event.action': ['action'],
  'event.reason': ['why.summary'],
  'rule.name': ['rule'],
  'rule.category': ['detector'],
  'threat.tactic.id': ['attack.tacticId'],
  'threat.tactic.name': ['attack.tactic'],
  'threat.technique.id': ['attack.techniqueId'],
  'threat.technique.name': ['attack.technique'],
  'network.transport': ['protocol'],
  'network.iana_number': ['protocol'],
  'source.ip': ['source.address'],
  'destination.ip': ['destination.address'],
  'source.kubernetes.namespace': ['source.namespace'],
  'source.kubernetes.pod.name': ['source.pod'],
  'destination.kubernetes.namespace': ['destination.namespace'],
  'destination.kubernetes.pod.name': ['destination.pod'],
  'kubernetes.namespace': [...either('namespace'), 'entity.namespace', 'target.namespace'],
  'kubernetes.pod.name': either('pod'),
  'kubernetes.node.name': either('node'),
  policy: ['policy.name'],
  ip: [...either('address'), 'entity.ip', 'target.ip'],
  port: [...either('port'), 'target.port'],
  namespace: [...either('namespace'), 'entity.namespace', 'target.namespace'],
  pod: either('pod'),
  workload: either('workload'),
};

const BY_KIND: Readonly<Record<RecordKind, Aliases>> = {
  flow: FLOW,
  alert: ALERT,
  incident: {
    ...CLUSTER,
    '@timestamp': ['lastMs'],
    'event.id': ['id'],
    'event.start': ['firstMs'],
    'event.end': ['lastMs'],
    ip: ['entity.ip'],
    namespace: ['entity.namespace'],
  },
  policy_change: {
    ...TIMES,
    ...CLUSTER,
    'event.action': ['verb'],
    'user.name': ['user'],
    'user_agent.original': ['userAgent'],
    'source.ip': ['sourceIps'],
    ip: ['sourceIps'],
    policy: ['name'],
    'rule.name': ['name'],
  },
  loss: {
    ...CLUSTER,
    '@timestamp': ['untilMs'],
    'event.id': ['id'],
    'event.start': ['sinceMs'],
    'event.end': ['untilMs'],
    'event.reason': ['why'],
    'host.name': ['node'],
  },
  access: { ...TIMES, ...CLUSTER, 'event.action': ['action'], 'user.name': ['user'] },
  inventory: { ...CLUSTER, ip: ['ips'] },
  control: { ...TIMES },
  dead_letter: { ...TIMES, 'event.reason': ['reason'] },
};

export const aliasesOf = (kind: RecordKind): Aliases => BY_KIND[kind];

/** Values of the Elastic Common Schema that are written otherwise here, as `field:value`. */
export const VALUE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['verdict:allowed', 'allow'],
  ['verdict:flow-allowed', 'allow'],
  ['verdict:denied', 'deny'],
  ['verdict:flow-denied', 'deny'],
  ['verdict:dropped', 'deny'],
  ['direction:inbound', 'ingress'],
  ['direction:outbound', 'egress'],
]);

/** Protocol names of the IANA registry "Assigned Internet Protocol Numbers". */
export const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['igmp', 2],
  ['ipip', 4],
  ['tcp', 6],
  ['udp', 17],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['ospf', 89],
  ['sctp', 132],
  ['udp-lite', 136],
]);
