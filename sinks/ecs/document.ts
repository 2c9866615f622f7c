import type { Flow, RecordTypes } from '../../schema/records.ts';
import { accessDocument } from './access.ts';
import { alertDocument } from './alert.ts';
import { communityOf } from './community-of.ts';
import { flowDocument } from './flow.ts';
import { incidentDocument } from './incident.ts';
import { lossDocument } from './loss.ts';
import type { Target } from './parts.ts';
import { policyChangeDocument } from './policy-change.ts';
import type { EcsKind } from './streams.ts';

/** For documents that go to no data stream: a line of syslog, a webhook. */
export const noStream: Target = { stream: null, namespace: null };

const documents: { readonly [K in EcsKind]: (record: RecordTypes[K], target: Target) => string } = {
  flow: (flow: Flow, target) => flowDocument(flow, target, communityOf(flow)),
  alert: alertDocument,
  incident: incidentDocument,
  policy_change: policyChangeDocument,
  loss: lossDocument,
  access: accessDocument,
};

/**
 * The ECS document of a record as JSON text on one line, with the fields of `ecsFields` and no others. Throws a
 * RangeError for a time that no date can hold.
 */
export function ecsDocument<K extends EcsKind>(
  kind: K,
  record: RecordTypes[K],
  target: Target = noStream,
): string {
  return documents[kind](record, target);
}
