import type { Delivery } from '../../pipeline/contracts.ts';
import type { Options } from './options.ts';

/** What the syslog header says of a record, whatever the payload. */
export interface About {
  readonly id: string;
  readonly revision: number;
  readonly timeMs: number;
  /** Node or cluster the record speaks of. */
  readonly host: string | null;
  /** Detector of an alert, else the kind. */
  readonly messageId: string;
  /** Syslog severity, 0 to 7. */
  readonly severity: number;
}

/** Reads the header's facts from a record. */
export function about(item: Delivery, severities: Options['severities']): About {
  switch (item.kind) {
    case 'flow': {
      const flow = (item as Delivery<'flow'>).record;
      return {
        id: flow.id,
        revision: 0,
        timeMs: flow.endMs,
        host: flow.node ?? flow.cluster,
        messageId: 'flow',
        severity: flow.verdict === 'deny' ? severities.deny : severities.flow,
      };
    }
    case 'alert': {
      const alert = (item as Delivery<'alert'>).record;
      return {
        id: alert.id,
        revision: alert.revision,
        timeMs: alert.raisedMs,
        host: alert.cluster,
        messageId: alert.detector,
        severity: severities[alert.severity],
      };
    }
    case 'incident': {
      const incident = (item as Delivery<'incident'>).record;
      return {
        id: incident.id,
        revision: incident.revision,
        timeMs: incident.lastMs,
        host: incident.cluster,
        messageId: 'incident',
        severity: severities[incident.severity],
      };
    }
    case 'loss': {
      const loss = (item as Delivery<'loss'>).record;
      return plain(item, loss.untilMs, loss.node ?? loss.cluster, severities.loss);
    }
    case 'policy_change': {
      const change = (item as Delivery<'policy_change'>).record;
      return plain(item, change.timeMs, change.cluster, severities.change);
    }
    case 'access': {
      const access = (item as Delivery<'access'>).record;
      return plain(item, access.timeMs, access.cluster, severities.other);
    }
    case 'inventory': {
      const object = (item as Delivery<'inventory'>).record;
      return plain(item, object.validFromMs, object.node ?? object.cluster, severities.other);
    }
    default:
      return plain(item, (item as Delivery<'control' | 'dead_letter'>).record.timeMs, null, severities.other);
  }
}

const plain = (item: Delivery, timeMs: number, host: string | null, severity: number): About => ({
  id: item.record.id,
  revision: 0,
  timeMs,
  host,
  messageId: item.kind,
  severity,
});
