import {
  newAccess,
  newIncident,
  newLoss,
  newParty,
  newPolicyChange,
  newStory,
  type Access,
  type Incident,
  type Loss,
  type PolicyChange,
} from '../../../schema/records.ts';
import { T0 } from '../../helpers/flows.ts';

/** An incident whose every free text is `text`. */
export function anIncident(id: string, text = 'plain'): Incident {
  const incident = newIncident({
    id,
    revision: 1,
    cluster: 'prod-eu-1',
    entity: { ...newParty({ key: text }), kind: 'workload', ip: '2001:db8::7', namespace: text, name: text },
    score: 0.5,
    firstMs: T0,
    lastMs: T0 + 1000,
    story: newStory({ summary: text }),
  });
  incident.alerts = [{ id: 'A1', timeMs: T0, detector: 'port_scan', severity: 'high', line: text }];
  incident.tactics = ['TA0007', text];
  incident.tenant = text;
  incident.severity = 'critical';
  return incident;
}

export function aChange(id: string, text = 'plain'): PolicyChange {
  const change = newPolicyChange({
    id,
    timeMs: T0,
    cluster: 'prod-eu-1',
    verb: text,
    kind: 'NetworkPolicy',
    name: text,
  });
  change.user = text;
  change.userAgent = text;
  change.sourceIps = ['10.0.0.9'];
  change.tenant = text;
  return change;
}

export function aLoss(id: string, text = 'plain'): Loss {
  const loss = newLoss({ id, where: text, sinceMs: T0, untilMs: T0 + 5000 });
  loss.why = 'rotated';
  loss.detail = text;
  loss.node = text;
  loss.count = 12;
  return loss;
}

export function anAccess(id: string, text = 'plain'): Access {
  const access = newAccess({ id, timeMs: T0, user: text, action: text, detail: text });
  access.rows = 3;
  return access;
}
