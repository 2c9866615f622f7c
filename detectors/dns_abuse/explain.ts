import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { isInventoried } from '../party.ts';
import { counted, duration, factor, severityScore, stepped, whom } from '../words.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { tunnel: 0, bypass: 1 } as const;

export const attackOf = (kind: number): readonly Attack[] =>
  kind === kinds.tunnel ? [attacks.dns, attacks.protocolTunneling] : [attacks.dns];

/** Low through a resolver of the cluster, medium to one outside; a step worse when it goes on for minutes. */
export function tunnelSeverity({ destination }: Flow, facts: Facts): Severity {
  const severity = isInventoried(destination) || destination.kind === 'private' ? 'low' : 'medium';
  return (facts['minutes'] ?? 1) >= (facts['manyMinutes'] ?? 10) ? stepped(severity, 1) : severity;
}

/** While the cluster is learned and towards a resolver of the site info, else low. */
export const bypassSeverity = ({ destination }: Flow, isLearning: boolean): Severity =>
  isLearning || destination.kind === 'private' ? 'info' : 'low';

/** Says who asked which resolver how much or why that one is wrong, and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({
    summary: facts['kind'] === kinds.tunnel ? tunnelSummary(alert) : bypassSummary(alert),
  });
  why.factors =
    facts['kind'] === kinds.tunnel
      ? [
          factor(
            'kilobytes_in_a_minute',
            (facts['bytes'] ?? 0) / 1000,
            (facts['peakBytes'] ?? 0) / 1000,
            (facts['bytesThreshold'] ?? 0) / 1000,
          ),
          factor(
            'queries_in_a_minute',
            facts['queries'] ?? 0,
            facts['peakQueries'] ?? 0,
            facts['queriesThreshold'] ?? 0,
          ),
          factor('minutes_above', facts['minutes'] ?? 1, 0, 1),
        ]
      : [factor('flows_to_a_resolver_outside', alert.count, 0, 1)];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}

function tunnelSummary(alert: OpenAlert): string {
  const { facts } = alert;
  const minutes = counted(facts['minutes'] ?? 1, 'minute');
  return `${alert.sourceName} asked the resolver ${alert.destinationName} ${counted(Math.round(facts['queries'] ?? 0), 'time')} and moved ${Math.round((facts['bytes'] ?? 0) / 1000)} kB within a minute, and was above the threshold in ${minutes}: names are not that large. Ask ${whom(alert)} what looks up so much; if nobody knows, read the resolver's query log for one domain with many random names, and block it.`;
}

function bypassSummary(alert: OpenAlert): string {
  const over = alert.facts['port'] === 853 ? 'DNS over TLS' : 'DNS';
  return `${alert.sourceName} asked the resolver ${alert.destinationName} outside the cluster (${over}, port ${alert.facts['port']}), ${counted(alert.count, 'flow')} in ${duration(alert.lastMs - alert.firstMs)}, past the cluster's own: its names are neither logged nor filtered. Ask ${whom(alert)} to use the cluster's DNS, and deny port ${alert.facts['port']} to the outside.`;
}
