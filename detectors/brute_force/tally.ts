import type { Column, KeyTable } from '../key-table.ts';

const TEN_MINUTES_MS = 600_000;
/** The longer of the two windows. */
export const WINDOW_MS = 1_800_000;
/** Half of what is usual is forgotten in a day. */
const HALF_LIFE_MS = 86_400_000;
const MEAN_LIFE_MS = HALF_LIFE_MS / Math.LN2;

/** Counts per key in two windows, each beginning with its first, beside what is usual for the key. */
export interface Tally {
  /** Counts one at a slot. Says whether a new window of thirty minutes began with it. */
  add(slot: number, timeMs: number): boolean;
  inTen(slot: number): number;
  inThirty(slot: number): number;
  /** What the key usually has in ten minutes, as of before the present thirty. */
  usualInTen(slot: number): number;
  /** Event time at which the present thirty minutes began. */
  sinceMs(slot: number): number;
}

/** Declares its columns in the table; 46 bytes a key. */
export function createTally(table: KeyTable): Tally {
  const column = (name: string, type: Parameters<KeyTable['column']>[1]): Column => table.column(name, type);
  const tenMs = column('tenMs', Float64Array);
  const ten = column('ten', Uint16Array);
  const thirtyMs = column('thirtyMs', Float64Array);
  const thirty = column('thirty', Uint32Array);
  const usual = column('usual', Float64Array);
  const usualMs = column('usualMs', Float64Array);
  const before = column('before', Float32Array);

  return {
    add(slot, timeMs) {
      const began = thirty.at[slot] === 0 || timeMs - thirtyMs.at[slot]! > WINDOW_MS;
      if (timeMs - tenMs.at[slot]! > TEN_MINUTES_MS) {
        tenMs.at[slot] = timeMs;
        ten.at[slot] = 0;
      }
      const left = usual.at[slot]! * 2 ** (-Math.max(0, timeMs - usualMs.at[slot]!) / HALF_LIFE_MS);
      if (began) {
        thirtyMs.at[slot] = timeMs;
        thirty.at[slot] = 0;
        before.at[slot] = (left / MEAN_LIFE_MS) * TEN_MINUTES_MS;
      }
      ten.at[slot] = Math.min(ten.at[slot]! + 1, 65_535);
      thirty.at[slot] = thirty.at[slot]! + 1;
      usual.at[slot] = left + 1;
      usualMs.at[slot] = timeMs;
      return began;
    },
    inTen: (slot) => ten.at[slot]!,
    inThirty: (slot) => thirty.at[slot]!,
    usualInTen: (slot) => before.at[slot]!,
    sinceMs: (slot) => thirtyMs.at[slot]!,
  };
}

/** A rule that was met: what it counted, against which threshold, since when. */
export interface Decision {
  readonly kind: number;
  readonly observed: number;
  readonly threshold: number;
  readonly usual: number;
  readonly sinceMs: number;
  /** How many sources, where it was they that were counted. */
  readonly sources?: number;
}
