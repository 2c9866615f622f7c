/** Kafka's default partitioner hash, so that other producers and consumers place keys as we do. */
export function murmur2(text: string): number {
  const data = Buffer.from(text);
  const length = data.length;
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k = data.readInt32LE(i);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length - i;
  if (rest >= 3) h ^= data[i + 2]! << 16;
  if (rest >= 2) h ^= data[i + 1]! << 8;
  if (rest >= 1) {
    h ^= data[i]!;
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  h ^= h >>> 15;
  return h & 0x7fffffff;
}

/** Partition of a key among `count`. */
export const partitionOf = (key: string, count: number): number => murmur2(key) % count;

const MAX_CACHED = 100_000;

/** The same for keys of which a few come again and again: hashing one costs more than looking it up. */
export function cachedPartitions(count: number): (key: string) => number {
  const known = new Map<string, number>();
  return (key) => {
    let partition = known.get(key);
    if (partition === undefined) {
      if (known.size >= MAX_CACHED) known.clear();
      known.set(key, (partition = partitionOf(key, count)));
    }
    return partition;
  };
}
