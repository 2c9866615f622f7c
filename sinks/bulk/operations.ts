import type { Delivery } from '../../pipeline/contracts.ts';
import { messageOf, type Refusal } from '../../pipeline/errors.ts';
import type { RecordTypes } from '../../schema/records.ts';
import { ecsDocument } from '../ecs/document.ts';
import { stateIndices, streamOf, type EcsKind, type EventStream } from '../ecs/streams.ts';
import { quote } from '../records/flow-json.ts';
import { dayOf } from '../records/time.ts';

/** One operation of a bulk request: its two lines, and which item of the write it is part of. */
export interface Operation {
  readonly index: number;
  /** `create` refuses what is there already; `state` keeps the highest version. */
  readonly kind: 'create' | 'state';
  /** Action and document, each with its line feed. */
  readonly lines: string;
  readonly bytes: number;
}

export interface Layout {
  readonly layout: 'data_stream' | 'daily';
  readonly namespace: string;
  /** Appended to the names of the indices of current state, for a sink that sees one tenant only; else empty. */
  readonly stateSuffix: string;
}

/** What identifies an event, and when it was. */
const events: {
  readonly [K in Exclude<EcsKind, 'incident'>]: (record: RecordTypes[K]) => {
    readonly id: string;
    readonly timeMs: number;
  };
} = {
  flow: ({ id, endMs }) => ({ id, timeMs: endMs }),
  alert: ({ id, revision, raisedMs }) => ({ id: `${id}-${revision}`, timeMs: raisedMs }),
  policy_change: ({ id, timeMs }) => ({ id, timeMs }),
  loss: ({ id, untilMs }) => ({ id, timeMs: untilMs }),
  access: ({ id, timeMs }) => ({ id, timeMs }),
};

/**
 * Turns items into bulk operations: events are created with the record's id, so a second time is a conflict and
 * no second document; an alert is an event for each revision and one document of its current state. A record of
 * which no document can be made is given to `refuse`.
 */
export function operationsOf({
  layout,
  namespace,
  stateSuffix,
}: Layout): (items: readonly Delivery[], refuse: (refusal: Refusal) => void) => Operation[] {
  const isDaily = layout === 'daily';

  function created(index: number, kind: Exclude<EcsKind, 'incident'>, record: Delivery['record']): Operation {
    const { id, timeMs } = (events[kind] as (record: unknown) => { id: string; timeMs: number })(record);
    const stream = streamOf(kind, record as RecordTypes[typeof kind]) as EventStream;
    const document = ecsDocument(kind, record as RecordTypes[typeof kind], {
      stream,
      namespace: isDaily ? null : namespace,
    });
    const where = isDaily
      ? '{"create":{"_index":"weir-' + stream + '-' + namespace + '-' + dayOf(timeMs) + '","_id":'
      : '{"create":{"_index":"logs-weir.' + stream + '-' + namespace + '","_id":';
    return operation(index, 'create', where + quote(id) + '}}\n' + document + '\n');
  }

  /** The current state; an older revision meets a conflict, which is as it should be. */
  function state<K extends 'alert' | 'incident'>(index: number, kind: K, record: RecordTypes[K]): Operation {
    const action =
      '{"index":{"_index":"' +
      stateIndices[kind] +
      stateSuffix +
      '","_id":' +
      quote(record.id) +
      ',"version":' +
      record.revision +
      ',"version_type":"external"}}\n';
    return operation(index, 'state', action + ecsDocument(kind, record) + '\n');
  }

  function add({ kind, record }: Delivery, i: number, operations: Operation[]): void {
    if (kind === 'incident') operations.push(state(i, kind, record as RecordTypes['incident']));
    else if (kind in events) operations.push(created(i, kind as Exclude<EcsKind, 'incident'>, record));
    else throw new TypeError(`records of kind ${kind} have no document`);
    if (kind === 'alert') operations.push(state(i, kind, record as RecordTypes['alert']));
  }

  return (items, refuse) => {
    const operations: Operation[] = [];
    for (let i = 0; i < items.length; i++) {
      try {
        add(items[i]!, i, operations);
      } catch (error) {
        const reason = `no document can be made of it: ${messageOf(error)}`;
        refuse({ index: i, retryable: false, code: 'record_unencodable', reason });
      }
    }
    return operations;
  };
}

const operation = (index: number, kind: Operation['kind'], lines: string): Operation => ({
  index,
  kind,
  lines,
  bytes: Buffer.byteLength(lines),
});
