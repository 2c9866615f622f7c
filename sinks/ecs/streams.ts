import { createHash } from 'node:crypto';
import type { Flow, RecordKind, RecordTypes } from '../../schema/records.ts';

/** Kinds of record that have an ECS document. */
export const ecsKinds = ['flow', 'alert', 'incident', 'policy_change', 'loss', 'access'] as const;
export type EcsKind = (typeof ecsKinds)[number];

/**
 * What is written as events, each to `logs-weir.<name>-<namespace>` with a lifecycle of its own. Flows are two: those
 * that an auditor asks for a year later are kept longer than the rest.
 */
export const eventStreams = ['flow', 'flow_kept', 'alert', 'policy_change', 'loss', 'access'] as const;
export type EventStream = (typeof eventStreams)[number];

/** Indices of the current state of alerts and of incidents: one document each, the latest revision. */
export const stateIndices = { alert: 'weir-alerts', incident: 'weir-incidents' } as const;

/** `data_stream.dataset` and `event.dataset`; of incidents, which have no stream, `event.dataset` alone. */
export const datasetOf = (name: EventStream | 'incident'): string => `weir.${name}`;

/** Whether a flow is evidence: it touches a compliance scope, or policy denied it or would have. */
export const isKept = ({ verdict, source, destination }: Flow): boolean =>
  verdict === 'deny' || verdict === 'audit' || source.scopes.length > 0 || destination.scopes.length > 0;

/** The stream of a record; null for an incident, of which there is current state only. */
export function streamOf<K extends EcsKind & RecordKind>(
  kind: K,
  record: RecordTypes[K],
): EventStream | null {
  if (kind === 'flow') return isKept(record as Flow) ? 'flow_kept' : 'flow';
  return kind === 'incident' ? null : kind;
}

const MAX_NAMESPACE = 100;

/**
 * The namespace of a tenant's data streams: its name where that may stand there, with `_` for `-`, which may not.
 * Any other name, `_` in it among them, gets a digest at its end, so that no two tenants share a stream.
 */
export function namespaceOf(tenant: string): string {
  if (/^[a-z0-9][a-z0-9-]*$/.test(tenant) && tenant.length <= MAX_NAMESPACE)
    return tenant.replaceAll('-', '_');
  const readable = tenant
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  const digest = createHash('sha256').update(tenant).digest('hex').slice(0, 12);
  return `${readable.slice(0, 80) || 'tenant'}.${digest}`;
}
