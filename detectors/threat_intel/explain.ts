import type { Attack, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, fateOf, severityScore, stepped, whom } from '../words.ts';
import { categories } from './options.ts';

type Category = (typeof categories)[number];

/** How a match came about, kept as the fact `kind`. */
export const kinds = { outbound: 0, inbound: 1, name: 2, port: 3 } as const;

interface Words {
  readonly what: string;
  /** Of something of ours that reaches it, and of it that was let in. */
  readonly outbound: Severity;
  readonly inbound: Severity;
  readonly attack: readonly Attack[];
}

const about: Readonly<Record<Category, Words>> = {
  c2: {
    what: 'command and control',
    outbound: 'high',
    inbound: 'medium',
    attack: [attacks.applicationLayerProtocol],
  },
  malware: {
    what: 'malware',
    outbound: 'high',
    inbound: 'medium',
    attack: [attacks.applicationLayerProtocol],
  },
  tor: { what: 'Tor', outbound: 'medium', inbound: 'low', attack: [attacks.multiHopProxy] },
  miner: { what: 'mining', outbound: 'medium', inbound: 'low', attack: [attacks.resourceHijacking] },
  scanner: { what: 'scanners', outbound: 'medium', inbound: 'low', attack: [attacks.scanningIpBlocks] },
  other: { what: 'a watched place', outbound: 'medium', inbound: 'low', attack: [] },
};

export const attackOf = (category: Category): readonly Attack[] => about[category].attack;

/**
 * What was reached is as bad as its list, what was denied is info from outside and low from inside; a port alone is low; one
 * step worse from or into a compliance scope.
 */
export function severityOf(found: {
  readonly kind: number;
  readonly category: Category;
  readonly blocked: boolean;
  readonly inScope: boolean;
}): Severity {
  const words = about[found.category];
  const isInbound = found.kind === kinds.inbound;
  if (found.blocked) return isInbound ? 'info' : 'low';
  const severity = isInbound ? words.inbound : found.kind === kinds.port ? 'low' : words.outbound;
  return found.inScope ? stepped(severity, 1) : severity;
}

/** Says which list, who, and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({ summary: summaryOf(alert) });
  why.factors =
    facts['kind'] === kinds.port
      ? [
          factor('connections', facts['connections'] ?? alert.count, 0, facts['lastingFlows'] ?? null),
          factor('lasted_seconds', (facts['lastedMs'] ?? 0) / 1000, 0, (facts['lastingMs'] ?? 0) / 1000),
        ]
      : [
          factor('flows_with_a_listed_side', alert.count, 0, 1),
          factor('entries_of_all_lists', facts['entries'] ?? 0, null, null),
        ];
  why.historyMs = alert.lastMs - alert.firstMs;
  return { score: severityScore(alert.severity), why };
}

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  const category = categories[facts['category'] ?? 0] ?? 'other';
  const { what } = about[category];
  const flows = `${counted(alert.count, 'flow')}, ${fateOf(alert)}`;
  const list = alert.target?.name ?? 'a list';
  if (facts['kind'] === kinds.inbound) {
    return `${alert.destinationName} was reached by ${addresses(alert.peers.length)} on the list ${list} (${what}; ${flows}). Ask ${whom(alert)} what answered there; what need not be reachable from everywhere should not be.`;
  }
  const act =
    alert.outcome === 'blocked'
      ? 'It was denied; find out what tried.'
      : 'If nobody knows why, isolate it and look for what was loaded.';
  if (facts['kind'] === kinds.port) {
    return `${alert.sourceName} talks to ${alert.destinationName} on port ${facts['port'] ?? 0}, as clients of ${what} do (${flows}, over ${duration(Math.max(facts['lastedMs'] ?? 0, alert.lastMs - alert.firstMs))}). Ask ${whom(alert)} what runs there. ${act}`;
  }
  const did =
    facts['kind'] === kinds.name ? 'asked for a name' : `talked to ${alert.destinationName}, which is`;
  return `${alert.sourceName} ${did} on the list ${list} (${what}; ${flows}). Ask ${whom(alert)} what it wants there. ${act}`;
}

const addresses = (count: number): string =>
  count === 1 ? 'one address' : `${count}${count >= 50 ? ' or more' : ''} addresses`;
