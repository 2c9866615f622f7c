import type { Flow, RecordTypes } from '../../schema/records.ts';
import {
  accessDocument,
  alertDocument,
  incidentDocument,
  lossDocument,
  policyChangeDocument,
} from '../elasticsearch/documents.ts';
import { communityOf } from '../elasticsearch/community-of.ts';
import { flowDocument } from '../elasticsearch/ecs.ts';
import type { SinkKind } from '../base-options.ts';

const documents: { readonly [K in SinkKind]: (record: RecordTypes[K]) => string } = {
  flow: (flow: Flow) => flowDocument(flow, { namespace: null, communityId: communityOf }),
  alert: (alert) => alertDocument(alert, null),
  incident: incidentDocument,
  policy_change: (change) => policyChangeDocument(change, null),
  loss: (loss) => lossDocument(loss, null),
  access: (access) => accessDocument(access, null),
};

/** The ECS document of a record, for a place that is no data stream, as JSON text. */
export function ecsDocument<K extends SinkKind>(kind: K, record: RecordTypes[K]): string {
  const make = documents[kind] as ((record: RecordTypes[K]) => string) | undefined;
  if (!make) throw new TypeError(`records of kind ${kind} have no ECS document`);
  return make(record);
}
