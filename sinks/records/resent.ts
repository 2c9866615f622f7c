import type { Delivery } from '../../pipeline/contracts.ts';
import { keyOf } from './about.ts';

/**
 * Which records were handed over without it being known whether they arrived: when they come again they are resends.
 * Bounded: the oldest are forgotten first, their resends then carry no mark.
 */
export function resentMarks(maxRecords: number): {
  add(items: readonly Delivery[]): void;
  has(item: Delivery): boolean;
  /** Called for what is confirmed. */
  forget(items: readonly Delivery[]): void;
} {
  const keys = new Set<string>();
  const nameOf = (item: Delivery): string => `${item.kind} ${keyOf(item)}`;
  return {
    add: (items) => {
      for (const item of items) keys.add(nameOf(item));
      for (const key of keys) {
        if (keys.size <= maxRecords) break;
        keys.delete(key);
      }
    },
    has: (item) => keys.size > 0 && keys.has(nameOf(item)),
    forget: (items) => {
      if (keys.size > 0) for (const item of items) keys.delete(nameOf(item));
    },
  };
}
