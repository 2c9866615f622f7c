import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';

/** Spans in which something must have spoken to be watched: half an hour of them. */
const REGULAR = 6;
/** The same where somebody else must give way for it: most of a day. */
const REGULAR_WHEN_FULL = 240;

/** Who speaks regularly: the rest is not worth a profile. */
export interface Admission {
  readonly size: number;
  /** Takes a flow of somebody without a profile; true when they should have one. */
  isRegular(key: Hash, bucket: number, isFull: boolean): boolean;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** 18 bytes each. What passes by once, and a scan over ten thousand addresses, gets no further than this. */
export function createAdmission(maxKeys: number, evict: () => void): Admission {
  const table = createKeyTable({ name: 'seen', maxKeys, evict });
  const last = table.column('bucket', Float64Array);
  const spans = table.column('spans', Uint8Array);
  return {
    get size() {
      return table.size;
    },
    isRegular(key, bucket, isFull) {
      const slot = table.claim(key);
      if (last.at[slot] === bucket) return false;
      last.at[slot] = bucket;
      const met = Math.min(spans.at[slot]! + 1, 255);
      const isEnough = met >= (isFull ? REGULAR_WHEN_FULL : REGULAR);
      spans.at[slot] = isEnough ? 0 : met;
      return isEnough;
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
