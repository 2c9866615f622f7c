import type { Alert, AlertAction, AlertEndpoint } from '../schema/records.ts';
import { newAlert, newEvidence, newLinks } from '../schema/records.ts';
import type { Explanation } from './alert-book.ts';
import type { OpenAlert } from './open-alert.ts';
import { searchCommand } from './search-link.ts';

/** What a revision says beside the state of its alert. */
export interface Revised {
  readonly detector: string;
  readonly contentVersion: string;
  readonly runbook: string;
  readonly action: AlertAction;
  readonly raisedMs: number;
  readonly explanation: Explanation;
}

/** One revision of an open alert as a record of its own: nothing of it changes when the alert does. */
export function alertRecord(alert: OpenAlert, revised: Revised): Alert {
  const { detector, contentVersion, runbook, action, raisedMs, explanation } = revised;
  const evidence = newEvidence();
  evidence.flows = alert.flows.slice();
  evidence.flowIds = alert.flowIds.slice();
  evidence.ports = alert.ports.slice();
  evidence.peers = alert.peers.slice();
  evidence.policies = alert.policies.slice();
  evidence.records = alert.records.slice();
  const links = newLinks();
  links.runbook = runbook;
  links.search = searchCommand(alert.query, alert.firstMs, alert.lastMs);
  const record = newAlert({
    id: alert.id,
    revision: alert.revision,
    detector,
    rule: alert.rule,
    score: explanation.score,
    entity: alert.entity,
    cluster: alert.cluster,
    firstMs: alert.firstMs,
    lastMs: alert.lastMs,
    raisedMs,
    count: alert.count,
    why: explanation.why,
    evidence,
    links,
  });
  record.action = action;
  record.severity = alert.severity;
  record.target = alert.target;
  record.tenant = alert.tenant;
  record.tenants = alert.tenants.slice();
  record.scopes = alert.scopes.slice();
  record.owner = alert.owner;
  record.outcome = alert.outcome;
  record.source = singleValued(alert.source);
  record.destination = singleValued(alert.destination);
  record.protocol = alert.protocol;
  record.policy = alert.policy;
  record.attack = alert.attack;
  record.coverage = alert.coverage;
  record.contentVersion = contentVersion;
  return record;
}

/** The side as it was in all evidence; null when nothing of it was. */
function singleValued(side: AlertEndpoint): AlertEndpoint | null {
  for (const value of Object.values(side)) if (value !== null) return { ...side };
  return null;
}
