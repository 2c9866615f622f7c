import type { Delivery } from '../../../pipeline/contracts.ts';
import type { Access, Loss, PolicyChange } from '../../../schema/records.ts';
import { metadata, severityNames } from './parts.ts';

interface Said {
  readonly timeMs: number;
  readonly activity: string;
  readonly message: string | null;
  readonly severityId: number;
  readonly tenant: string | null;
}

/**
 * Base Event [0] of what has no class of its own in OCSF: changes of policy, losses and accesses. The record is
 * under `unmapped`, where the schema puts what it has no name for.
 */
export function baseEvent(item: Delivery, version: string): Record<string, unknown> {
  const said = saidOf(item);
  return {
    category_uid: 0,
    class_uid: 0,
    class_name: 'Base Event',
    activity_id: 99,
    activity_name: said.activity,
    type_uid: 99,
    severity_id: said.severityId,
    severity: severityNames[said.severityId],
    time: said.timeMs,
    metadata: metadata(version, {
      uid: item.record.id,
      eventCode: item.kind,
      profiles: [],
      tenant: said.tenant,
    }),
    message: said.message,
    unmapped: item.record,
  };
}

function saidOf(item: Delivery): Said {
  switch (item.kind) {
    case 'policy_change': {
      const change = item.record as PolicyChange;
      const name = change.namespace === null ? change.name : `${change.namespace}/${change.name}`;
      const message = `${change.verb} ${change.kind} ${name}${change.user === null ? '' : ` by ${change.user}`}`;
      return {
        timeMs: change.timeMs,
        activity: 'Policy change',
        message,
        severityId: 2,
        tenant: change.tenant,
      };
    }
    case 'loss': {
      const loss = item.record as Loss;
      return {
        timeMs: loss.untilMs,
        activity: 'Loss',
        message: loss.detail ?? loss.why,
        severityId: 2,
        tenant: loss.tenant,
      };
    }
    case 'access': {
      const access = item.record as Access;
      return {
        timeMs: access.timeMs,
        activity: 'Access',
        message: access.detail,
        severityId: 1,
        tenant: access.tenant,
      };
    }
    default:
      throw new TypeError(`records of kind ${item.kind} have no OCSF event`);
  }
}
