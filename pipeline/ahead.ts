/**
 * What detectors hold of the entries that are to be read again. A snapshot is made detector by detector while the fold
 * goes on, so a later one has taken entries that an earlier one has not. Reading goes on from where the first was
 * saved, and whoever has an entry already passes over it.
 */
export interface Ahead {
  /** Nothing is held ahead: the fold need not ask. */
  readonly isEmpty: boolean;
  has(entry: number, member: number): boolean;
  /** An entry was folded again: all have it now. */
  settle(entry: number): void;
  /** What is held ahead as of now, of the entries that will come again; the others, gone from the log, are forgotten. */
  save(comesAgain: (entry: number) => boolean): Segment[];
  /** `members` says whom each number of a segment is about; null where that one has begun anew. */
  load(segments: readonly Segment[], members: readonly (number | null)[]): void;
}

/** Entries in the order in which they were folded, and how many of them each member had taken when it was saved. */
export interface Segment {
  readonly entries: readonly number[];
  readonly taken: readonly number[];
}

interface Loaded {
  readonly places: Map<number, number>;
  readonly taken: readonly number[];
}

export function createAhead(): Ahead {
  let loaded: Loaded[] = [];
  return {
    get isEmpty() {
      return loaded.length === 0;
    },
    has: (entry, member) =>
      loaded.some(({ places, taken }) => (places.get(entry) ?? Infinity) < (taken[member] ?? 0)),
    settle(entry) {
      let isOver = false;
      for (const { places } of loaded) if (places.delete(entry) && places.size === 0) isOver = true;
      if (isOver) loaded = loaded.filter(({ places }) => places.size > 0);
    },
    save(comesAgain) {
      for (const { places } of loaded)
        for (const entry of places.keys()) if (!comesAgain(entry)) places.delete(entry);
      loaded = loaded.filter(({ places }) => places.size > 0);
      return loaded.map(({ places, taken }) => {
        const kept = [...places];
        // Places are in order, and those that are gone leave gaps.
        const fewer = taken.map((count) => kept.findIndex(([, place]) => place >= count));
        return {
          entries: kept.map(([entry]) => entry),
          taken: fewer.map((count) => (count === -1 ? kept.length : count)),
        };
      });
    },
    load(segments, members) {
      loaded = segments
        .filter(({ entries }) => entries.length > 0)
        .map(({ entries, taken }) => {
          const mine: number[] = [];
          members.forEach((member, i) => {
            if (member !== null) mine[member] = taken[i] ?? 0;
          });
          return { places: new Map(entries.map((entry, place) => [entry, place])), taken: mine };
        });
    },
  };
}
