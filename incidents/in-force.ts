import { createInForce, type Dated } from '../pipeline/in-force.ts';
import { digest } from '../schema/ids.ts';
import type { Alert } from '../schema/records.ts';
import { createSuppressor, type Suppression } from './suppress.ts';

/** Suppressions that are in force together. */
export interface SuppressionSet extends Dated {
  readonly version: string;
  readonly suppressions: readonly Suppression[];
  readonly suppressedBy: (alert: Alert) => string | null;
}

/** Which suppressions are in force at which event time. */
export interface SuppressionSchedule {
  /** Name of the suppression that hides an alert, by the event time at which it was decided; null when none does. */
  suppressedBy(alert: Alert): string | null;
  at(timeMs: number): SuppressionSet;
  newest(): SuppressionSet;
  /** What is in force from the beginning, in place of all that was said before. */
  begin(suppressions: readonly Suppression[]): void;
  /** Suppressions in force from `fromMs` on. False when they are in force already. */
  add(fromMs: number, suppressions: readonly Suppression[]): boolean;
}

export function createSuppressionSchedule(initial: readonly Suppression[]): SuppressionSchedule {
  const sets = createInForce(setOf(-Infinity, initial));
  return {
    suppressedBy: (alert) => sets.at(alert.raisedMs).suppressedBy(alert),
    at: (timeMs) => sets.at(timeMs),
    newest: () => sets.newest(),
    begin: (suppressions) => sets.begin(setOf(-Infinity, suppressions)),
    add(fromMs, suppressions) {
      if (versionOf(suppressions) === sets.newest().version) return false;
      sets.add(fromMs, (ms) => setOf(ms, suppressions));
      return true;
    },
  };
}

export const versionOf = (suppressions: readonly Suppression[]): string =>
  digest(
    12,
    ...suppressions.flatMap(({ name, where, untilMs, reason, by, ticket, includeCritical }) => [
      name,
      where,
      untilMs,
      reason,
      by,
      ticket,
      String(includeCritical),
    ]),
  );

const setOf = (fromMs: number, suppressions: readonly Suppression[]): SuppressionSet => ({
  version: versionOf(suppressions),
  fromMs,
  suppressions,
  suppressedBy: createSuppressor(suppressions),
});
