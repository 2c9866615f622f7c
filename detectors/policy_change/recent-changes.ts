import type { Party, PolicyChange } from '../../schema/records.ts';
import { addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { createShortMemory, type ShortMemory } from '../short-memory.ts';
import { policyOf, policyParty, told, type Finding } from './finding.ts';

/** What to say of a change when connections follow it. */
export interface RecentChange {
  readonly sinceMs: number;
  readonly id: string;
  readonly text: string;
  readonly policy: string;
  readonly party: Party;
  readonly weakens: boolean;
  /** Of the whole cluster, and not of a namespace. */
  readonly isWide: boolean;
}

/** The last change of each namespace, one that weakens it before one that may not. */
export interface RecentChanges extends Pick<ShortMemory<RecentChange>, 'size' | 'section' | 'restore'> {
  add(change: PolicyChange, finding: Finding | null, timeMs: number): void;
  /** What was lately changed for namespaces: what weakens first, then their own policies before those of the cluster. */
  of(cluster: string, namespaces: readonly string[], timeMs: number): RecentChange | undefined;
}

/** Namespaces whose change is remembered, in each lane. */
const MAX_CHANGES = 200;

export function createRecentChanges(
  keepMs: number,
  maxKeys: number,
  evicted: (count: number) => void,
): RecentChanges {
  const max = Math.min(MAX_CHANGES, maxKeys);
  const memory = createShortMemory<RecentChange>({ name: 'changes', keepMs, max, evicted });
  const hash = newHash();

  function handle(cluster: string, namespace: string): number {
    startHash(hash);
    addText(hash, cluster);
    addText(hash, namespace);
    finishHash(hash);
    return handleOf(hash);
  }

  return {
    get size() {
      return memory.size;
    },
    add(change, finding, timeMs) {
      const at = handle(change.cluster, change.namespace ?? '');
      const weakens = finding !== null;
      if (!weakens && memory.get(at, timeMs)?.weakens) return;
      memory.set(at, {
        sinceMs: timeMs,
        id: change.id,
        text: told(change, finding),
        policy: policyOf(change),
        party: policyParty(change),
        weakens,
        isWide: change.namespace === null,
      });
    },
    of(cluster, namespaces, timeMs) {
      let found: RecentChange | undefined;
      for (const namespace of [...namespaces, '']) {
        const change = memory.get(handle(cluster, namespace), timeMs);
        if (change?.weakens) return change;
        found ??= change;
      }
      return found;
    },
    section: () => memory.section(),
    restore: (sections) => memory.restore(sections),
  };
}
