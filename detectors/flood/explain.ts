import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { isWorld } from '../party.ts';
import { duration, factor, severityScore, whom } from '../words.ts';
import { WINDOW_MS } from './targets.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { unanswered: 0, anyPort: 1, connections: 2, sources: 3, reflected: 4 } as const;

export const rules: Readonly<Record<number, string>> = {
  [kinds.unanswered]: 'Flood without answers',
  [kinds.anyPort]: 'Flood over many ports',
  [kinds.connections]: 'Flood of connections',
  [kinds.sources]: 'Flood from many sources',
  [kinds.reflected]: 'Reflected flood',
};

const TCP = 6;
const SECONDS = WINDOW_MS / 1000;

export function attackOf(kind: number, protocol: number | null): readonly Attack[] {
  if (kind === kinds.reflected) return [attacks.reflectionAmplification];
  if (kind === kinds.connections || kind === kinds.sources) return [attacks.serviceExhaustionFlood];
  return protocol === TCP ? [attacks.osExhaustionFlood, attacks.directFlood] : [attacks.directFlood];
}

/**
 * High when many sources flood something of ours without an answer, or when ours flood the world; medium from few or
 * when it is answered, which a crowd of customers is too; low when policy kept it out, or when one of ours only asks much.
 */
export function severityOf({ verdict, source, destination }: Flow, facts: Facts): Severity {
  if (verdict === 'deny') return 'low';
  const isMany = (facts['sources'] ?? 1) >= (facts['manySources'] ?? 2);
  if (facts['kind'] === kinds.connections || facts['kind'] === kinds.sources)
    return isWorld(source) ? 'medium' : 'low';
  if (isWorld(destination)) return isWorld(source) ? 'medium' : 'high';
  return isMany ? 'high' : 'medium';
}

/** Says what comes how fast from how many, what is usual, and whom to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({ summary: summaryOf(alert) });
  const kind = facts['kind'] ?? 0;
  why.factors = [
    factor(
      FACTORS[kind] ?? 'connections_in_ten_seconds',
      facts['observed'] ?? alert.count,
      facts['expected'] ?? 0,
      facts['threshold'] ?? null,
    ),
    factor('connections_in_ten_seconds', facts['connections'] ?? 0, null, null),
    factor('share_unanswered', facts['share'] ?? 0, null, facts['shareThreshold'] ?? null),
    factor('sources_in_ten_seconds', facts['sources'] ?? 1, facts['usualSources'] ?? null, null),
  ];
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['learning'] === 1;
  return { score: severityScore(alert.severity), why };
}

const FACTORS: Readonly<Record<number, string>> = {
  [kinds.unanswered]: 'unanswered_in_ten_seconds',
  [kinds.anyPort]: 'unanswered_in_ten_seconds',
  [kinds.connections]: 'connections_in_ten_seconds',
  [kinds.sources]: 'sources_in_ten_seconds',
  [kinds.reflected]: 'answers_in_ten_seconds',
};

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  const kind = facts['kind'] ?? 0;
  const lasted = lastedMs(alert) < WINDOW_MS ? '' : `, for ${duration(lastedMs(alert))}`;
  return `${what(alert)}${lasted}${usualText(facts)}. ${nextOf(alert, kind)}`;
}

const lastedMs = ({ firstMs, lastMs }: OpenAlert): number => lastMs - firstMs;

/** The most of any ten seconds; of what is younger how much there was so far. */
function rateText(alert: OpenAlert): string {
  const connections = Math.round(alert.facts['connections'] ?? 0);
  if (lastedMs(alert) < WINDOW_MS) return `${connections} connections within ${duration(lastedMs(alert))}`;
  return `${Math.round(connections / SECONDS)} connections a second`;
}

function what(alert: OpenAlert): string {
  const { facts, sourceName, destinationName } = alert;
  const kind = facts['kind'] ?? 0;
  const rate = rateText(alert);
  const port = facts['port'] ?? -1;
  const at = `${destinationName}${kind === kinds.anyPort ? ' on many ports' : port < 0 ? '' : ` port ${port}`}`;
  const sources = Math.round(facts['sources'] ?? 1);
  const share = `${Math.round((facts['share'] ?? 0) * 100)} % of them unanswered`;
  if (alert.about === 'source') return `${sourceName} alone makes ${rate} to ${at}, ${share}`;
  const from = sources === 1 ? sourceName : `about ${sources} sources`;
  if (kind === kinds.reflected) return `${at} gets ${rate} that it did not ask for, from ${from}`;
  return `${at} gets ${rate} from ${from}, ${share}`;
}

function usualText(facts: Facts): string {
  const expected = facts['expected'] ?? 0;
  const least = Math.round(facts['threshold'] ?? 0);
  if (facts['kind'] === kinds.sources)
    return expected === 0
      ? ', where that many sources never came'
      : `, where ${Math.round(expected)} sources are usual`;
  if (expected === 0) return `, where ${least} within ${SECONDS} s would already be too many`;
  return `, where ${Math.round(expected / SECONDS)} a second are usual at this hour`;
}

function nextOf(alert: OpenAlert, kind: number): string {
  const { facts } = alert;
  if (alert.outcome === 'blocked')
    return `Policy denies it. Ask ${whom(alert)} whether anything else is reachable from there.`;
  if (alert.about === 'source')
    return `Ask ${whom(alert)} what it does there: a client in a loop, a load test, or a bot; isolate it if nobody knows.`;
  const isOnce = (facts['sources'] ?? 1) >= 0.8 * (facts['connections'] ?? 1);
  const spoofed = isOnce
    ? ' Nearly each source came once, so addresses are false: do not block by them.'
    : '';
  switch (kind) {
    case kinds.connections:
    case kinds.sources:
      return `Ask ${whom(alert)} whether that is a campaign, a release or a load test; if not, limit the rate in front of it.${spoofed}`;
    case kinds.reflected:
      return `Ask the provider to filter these answers before they reach the line, and tell ${whom(alert)}.`;
    default:
      return `Ask ${whom(alert)} whether it still answers: if it is down, its clients merely try again; if it is up, turn on SYN cookies and let the provider filter.${spoofed}`;
  }
}
