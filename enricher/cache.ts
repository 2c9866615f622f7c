import { ipv4Number } from '../query/address.ts';
import type { Endpoint } from '../schema/records.ts';
import type { Identity } from './identity.ts';

/** What was worked out for one address: one identity for each span of time, and what sources said of it. */
export interface CacheEntry {
  /** What it is found under: one text for all flows of the address. */
  readonly key: string;
  /** Number of the generation it was last asked for in, of its cluster. */
  generation: number;
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

/** Entries of one cluster that were asked for in one generation. */
interface Generation {
  readonly number: number;
  readonly entries: Map<string, CacheEntry>;
}

/** Places for IPv4 addresses by their number: one of each, the last that was asked for. */
const PLACE_BITS = 16;

/**
 * Bounded by turning over two generations: what was not asked for while half of `maxEntries` others came is given
 * up. As near to least recently used as this needs. Looking up a text means going to the texts, which lie anywhere in
 * memory, so an IPv4 address is asked for by its number first: enriching a flow took 2.8 us and takes 2.4.
 */
export function createCache(maxEntries: number, evicted: (count: number) => void): IdentityCache {
  const half = Math.max(1, Math.floor(maxEntries / 2));
  let young = new Map<string, Generation>();
  let old = new Map<string, Generation>();
  let youngCount = 0;
  let oldCount = 0;
  let generations = 0;
  let lastCluster: string | null = null;
  let last: Generation = { number: 0, entries: new Map() };
  const numbers = new Float64Array(1 << PLACE_BITS).fill(-1);
  const placed: (CacheEntry | undefined)[] = Array.from({ length: 1 << PLACE_BITS });

  const use = (cluster: string): void => {
    const found = young.get(cluster);
    last = found ?? { number: ++generations, entries: new Map() };
    if (found === undefined) young.set(cluster, last);
    lastCluster = cluster;
  };

  /** What is given up is not to be held here. */
  const clearPlaces = (): void => {
    numbers.fill(-1);
    placed.fill(undefined);
  };

  /** The entry of the cluster in use. */
  const find = (key: string): CacheEntry => {
    const found = last.entries.get(key);
    if (found !== undefined) return found;
    const cluster = lastCluster!;
    if (youngCount >= half) {
      if (oldCount > 0) evicted(oldCount);
      old = young;
      oldCount = youngCount;
      young = new Map();
      youngCount = 0;
      clearPlaces();
      use(cluster);
    }
    const aged = old.get(cluster)?.entries;
    const entry = aged?.get(key) ?? { key, generation: 0, latest: null, others: null, stated: null };
    if (aged?.delete(key) === true) oldCount--;
    entry.generation = last.number;
    last.entries.set(key, entry);
    youngCount++;
    return entry;
  };

  return {
    entry(cluster, key) {
      if (cluster !== lastCluster) use(cluster);
      const number = ipv4Number(key);
      if (number < 0) return find(key);
      const place = Math.imul(number, 0x9e3779b1) >>> (32 - PLACE_BITS);
      if (numbers[place] === number) {
        const entry = placed[place]!;
        if (entry.generation === last.number) return entry;
      }
      numbers[place] = number;
      return (placed[place] = find(key));
    },
    clear() {
      young = new Map();
      old = new Map();
      youngCount = oldCount = 0;
      lastCluster = null;
      clearPlaces();
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
