import { WeirError } from '../pipeline/errors.ts';

/** What has to be written first, by partition, after a write that failed. */
export interface Holds {
  /** These places failed from these offsets on. */
  add(places: readonly string[], offsets: readonly number[]): void;
  /**
   * Throws, retryably, when one of the places waits for an earlier offset than it is given here: its cursor would
   * hide what failed. A place that is given that offset waits no longer.
   */
  pass(places: readonly string[], offsets: readonly number[]): void;
}

/** A write that failed is repeated; what comes after it in its partition waits for that, but not for ever. */
const HOLD_MS = 15 * 60_000;

export function createHolds(now: () => number): Holds {
  const held = new Map<string, { offset: number; untilMs: number }>();
  return {
    add(places, offsets) {
      for (const [i, place] of places.entries()) {
        const offset = Math.min(offsets[i]!, held.get(place)?.offset ?? Infinity);
        held.set(place, { offset, untilMs: now() + HOLD_MS });
      }
    },
    pass(places, offsets) {
      for (const [i, place] of places.entries()) {
        const hold = held.get(place);
        if (!hold) continue;
        if (offsets[i]! > hold.offset && now() < hold.untilMs)
          throw new WeirError('sink_unavailable', `an earlier write of ${place} has to be repeated first`);
        held.delete(place);
      }
    },
  };
}
