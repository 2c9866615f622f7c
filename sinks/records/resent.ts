import type { Delivery } from '../../pipeline/contracts.ts';
import type { RecordKind } from '../../schema/records.ts';

/** Which records were sent, without holding them: kinds, ids and revisions, one after the other. */
export interface SentKeys {
  readonly kinds: readonly RecordKind[];
  readonly ids: readonly string[];
  readonly revisions: readonly number[];
}

const revisionOf = (item: Delivery): number => ('revision' in item.record ? item.record.revision : 0);

export function sentKeys(items: readonly Delivery[]): SentKeys {
  const kinds: RecordKind[] = [];
  const ids: string[] = [];
  const revisions: number[] = [];
  for (const item of items) {
    kinds.push(item.kind);
    ids.push(item.record.id);
    revisions.push(revisionOf(item));
  }
  return { kinds, ids, revisions };
}

const keyOf = (kind: string, id: string, revision: number): string => `${kind} ${id} ${revision}`;

/**
 * Which records were handed over without it being known whether they arrived: when they come again they are resends.
 * Bounded: the oldest are forgotten first, their resends then carry no mark.
 */
export function resentMarks(maxRecords: number): {
  add(sent: SentKeys): void;
  has(item: Delivery): boolean;
  /** Called for what is confirmed. */
  forget(sent: SentKeys): void;
} {
  const keys = new Set<string>();
  const each = (sent: SentKeys, act: (key: string) => void): void => {
    for (let i = 0; i < sent.ids.length; i++) act(keyOf(sent.kinds[i]!, sent.ids[i]!, sent.revisions[i]!));
  };
  return {
    add: (sent) => {
      each(sent, (key) => keys.add(key));
      for (const key of keys) {
        if (keys.size <= maxRecords) break;
        keys.delete(key);
      }
    },
    has: (item) => keys.size > 0 && keys.has(keyOf(item.kind, item.record.id, revisionOf(item))),
    forget: (sent) => {
      if (keys.size > 0) each(sent, (key) => keys.delete(key));
    },
  };
}
