import type { Factor, Severity } from '../schema/records.ts';
import { newFactor, Severities } from '../schema/records.ts';
import type { OpenAlert } from './open-alert.ts';

/** A span of time as a person says it. */
export function duration(ms: number): string {
  if (ms < 1000) return 'less than a second';
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${(ms / 86_400_000).toFixed(1)} d`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** A number of bytes as a person says it: `3.4 MB`. */
export function sizeText(bytes: number): string {
  const step = Math.min(Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)), SIZES.length - 1);
  const value = bytes / 1000 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${SIZES[step]}`;
}

/** `1 host`, `3 hosts`; the noun takes an s. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Names in a sentence, the first few of them: `a, b, c and 4 more`. */
export function listed(names: readonly string[], total: number, most = 4): string {
  const shown = names.slice(0, most);
  const more = Math.max(total, names.length) - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** Whom to call about the one an alert is about: the owning team, else who runs or uses it. */
export function whom(alert: OpenAlert): string {
  if (alert.owner !== null) return alert.owner;
  const name = alert.about === 'source' ? alert.sourceName : alert.destinationName;
  if (alert.entity.kind === 'workload' || alert.entity.kind === 'service') return `the owner of ${name}`;
  return alert.entity.kind === 'host' ? `whoever runs ${name}` : `whoever uses ${name}`;
}

/** What became of an alert's flows, in one word. */
export const fateOf = (alert: OpenAlert): string =>
  ({ allowed: 'allowed', blocked: 'denied', mixed: 'partly denied', unknown: 'no verdict known' })[
    alert.outcome
  ];

/** A measured reason, rounded for reading. */
export function factor(
  name: string,
  observed: number,
  expected: number | null,
  threshold: number | null,
): Factor {
  const one = newFactor({ name, observed: rounded(observed) });
  one.expected = expected === null ? null : rounded(expected);
  one.threshold = threshold === null ? null : rounded(threshold);
  return one;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Score of an alert whose evidence is of one kind: it is as sure as it is severe. */
export const severityScore = (severity: Severity): number =>
  ({ info: 0.1, low: 0.3, medium: 0.5, high: 0.8, critical: 0.95 })[severity];

/** A severity some steps higher or, when negative, lower, within info and critical. */
export function stepped(severity: Severity, steps: number): Severity {
  const at = Severities.indexOf(severity) + steps;
  return Severities[Math.min(Math.max(at, 0), Severities.length - 1)]!;
}
