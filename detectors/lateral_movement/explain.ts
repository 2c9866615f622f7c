import type { Attack, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, listed, stepped, whom } from '../words.ts';

/** From this many new destinations on, a fan-out over admin ports is high. */
const WIDE = 10;

export const attackOf = (afterScan: boolean): readonly Attack[] =>
  afterScan
    ? [attacks.remoteServices, attacks.exploitationOfRemoteServices, attacks.networkServiceDiscovery]
    : [attacks.remoteServices];

/**
 * A fan-out over data ports is low, over admin ports medium and, wide, high; an edge after a scan and a chain are high. What
 * was found before learning ended is at most medium, what touches a compliance scope a step worse.
 */
export function severityOf(facts: Facts, inScope: boolean): Severity {
  let severity: Severity = (facts['admin'] ?? 0) > 0 ? 'medium' : 'low';
  const isWide = (facts['fan'] ?? 0) >= WIDE && (facts['admin'] ?? 0) > 0;
  const isStep = (facts['afterScan'] ?? 0) > 0 || ((facts['chain'] ?? 0) > 0 && facts['fromPublic'] !== 1);
  if (isWide || isStep) severity = 'high';
  if (facts['early'] === 1 && severity === 'high') severity = 'medium';
  return inScope ? stepped(severity, 1) : severity;
}

/** Says which steps were seen and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({
    summary: `${alert.sourceName} ${steps(alert).join('; it ')}. Ask ${whom(alert)} whether an administrator or a deployment did that; if nobody did, isolate ${alert.sourceName} and look at what it reached.`,
  });
  why.factors = [
    factor('new_destinations_on_admin_or_data_ports', facts['fan'] ?? 0, 0, facts['fanOut'] ?? 0),
    factor('edges_after_a_scan', facts['afterScan'] ?? 0, 0, 1),
    factor('reached_and_reached_on', facts['chain'] ?? 0, 0, 1),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['early'] === 1;
  const evidence =
    (facts['fan'] ?? 0) / (facts['fanOut'] ?? 3) + 2 * ((facts['afterScan'] ?? 0) + (facts['chain'] ?? 0));
  return { score: Math.min(0.99, evidence / (1 + evidence)), why };
}

function steps(alert: OpenAlert): string[] {
  const { facts } = alert;
  const out: string[] = [];
  const ports = listed(alert.ports.map(String), alert.ports.length);
  const to = alert.target === null ? listed(alert.peers, alert.peers.length) : alert.destinationName;
  if ((facts['chain'] ?? 0) > 0) {
    out.push(
      `was reached on port ${facts['reachedPort'] ?? 0} by ${facts['chainFirst'] === 1 ? (alert.peers[0] ?? 'somebody new') : 'somebody new'} and within ${duration(facts['chainAfterMs'] ?? 0)} went on to ${alert.destinationName} port ${facts['chainPort'] ?? 0}`,
    );
  }
  if ((facts['afterScan'] ?? 0) > 0) {
    out.push(
      `failed at ${counted(facts['scanFailed'] ?? 0, 'place')} and then connected to ${to} on port ${ports}, where it never was`,
    );
  }
  const fan = facts['fan'] ?? 0;
  if (fan >= (facts['fanOut'] ?? 1)) {
    const kind = (facts['admin'] ?? 0) > 0 ? 'administration' : 'data';
    out.push(
      `connected to ${counted(fan, 'destination')} it never talked to, on ${kind} ports ${ports}, within ${duration(facts['windowMs'] ?? 0)}`,
    );
  }
  return out.length > 0 ? out : [`connected to ${to} on port ${ports}, where it never was`];
}
