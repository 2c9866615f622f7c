import type { Severity } from '../schema/records.ts';
import { attacksOf, judgeAttacks, type JudgedAttack } from './attacks.ts';
import type { Case } from './cases.ts';
import { findingsOf, groupByEntity, groupByIncident, type Finding, type Verdict } from './findings.ts';
import { watchedHosts } from './hosts.ts';
import { isKubernetes } from './kinds.ts';
import { countPairs, type PairCounts } from './pairs.ts';
import type { Ran } from './run-case.ts';
import { isTuned } from './tuned.ts';
import { countLate, countWindows, type WindowCounts } from './windows.ts';

export type VerdictCounts = Readonly<Record<Verdict, number>>;

export interface DetectorCounts {
  readonly detector: string;
  readonly alerts: VerdictCounts;
  /** Entities of its false alerts. */
  readonly falseEntities: number;
}

/** Benign buckets that could be flagged, and those that were. */
export interface Buckets {
  readonly judged: number;
  readonly flagged: number;
}

/** What one case came to, with the alerts of one severity and above. */
export interface CaseScore {
  readonly name: string;
  readonly tuned: boolean;
  readonly kubernetes: boolean;
  readonly flows: number;
  readonly labels: Readonly<Record<'malicious' | 'benign' | 'unlabelled', number>>;
  readonly malformed: number;
  readonly hosts: number;
  /** Hours of recording; gaps of more than six hours are taken for the border of two recordings. */
  readonly hours: number;
  readonly attacks: readonly JudgedAttack[];
  /** How many of them have a true alert in an incident. */
  readonly attacksInIncidents: number;
  readonly detectors: readonly DetectorCounts[];
  readonly groups: VerdictCounts;
  readonly incidents: VerdictCounts;
  readonly hourWindows: WindowCounts;
  readonly pairs: PairCounts;
  /** Five-minute windows of hosts, flagged by the volume detector alone. */
  readonly buckets: WindowCounts;
  /** Benign ones of them from the second day of their host on, which alone a detector that learns for a day can flag. */
  readonly lateBuckets: number;
  /** The same where that detector learns for two hours. */
  readonly soonBuckets: Buckets;
  readonly notes: readonly string[];
}

export interface Scoring {
  /** Alerts below it count nowhere. */
  readonly least: Severity;
  readonly beaconDetector: string;
  readonly volumeDetector: string;
}

export const defaultScoring: Scoring = { least: 'low', beaconDetector: 'beacon', volumeDetector: 'volume' };

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const BUCKET_MS = 300_000;
export const BORDER_MS = 6 * HOUR_MS;

export function scoreCase(
  one: Pick<Case, 'name' | 'about' | 'labels'>,
  ran: Ran,
  scoring: Scoring,
  soonBuckets: Buckets = { judged: 0, flagged: 0 },
): CaseScore {
  const { flows } = ran;
  const findings = findingsOf(ran.alerts, new Map(flows.map((flow) => [flow.id, flow])), scoring.least);
  const hosts = watchedHosts(flows);
  const labels = { malicious: 0, benign: 0, unlabelled: 0 };
  for (const { label } of flows) labels[label.truth]++;
  const attacks = attacksOf(flows, one);
  const incidents = groupByIncident(ran.incidents, findings, scoring.least);
  const volume = findings.filter(({ detector }) => detector === scoring.volumeDetector);
  return {
    name: one.name,
    tuned: isTuned(one.name),
    kubernetes: isKubernetes(one),
    flows: flows.length,
    labels,
    malformed: ran.malformed,
    hosts: hosts.size,
    hours: recordedMs(flows.map(({ endMs }) => endMs)) / HOUR_MS,
    attacks: judgeAttacks(attacks, findings),
    attacksInIncidents: judgeAttacks(
      attacks,
      incidents.flatMap((group) => group.findings),
    ).filter(({ foundBy }) => foundBy.length > 0).length,
    detectors: byDetector(findings),
    groups: countVerdicts(groupByEntity(findings)),
    incidents: countVerdicts(incidents),
    hourWindows: countWindows(flows, hosts, findings, HOUR_MS),
    pairs: countPairs(flows, one, findings, scoring.beaconDetector),
    buckets: countWindows(flows, hosts, volume, BUCKET_MS),
    lateBuckets: countLate(flows, hosts, { windowMs: BUCKET_MS, afterMs: DAY_MS }),
    soonBuckets,
    notes: notesOf(one, ran),
  };
}

function notesOf(one: Pick<Case, 'labels'>, ran: Ran): string[] {
  const notes: string[] = [];
  if (one.labels === null) notes.push('no labels: every alert is unlabelled');
  else if (ran.labelled < ran.flows.length)
    notes.push(`${ran.flows.length - ran.labelled} of ${ran.flows.length} flows have no label`);
  if (ran.malformed > 0) notes.push(`${ran.malformed} malformed lines`);
  return notes;
}

function byDetector(findings: readonly Finding[]): DetectorCounts[] {
  const names = [...new Set(findings.map(({ detector }) => detector))].sort((a, b) => (a < b ? -1 : 1));
  return names.map((detector) => {
    const own = findings.filter((finding) => finding.detector === detector);
    const isFalse = own.filter(({ verdict }) => verdict === 'false');
    return {
      detector,
      alerts: countVerdicts(own),
      falseEntities: new Set(isFalse.map(({ entity }) => entity)).size,
    };
  });
}

function countVerdicts(list: readonly { readonly verdict: Verdict }[]): VerdictCounts {
  const counts = { true: 0, false: 0, unlabelled: 0 };
  for (const { verdict } of list) counts[verdict]++;
  return counts;
}

/** Time covered by flows, without gaps that no recording has. */
export function recordedMs(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  let sum = 0;
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i]! - sorted[i - 1]!;
    if (gap <= BORDER_MS) sum += gap;
  }
  return sum;
}
