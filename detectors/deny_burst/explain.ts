import type { Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, severityScore, stepped, whom } from '../words.ts';

/** From this many times its threshold on, a burst is one step worse. */
const FAR_ABOVE = 10;

/** From so many different places on, a burst is a search rather than one client that tries again. */
export const MANY_PLACES = 5;

/**
 * A deny is a control that worked. From one of ours low, a step worse into or out of a compliance scope and a step worse far above the
 * threshold; from outside, where somebody always knocks, info, low in a scope. While the workload is learned info.
 */
export function severityOf({ source, destination }: Flow, facts: Facts): Severity {
  if (facts['learning'] === 1) return 'info';
  const inScope = source.scopes.length > 0 || destination.scopes.length > 0;
  if (facts['atDestination'] === 1) return destination.scopes.length > 0 ? 'low' : 'info';
  const isFar = (facts['observed'] ?? 0) >= FAR_ABOVE * (facts['threshold'] ?? 1);
  return stepped('low', (inScope ? 1 : 0) + (isFar ? 1 : 0));
}

/** Says who was denied how often by what, what is usual, and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({ summary: summaryOf(alert) });
  why.factors = [
    factor(
      'denials_in_five_minutes',
      facts['observed'] ?? alert.count,
      facts['expected'] ?? 0,
      facts['threshold'] ?? null,
    ),
    factor(
      facts['atDestination'] === 1 ? 'different_sources_at_least' : 'different_places_at_least',
      facts['places'] ?? 1,
      null,
      MANY_PLACES,
    ),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['learning'] === 1;
  return { score: severityScore(alert.severity), why };
}

function summaryOf(alert: OpenAlert): string {
  const { facts, sourceName, destinationName } = alert;
  const times = counted(Math.round(facts['observed'] ?? alert.count), 'time');
  const by = alert.policies.length > 1 ? `${alert.policies.length} rules of one policy` : alert.policyText;
  const normal = `${usualText(facts['expected'] ?? 0)} (known for ${duration(facts['historyMs'] ?? 0)}), and ${Math.round(facts['threshold'] ?? 0)} would already be rare`;
  const places = facts['places'] ?? 1;
  if (facts['atDestination'] === 1) {
    const sources = places === 1 ? sourceName : `at least ${places} sources`;
    return `${destinationName} refused ${sources} outside ${times} within five minutes, by ${by}, where ${normal}. The policy held. Ask ${whom(alert)} whether it must be reachable from there at all.`;
  }
  const port = alert.destination.port === null ? '' : ` port ${alert.destination.port}`;
  const towards = places === 1 ? `${destinationName}${port}` : `at least ${places} places`;
  const next =
    places >= MANY_PLACES
      ? `That many places look like a search: ask ${whom(alert)} what runs there, and isolate it if nobody knows.`
      : `Ask ${whom(alert)} what was deployed or changed just before: the client, or the policy that denies it.`;
  return `${sourceName} was denied ${times} within five minutes towards ${towards}, by ${by}, where ${normal}. ${next}`;
}

function usualText(mean: number): string {
  if (mean < 0.1) return 'next to none are usual';
  return mean < 10 ? `${mean.toFixed(1)} are usual` : `${Math.round(mean)} are usual`;
}
