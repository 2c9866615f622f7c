import type { Finding } from './findings.ts';
import { kindOf, type AttackKind } from './kinds.ts';
import type { Seen } from './run-case.ts';

/** One attack of a case: malicious flows of one description, by one initiator. */
export interface Attack {
  readonly detail: string;
  readonly kind: AttackKind;
  readonly flows: readonly Seen[];
  /** When its first flow began. */
  readonly beginMs: number;
  /** Event time of the first record that shows it: an origin tells of a connection when it ends. */
  readonly shownMs: number;
}

/** An attack with what found it. */
export interface JudgedAttack {
  readonly detail: string;
  readonly kind: AttackKind;
  readonly flows: number;
  /** Each detector that found it; the first first. */
  readonly foundBy: readonly Found[];
}

export interface Found {
  readonly detector: string;
  /** From the begin of the first malicious flow to the alert. */
  readonly afterMs: number;
  /** The same by event time alone, from the first malicious record: what detection adds to the wait for the origin. */
  readonly afterShownMs: number;
}

/** More initiators than this in one description are a crowd that does one thing, such as a flood or a botnet. */
export const CROWD = 20;

export function attacksOf(flows: readonly Seen[], subject: { name: string; about: string }): Attack[] {
  const byDetail = new Map<string, Seen[]>();
  for (const flow of flows) if (flow.label.truth === 'malicious') addTo(byDetail, flow.label.detail, flow);
  return [...byDetail].flatMap(([detail, members]) => {
    const parts = byInitiator(members);
    return (parts.length > CROWD ? [members] : parts).map((part) => ({
      detail,
      kind: kindOf([detail, subject.name, subject.about]),
      flows: part,
      beginMs: part.reduce((least, { startMs }) => Math.min(least, startMs), Number.POSITIVE_INFINITY),
      shownMs: part.reduce((least, { endMs }) => Math.min(least, endMs), Number.POSITIVE_INFINITY),
    }));
  });
}

/** Flows by who began it all: of two that speak to each other, the one with more flows is who asked. */
function byInitiator(flows: readonly Seen[]): Seen[][] {
  const begun = new Map<string, number>();
  const met = new Set<string>();
  for (const { source, destination } of flows) {
    begun.set(source, (begun.get(source) ?? 0) + 1);
    met.add(`${source} ${destination}`);
  }
  const parts = new Map<string, Seen[]>();
  for (const flow of flows) {
    const { source, destination } = flow;
    const isAnswer =
      met.has(`${destination} ${source}`) && (begun.get(destination) ?? 0) > (begun.get(source) ?? 0);
    addTo(parts, isAnswer ? destination : source, flow);
  }
  return [...parts.values()];
}

/** An attack is found by a true alert that has one of its flows among its evidence. */
export function judgeAttacks(attacks: readonly Attack[], findings: readonly Finding[]): JudgedAttack[] {
  const findingsOfFlow = new Map<string, Finding[]>();
  for (const finding of findings)
    if (finding.verdict === 'true')
      for (const { id, label } of finding.flows)
        if (label.truth === 'malicious') addTo(findingsOfFlow, id, finding);
  return attacks.map(({ detail, kind, flows, beginMs, shownMs }) => {
    const first = new Map<string, number>();
    for (const { id } of flows)
      for (const { detector, raisedMs } of findingsOfFlow.get(id) ?? []) {
        first.set(detector, Math.min(first.get(detector) ?? Number.POSITIVE_INFINITY, raisedMs));
      }
    const foundBy = [...first]
      .map(([detector, raisedMs]) => ({
        detector,
        afterMs: Math.max(0, raisedMs - beginMs),
        afterShownMs: Math.max(0, raisedMs - shownMs),
      }))
      .sort((a, b) => a.afterMs - b.afterMs || (a.detector < b.detector ? -1 : 1));
    return { detail, kind, flows: flows.length, foundBy };
  });
}

function addTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
