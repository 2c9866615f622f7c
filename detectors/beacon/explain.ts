import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { portClass } from '../ports.ts';
import { counted, duration, factor, whom } from '../words.ts';

export const attackOf = (flow: Flow): readonly Attack[] =>
  portClass(flow.destination.port ?? 0) === 'web'
    ? [attacks.applicationLayerProtocol]
    : [attacks.applicationLayerProtocol, attacks.nonStandardPort];

/** Whether a pair is as regular as it gets. */
export const isClear = (score: number): boolean => score >= 0.95;

/**
 * A scheduled job is told, and notifies nobody, unless it is new. Else low; medium when it is clear or new, high when both.
 */
export function severityOf(found: {
  readonly score: number;
  readonly isNew: boolean;
  readonly isTimer: boolean;
}): Severity {
  if (found.isTimer && !found.isNew) return 'info';
  const clear = isClear(found.score) && !found.isTimer;
  if (found.isNew && clear) return 'high';
  return found.isNew || clear ? 'medium' : 'low';
}

/** Says who calls where how regularly, who else does, and what to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const score = facts['score'] ?? 0;
  const why = newWhy({ summary: summaryOf(alert) });
  why.factors = [
    factor('beacon_score', score, null, facts['threshold'] ?? null),
    factor('interval_regularity', facts['intervals'] ?? 0, null, facts['minRegularity'] ?? null),
    factor('size_regularity', facts['sizes'] ?? 0, null, null),
    factor('histogram', facts['histogram'] ?? 0, null, null),
    factor('duration', facts['duration'] ?? 0, null, null),
    factor('sources_of_the_destination', facts['callers'] ?? 1, null, facts['prevalentSources'] ?? null),
    factor('interval_seconds', (facts['intervalMs'] ?? 0) / 1000, null, null),
  ];
  why.historyMs = facts['knownMs'] ?? 0;
  return { score: Math.min(0.99, score), why };
}

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  const calls = counted(facts['connections'] ?? 0, 'connection');
  const span = duration(facts['spanMs'] ?? 0);
  const every = duration(facts['intervalMs'] ?? 0);
  const jitter = duration(facts['deviationMs'] ?? 0);
  const port = facts['port'] ?? 0;
  const callers = facts['callers'] ?? 1;
  const others =
    facts['isProxy'] === 1
      ? 'that is a proxy, whose log names the real destination'
      : callers <= 1
        ? 'nobody else calls it'
        : `${counted(callers - 1, 'other')} call${callers === 2 ? 's' : ''} it`;
  const known = facts['isNew'] === 1 ? `, first seen ${duration(facts['knownMs'] ?? 0)} ago` : '';
  const did = `${alert.sourceName} called ${alert.destinationName} port ${port} about every ${every} (give or take ${jitter}), ${calls} in ${span}${known}; ${others}`;
  return facts['isTimer'] === 1
    ? `${did}. It is as exact as a scheduled job: ask ${whom(alert)} whether it is one, and exempt it in \`where\`.`
    : `${did}. Ask ${whom(alert)} which program polls it; if nobody knows, deny that destination, keep the pod and look at its processes.`;
}
