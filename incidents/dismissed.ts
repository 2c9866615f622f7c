import type { Joined, Open } from './book.ts';
import type { Finding } from './finding.ts';
import { rank } from './score.ts';

/** An incident that was closed by hand, until its alerts would have let it close. Plain data: it is saved as JSON. */
export interface Dismissed {
  readonly id: string;
  readonly key: string;
  /** The alerts that whoever closed it knew of. */
  readonly alerts: Joined[];
  lastMs: number;
  heardMs: number;
  /** Rank of the severity with which it was closed. */
  readonly closedMost: number;
  /** Whether there were more alerts than are listed. */
  readonly more: boolean;
}

/** Of what was closed one after the other, so many alerts are remembered. */
const MAX_ALERTS = 200;

/** What is remembered of an incident that is closed by hand, beside what was closed of its entity before. */
export function dismiss(incident: Open, before: Dismissed | undefined): Dismissed {
  const ids = new Set(incident.alerts.map(({ id }) => id));
  const older = before?.alerts.filter(({ id }) => !ids.has(id)) ?? [];
  const alerts = [...incident.alerts, ...older];
  return {
    id: incident.id,
    key: incident.key,
    alerts: alerts.slice(0, MAX_ALERTS),
    lastMs: Math.max(incident.lastMs, before?.lastMs ?? -Infinity),
    heardMs: Math.max(incident.heardMs, before?.heardMs ?? -Infinity),
    closedMost: rank(incident.severity),
    more: incident.count > incident.alerts.length || alerts.length > MAX_ALERTS || before?.more === true,
  };
}

/**
 * Whether a finding is no more than was known when the incident was closed: one of its alerts goes on, or ends, and is
 * no worse. Another alert, or a worse one, is new evidence.
 */
export function absorbed(gone: Dismissed, finding: Finding): boolean {
  const known = gone.alerts.find(({ id }) => id === finding.id);
  if (known === undefined)
    return gone.more && finding.revision > 0 && rank(finding.severity) <= gone.closedMost;
  if (rank(finding.severity) > rank(known.severity) && !finding.suppressed) return false;
  known.closed = finding.closes || finding.suppressed;
  known.lastMs = Math.max(known.lastMs, finding.lastMs);
  gone.lastMs = Math.max(gone.lastMs, finding.lastMs);
  gone.heardMs = Math.max(gone.heardMs, finding.timeMs);
  return true;
}
