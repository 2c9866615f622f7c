import type { Inventory } from '../../schema/records.ts';
import { addressesOf, addressKey } from './addresses.ts';
import { allTime, heldAt, type Version, type Window } from './timeline.ts';

/** What one cluster held, as of any time that is remembered. `window` is narrowed to where the answer holds. */
export interface ClusterView {
  /** Pods, nodes and services that had the address, the latest first; pods on the host's network after nodes. */
  at(network: string | null, ip: string, timeMs: number, window: Window): Version[];
  /** The object of a name; namespaced kinds need their namespace. */
  named(
    kind: string,
    namespace: string | null,
    name: string,
    timeMs: number,
    window: Window,
  ): Inventory | null;
  /** Pods that share the node's address or hold one of its ports. */
  hostPods(node: string, timeMs: number, window: Window): Inventory[];
  /** Endpoint slices that list the address. */
  slices(ip: string, timeMs: number, window: Window): Inventory[];
  /** Services that listen on the port of every node. */
  nodePort(port: number, protocol: number, timeMs: number): Inventory[];
}

export interface InventoryIndex {
  cluster(name: string): ClusterView | null;
  /** Who had the address at the time: the record, or null. */
  endpointAt(cluster: string, network: string | null, ip: string, timeMs: number): Inventory | null;
  /**
   * Takes a complete list of what a cluster held at `asOfMs`. What was there before and is not listed ended
   * then; what is listed with another content is a new version from then on.
   */
  replace(cluster: string, records: readonly Inventory[], asOfMs: number): void;
  /** Increases with every change: what was answered before may no longer hold. */
  generation(): number;
  counts(): { readonly objects: number; readonly versions: number; readonly evicted: number };
}

export interface InventoryLimits {
  /** How long an object that is gone is remembered, in ms. */
  readonly historyMs: number;
  /** Greatest number of versions remembered for one address, name or object. */
  readonly maxVersions: number;
}

/** Incarnations by address and name, over time and apart for each cluster. Holds no clock and does no I/O. */
export function createInventory(limits: InventoryLimits): InventoryIndex {
  const clusters = new Map<string, { objects: Map<string, Version[]>; view: ClusterView; evicted: number }>();
  let generation = 0;
  return {
    cluster: (name) => clusters.get(name)?.view ?? null,
    endpointAt(cluster, network, ip, timeMs) {
      return clusters.get(cluster)?.view.at(network, ip, timeMs, allTime())[0]?.record ?? null;
    },
    replace(cluster, records, asOfMs) {
      const before = clusters.get(cluster);
      const merged = merge(before?.objects ?? new Map(), records, asOfMs, limits);
      const made = buildView(merged.objects, limits.maxVersions);
      const evicted = (before?.evicted ?? 0) + merged.evicted + made.evicted;
      clusters.set(cluster, { objects: merged.objects, view: made.view, evicted });
      generation++;
    },
    generation: () => generation,
    counts() {
      let objects = 0;
      let versions = 0;
      let evicted = 0;
      for (const cluster of clusters.values()) {
        objects += cluster.objects.size;
        evicted += cluster.evicted;
        for (const list of cluster.objects.values()) versions += list.length;
      }
      return { objects, versions, evicted };
    },
  };
}

const end = (record: Inventory): number => record.validToMs ?? Infinity;

function merge(
  before: ReadonlyMap<string, readonly Version[]>,
  records: readonly Inventory[],
  asOfMs: number,
  limits: InventoryLimits,
): { objects: Map<string, Version[]>; evicted: number } {
  const objects = new Map<string, Version[]>();
  let evicted = 0;
  for (const record of records) {
    const versions = nextVersions(before.get(record.id) ?? [], record, asOfMs);
    const surplus = Math.max(0, versions.length - limits.maxVersions);
    evicted += surplus;
    objects.set(record.id, versions.slice(surplus));
  }
  for (const [id, versions] of before) {
    if (objects.has(id)) continue;
    const closed = versions.map((version) => (version.toMs > asOfMs ? until(version, asOfMs) : version));
    if (closed.at(-1)!.toMs < asOfMs - limits.historyMs) evicted += closed.length;
    else objects.set(id, closed);
  }
  return { objects, evicted };
}

function nextVersions(before: readonly Version[], record: Inventory, asOfMs: number): Version[] {
  const last = before.at(-1);
  const fresh: Version = { record, fromMs: record.validFromMs, toMs: end(record) };
  if (last === undefined) return [fresh];
  const kept = before.slice(0, -1);
  // An address that was not there yet was given in between, so it holds from the start; an end may be learned late.
  const addressless = record.kind === 'Pod' && last.record.ips.length === 0;
  if (addressless || sameBut(last.record, record)) return [...kept, { ...fresh, fromMs: last.fromMs }];
  const splitMs = Math.max(asOfMs, last.fromMs);
  return [...kept, until(last, splitMs), { record, fromMs: splitMs, toMs: Math.max(splitMs, end(record)) }];
}

function until(version: Version, endMs: number): Version {
  const toMs = Math.max(version.fromMs, Math.min(version.toMs, endMs));
  return { record: { ...version.record, validToMs: toMs }, fromMs: version.fromMs, toMs };
}

/** Equal in all but the time it ends. */
function sameBut(a: Inventory, b: Inventory): boolean {
  return JSON.stringify({ ...a, validToMs: null }) === JSON.stringify({ ...b, validToMs: null });
}

/**
 * Pods first, then nodes, then services, which may be given the addresses of nodes; a pod on the host's network only
 * speaks for a node that is not listed.
 */
function rank(record: Inventory): number {
  if (record.kind === 'Node') return 1;
  if (record.kind === 'Service') return 2;
  return record.hostNetwork ? 3 : 0;
}

function buildView(
  objects: ReadonlyMap<string, readonly Version[]>,
  maxVersions: number,
): { view: ClusterView; evicted: number } {
  const byAddress = new Map<string, Version[]>();
  const byName = new Map<string, Version[]>();
  const bySlice = new Map<string, Version[]>();
  const byHost = new Map<string, Version[]>();
  const byNodePort = new Map<number, Version[]>();
  for (const versions of objects.values()) {
    for (const version of versions) {
      const { record } = version;
      const { kind } = record;
      if (kind === 'EndpointSlice') {
        for (const ip of record.ips) add(bySlice, ip, version);
        continue;
      }
      add(byName, nameKey(kind, record.namespace, record.name), version);
      if (kind === 'Pod' || kind === 'Node' || kind === 'Service') {
        for (const { network, ip } of addressesOf(record)) add(byAddress, addressKey(network, ip), version);
      }
      if (kind === 'Pod' && record.node !== null && (record.hostNetwork || record.ports.some(hasHostPort))) {
        add(byHost, record.node, version);
      }
      if (kind === 'Service') {
        for (const port of record.ports) {
          if (port.nodePort !== null) add(byNodePort, port.nodePort * 256 + port.protocol, version);
        }
      }
    }
  }
  // A node runs many pods at once, so only what one address or name went through is cut.
  const evicted =
    order(byAddress, maxVersions) +
    order(byName, maxVersions) +
    order(bySlice, Infinity) +
    order(byHost, Infinity) +
    order(byNodePort, Infinity);
  const records = (versions: readonly Version[]): Inventory[] => versions.map((version) => version.record);
  const view: ClusterView = {
    at(network, ip, timeMs, window) {
      const held = heldAt(byAddress.get(addressKey(network, ip)), timeMs, window);
      return held.length > 1 ? held.sort((a, b) => rank(a.record) - rank(b.record)) : held;
    },
    named(kind, namespace, name, timeMs, window) {
      return heldAt(byName.get(nameKey(kind, namespace, name)), timeMs, window)[0]?.record ?? null;
    },
    hostPods: (node, timeMs, window) => records(heldAt(byHost.get(node), timeMs, window)),
    slices: (ip, timeMs, window) => records(heldAt(bySlice.get(ip), timeMs, window)),
    nodePort: (port, protocol, timeMs) =>
      records(heldAt(byNodePort.get(port * 256 + protocol), timeMs, allTime())),
  };
  return { view, evicted };
}

const hasHostPort = (port: { readonly nodePort: number | null }): boolean => port.nodePort !== null;

const nameKey = (kind: string, namespace: string | null, name: string): string =>
  `${kind}/${namespace ?? ''}/${name}`;

function add<K>(map: Map<K, Version[]>, key: K, version: Version): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [version]);
  else list.push(version);
}

function order<K>(map: Map<K, Version[]>, maxVersions: number): number {
  let evicted = 0;
  for (const [key, list] of map) {
    if (list.length === 1) continue;
    list.sort((a, b) => a.fromMs - b.fromMs || (a.toMs < b.toMs ? -1 : a.toMs > b.toMs ? 1 : 0));
    if (list.length <= maxVersions) continue;
    evicted += list.length - maxVersions;
    map.set(key, list.slice(-maxVersions));
  }
  return evicted;
}
