/**
 * Holds what may still be overtaken and releases it in (timeMs, id) order as the watermark passes. Buckets of
 * one second keep insertion cheap: a bucket is sorted when the watermark reaches it, and again only if more
 * comes into it after that.
 */
export interface Sortable {
  readonly timeMs: number;
  readonly id: string;
  /** Orders the copies of one record. */
  readonly tie: number;
}

export interface SortBuffer<T extends Sortable> {
  add(item: T): void;
  /** Everything at or below the watermark, in order. */
  release(watermarkMs: number): T[];
  /** The oldest bucket, in order, and the time up to which it reaches; for when the buffer is full. */
  releaseOldest(): { items: T[]; upToMs: number };
  items(): Iterable<T>;
  readonly size: number;
}

const BUCKET_MS = 1000;

const byTimeAndId = (a: Sortable, b: Sortable): number =>
  a.timeMs - b.timeMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : a.tie - b.tie);

interface Bucket<T> {
  items: T[];
  /** Those before it were released. */
  next: number;
  isSorted: boolean;
}

export function createSortBuffer<T extends Sortable>(): SortBuffer<T> {
  const buckets = new Map<number, Bucket<T>>();
  let oldest = Infinity;
  let size = 0;
  const findOldest = (): void => {
    oldest = Infinity;
    for (const bucket of buckets.keys()) if (bucket < oldest) oldest = bucket;
  };
  function sort(bucket: Bucket<T>): void {
    if (bucket.isSorted) return;
    if (bucket.next > 0) bucket.items = bucket.items.slice(bucket.next);
    bucket.next = 0;
    bucket.items.sort(byTimeAndId);
    bucket.isSorted = true;
  }
  /** Moves what is due from a bucket to `out`; an empty one is forgotten. */
  function take(number: number, upToMs: number, out: T[]): void {
    const bucket = buckets.get(number)!;
    sort(bucket);
    const { items } = bucket;
    const before = bucket.next;
    while (bucket.next < items.length && items[bucket.next]!.timeMs <= upToMs)
      out.push(items[bucket.next++]!);
    size -= bucket.next - before;
    if (bucket.next === items.length) buckets.delete(number);
  }
  return {
    add(item) {
      const number = Math.floor(item.timeMs / BUCKET_MS);
      const bucket = buckets.get(number);
      if (bucket) {
        bucket.items.push(item);
        bucket.isSorted = false;
      } else {
        buckets.set(number, { items: [item], next: 0, isSorted: true });
        if (number < oldest) oldest = number;
      }
      size++;
    },
    release(watermarkMs) {
      if (size === 0 || oldest * BUCKET_MS > watermarkMs) return [];
      const last = Math.floor(watermarkMs / BUCKET_MS);
      const due = [...buckets.keys()].filter((bucket) => bucket <= last).sort((a, b) => a - b);
      const out: T[] = [];
      for (const bucket of due) take(bucket, watermarkMs, out);
      findOldest();
      return out;
    },
    releaseOldest() {
      const upToMs = (oldest + 1) * BUCKET_MS - 1;
      const items: T[] = [];
      take(oldest, upToMs, items);
      findOldest();
      return { items, upToMs };
    },
    *items() {
      for (const { items, next } of buckets.values())
        for (let at = next; at < items.length; at++) yield items[at]!;
    },
    get size() {
      return size;
    },
  };
}
