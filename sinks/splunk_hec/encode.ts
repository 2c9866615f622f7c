import type { Delivery } from '../../pipeline/contracts.ts';
import type { SinkKind } from '../base-options.ts';
import { timeOf } from '../records/about.ts';
import { toJson } from '../records/json.ts';
import { cimFields } from './cim.ts';
import type { Options } from './options.ts';

/** The sourcetype of each kind of record; the add-on in TA-weir/ is written against these names. */
export const sourcetypes: Readonly<Record<SinkKind, string>> = {
  flow: 'weir:flow',
  alert: 'weir:alert',
  incident: 'weir:incident',
  policy_change: 'weir:change',
  loss: 'weir:loss',
  access: 'weir:access',
};

/**
 * One event of a request: names of the Common Information Model at the top, and under `weir` the record in its own JSON
 * form, with `weir.recordKind` and, where it may be there already, `weir.resent`. The time has milliseconds, as Splunk takes it.
 */
export function eventText(
  item: Delivery,
  options: Pick<Options, 'index' | 'indexes' | 'source'>,
  resent: boolean,
): string {
  const kind = item.kind as SinkKind;
  const index = options.indexes[kind] ?? options.index;
  const head = {
    time: timeOf(item) / 1000,
    host: hostOf(item),
    source: options.source,
    sourcetype: sourcetypes[kind] ?? `weir:${item.kind}`,
    ...(index === undefined ? {} : { index }),
  };
  const cim = JSON.stringify(cimFields(item), leaveOut);
  const mark = `{"recordKind":${JSON.stringify(item.kind)}${resent ? ',"resent":true' : ''}`;
  const record = toJson(item.kind, item.record);
  const weir = mark + (record === '{}' ? '}' : `,${record.slice(1)}`);
  const event = cim === '{}' ? `{"weir":${weir}}` : `${cim.slice(0, -1)},"weir":${weir}}`;
  return `${JSON.stringify(head).slice(0, -1)},"event":${event}}`;
}

const leaveOut = (_key: string, value: unknown): unknown =>
  value === null || (Array.isArray(value) && value.length === 0) ? undefined : value;

function hostOf(item: Delivery): string {
  const { node, cluster } = item.record as { node?: string | null; cluster?: string | null };
  return node ?? cluster ?? 'weir';
}
