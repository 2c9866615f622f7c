import type { Delivery } from '../../pipeline/contracts.ts';

const keyOf = (item: Delivery): string =>
  `${item.kind} ${item.record.id} ${'revision' in item.record ? item.record.revision : 0}`;

/**
 * Which records were handed to a connection that then broke: when they come again they are resends. Bounded: the
 * oldest are forgotten first, their resends then carry no mark.
 */
export function resentMarks(maxRecords: number): {
  add(items: readonly Delivery[]): void;
  has(item: Delivery): boolean;
  /** Called for what is confirmed. */
  forget(items: readonly Delivery[]): void;
} {
  const keys = new Set<string>();
  return {
    add: (items) => {
      for (const item of items) keys.add(keyOf(item));
      for (const key of keys) {
        if (keys.size <= maxRecords) break;
        keys.delete(key);
      }
    },
    has: (item) => keys.size > 0 && keys.has(keyOf(item)),
    forget: (items) => {
      if (keys.size > 0) for (const item of items) keys.delete(keyOf(item));
    },
  };
}
