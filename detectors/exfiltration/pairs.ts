import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import type { Transfer } from './transfer.ts';

/** What went to a destination since it was first met. */
export interface Pair {
  readonly slot: number;
  readonly isFirst: boolean;
  readonly firstMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly flows: number;
  /** It was known before there was anything to compare with, or is by now. */
  readonly isKnown: boolean;
}

/** Senders and whom they send to. */
export interface Pairs {
  readonly size: number;
  /** `isKnown` says whether a pair that is met for the first time is nothing new. */
  add(pair: Hash, transfer: Transfer, timeMs: number, isKnown: () => boolean): Pair;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** 53 bytes a pair. */
export function createPairs(newMs: number, maxKeys: number, evict: () => void): Pairs {
  const table = createKeyTable({ name: 'pair', maxKeys, evict });
  const firstMs = table.column('firstMs', Float64Array);
  const sent = table.column('sent', Float64Array);
  const received = table.column('received', Float64Array);
  const flows = table.column('flows', Uint32Array);
  const known = table.column('known', Uint8Array);
  return {
    get size() {
      return table.size;
    },
    add(pair, transfer, timeMs, isKnown) {
      let slot = table.find(pair);
      const isFirst = slot === -1;
      if (isFirst) {
        slot = table.claim(pair);
        firstMs.at[slot] = timeMs;
        known.at[slot] = isKnown() ? 1 : 0;
      } else if (timeMs - firstMs.at[slot]! > newMs) known.at[slot] = 1;
      return {
        slot,
        isFirst,
        firstMs: firstMs.at[slot]!,
        sentBytes: (sent.at[slot] = sent.at[slot]! + transfer.sentBytes),
        receivedBytes: (received.at[slot] = received.at[slot]! + transfer.receivedBytes),
        flows: (flows.at[slot] = flows.at[slot]! + 1),
        isKnown: known.at[slot] === 1,
      };
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
