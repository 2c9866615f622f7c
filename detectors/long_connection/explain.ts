import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { directions, type Direction } from '../direction.ts';
import type { OpenAlert } from '../open-alert.ts';
import { portClass } from '../ports.ts';
import { duration, factor, severityScore, whom } from '../words.ts';

const SEVERITIES: readonly Severity[] = ['info', 'low', 'medium', 'high'];

/** Of how many steps a duration has reached, at least one. Begun while the cluster was learned, with nothing to compare: info. */
export const severityOf = (steps: number, isLearning: boolean): Severity =>
  SEVERITIES[Math.min(steps - 1, isLearning ? 0 : 3)]!;

export function attackOf(flow: Flow, direction: Direction): readonly Attack[] {
  if (direction === directions.inside) return [attacks.remoteServices];
  return portClass(flow.destination.port ?? 0) === 'web'
    ? [attacks.applicationLayerProtocol, attacks.protocolTunneling]
    : [attacks.protocolTunneling, attacks.nonStandardPort];
}

/** Says who stays connected to whom for how long, what is usual there, and what to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const hours = (name: string): number => (facts[name] ?? 0) / 3_600_000;
  const earlier = facts['earlier'] ?? 0;
  const usualMs = facts['usualMs'] ?? 0;
  const usual =
    usualMs > 0
      ? `${earlier} earlier ones lasted ${duration(usualMs)} at most`
      : earlier === 0
        ? 'none lasted so long before'
        : `only ${earlier} lasted so long before`;
  const out =
    facts['isInside'] === 1
      ? `Ask ${whom(alert)} whose session that is`
      : `Ask ${whom(alert)} what it is for; if nobody knows, cut it, deny that destination and look at the process that holds it`;
  const why = newWhy({
    summary: `${alert.sourceName} stayed connected to ${alert.destinationName} port ${facts['port'] ?? 0} for ${duration(facts['durationMs'] ?? 0)}, ${sent(alert)}; ${usual}. ${out}.`,
  });
  why.factors = [
    factor(
      'duration_hours',
      hours('durationMs'),
      usualMs > 0 ? hours('usualMs') : null,
      hours('thresholdMs'),
    ),
    factor('earlier_long_connections', earlier, null, null),
    factor('sources_of_the_destination', facts['callers'] ?? 1, null, facts['prevalentSources'] ?? null),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['isLearning'] === 1;
  return { score: severityScore(alert.severity), why };
}

const MEGABYTE = 1_000_000;

const sent = ({ facts }: OpenAlert): string =>
  `${((facts['sentBytes'] ?? 0) / MEGABYTE).toFixed(1)} MB out and ${((facts['receivedBytes'] ?? 0) / MEGABYTE).toFixed(1)} MB in`;
