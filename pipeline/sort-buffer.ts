/**
 * Holds what may still be overtaken and releases it in (timeMs, id) order as the watermark passes. Buckets of
 * one second keep insertion cheap: only a bucket that is released is sorted.
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

export function createSortBuffer<T extends Sortable>(): SortBuffer<T> {
  const buckets = new Map<number, T[]>();
  let oldest = Infinity;
  let size = 0;
  const findOldest = (): void => {
    oldest = Infinity;
    for (const bucket of buckets.keys()) if (bucket < oldest) oldest = bucket;
  };
  function take(bucket: number): T[] {
    const items = buckets.get(bucket) ?? [];
    buckets.delete(bucket);
    size -= items.length;
    return items.sort(byTimeAndId);
  }
  return {
    add(item) {
      const bucket = Math.floor(item.timeMs / BUCKET_MS);
      const held = buckets.get(bucket);
      if (held) held.push(item);
      else {
        buckets.set(bucket, [item]);
        if (bucket < oldest) oldest = bucket;
      }
      size++;
    },
    release(watermarkMs) {
      if (size === 0 || oldest * BUCKET_MS > watermarkMs) return [];
      const last = Math.floor(watermarkMs / BUCKET_MS);
      const due = [...buckets.keys()].filter((bucket) => bucket <= last).sort((a, b) => a - b);
      const out: T[] = [];
      for (const bucket of due) {
        const items = take(bucket);
        if (bucket < last) for (const item of items) out.push(item);
        else {
          const kept: T[] = [];
          for (const item of items) (item.timeMs <= watermarkMs ? out : kept).push(item);
          if (kept.length > 0) {
            buckets.set(bucket, kept);
            size += kept.length;
          }
        }
      }
      findOldest();
      return out;
    },
    releaseOldest() {
      const upToMs = (oldest + 1) * BUCKET_MS - 1;
      const items = take(oldest);
      findOldest();
      return { items, upToMs };
    },
    *items() {
      for (const bucket of buckets.values()) yield* bucket;
    },
    get size() {
      return size;
    },
  };
}
