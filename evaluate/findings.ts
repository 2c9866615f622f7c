import { Severities, type Alert, type Incident, type Severity } from '../schema/records.ts';
import type { Seen } from './run-case.ts';

const HOUR_MS = 3_600_000;
/** Longest time between alerts of one entity that are one group. */
export const GROUP_GAP_MS = HOUR_MS;

/** An alert over all its revisions, held against the labels of its evidence. */
export interface Finding {
  readonly id: string;
  readonly detector: string;
  /** Worst severity it came to. */
  readonly severity: Severity;
  /** Event time at which it first was of the severity that counts. */
  readonly raisedMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Who it is about, and every address that it names. */
  readonly entity: string;
  readonly addresses: ReadonlySet<string>;
  /** Flows it gives as evidence: a bounded sample. */
  readonly flows: readonly Seen[];
  readonly verdict: Verdict;
}

/** Most of the labelled evidence decides; a tie is a hit, and evidence that nobody labelled decides nothing. */
export type Verdict = 'true' | 'false' | 'unlabelled';

export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  Severities.indexOf(severity) >= Severities.indexOf(least);

/** Alerts that would have reached somebody: of this severity at least, and not suppressed. */
export function findingsOf(
  alerts: readonly Alert[],
  flowById: ReadonlyMap<string, Seen>,
  least: Severity,
): Finding[] {
  const byId = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const revisions = byId.get(alert.id);
    if (revisions) revisions.push(alert);
    else byId.set(alert.id, [alert]);
  }
  return [...byId.values()].flatMap((revisions) => {
    revisions.sort((a, b) => a.revision - b.revision);
    const counted = revisions.filter(({ severity }) => isAtLeast(severity, least));
    const last = counted.at(-1);
    if (last === undefined || last.suppressedBy !== null) return [];
    const ids = new Set(
      revisions.flatMap(({ evidence }) => [...evidence.flowIds, ...evidence.flows.map(({ id }) => id)]),
    );
    const flows = [...ids].flatMap((id) => flowById.get(id) ?? []);
    const addresses = addressesOf(revisions);
    return {
      id: last.id,
      detector: last.detector,
      severity: last.severity,
      raisedMs: counted[0]!.raisedMs,
      firstMs: last.firstMs,
      lastMs: last.lastMs,
      entity: last.entity.ip ?? last.entity.key,
      addresses,
      flows,
      verdict: verdictOf(flows.length > 0 ? flows : flowsAround(flowById, addresses, last)),
    };
  });
}

/**
 * What an alert without evidence is judged by, such as one that misses traffic: flows of those it names, from an hour
 * before to an hour after.
 */
function flowsAround(
  flowById: ReadonlyMap<string, Seen>,
  addresses: ReadonlySet<string>,
  { firstMs, lastMs }: Alert,
): Seen[] {
  return [...flowById.values()].filter(
    ({ source, destination, endMs }) =>
      endMs >= firstMs - HOUR_MS &&
      endMs <= lastMs + HOUR_MS &&
      (addresses.has(source) || addresses.has(destination)),
  );
}

function addressesOf(revisions: readonly Alert[]): Set<string> {
  const addresses = new Set<string>();
  for (const { entity, target, source, destination } of revisions)
    for (const address of [entity.ip, target?.ip, source?.address, destination?.address])
      if (address) addresses.add(address);
  return addresses;
}

export function verdictOf(flows: readonly Seen[]): Verdict {
  let malicious = 0;
  let benign = 0;
  for (const { label } of flows) {
    if (label.truth === 'malicious') malicious++;
    else if (label.truth === 'benign') benign++;
  }
  if (malicious + benign === 0) return 'unlabelled';
  return malicious >= benign ? 'true' : 'false';
}

/** What an analyst opens once: an incident, or what takes its place. */
export interface Group {
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
}

/** Alerts of one entity, as long as the next begins within an hour of the last evidence. */
export function groupByEntity(findings: readonly Finding[]): Group[] {
  const groups: Finding[][] = [];
  const open = new Map<string, { members: Finding[]; lastMs: number }>();
  for (const finding of findings.toSorted((a, b) => a.firstMs - b.firstMs)) {
    const group = open.get(finding.entity);
    if (group && finding.firstMs - group.lastMs <= GROUP_GAP_MS) {
      group.members.push(finding);
      group.lastMs = Math.max(group.lastMs, finding.lastMs);
    } else {
      const members = [finding];
      groups.push(members);
      open.set(finding.entity, { members, lastMs: finding.lastMs });
    }
  }
  return groups.map(groupOf);
}

/** Incidents with those of their alerts that count. */
export function groupByIncident(
  incidents: readonly Incident[],
  findings: readonly Finding[],
  least: Severity,
): Group[] {
  const last = new Map<string, Incident>();
  for (const incident of incidents)
    if (incident.revision >= (last.get(incident.id)?.revision ?? 0)) last.set(incident.id, incident);
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  return [...last.values()]
    .filter(({ severity }) => isAtLeast(severity, least))
    .map(({ alerts }) => groupOf(alerts.flatMap(({ id }) => byId.get(id) ?? [])))
    .filter((group) => group.findings.length > 0);
}

/** A hit when one of its alerts is; else false when one of them is. */
function groupOf(findings: readonly Finding[]): Group {
  const verdicts = new Set(findings.map(({ verdict }) => verdict));
  return {
    findings,
    verdict: verdicts.has('true') ? 'true' : verdicts.has('false') ? 'false' : 'unlabelled',
  };
}
