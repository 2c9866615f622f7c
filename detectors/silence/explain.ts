import type { Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import type { OpenAlert } from '../open-alert.ts';
import { duration, factor, severityScore, whom } from '../words.ts';

export const rules = {
  source: 'Source silent',
  node: 'Node silent',
  workload: 'Workload silent',
  loss: 'Losses growing',
} as const;
/** Kinds of those that can be missed. */
export type Silent = Exclude<keyof typeof rules, 'loss'>;

/** A source is blindness, a node a blind spot; a workload that stops is mostly a deployment. */
export function severityOf(kind: Silent, inScope: boolean): Severity {
  if (kind === 'workload') return inScope ? 'low' : 'info';
  return kind === 'source' ? 'high' : 'medium';
}

/** Many times the threshold is worse; while nothing is known of a cluster it is told only. */
export function lossSeverity(ratio: number, isLearning: boolean): Severity {
  if (isLearning) return 'info';
  return ratio >= 10 ? 'medium' : 'low';
}

/** Says who is silent for how long against its longest pause, and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  return alert.rule === rules.loss ? explainLoss(alert) : explainSilence(alert);
}

const MINUTE_MS = 60_000;

function explainSilence(alert: OpenAlert): Explanation {
  const { facts, destinationName: name } = alert;
  const awayMs = facts['awayMs'] ?? 0;
  const silentMs = facts['silentMs'] ?? 0;
  const perHour = facts['perHour'] ?? 0;
  const longest = `its longest pause in ${duration(facts['historyMs'] ?? 0)} was ${duration(facts['longestMs'] ?? 0)}`;
  const silence =
    awayMs > 0
      ? `${name} is back after ${duration(awayMs)} without a record`
      : `Nothing was reported of ${name} for ${duration(silentMs)}`;
  const why = newWhy({ summary: `${silence}; ${longest}. ${askedOf(alert)}` });
  why.factors = [
    factor(
      'minutes_without_a_record',
      Math.max(silentMs, awayMs) / MINUTE_MS,
      (facts['longestMs'] ?? 0) / MINUTE_MS,
      (facts['thresholdMs'] ?? 0) / MINUTE_MS,
    ),
    factor('records_in_that_time', 0, (perHour * Math.max(silentMs, awayMs)) / 3_600_000, null),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  return { score: severityScore(alert.severity), why };
}

function askedOf(alert: OpenAlert): string {
  const { rule, sourceName: name } = alert;
  if (rule === rules.workload)
    return `Ask ${whom(alert)} whether it was stopped or scaled down; the node that it was last seen on still reports others.`;
  if (rule === rules.node)
    return `Ask whoever runs ${name} whether it is down; if it is up, its log or its collector was stopped: find out by whom. Other nodes still report.`;
  return `Nothing of this source is judged meanwhile: ask whoever runs the collectors whether its logging was turned off, and see \`weir status\`.`;
}

function explainLoss(alert: OpenAlert): Explanation {
  const { facts, sourceName: name } = alert;
  const lost = facts['lost'] ?? 0;
  const usual = facts['usual'] ?? 0;
  const why = newWhy({
    summary: `${name} lost ${Math.round(lost)} records in ${duration(facts['windowMs'] ?? 0)}, where ${Math.round(usual)} are usual (${alert.note ?? 'for no known reason'}). What happened there meanwhile was not all seen: ask whoever runs ${name} what floods its log, and raise its limit if the traffic is right.`,
  });
  why.factors = [factor('records_lost_within_the_window', lost, usual, facts['threshold'] ?? 1)];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}
