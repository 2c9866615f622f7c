import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, listed, severityScore } from '../words.ts';
import { mismatches } from './mismatch.ts';

/** Says which policy and data plane disagree over, where, and whom to call, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({ summary: summaryOf(alert) });
  why.factors = [
    factor('flows_judged_otherwise', alert.count, 0, facts['minFlows'] ?? 1),
    factor('connections', facts['connections'] ?? 0, 0, facts['minConnections'] ?? 1),
    factor('differs_for_seconds', (alert.lastMs - alert.firstMs) / 1000, 0, (facts['settleMs'] ?? 0) / 1000),
  ];
  why.historyMs = alert.lastMs - alert.firstMs;
  return { score: severityScore(alert.severity), why };
}

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  const name = alert.about === 'source' ? alert.sourceName : alert.destinationName;
  const policy = alert.target?.name ?? 'a policy';
  const flows = `${counted(alert.count, 'flow')} in ${duration(alert.lastMs - alert.firstMs)}`;
  const node = alert.about === 'source' ? alert.source.node : alert.destination.node;
  const at = node === null ? 'its nodes' : `node ${node}`;
  const toward = alert.about === 'source' ? 'to' : 'from';
  const peers = listed(alert.peers, alert.peers.length, 3);
  if (mismatches[facts['kind'] ?? 0] === 'passed_but_denied') {
    return `${policy} denies ${name} what passed all the same: ${flows} ${toward} ${peers}. Ask whoever runs the network plugin whether policy is enforced on ${at} (agent down, rule not supported, policy not yet there); until then treat ${name} as open.`;
  }
  return `${policy} allows ${name} what was denied: ${flows} ${toward} ${peers}. Ask whoever runs the network plugin on ${at} which rule drops it, or whoever changed policies last: the caller is being refused against the policy's words.`;
}
