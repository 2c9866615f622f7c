import type { ColumnHolder } from './holder.ts';

/** How often something happens to each key, forgetting what is long ago. */
export interface DecayedRate {
  /** Takes a count that came in at a time. A time before the last one counts as the last one. */
  add(slot: number, count: number, timeMs: number): void;
  /** Expected count in a span of `spanMs` that follows `timeMs`; 0 before the first count. */
  expected(slot: number, timeMs: number, spanMs: number): number;
  /** How long the key has been known at `timeMs`; 0 before the first count. */
  ageMs(slot: number, timeMs: number): number;
}

/**
 * Rate of a point process by an exponential kernel: the sum of exp(-age / tau) over all events, divided by what that
 * sum would be for a rate of one since the key is known, tau * (1 - exp(-known / tau)); so a young key is not
 * underrated (edge correction as P. Diggle, "A kernel method for smoothing point process data", Appl. Stat. 34, 1985).
 * A key known for less than `leastMs` is taken to be known that long. 24 bytes a key.
 */
export function createDecayedRate(
  table: ColumnHolder,
  name: string,
  options: { readonly halfLifeMs: number; readonly leastMs: number },
): DecayedRate {
  const tauMs = options.halfLifeMs / Math.LN2;
  const sums = table.column(`${name}.sum`, Float64Array);
  const lastMs = table.column(`${name}.lastMs`, Float64Array);
  const firstMs = table.column(`${name}.firstMs`, Float64Array);

  const kept = (slot: number, timeMs: number): number =>
    Math.exp(-Math.max(0, timeMs - lastMs.at[slot]!) / tauMs);
  const ageMs = (slot: number, timeMs: number): number =>
    sums.at[slot] === 0 ? 0 : Math.max(0, timeMs - firstMs.at[slot]!);
  return {
    add(slot, count, timeMs) {
      if (sums.at[slot] === 0) {
        firstMs.at[slot] = timeMs;
        lastMs.at[slot] = timeMs;
      }
      // Never back to 0, which says that the key was not met: a rate that small is none anyway.
      sums.at[slot] = Math.max(sums.at[slot]! * kept(slot, timeMs) + count, Number.MIN_VALUE);
      lastMs.at[slot] = Math.max(lastMs.at[slot]!, timeMs);
    },
    expected(slot, timeMs, spanMs) {
      if (sums.at[slot] === 0) return 0;
      const knownMs = Math.max(ageMs(slot, timeMs), options.leastMs);
      const perMs = (sums.at[slot]! * kept(slot, timeMs)) / (tauMs * -Math.expm1(-knownMs / tauMs));
      return perMs * spanMs;
    },
    ageMs,
  };
}
