import { counted, listed } from '../detectors/words.ts';
import { digest } from '../schema/ids.ts';
import {
  newAlert,
  newEvidence,
  newFactor,
  newLinks,
  newParty,
  newWhy,
  type Alert,
} from '../schema/records.ts';
import type { SuppressionSchedule } from './in-force.ts';
import type { Suppression } from './suppress.ts';
import { WEEK_MS, type Tally } from './tally.ts';

/** One that ends so soon after a review is named in it: there is another only in a week. */
const SOON_MS = 14 * 86_400_000;
const MAX_NAMED = 5;
const MAX_FACTORS = 50;

/**
 * What is to be looked at of the suppressions, after a week of event time: those that hid nothing in all of it, and those
 * that end soon. Null when that is none. It is an alert of severity info that is closed from the start, so that it reaches
 * whoever reads alerts and opens no incident.
 */
export function reviewOf(
  { weekMs, sinceMs, hidden }: Tally,
  schedule: SuppressionSchedule,
  cluster: string,
): Alert | null {
  const endMs = weekMs + WEEK_MS;
  const set = schedule.at(endMs - 1);
  const wholeWeek =
    sinceMs <= weekMs ? new Set(schedule.at(weekMs).suppressions.map(({ name }) => name)) : new Set<string>();
  const inForce = set.suppressions.filter(({ untilMs }) => untilMs > weekMs);
  const idle = inForce.filter(({ name }) => wholeWeek.has(name) && (hidden[name] ?? 0) === 0);
  const ending = inForce.filter(({ untilMs }) => untilMs <= endMs + SOON_MS);
  if (idle.length + ending.length === 0) return null;

  const entity = newParty({ key: `${cluster}/suppressions` });
  entity.kind = 'policy';
  entity.name = 'suppressions';
  const parts = [
    ...(idle.length > 0
      ? [
          `${counted(idle.length, 'suppression')} hid nothing: ${listed(idle.map(nameOf), idle.length, MAX_NAMED)}.`,
        ]
      : []),
    ...(ending.length > 0
      ? [
          `${counted(ending.length, 'suppression')} ended or will end soon: ${listed(ending.map(withEnd), ending.length, MAX_NAMED)}.`,
        ]
      : []),
  ];
  const why = newWhy({
    summary: `Week from ${dayOf(weekMs)}: ${parts.join(' ')} Take out what is not needed, and renew what is.`,
  });
  why.historyMs = endMs - Math.max(weekMs, sinceMs);
  why.factors = [...new Set([...idle, ...ending])].slice(0, MAX_FACTORS).map(({ name }) => {
    const factor = newFactor({ name, observed: hidden[name] ?? 0 });
    factor.threshold = 1;
    return factor;
  });
  const alert = newAlert({
    id: digest(22, 'suppressions', cluster, weekMs),
    revision: 0,
    detector: 'suppressions',
    rule: 'Weekly review of suppressions',
    score: 0,
    entity,
    cluster,
    firstMs: weekMs,
    lastMs: endMs - 1,
    raisedMs: endMs,
    count: idle.length + ending.length,
    why,
    evidence: newEvidence(),
    links: newLinks(),
  });
  alert.action = 'closed';
  alert.severity = 'info';
  alert.contentVersion = set.version;
  return alert;
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
const nameOf = ({ name }: Suppression): string => name;
const withEnd = ({ name, untilMs, by }: Suppression): string => `${name} (${dayOf(untilMs - 1)}, by ${by})`;
