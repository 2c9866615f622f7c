import { newServiceRef, type Endpoint, type Flow } from '../schema/records.ts';
import { remember, type CacheEntry, type IdentityCache, type Stated } from './cache.ts';
import { fill, targetKey, type Identity } from './identity.ts';
import type { ClusterView } from './inventory/index.ts';
import { addressKey } from './inventory/addresses.ts';
import type { Question } from './question.ts';
import type { Resolver } from './resolve.ts';

/** What the enricher asks of an inventory. */
export interface Views {
  cluster(name: string): ClusterView | null;
}

/**
 * Enriches one flow in place. The usual flow costs two look-ups; what is new goes to the resolver and is
 * remembered for the time in which it holds. Doing it twice changes nothing.
 */
export function createEnrich(resolver: Resolver, cache: IdentityCache, views: Views): (flow: Flow) => void {
  const identityAt = (entry: CacheEntry, endpoint: Endpoint, cluster: string, timeMs: number): Identity => {
    const { latest } = entry;
    if (latest !== null && holds(latest, timeMs)) return latest;
    let identity = entry.others?.find((other) => holds(other, timeMs));
    if (identity === undefined) {
      identity = resolver.address(ask(endpoint, cluster, timeMs));
      if (latest !== null) entry.others = remember(entry.others, latest);
    } else {
      entry.others![entry.others!.indexOf(identity)] = latest!;
    }
    entry.latest = identity;
    return identity;
  };

  const statedAt = (entry: CacheEntry, endpoint: Endpoint, cluster: string, timeMs: number): Identity => {
    for (const stated of entry.stated ?? NONE) {
      if (says(endpoint, stated) && holds(stated.identity, timeMs)) return stated.identity;
    }
    const { kind, namespace, pod, workloadKind, workload, node, networkSet } = endpoint;
    const identity = resolver.stated(ask(endpoint, cluster, timeMs), endpoint);
    const said = { kind, namespace, pod, workloadKind, workload, node, networkSet };
    entry.stated = remember(entry.stated, { said, identity });
    return identity;
  };

  const ask = (endpoint: Endpoint, cluster: string, timeMs: number): Question => ({
    cluster,
    view: views.cluster(cluster),
    network: endpoint.network,
    ip: endpoint.ip,
    timeMs,
  });

  /** Enriches one side and gives what its address is, whatever the source said of it. */
  const side = (endpoint: Endpoint, flow: Flow): Identity => {
    const { cluster, startMs, endMs } = flow;
    const entry = cache.entry(cluster, keyOf(endpoint));
    // The text that is looked up again and again, not the copy that came with this flow.
    if (endpoint.network === null && endpoint.ip !== null) endpoint.ip = entry.key;
    let identity = identityAt(entry, endpoint, cluster, endMs);
    // A flow may be written after its pod has ended; then who held the address when it began is who it was.
    if (startMs < identity.fromMs && !isHeld(identity)) {
      const earlier = identityAt(entry, endpoint, cluster, startMs);
      if (isHeld(earlier)) identity = earlier;
    }
    fill(endpoint, agrees(endpoint, identity) ? identity : statedAt(entry, endpoint, cluster, endMs));
    return identity;
  };

  const behind = (flow: Flow, identity: Identity): void => {
    const { destination } = flow;
    if (destination.port === null) return;
    const protocol = flow.protocol ?? 6;
    const target = identity.targets?.get(targetKey(destination.port, protocol));
    if (target !== undefined) {
      if (target.pod !== null && destination.pod === null && destination.kind === 'host') {
        destination.workload = null;
        destination.workloadKind = null;
        fill(destination, target.pod);
      }
      flow.service ??= target.service;
    }
    if (flow.service !== null) return;
    if (destination.kind === 'service' && identity.kind !== 'service' && destination.workload !== null) {
      flow.service = newServiceRef({ name: destination.workload });
      flow.service.namespace = destination.namespace;
    }
    if (identity.kind !== 'host') return;
    const services = views.cluster(flow.cluster)?.nodePort(destination.port, protocol, flow.endMs);
    if (services?.length !== 1) return;
    const service = services[0]!;
    flow.service = newServiceRef({ name: service.name });
    flow.service.namespace = service.namespace;
    flow.service.portName = service.ports.find((port) => port.nodePort === destination.port)?.name ?? null;
  };

  return (flow) => {
    side(flow.source, flow);
    const identity = side(flow.destination, flow);
    behind(flow, identity);
  };
}

function keyOf(endpoint: Endpoint): string {
  if (endpoint.ip !== null)
    return endpoint.network === null ? endpoint.ip : addressKey(endpoint.network, endpoint.ip);
  return `/${endpoint.namespace ?? ''}/${endpoint.pod ?? ''}/${endpoint.workload ?? ''}`;
}

const NONE: readonly Stated[] = [];

const holds = (identity: Identity, timeMs: number): boolean =>
  identity.fromMs <= timeMs && timeMs < identity.toMs;

const isHeld = (identity: Identity): boolean =>
  identity.kind === 'workload' || identity.kind === 'host' || identity.kind === 'service';

/** Nothing the source says is otherwise than what the address is. */
function agrees(endpoint: Endpoint, identity: Identity): boolean {
  return (
    endpoint.ip !== null &&
    (endpoint.namespace === null || endpoint.namespace === identity.namespace) &&
    (endpoint.pod === null || endpoint.pod === identity.pod) &&
    (endpoint.workload === null || endpoint.workload === identity.workload) &&
    (endpoint.workloadKind === null || endpoint.workloadKind === identity.workloadKind) &&
    (endpoint.networkSet === null || endpoint.networkSet === identity.networkSet || isHeld(identity)) &&
    ((endpoint.kind !== 'host' && endpoint.kind !== 'service') || endpoint.kind === identity.kind)
  );
}

function says(endpoint: Endpoint, { said }: Stated): boolean {
  return (
    endpoint.pod === said.pod &&
    endpoint.namespace === said.namespace &&
    endpoint.workload === said.workload &&
    endpoint.workloadKind === said.workloadKind &&
    endpoint.kind === said.kind &&
    endpoint.node === said.node &&
    endpoint.networkSet === said.networkSet
  );
}
