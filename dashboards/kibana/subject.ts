import { parse } from '../../query/index.ts';
import { ecsFields } from '../../sinks/ecs/fields.ts';
import type { EcsField } from '../../sinks/ecs/field.ts';
import type { EcsKind } from '../../sinks/ecs/streams.ts';
import { fieldsIn } from './kql.ts';
import type { View } from './place.ts';

/** What a panel, a search or a rule is about: one kind of record in one data view. */
export interface Subject {
  readonly view: View;
  readonly kind: EcsKind;
  /** KQL that finds these records and no others. */
  readonly where: string;
}

const subject = (view: View, kind: EcsKind, more?: string): Subject => ({
  view,
  kind,
  where: narrowed({ kind, where: `weir.kind : "${kind}"` }, more),
});

/** Every observation. */
export const flows = subject('events', 'flow');
/** Observations that sums are made of: one for each connection, however many reported it. */
export const connections = subject('events', 'flow', 'weir.counted : true');
export const denied = subject('events', 'flow', 'event.type : "denied"');
/** A sign of life is sent as an alert, and is none. */
const found = 'not weir.alert.detector : "heartbeat"';
/** Of an alert, the revisions that a person is told of. */
export const raised = subject('events', 'alert', `weir.alert.action : (opened or escalated) and ${found}`);
/** Current state of every alert that nothing hides. */
export const alerts = subject('alerts', 'alert', `not weir.alert.suppressed_by : * and ${found}`);
export const incidents = subject('incidents', 'incident');
export const losses = subject('events', 'loss');
export const changes = subject('events', 'policy_change');
export const accesses = subject('events', 'access');

/** The KQL with another condition; throws where that names what records of the kind do not have. */
export function narrowed({ kind, where }: Pick<Subject, 'kind' | 'where'>, more: string | undefined): string {
  const all = more === undefined ? where : `${where} and ${parse(more).type === 'or' ? `(${more})` : more}`;
  for (const name of fieldsIn(parse(all))) fieldOf(name, kind);
  return all;
}

/** A field that documents of the kind may hold. A dashboard that names another is a mistake, and is not built. */
export function fieldOf(name: string, kind: EcsKind): EcsField {
  const field = ecsFields.get(name);
  if (!field) throw new TypeError(`${name}: no ECS document has this field`);
  if (!field.kinds.includes(kind)) throw new TypeError(`${name}: not in documents of kind ${kind}`);
  return field;
}
