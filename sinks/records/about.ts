import type { Delivery } from '../../pipeline/contracts.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';

/** The same for each copy of a record, another for each revision of it. */
export function keyOf(item: Delivery): string {
  const { id } = item.record;
  return 'revision' in item.record ? `${id}-${item.record.revision}` : id;
}

/** The time a record speaks of, epoch milliseconds. */
export function timeOf(item: Delivery): number {
  const time = times[item.kind] as (record: unknown) => number;
  return time(item.record);
}

const times: { readonly [K in RecordKind]: (record: RecordTypes[K]) => number } = {
  flow: ({ endMs }) => endMs,
  alert: ({ raisedMs }) => raisedMs,
  incident: ({ lastMs }) => lastMs,
  loss: ({ untilMs }) => untilMs,
  policy_change: ({ timeMs }) => timeMs,
  access: ({ timeMs }) => timeMs,
  inventory: ({ validFromMs }) => validFromMs,
  control: ({ timeMs }) => timeMs,
  dead_letter: ({ timeMs }) => timeMs,
};
