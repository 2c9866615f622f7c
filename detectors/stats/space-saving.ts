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
 * streams", ICDT 2005): an unknown item takes the place of the lightest and inherits its weight as error. A binary heap by
 * (weight, item) says which is lightest, so who gives way depends on what was met alone. 32 bytes a counter in typed arrays
 * and about 40 in the index.
 */
export function createSpaceSaving(name: string, capacity: number): SpaceSaving {
  const items = new Float64Array(capacity);
  const weights = new Float64Array(capacity);
  const errors = new Float64Array(capacity);
  const slotOf = new Map<number, number>();
  /** Slots by weight, the lightest first, and where in it each slot is. */
  const heap = new Uint32Array(capacity);
  const places = new Uint32Array(capacity);
  let size = 0;
  let total = 0;

  /** Whether the slot at one place of the heap belongs before that at another. */
  function isLighter(a: number, b: number): boolean {
    const [one, other] = [heap[a]!, heap[b]!];
    const difference = weights[one]! - weights[other]!;
    return difference < 0 || (difference === 0 && items[one]! < items[other]!);
  }
  function swap(a: number, b: number): void {
    const held = heap[a]!;
    heap[a] = heap[b]!;
    heap[b] = held;
    places[heap[a]] = a;
    places[held] = b;
  }
  function sink(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const child = left + 1 < size && isLighter(left + 1, left) ? left + 1 : left;
      if (!isLighter(child, at)) return;
      swap(at, child);
      at = child;
    }
  }
  function rise(from: number): void {
    for (let at = from; at > 0 && isLighter(at, (at - 1) >> 1); at = (at - 1) >> 1) swap(at, (at - 1) >> 1);
  }
  function place(slot: number): void {
    heap[slot] = slot;
    places[slot] = slot;
    slotOf.set(items[slot]!, slot);
    rise(slot);
  }
  const heavy = (slot: number): Heavy => ({
    item: items[slot]!,
    weight: weights[slot]!,
    error: errors[slot]!,
  });

  return {
    get size() {
      return size;
    },
    get total() {
      return total;
    },
    add(item, weight) {
      total += weight;
      const held = slotOf.get(item);
      if (held !== undefined) {
        weights[held] = weights[held]! + weight;
        sink(places[held]!);
        return null;
      }
      if (size < capacity) {
        items[size] = item;
        weights[size] = weight;
        errors[size] = 0;
        place(size++);
        return null;
      }
      const slot = heap[0]!;
      const gone = items[slot]!;
      slotOf.delete(gone);
      slotOf.set(item, slot);
      items[slot] = item;
      errors[slot] = weights[slot]!;
      weights[slot] = weights[slot]! + weight;
      sink(0);
      return gone;
    },
    get(item) {
      const slot = slotOf.get(item);
      return slot === undefined ? null : heavy(slot);
    },
    top: (count) =>
      Array.from({ length: size }, (_, slot) => heavy(slot))
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
      const length = saved('items').length;
      slotOf.clear();
      for (size = 0; size < length;) place(size++);
    },
  };
}
