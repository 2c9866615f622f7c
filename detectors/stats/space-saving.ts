import { bytesOf, readAs } from '../key-table.ts';

/** One of the heaviest, with how much of its weight may belong to those whose place it took. */
export interface Heavy {
  readonly item: number;
  readonly weight: number;
  /** The true weight is at least `weight - error` and at most `weight`. */
  readonly error: number;
}

/** The heaviest of any number of items in a fixed number of counters. */
export interface SpaceSaving {
  readonly size: number;
  /** Sum of all weights taken. */
  readonly total: number;
  /** Takes a weight above 0 for an item, known by 53 bits of its hash. The item that gave way, or null. */
  add(item: number, weight: number): number | null;
  /** Whether it is counted. Whatever has more than `total / capacity` surely is. */
  get(item: number): Heavy | null;
  /** The `count` heaviest, heaviest first; equal ones by item. */
  top(count: number): readonly Heavy[];
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/**
 * Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of frequent and top-k elements in data
 * streams", ICDT 2005): an unknown item takes the place of the lightest and inherits its weight as error. The counters are
 * a binary heap by (weight, item), so which gives way depends on what was met alone. About 24 bytes a counter in typed
 * arrays and 40 in the index.
 */
export function createSpaceSaving(name: string, capacity: number): SpaceSaving {
  const items = new Float64Array(capacity);
  const weights = new Float64Array(capacity);
  const errors = new Float64Array(capacity);
  const placeOf = new Map<number, number>();
  let size = 0;
  let total = 0;

  const isLighter = (a: number, b: number): boolean =>
    weights[a]! < weights[b]! || (weights[a] === weights[b] && items[a]! < items[b]!);

  function swap(a: number, b: number): void {
    for (const values of [items, weights, errors]) {
      const held = values[a]!;
      values[a] = values[b]!;
      values[b] = held;
    }
    placeOf.set(items[a]!, a);
    placeOf.set(items[b]!, b);
  }
  function sink(from: number): void {
    for (let at = from; ;) {
      let lightest = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < size && isLighter(child, lightest)) lightest = child;
      if (lightest === at) return;
      swap(at, lightest);
      at = lightest;
    }
  }
  function rise(from: number): void {
    for (let at = from; at > 0 && isLighter(at, (at - 1) >> 1); at = (at - 1) >> 1) swap(at, (at - 1) >> 1);
  }
  const heavy = (at: number): Heavy => ({ item: items[at]!, weight: weights[at]!, error: errors[at]! });

  return {
    get size() {
      return size;
    },
    get total() {
      return total;
    },
    add(item, weight) {
      total += weight;
      const held = placeOf.get(item);
      if (held !== undefined) {
        weights[held] = weights[held]! + weight;
        sink(held);
        return null;
      }
      if (size < capacity) {
        items[size] = item;
        weights[size] = weight;
        errors[size] = 0;
        placeOf.set(item, size);
        rise(size++);
        return null;
      }
      const gone = items[0]!;
      placeOf.delete(gone);
      items[0] = item;
      errors[0] = weights[0]!;
      weights[0] = weights[0]! + weight;
      placeOf.set(item, 0);
      sink(0);
      return gone;
    },
    get(item) {
      const at = placeOf.get(item);
      return at === undefined ? null : heavy(at);
    },
    top: (count) =>
      Array.from({ length: size }, (_, at) => heavy(at))
        .sort((a, b) => b.weight - a.weight || a.item - b.item)
        .slice(0, count),
    *sections() {
      yield [`${name}.total`, bytesOf(Float64Array.of(total))];
      yield [`${name}.items`, bytesOf(items.subarray(0, size))];
      yield [`${name}.weights`, bytesOf(weights.subarray(0, size))];
      yield [`${name}.errors`, bytesOf(errors.subarray(0, size))];
    },
    restore(sections) {
      const saved = (part: string) =>
        readAs(Float64Array, sections.get(`${name}.${part}`) ?? new Uint8Array(0));
      [total = 0] = saved('total');
      items.set(saved('items'));
      weights.set(saved('weights'));
      errors.set(saved('errors'));
      size = saved('items').length;
      placeOf.clear();
      for (let at = 0; at < size; at++) placeOf.set(items[at]!, at);
    },
  };
}
