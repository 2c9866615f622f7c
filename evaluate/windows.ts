import type { Finding, Verdict } from './findings.ts';
import type { Seen } from './run-case.ts';

/** Host windows by truth and by whether an alert was on. Neutral ones are of hosts that were merely attacked from inside. */
export interface WindowCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
  readonly unlabelled: number;
  readonly unlabelledFlagged: number;
  readonly neutral: number;
}

const ATTACKER = 4;
const ATTACKED = 2;
const BENIGN = 1;

/**
 * Cuts time into windows and counts those in which a watched host has flows. A window is positive when the host
 * began a malicious flow in it, or was the responder of one that came from no watched host; negative when it has labelled
 * flows and none of them is malicious. It is flagged when an alert about the host, or about something else that names
 * the host, lasts into it: a positive one by a true alert alone, a negative one by any.
 */
export function countWindows(
  flows: readonly Seen[],
  hosts: ReadonlySet<string>,
  findings: readonly Finding[],
  windowMs: number,
): WindowCounts {
  const truth = new Map<string, number>();
  const note = (host: string, timeMs: number, bit: number): void => {
    if (!hosts.has(host)) return;
    const key = `${Math.floor(timeMs / windowMs)} ${host}`;
    truth.set(key, (truth.get(key) ?? 0) | bit);
  };
  for (const { source, destination, endMs, label } of flows) {
    const isMalicious = label.truth === 'malicious';
    const labelled = label.truth === 'benign' ? BENIGN : 0;
    note(source, endMs, isMalicious ? ATTACKER : labelled);
    note(destination, endMs, !isMalicious ? labelled : hosts.has(source) ? ATTACKED : ATTACKER);
  }
  const flagged = flaggedWindows(findings, hosts, windowMs, truth);
  const counts = {
    truePositives: 0,
    falsePositives: 0,
    falseNegatives: 0,
    trueNegatives: 0,
    unlabelled: 0,
    unlabelledFlagged: 0,
    neutral: 0,
  };
  for (const [key, bits] of truth) {
    const isFlagged = flagged.has(key);
    if ((bits & ATTACKER) !== 0) counts[flagged.get(key) === 'true' ? 'truePositives' : 'falseNegatives']++;
    else if ((bits & ATTACKED) !== 0) counts.neutral++;
    else if ((bits & BENIGN) !== 0) counts[isFlagged ? 'falsePositives' : 'trueNegatives']++;
    else {
      counts.unlabelled++;
      if (isFlagged) counts.unlabelledFlagged++;
    }
  }
  return counts;
}

function flaggedWindows(
  findings: readonly Finding[],
  hosts: ReadonlySet<string>,
  windowMs: number,
  present: ReadonlyMap<string, unknown>,
): Map<string, Verdict> {
  const flagged = new Map<string, Verdict>();
  for (const { entity, addresses, firstMs, lastMs, verdict } of findings) {
    const about = hosts.has(entity) ? [entity] : [...addresses].filter((address) => hosts.has(address));
    for (const host of about)
      for (let at = Math.floor(firstMs / windowMs); at <= Math.floor(lastMs / windowMs); at++) {
        const key = `${at} ${host}`;
        if (present.has(key) && flagged.get(key) !== 'true') flagged.set(key, verdict);
      }
  }
  return flagged;
}

/** Negative windows of a watched host that begin at least `afterMs` after its first flow: those that a detector which learns so long can flag. */
export function countLate(
  flows: readonly Seen[],
  hosts: ReadonlySet<string>,
  { windowMs, afterMs }: { readonly windowMs: number; readonly afterMs: number },
): number {
  const firstMs = new Map<string, number>();
  for (const { source, destination, endMs } of flows)
    for (const host of [source, destination])
      if (hosts.has(host)) firstMs.set(host, Math.min(firstMs.get(host) ?? endMs, endMs));
  const benign = new Set<string>();
  const malicious = new Set<string>();
  for (const { source, destination, endMs, label } of flows)
    for (const host of [source, destination]) {
      const first = firstMs.get(host);
      const at = Math.floor(endMs / windowMs);
      if (first === undefined || at * windowMs < first + afterMs) continue;
      if (label.truth === 'benign') benign.add(`${at} ${host}`);
      else if (label.truth === 'malicious') malicious.add(`${at} ${host}`);
    }
  return [...benign].filter((key) => !malicious.has(key)).length;
}
