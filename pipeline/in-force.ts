/** Something that is in force from an event time on. */
export interface Dated {
  /** -Infinity for what is in force from the beginning. */
  readonly fromMs: number;
}

/**
 * What is in force at which event time. Whoever asks gets the same answer for the same time, whenever it asks, as long
 * as it has heard of the same changes: that is what makes a reload part of the stream.
 */
export interface InForce<T extends Dated> {
  at(timeMs: number): T;
  /** What follows one; null while it is the newest. */
  after(one: T): T | null;
  newest(): T;
  /** Every one that is remembered, oldest first. */
  all(): readonly T[];
  /** What is in force from the beginning, in place of all that was said before; only before anything was judged. */
  begin(first: T): void;
  /** What is in force from `fromMs` on, but never before what was added last. */
  add(fromMs: number, make: (fromMs: number, last: T) => T): void;
}

/** More changes than anybody is behind: beyond it the two oldest become one. */
const MOST = 64;

export function createInForce<T extends Dated>(first: T): InForce<T> {
  const all: T[] = [first];
  return {
    at(timeMs) {
      for (let i = all.length - 1; i > 0; i--) if (all[i]!.fromMs <= timeMs) return all[i]!;
      return all[0]!;
    },
    after: (one) => all[all.findIndex(({ fromMs }) => fromMs === one.fromMs) + 1] ?? null,
    newest: () => all.at(-1)!,
    all: () => all,
    begin: (from) => void all.splice(0, all.length, from),
    add(fromMs, make) {
      const last = all.at(-1)!;
      all.push(make(Math.max(fromMs, last.fromMs + 1), last));
      if (all.length > MOST) all.splice(0, 2, { ...all[1]!, fromMs: -Infinity });
    },
  };
}
