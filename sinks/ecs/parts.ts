import { isIP } from 'node:net';
import type { Alert, Party, PolicyRef, Severity } from '../../schema/records.ts';
import { isoTime } from '../records/time.ts';
import { datasetOf, type EcsKind, type EventStream } from './streams.ts';

/** The version of the Elastic Common Schema whose fields are used; all of them are in later ones too. */
export const ECS_VERSION = '8.11.0';

/** `event.severity`, in the steps Kibana's detection rules use for low to critical. */
export const severities: Readonly<Record<Severity, number>> = {
  info: 10,
  low: 21,
  medium: 47,
  high: 73,
  critical: 99,
};

/** `event.risk_score`: our 0 to 1 as ECS's 0 to 100, with one digit. */
export const riskScore = (score: number): number => Math.round(Math.min(1, Math.max(0, score)) * 1000) / 10;

/** Where a document goes, as it says itself. */
export interface Target {
  /** The data stream; null where there is none: current state, a daily index, a line of syslog. */
  readonly stream: EventStream | null;
  readonly namespace: string | null;
}

/** Fields that every document has; those of `event` that are its own are in `event`. */
export function head(
  kind: EcsKind,
  target: Target,
  timeMs: number,
  event: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const dataset = datasetOf(target.stream ?? kind);
  return {
    '@timestamp': isoTime(timeMs),
    ecs: { version: ECS_VERSION },
    data_stream:
      target.stream === null || target.namespace === null
        ? null
        : { type: 'logs', dataset, namespace: target.namespace },
    event: { module: 'weir', dataset, ...event },
    observer: { vendor: 'Weir', product: 'weir', type: 'sensor' },
  };
}

export const orchestrator = (cluster: string | null): object | null =>
  cluster === null ? null : { type: 'kubernetes', cluster: { name: cluster } };

/** A default deny has no policy object; it is called what it is. */
export function policyName(policy: { namespace: string | null; name: string | null }): string {
  if (policy.name === null) return 'default deny';
  return policy.namespace === null ? policy.name : policy.namespace + '/' + policy.name;
}

/** `weir.policy` of records that name one policy. */
export const policyPart = (policy: PolicyRef | null): object | null =>
  policy === null
    ? null
    : {
        namespace: policy.namespace,
        name: policyName(policy),
        kind: policy.kind,
        tier: policy.tier,
        rule: policy.rule,
        direction: policy.direction,
        action: policy.action,
        staged: policy.staged,
        truncated: policy.truncated,
        inferred: policy.inferred,
      };

/** Fields of type `ip` refuse anything else. */
export const isAddress = (text: string | null | undefined): text is string =>
  typeof text === 'string' && isIP(text) !== 0;

type Side = Alert['source'];

/** `source` or `destination` of an alert. */
export function side(end: Side): object | null {
  if (end === null || (end.address === null && end.port === null)) return null;
  return { address: end.address, ip: isAddress(end.address) ? end.address : null, port: end.port };
}

/** `weir.source` or `weir.destination` of an alert. */
export const identity = (end: Side): object | null =>
  end === null
    ? null
    : {
        network: end.network,
        namespace: end.namespace,
        pod: end.pod,
        workload: end.workload,
        service_account: end.serviceAccount,
        node: end.node,
      };

/** `weir.entity` or `weir.target`. */
export const party = (who: Party | null): object | null =>
  who === null
    ? null
    : {
        kind: who.kind,
        key: who.key,
        ip: isAddress(who.ip) ? who.ip : null,
        namespace: who.namespace,
        name: who.name,
        port: who.port,
      };

/** Kinds of workload that have a field of their own under `kubernetes`, as the agents of Elastic write them. */
export const workloadFields: Readonly<Record<string, string>> = {
  Deployment: 'deployment',
  StatefulSet: 'statefulset',
  DaemonSet: 'daemonset',
  ReplicaSet: 'replicaset',
  Job: 'job',
  CronJob: 'cronjob',
};

/** `host` and `kubernetes`, which ECS and Kibana can say of one party only: the entity. */
export function entityParts(entity: Party, sides: readonly Side[] = []): Record<string, unknown> {
  const own = sides.find(
    (end) =>
      end !== null &&
      ((entity.ip !== null && end.address === entity.ip) ||
        (entity.name !== null && end.namespace === entity.namespace && end.workload === entity.name)),
  );
  const node = entity.kind === 'host' ? entity.name : (own?.node ?? null);
  const kubernetes: Record<string, unknown> = {};
  if (entity.namespace !== null) kubernetes['namespace'] = entity.namespace;
  if (own?.pod) kubernetes['pod'] = { name: own.pod };
  if (node !== null) kubernetes['node'] = { name: node };
  if (entity.kind === 'service' && entity.name !== null) kubernetes['service'] = { name: entity.name };
  if (entity.kind === 'workload' && entity.name !== null) {
    // The key of a workload is cluster/namespace/kind/name.
    const field = workloadFields[entity.key.split('/').at(-2) ?? ''];
    if (field !== undefined) kubernetes[field] = { name: entity.name };
  }
  return {
    host: node === null ? null : { name: node },
    kubernetes: Object.keys(kubernetes).length === 0 ? null : kubernetes,
  };
}

/** `related`: everything of that sort in the record, so that one search finds it on whichever side it was. */
export function related(parts: {
  readonly ips?: readonly (string | null | undefined)[];
  readonly hosts?: readonly (string | null | undefined)[];
  readonly users?: readonly (string | null | undefined)[];
}): object | null {
  const ip = [...new Set((parts.ips ?? []).filter(isAddress))];
  const hosts = distinct(parts.hosts);
  const user = distinct(parts.users);
  return ip.length + hosts.length + user.length === 0 ? null : { ip, hosts, user };
}

const distinct = (values: readonly (string | null | undefined)[] = []): string[] => [
  ...new Set(
    values.filter((value): value is string => value !== null && value !== undefined && value !== ''),
  ),
];
