import {
  Directions,
  Reporters,
  Units,
  Verdicts,
  type Endpoint,
  type Flow,
  type PolicyRef,
} from '../schema/records.ts';

/**
 * Flows at rest. Hundreds of thousands of them wait for their time at once, and as objects each would take 1.5 kB
 * that the collector of garbage has to move twice: here the numbers of a flow lie in one row, and what many flows
 * have in common is held once.
 */
export interface Rest {
  /** Puts a flow to rest. */
  put(flow: Flow, feed: number, offset: number): number;
  /** The flow as it was put, in an object of its own; its slot is free then. */
  wake(slot: number): Flow;
  feedOf(slot: number): number;
  offsetOf(slot: number): number;
}

/** Numbers of a row; those a flow may lack are NaN there. */
const WIDTH = 21;
/** Rows of a page: what one more flow can cost in memory nobody uses is bounded by it. */
const PAGE_BITS = 13;
const PAGE_ROWS = 1 << PAGE_BITS;
/** Parts that are held once, for as long as so many others do not come between. */
const MAX_SHARED = 50_000;
/** Parts of one key that are compared with; more of them are held as they come. */
const MAX_ALIKE = 8;

const none = Number.NaN;
const orNone = (value: number | null): number => value ?? none;
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Who observed, and what it said of the verdict: few for many flows. */
type Observer = Pick<Flow, 'origin' | 'cluster' | 'node' | 'collector' | 'verdictRaw' | 'dropReason'>;

export function createRest(): Rest {
  const pages: Float64Array[] = [];
  const bits: number[] = [];
  const ids: string[] = [];
  const sources: Endpoint[] = [];
  const destinations: Endpoint[] = [];
  const observers: Observer[] = [];
  const policies: (readonly PolicyRef[])[] = [];
  const services: Flow['service'][] = [];
  const requests: Flow['request'][] = [];
  const free: number[] = [];
  let used = 0;

  const endpoints = sharing<Endpoint>((endpoint) => endpoint.ip ?? endpoint.pod ?? '', sameEndpoint, asIs);
  const observed = sharing<Observer>((observer) => observer.node ?? '', sameObserver, observerOf);
  const traces = sharing<readonly PolicyRef[]>((trace) => trace[0]?.name ?? '', sameTrace, asIs);

  const pageOf = (slot: number): Float64Array => pages[slot >>> PAGE_BITS]!;
  const rowOf = (slot: number): number => (slot & (PAGE_ROWS - 1)) * WIDTH;

  return {
    put(flow, feed, offset) {
      const slot = free.pop() ?? used++;
      if (slot >>> PAGE_BITS === pages.length) pages.push(new Float64Array(PAGE_ROWS * WIDTH));
      const rows = pageOf(slot);
      let at = rowOf(slot);
      rows[at++] = feed;
      rows[at++] = offset;
      rows[at++] = flow.position;
      rows[at++] = flow.startMs;
      rows[at++] = flow.endMs;
      rows[at++] = flow.receivedMs;
      rows[at++] = flow.aggregated;
      rows[at++] = flow.samplingRate;
      rows[at++] = orNone(flow.protocol);
      rows[at++] = orNone(flow.icmpType);
      rows[at++] = orNone(flow.icmpCode);
      rows[at++] = orNone(flow.tcpFlags);
      rows[at++] = orNone(flow.sourceBytes);
      rows[at++] = orNone(flow.destinationBytes);
      rows[at++] = orNone(flow.sourcePackets);
      rows[at++] = orNone(flow.destinationPackets);
      rows[at++] = orNone(flow.connectionsStarted);
      rows[at++] = orNone(flow.connectionsCompleted);
      rows[at++] = orNone(flow.connectionsLive);
      rows[at++] = orNone(flow.source.port);
      rows[at] = orNone(flow.destination.port);
      bits[slot] =
        Reporters.indexOf(flow.reporter) |
        (Units.indexOf(flow.unit) << 4) |
        (Verdicts.indexOf(flow.verdict) << 8) |
        (Directions.indexOf(flow.direction) << 12) |
        (Number(flow.counted) << 16) |
        (Number(flow.initiatorGuessed) << 17) |
        (Number(flow.malformed) << 18) |
        (Number(flow.inventoryStale) << 19);
      ids[slot] = flow.id;
      sources[slot] = endpoints(flow.source);
      destinations[slot] = endpoints(flow.destination);
      observers[slot] = observed(flow);
      policies[slot] = flow.policies.length === 0 ? NO_POLICIES : traces(flow.policies);
      services[slot] = flow.service;
      requests[slot] = flow.request;
      return slot;
    },
    wake(slot) {
      free.push(slot);
      const rows = pageOf(slot);
      const at = rowOf(slot);
      const observer = observers[slot]!;
      const set = bits[slot]!;
      const source = { ...sources[slot]! };
      const destination = { ...destinations[slot]! };
      source.port = orNull(rows[at + 19]!);
      destination.port = orNull(rows[at + 20]!);
      // In the order of `newFlow`, so that both are of one shape, but made here: V8 gives objects of a place that
      // makes long-lived ones their place among the long-lived, and these are gone at once.
      return {
        id: ids[slot]!,
        origin: observer.origin,
        position: rows[at + 2]!,
        cluster: observer.cluster,
        node: observer.node,
        collector: observer.collector,
        reporter: Reporters[set & 15]!,
        unit: Units[(set >>> 4) & 15]!,
        aggregated: rows[at + 6]!,
        samplingRate: rows[at + 7]!,
        counted: (set & 0x1_0000) !== 0,
        startMs: rows[at + 3]!,
        endMs: rows[at + 4]!,
        receivedMs: rows[at + 5]!,
        verdict: Verdicts[(set >>> 8) & 15]!,
        verdictRaw: observer.verdictRaw,
        dropReason: observer.dropReason,
        protocol: orNull(rows[at + 8]!),
        icmpType: orNull(rows[at + 9]!),
        icmpCode: orNull(rows[at + 10]!),
        tcpFlags: orNull(rows[at + 11]!),
        direction: Directions[(set >>> 12) & 15]!,
        initiatorGuessed: (set & 0x2_0000) !== 0,
        source: source,
        destination: destination,
        service: services[slot]!,
        sourceBytes: orNull(rows[at + 12]!),
        destinationBytes: orNull(rows[at + 13]!),
        sourcePackets: orNull(rows[at + 14]!),
        destinationPackets: orNull(rows[at + 15]!),
        connectionsStarted: orNull(rows[at + 16]!),
        connectionsCompleted: orNull(rows[at + 17]!),
        connectionsLive: orNull(rows[at + 18]!),
        policies: policies[slot]!,
        request: requests[slot]!,
        malformed: (set & 0x4_0000) !== 0,
        inventoryStale: (set & 0x8_0000) !== 0,
      };
    },
    feedOf: (slot) => pageOf(slot)[rowOf(slot)]!,
    offsetOf: (slot) => pageOf(slot)[rowOf(slot) + 1]!,
  };
}

const NO_POLICIES: readonly PolicyRef[] = [];

/**
 * Gives the one that is held already for an equal part. Which parts are shared changes nothing but memory, so what
 * is held is given up all at once when there is too much of it.
 */
function sharing<T extends object>(
  keyOf: (part: T) => string,
  same: (held: T, part: T) => boolean,
  hold: (part: T) => T,
): (part: T) => T {
  const held = new Map<string, T[]>();
  let count = 0;
  return (part) => {
    const key = keyOf(part);
    const alike = held.get(key);
    if (alike !== undefined) for (const one of alike) if (same(one, part)) return one;
    if (count >= MAX_SHARED) {
      held.clear();
      count = 0;
    }
    const kept = hold(part);
    if (alike === undefined || count === 0) held.set(key, [kept]);
    else if (alike.length < MAX_ALIKE) alike.push(kept);
    else alike[count % MAX_ALIKE] = kept;
    count++;
    return kept;
  };
}

const asIs = <T>(part: T): T => part;

const observerOf = ({ origin, cluster, node, collector, verdictRaw, dropReason }: Observer): Observer => ({
  origin,
  cluster,
  node,
  collector,
  verdictRaw,
  dropReason,
});

/** Ports lie in the row. Texts of a workload come from the inventory, so most are the same object. */
function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.ip === b.ip &&
    a.entity === b.entity &&
    a.pod === b.pod &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.workload === b.workload &&
    a.workloadKind === b.workloadKind &&
    a.node === b.node &&
    a.zone === b.zone &&
    a.network === b.network &&
    a.networkSet === b.networkSet &&
    a.serviceAccount === b.serviceAccount &&
    a.labels === b.labels &&
    a.tenant === b.tenant &&
    a.owner === b.owner &&
    a.hostname === b.hostname &&
    a.account === b.account &&
    a.instance === b.instance &&
    a.country === b.country &&
    a.asn === b.asn &&
    a.asName === b.asName &&
    (a.scopes === b.scopes || (a.scopes.length === 0 && b.scopes.length === 0))
  );
}

const sameObserver = (a: Observer, b: Observer): boolean =>
  a.node === b.node &&
  a.origin === b.origin &&
  a.cluster === b.cluster &&
  a.collector === b.collector &&
  a.verdictRaw === b.verdictRaw &&
  a.dropReason === b.dropReason;

function sameTrace(a: readonly PolicyRef[], b: readonly PolicyRef[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!samePolicy(a[i]!, b[i]!)) return false;
  return true;
}

const samePolicy = (a: PolicyRef, b: PolicyRef): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  a.namespace === b.namespace &&
  a.tier === b.tier &&
  a.rule === b.rule &&
  a.direction === b.direction &&
  a.action === b.action &&
  a.staged === b.staged &&
  a.truncated === b.truncated &&
  a.inferred === b.inferred;
