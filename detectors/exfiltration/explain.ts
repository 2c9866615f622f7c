import type { Attack, Endpoint, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { portClass } from '../ports.ts';
import { duration, factor, listed, severityScore, whom } from '../words.ts';

export const rules = {
  spike: 'Much more sent outside than usual',
  fresh: 'Much sent to a new destination',
  slow: 'More sent outside hour by hour',
} as const;
export type Rule = keyof typeof rules;

export function attackOf(rule: Rule, { destination }: Flow): readonly Attack[] {
  const way =
    portClass(destination.port ?? 0) === 'web'
      ? attacks.exfiltrationOverWeb
      : attacks.exfiltrationOverAlternative;
  return rule === 'slow' ? [way, attacks.sizeLimits] : [way];
}

/**
 * Medium; high when it is a great deal, or out of a compliance scope; a slow rise one step less. What is still learned is
 * told only when it is a great deal: low, and info as long as the whole cluster is learned.
 */
export function severityOf(
  rule: Rule,
  sender: Endpoint,
  found: { readonly isBig: boolean; readonly learning: 'cluster' | 'sender' | null },
): Severity {
  if (found.learning !== null) return found.learning === 'cluster' ? 'info' : 'low';
  const isGrave = found.isBig || sender.scopes.length > 0;
  if (rule === 'slow') return isGrave ? 'medium' : 'low';
  return isGrave ? 'high' : 'medium';
}

/** Says who sent how much where against what is usual, and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const history = duration(facts['historyMs'] ?? 0);
  const why = newWhy({
    summary: `${deedOf(alert)} (sending outside for ${history}). ${askOf(alert)}`,
  });
  why.factors = [
    factor(
      FACTORS[alert.rule] ?? 'megabytes_sent',
      megabytes(facts['bytes']),
      facts['usualBytes'] === undefined ? null : megabytes(facts['usualBytes']),
      megabytes(facts['threshold']),
    ),
    factor('megabytes_received', megabytes(facts['receivedBytes']), null, null),
  ];
  if (facts['sum'] !== undefined)
    why.factors = [
      ...why.factors,
      factor('deviations_above_usual_summed', facts['sum'], 0, facts['sumThreshold'] ?? null),
    ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}

const FACTORS: Readonly<Record<string, string>> = {
  [rules.spike]: 'megabytes_sent_within_the_hour',
  [rules.fresh]: 'megabytes_sent_to_the_new_destination',
  [rules.slow]: 'megabytes_sent_above_usual',
};

const megabytes = (bytes: number | undefined): number => (bytes ?? 0) / 1e6;

const sizeText = (bytes: number | undefined): string => {
  const size = bytes ?? 0;
  return size >= 1e9 ? `${(size / 1e9).toFixed(1)} GB` : `${(size / 1e6).toFixed(1)} MB`;
};

function deedOf(alert: OpenAlert): string {
  const { facts, peers } = alert;
  const sends = alert.about === 'source';
  const name = sends ? alert.sourceName : alert.destinationName;
  const to = listed(peers, peers.length, 3);
  const span = duration(alert.lastMs - alert.firstMs);
  const verb = sends ? 'sent' : 'gave a caller';
  if (alert.rule === rules.fresh)
    return `${name} ${verb} ${sizeText(facts['bytes'])} and got ${sizeText(facts['receivedBytes'])} in ${span}: ${to}, ${sends ? 'whom it never sent anything before' : 'who never called before'}`;
  if (alert.rule === rules.slow)
    return `${name} sends more outside than it used to, for ${duration(facts['riseMs'] ?? 0)} now: ${sizeText(facts['hourBytes'])} in the last full hour where ${sizeText(facts['usualBytes'])} are usual, ${sizeText(facts['bytes'])} more in all, lately ${sends ? 'to' : 'fetched by'} ${to}`;
  const usual =
    facts['isLearning'] === 1
      ? 'nothing is known yet of what is usual'
      : `${sizeText(facts['usualBytes'])} an hour are the most that is usual`;
  return `${name} ${sends ? 'sent' : 'gave to callers'} outside ${sizeText(facts['bytes'])} within an hour, ${sends ? 'to' : 'fetched by'} ${to}, where ${usual}`;
}

function askOf(alert: OpenAlert): string {
  const cut = alert.about === 'source' ? 'close its way out' : 'close the way in to it';
  return `Ask ${whom(alert)} what was sent and why; if nobody knows, ${cut} and find out which data it holds.`;
}
