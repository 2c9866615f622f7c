import type { Endpoint } from '../schema/records.ts';
import type { Identity } from './identity.ts';

/** What was worked out for one address: one identity for each span of time, and what sources said of it. */
export interface CacheEntry {
  /** What it is found under: one text for all flows of the address. */
  readonly key: string;
  /** The identity asked for last, and those of other times; most addresses never have any of these. */
  latest: Identity | null;
  others: Identity[] | null;
  stated: Stated[] | null;
}

/** A source's own words and the identity they gave. */
export interface Stated {
  readonly said: Pick<
    Endpoint,
    'kind' | 'namespace' | 'pod' | 'workloadKind' | 'workload' | 'node' | 'networkSet'
  >;
  readonly identity: Identity;
}

/** Spans of time, and ways of naming it, that are kept for one address. */
const PER_ADDRESS = 8;

export interface IdentityCache {
  /** The entry of an address in a cluster, made empty where there is none. */
  entry(cluster: string, key: string): CacheEntry;
  clear(): void;
  size(): number;
}

/**
 * Bounded by turning over two generations: what was not asked for while half of `maxEntries` others came is given
 * up. As near to least recently used as this needs, for one Map look-up in the usual case.
 */
export function createCache(maxEntries: number, evicted: (count: number) => void): IdentityCache {
  const half = Math.max(1, Math.floor(maxEntries / 2));
  let young = new Map<string, Map<string, CacheEntry>>();
  let old = new Map<string, Map<string, CacheEntry>>();
  let youngCount = 0;
  let oldCount = 0;
  let lastCluster: string | null = null;
  let lastYoung = new Map<string, CacheEntry>();

  const use = (cluster: string): void => {
    const found = young.get(cluster);
    lastYoung = found ?? new Map<string, CacheEntry>();
    if (found === undefined) young.set(cluster, lastYoung);
    lastCluster = cluster;
  };

  return {
    entry(cluster, key) {
      if (cluster !== lastCluster) use(cluster);
      const found = lastYoung.get(key);
      if (found !== undefined) return found;
      if (youngCount >= half) {
        if (oldCount > 0) evicted(oldCount);
        old = young;
        oldCount = youngCount;
        young = new Map();
        youngCount = 0;
        use(cluster);
      }
      const aged = old.get(cluster);
      const entry = aged?.get(key) ?? { key, latest: null, others: null, stated: null };
      if (aged?.delete(key) === true) oldCount--;
      lastYoung.set(key, entry);
      youngCount++;
      return entry;
    },
    clear() {
      young = new Map();
      old = new Map();
      youngCount = oldCount = 0;
      lastCluster = null;
    },
    size: () => youngCount + oldCount,
  };
}

/** Puts the newest first and gives up the oldest of too many. */
export function remember<T>(list: T[] | null, item: T): T[] {
  if (list === null) return [item];
  if (list.length >= PER_ADDRESS) list.pop();
  list.unshift(item);
  return list;
}
