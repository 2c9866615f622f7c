import type { Finding } from './findings.ts';
import { attacksOf } from './attacks.ts';
import type { Seen } from './run-case.ts';

/** Pairs of initiator and responder that speak often enough to be judged as beacons. */
export interface PairCounts {
  /** Pairs of C2 attacks. */
  readonly c2: number;
  readonly c2Found: number;
  /** Pairs all of whose labelled flows are benign. */
  readonly benign: number;
  readonly benignFlagged: number;
}

/** Fewest connections of a pair, as RITA has it. */
export const LEAST_CONNECTIONS = 4;

/** Counts pairs, and those that an alert of the given detector has a flow of among its evidence. */
export function countPairs(
  flows: readonly Seen[],
  subject: { name: string; about: string },
  findings: readonly Finding[],
  detector: string,
): PairCounts {
  const flagged = new Set<string>();
  for (const finding of findings)
    if (finding.detector === detector) for (const flow of finding.flows) flagged.add(pairOf(flow));
  const c2 = frequent(
    attacksOf(flows, subject)
      .filter(({ kind }) => kind === 'c2')
      .flatMap((attack) => attack.flows),
  );
  const touched = new Set(flows.filter(({ label }) => label.truth === 'malicious').map(pairOf));
  const benign = frequent(flows.filter(({ label }) => label.truth === 'benign')).filter(
    (pair) => !touched.has(pair),
  );
  return {
    c2: c2.length,
    c2Found: c2.filter((pair) => flagged.has(pair)).length,
    benign: benign.length,
    benignFlagged: benign.filter((pair) => flagged.has(pair)).length,
  };
}

const pairOf = ({ source, destination }: Seen): string => `${source} ${destination}`;

function frequent(flows: readonly Seen[]): string[] {
  const counts = new Map<string, number>();
  for (const flow of flows) counts.set(pairOf(flow), (counts.get(pairOf(flow)) ?? 0) + 1);
  return [...counts].filter(([, count]) => count >= LEAST_CONNECTIONS).map(([pair]) => pair);
}
