import { Severities, type Severity } from '../schema/records.ts';

/** An alert as the score sees it. */
export interface Weighed {
  readonly detector: string;
  readonly severity: Severity;
  /** 0 to 1, as the detector gave it. */
  readonly score: number;
  /** Event time of its last evidence. */
  readonly lastMs: number;
  /** Tactics of ATT&CK. */
  readonly tactics: readonly string[];
}

/** How sure an alert of a severity alone makes one that the entity needs looking at. */
const WEIGHTS: Readonly<Record<Severity, number>> = {
  info: 0,
  low: 0.15,
  medium: 0.4,
  high: 0.7,
  critical: 0.9,
};

/** What one detector can say at most, however often it repeats itself. */
const DETECTOR_CAP = 0.9;
/** Repeats of one detector count no more than its strongest alert twice. */
const REPEATS = 2;
/** What is left of the doubt after each further step of an attack. */
const CHAIN_DOUBT = 0.75;

/** Scores from which on joined alerts are worse than the worst of them. */
const STEPS: readonly (readonly [Severity, number])[] = [
  ['critical', 0.95],
  ['high', 0.75],
  ['medium', 0.5],
];

export const rank = (severity: Severity): number => Severities.indexOf(severity);

/**
 * Noisy-or of alerts, each fading by `halfLifeMs`: 1 - product of doubts, first within a detector, whose share is
 * capped, then over detectors. Each alert that adds a tactic to those before it leaves less doubt. The order of
 * `alerts` is the order in which they were joined.
 */
export function scoreOf(alerts: readonly Weighed[], nowMs: number, halfLifeMs: number): number {
  const byDetector = new Map<string, { doubt: number; most: number }>();
  for (const { detector, severity, score, lastMs } of alerts) {
    const fading = 2 ** (-Math.max(0, nowMs - lastMs) / halfLifeMs);
    const weight = WEIGHTS[severity] * (0.5 + 0.5 * Math.min(1, Math.max(0, score))) * fading;
    const held = byDetector.get(detector);
    if (held) {
      held.doubt *= 1 - weight;
      held.most = Math.max(held.most, weight);
    } else byDetector.set(detector, { doubt: 1 - weight, most: weight });
  }
  let doubt = 1;
  for (const { doubt: own, most } of byDetector.values())
    doubt *= 1 - Math.min(1 - own, DETECTOR_CAP, most * REPEATS);
  return 1 - doubt * CHAIN_DOUBT ** Math.max(0, stepsOf(alerts) - 1);
}

/** How many alerts brought a tactic that none before them had. What only informs is no step of an attack. */
function stepsOf(alerts: readonly Weighed[]): number {
  const seen = new Set<string>();
  let steps = 0;
  for (const { tactics, severity } of alerts) {
    if (WEIGHTS[severity] === 0) continue;
    const before = seen.size;
    for (const tactic of tactics) seen.add(tactic);
    if (seen.size > before) steps++;
  }
  return steps;
}

/** The worst severity among the alerts, or what their score comes to where that is worse. */
export function severityOf(alerts: readonly Weighed[], score: number): Severity {
  let worst: Severity = 'info';
  for (const { severity } of alerts) if (rank(severity) > rank(worst)) worst = severity;
  const reached = STEPS.find(([, least]) => score >= least)?.[0] ?? 'info';
  return rank(reached) > rank(worst) ? reached : worst;
}
