import { compileQuery } from '../query/index.ts';
import type { Alert } from '../schema/records.ts';

/** What somebody decided not to be told of for a while. */
export interface Suppression {
  readonly name: string;
  /** KQL over alerts. */
  readonly where: string;
  /** Event time from which on it hides nothing any more. */
  readonly untilMs: number;
  readonly reason: string;
  readonly by: string;
  readonly ticket: string | null;
  /** Hides alerts of severity critical as well. */
  readonly includeCritical: boolean;
}

/** Longest time a suppression may be for: what nobody looks at again is forgotten. */
export const MAX_AHEAD_MS = 90 * 86_400_000;

/**
 * Names the first suppression that hides an alert; null when none does. It is judged by the event time at which the
 * alert was decided, so that a replay hides what was hidden then.
 */
export function createSuppressor(suppressions: readonly Suppression[]): (alert: Alert) => string | null {
  const compiled = suppressions.map((suppression) => ({
    ...suppression,
    matches: compileQuery('alert', suppression.where),
  }));
  return (alert) => {
    for (const { name, untilMs, includeCritical, matches } of compiled)
      if (alert.raisedMs < untilMs && (includeCritical || alert.severity !== 'critical') && matches(alert))
        return name;
    return null;
  };
}
