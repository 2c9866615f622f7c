import type { Why } from '../../schema/records.ts';
import { newFactor, newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { OpenAlert } from '../open-alert.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { edge: 0, outside: 1, spread: 2, existing: 3 } as const;

const SCORES: Readonly<Record<OpenAlert['severity'], number>> = {
  info: 0.1,
  low: 0.3,
  medium: 0.5,
  high: 0.8,
  critical: 1,
};

/** Says what was denied, by which policy, and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why: Why = newWhy({ summary: summaryOf(alert) });
  const denied = newFactor({ name: 'denied_flows', observed: alert.count });
  denied.expected = 0;
  denied.threshold = 1;
  why.factors = [denied];
  if (facts['edges'] !== undefined) {
    const edges = newFactor({ name: 'new_denied_edges', observed: facts['edges'] });
    edges.expected = 0;
    edges.threshold = facts['spreadEdges'] ?? null;
    why.factors = [denied, edges];
  }
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['learning'] === 1;
  return { score: SCORES[alert.severity], why };
}

/** The list of a lane: one cluster has as many as it has lanes with denials, so each names what is on it. */
function existing(alert: OpenAlert, by: string, flows: string): string {
  const edges = alert.facts['edges'] ?? 0;
  const first = `${alert.sourceName} to ${alert.destinationName}${portText(alert)}`;
  if (edges === 1)
    return `${first} was denied by ${by} already when detection began (${flows}): allow it if it is wanted, else mend it where it starts.`;
  return `${edges} edges were denied already when detection began (${flows}, by ${by}), such as ${first}: allow what is wanted, mend the rest where it starts.`;
}

const portText = ({ destination }: OpenAlert): string =>
  destination.port === null ? '' : ` port ${destination.port}`;

function summaryOf(alert: OpenAlert): string {
  const { facts, policyText, sourceName } = alert;
  const by = alert.policies.length > 1 ? `${alert.policies.length} policies` : policyText;
  const flows = alert.count === 1 ? 'one flow' : `${alert.count} flows`;
  const scope = alert.scopes.length > 0 ? ` It touches compliance scope ${alert.scopes.join(', ')}.` : '';
  switch (facts['kind']) {
    case kinds.existing:
      return existing(alert, by, flows);
    case kinds.outside:
      return `${alert.destinationName} refused ${flows} from ${counted(alert.peers.length)} outside the inventory, by ${by}. The control worked.${scope}`;
    case kinds.spread:
      return `${sourceName} was denied ${facts['edges'] ?? 0} new edges, like a search for what is open, by ${by}. Ask ${asked(alert)} what runs there.${scope}`;
    default:
      return `${sourceName} was denied ${targetText(alert)} by ${by} (${flows}). ${newness(alert)} Ask ${asked(alert)}: allow it if the call is wanted, else stop it at its source.${scope}`;
  }
}

const newness = (alert: OpenAlert): string =>
  alert.facts['isNew'] === 1 ? 'The edge is new.' : 'The edge was denied before.';

const asked = (alert: OpenAlert): string => alert.owner ?? `the owner of ${alert.sourceName}`;

const counted = (peers: number): string =>
  peers === 1 ? 'one source' : `${peers}${peers >= 50 ? ' or more' : ''} sources`;

function targetText(alert: OpenAlert): string {
  const { target } = alert;
  const name = target?.kind === 'network' ? target.name : alert.destinationName;
  return target?.port === null || target === null ? `${name}` : `${name} port ${target.port}`;
}
