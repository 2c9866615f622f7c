import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createDecayedRate } from '../stats/decayed-rate.ts';
import type { Options } from './options.ts';

const DAY_MS = 86_400_000;

/** What is lost in one place, against what usually is. */
export interface Growth {
  readonly lost: number;
  readonly usual: number;
  readonly threshold: number;
}

/** Records lost, by place. */
export interface Losses {
  readonly size: number;
  add(place: Hash, count: number, timeMs: number): Growth;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** A window begins with its first loss; what is usual is what was so then. */
export function createLosses(options: Options, maxKeys: number, evict: () => void): Losses {
  const { lossWindowMs, lossLeast, lossFactor } = options;
  const table = createKeyTable({ name: 'loss', maxKeys, evict });
  const rate = createDecayedRate(table, 'rate', { halfLifeMs: DAY_MS, leastMs: DAY_MS });
  const sinceMs = table.column('sinceMs', Float64Array);
  const lost = table.column('lost', Float64Array);
  const usual = table.column('usual', Float64Array);
  return {
    get size() {
      return table.size;
    },
    add(place, count, timeMs) {
      const slot = table.claim(place);
      if (lost.at[slot] === 0 || timeMs - sinceMs.at[slot]! >= lossWindowMs) {
        sinceMs.at[slot] = timeMs;
        lost.at[slot] = 0;
        usual.at[slot] = rate.expected(slot, timeMs, lossWindowMs);
      }
      lost.at[slot] = lost.at[slot]! + count;
      rate.add(slot, count, timeMs);
      const threshold = Math.max(lossLeast, lossFactor * usual.at[slot]!);
      return { lost: lost.at[slot], usual: usual.at[slot]!, threshold };
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
