import type { Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { duration, factor, severityScore, sizeText, whom } from '../words.ts';
import { units } from './profiles.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { rise: 0, fall: 1 } as const;

/** From this many times its threshold on, a rise is one step worse. */
const FAR_ABOVE = 10;

/** Low, since most changes are a release; medium far above; info before a whole week is known. */
export function severityOf(facts: Facts): Severity {
  if (facts['learning'] === 1) return 'info';
  if (facts['kind'] === kinds.fall) return 'low';
  return (facts['observed'] ?? 0) >= FAR_ABOVE * (facts['threshold'] ?? 1) ? 'medium' : 'low';
}

/** Says how much was moved, what is usual at that hour, and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const isFall = facts['kind'] === kinds.fall;
  const why = newWhy({ summary: isFall ? fallSummary(alert) : riseSummary(alert) });
  const what = facts['unit'] === units.bytes ? 'bytes' : 'connections';
  why.factors = [
    factor(
      `${what}_in_five_minutes`,
      facts['observed'] ?? 0,
      facts['expected'] ?? 0,
      facts['threshold'] ?? null,
    ),
    factor(
      isFall ? 'exceeded_by_999_of_1000' : 'not_exceeded_by_999_of_1000',
      facts['extreme'] ?? 0,
      null,
      null,
    ),
    factor('spans_in_a_row', facts['spans'] ?? 1, 0, facts['leastSpans'] ?? null),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['learning'] === 1;
  return { score: severityScore(alert.severity), why };
}

const amount = (facts: Facts, value: number): string =>
  facts['unit'] === units.bytes ? sizeText(value) : `${Math.round(value)} connections`;

const nameIn = (alert: OpenAlert): string =>
  alert.about === 'source' ? alert.sourceName : alert.destinationName;

const lastedText = (facts: Facts): string => duration((facts['spans'] ?? 1) * 300_000);

function riseSummary(alert: OpenAlert): string {
  const { facts } = alert;
  const sent =
    facts['unit'] === units.bytes ? `, ${Math.round((facts['sentShare'] ?? 0) * 100)} % of it sent` : '';
  const [peer] = alert.peers;
  const towards = peer === undefined ? '' : ` Among those at the other side is ${peer}.`;
  return `${nameIn(alert)} moved ${amount(facts, facts['observed'] ?? 0)} within five minutes${sent}, and too much for ${lastedText(facts)} now, where ${amount(facts, facts['expected'] ?? 0)} is usual at this hour of the week and ${amount(facts, facts['extreme'] ?? 0)} was nearly never exceeded.${towards} Ask ${whom(alert)} which release, job or customer changed it; if nobody knows, see what is sent to whom.`;
}

function fallSummary(alert: OpenAlert): string {
  const { facts } = alert;
  return `${nameIn(alert)} moved only ${amount(facts, facts['observed'] ?? 0)} within five minutes, and too little for ${lastedText(facts)} now, where ${amount(facts, facts['expected'] ?? 0)} is usual at this hour of the week and ${amount(facts, facts['extreme'] ?? 0)} was nearly always exceeded. Ask ${whom(alert)} whether it is down, was moved, or lost its clients; if it runs well, see whether its flows are still collected.`;
}
