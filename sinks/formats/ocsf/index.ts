/** OCSF 1.8.0: flows are Network Activity, alerts and incidents Detection Findings, all else Base Events. */
import type { Delivery } from '../../../pipeline/contracts.ts';
import type { Alert, Flow, Incident } from '../../../schema/records.ts';
import { anyJson } from '../../records/json.ts';
import { addedFields, valuesOf } from '../json.ts';
import type { FormatSettings, Payload } from '../payload.ts';
import { shorten } from '../shorten.ts';
import { jsonLine, plainId } from '../text.ts';
import { baseEvent } from './base-event.ts';
import { alertFinding, incidentFinding } from './detection-finding.ts';
import { networkActivity } from './network-activity.ts';
import { OCSF_VERSION } from './parts.ts';

/** The OCSF event of a record, with null where nothing is known. */
export function ocsfEvent(item: Delivery, version: string): Record<string, unknown> {
  switch (item.kind) {
    case 'flow':
      return networkActivity(item.record as Flow, version);
    case 'alert':
      return alertFinding(item.record as Alert, version);
    case 'incident':
      return incidentFinding(item.record as Incident, version);
    default:
      return baseEvent(item, version);
  }
}

/** Fields of users are under `unmapped`. */
export function ocsfPayload(settings: FormatSettings): Payload {
  const own = addedFields(settings, () => false);
  return (item, cap) => {
    if (cap === 0) {
      const { time } = ocsfEvent(item, settings.version);
      const metadata = `{"version":"${OCSF_VERSION}","uid":"${plainId(item.record.id)}","product":{"name":"weir"},"labels":["truncated"]}`;
      return `{"category_uid":0,"class_uid":0,"activity_id":0,"type_uid":0,"severity_id":0,"time":${Number(time)},"metadata":${metadata}}`;
    }
    let event = ocsfEvent(item, settings.version);
    const fields = own.get(item.kind);
    if (fields) event['unmapped'] = { ...(event['unmapped'] as object), ...valuesOf(fields, item.record) };
    if (cap !== null) {
      const { metadata } = event as { metadata: { uid: string } };
      event = shorten(event, cap) as Record<string, unknown>;
      // What the event is found by stays whole.
      event['metadata'] = {
        ...(event['metadata'] as object),
        uid: metadata.uid.slice(0, 64),
        labels: ['truncated'],
      };
    }
    return jsonLine(anyJson(event));
  };
}
