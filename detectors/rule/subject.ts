import { compileQuery } from '../../query/index.ts';
import type { Flow, PolicyChange } from '../../schema/records.ts';
import type { Occurrence, Seen } from '../open-alert.ts';

/** Kinds of record that a rule may look at, and what many of them are called. */
export const subjectKinds = ['flow', 'policy_change'] as const;
export type SubjectKind = (typeof subjectKinds)[number];
export const nounOf = (kind: SubjectKind): string => (kind === 'flow' ? 'flows' : 'changes');

/** What a rule looks at: records of one kind. */
export type Subject = Flow | PolicyChange;

export const isFlow = (subject: Subject): subject is Flow => 'destination' in subject;

/** A query over the kind that the rule looks at; it is given no other. */
export function predicateOver(kind: SubjectKind, query: string): (subject: Subject) => boolean {
  return compileQuery(kind, query) as (subject: Subject) => boolean;
}

/** As evidence of an alert. */
export function seenOf(subject: Subject, timeMs: number): Seen {
  if (isFlow(subject)) return subject;
  const { id, cluster, tenant, namespace, name } = subject;
  return {
    timeMs,
    cluster,
    tenant,
    owner: null,
    name: namespace === null ? name : `${namespace}/${name}`,
    recordId: id,
  } satisfies Occurrence;
}
