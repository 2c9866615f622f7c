import { compileQuery } from '../../query/index.ts';
import type { Flow } from '../../schema/records.ts';
import { entries } from './entries.ts';

/** Kinds of normal traffic; a detector asks only for those that could look like what it finds. */
export type KnownGoodGroup = (typeof entries)[number]['group'];

/** One kind of traffic that is normal in a cluster. */
export interface KnownGood {
  readonly name: string;
  readonly group: KnownGoodGroup;
  /** Why it is normal. */
  readonly why: string;
  /** Query over flows. */
  readonly where: string;
}

/** What is known to be normal in any cluster, as kubernetes.yaml has it. */
export const knownGoodEntries: readonly KnownGood[] = entries;

/**
 * Says which normal traffic a flow is, of the groups asked for; null when it is none. It goes through the queries one by
 * one, a few microseconds a flow: ask when something is about to be raised, not for every flow.
 */
export function createKnownGood(groups: readonly KnownGoodGroup[]): (flow: Flow) => KnownGood | null {
  const compiled = knownGoodEntries
    .filter(({ group }) => groups.includes(group))
    .map((entry) => ({ entry, holds: compileQuery('flow', entry.where) }));
  return (flow) => compiled.find(({ holds }) => holds(flow))?.entry ?? null;
}
