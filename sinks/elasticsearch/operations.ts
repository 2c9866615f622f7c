import type { Delivery } from '../../pipeline/contracts.ts';
import { messageOf, type Refusal } from '../../pipeline/errors.ts';
import type { Access, Alert, Flow, Incident, Loss, PolicyChange } from '../../schema/records.ts';
import { quote } from '../records/flow-json.ts';
import {
  accessDocument,
  alertDocument,
  incidentDocument,
  lossDocument,
  policyChangeDocument,
} from './documents.ts';
import { flowDocument } from './ecs.ts';
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

/** Indices of the current state of alerts and of incidents. */
export const stateIndices = { alert: 'weir-alerts', incident: 'weir-incidents' } as const;

export interface Layout {
  readonly layout: 'data_stream' | 'daily';
  readonly namespace: string;
  readonly communityId: (flow: Flow) => string | null;
}

/**
 * Turns items into bulk operations: events are created with the record's id, so a second time is a conflict and
 * no second document; an alert is an event for each revision and one document of its current state. A record of
 * which no document can be made is given to `refuse`.
 */
export function operationsOf(
  layout: Layout,
): (items: readonly Delivery[], refuse: (refusal: Refusal) => void) => Operation[] {
  const daily = layout.layout === 'daily';
  const namespace = daily ? null : layout.namespace;
  const flowOptions = { namespace, communityId: layout.communityId };

  function created(index: number, kind: string, id: string, timeMs: number, document: string): Operation {
    const target = daily
      ? '{"create":{"_index":"weir-' + kind + '-' + layout.namespace + '-' + dayOf(timeMs) + '","_id":'
      : '{"create":{"_index":"logs-weir.' + kind + '-' + layout.namespace + '","_id":';
    return operation(index, 'create', target + quote(id) + '}}\n' + document + '\n');
  }

  /** The current state; an older revision meets a conflict, which is as it should be. */
  function state(
    index: number,
    kind: 'alert' | 'incident',
    id: string,
    revision: number,
    document: string,
  ): Operation {
    const action =
      '{"index":{"_index":"' +
      stateIndices[kind] +
      '","_id":' +
      quote(id) +
      ',"version":' +
      revision +
      ',"version_type":"external"}}\n';
    return operation(index, 'state', action + document + '\n');
  }

  function add(item: Delivery, i: number, operations: Operation[]): void {
    const { kind, record } = item;
    if (kind === 'flow') {
      const flow = record as Flow;
      operations.push(created(i, 'flow', flow.id, flow.endMs, flowDocument(flow, flowOptions)));
    } else if (kind === 'alert') {
      const alert = record as Alert;
      const id = `${alert.id}-${alert.revision}`;
      operations.push(created(i, 'alert', id, alert.raisedMs, alertDocument(alert, namespace)));
      operations.push(state(i, 'alert', alert.id, alert.revision, alertDocument(alert, null)));
    } else if (kind === 'incident') {
      const incident = record as Incident;
      operations.push(state(i, 'incident', incident.id, incident.revision, incidentDocument(incident)));
    } else if (kind === 'policy_change') {
      const change = record as PolicyChange;
      operations.push(created(i, kind, change.id, change.timeMs, policyChangeDocument(change, namespace)));
    } else if (kind === 'loss') {
      const loss = record as Loss;
      operations.push(created(i, kind, loss.id, loss.untilMs, lossDocument(loss, namespace)));
    } else if (kind === 'access') {
      const access = record as Access;
      operations.push(created(i, kind, access.id, access.timeMs, accessDocument(access, namespace)));
    } else {
      throw new TypeError(`records of kind ${kind} have no document`);
    }
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
