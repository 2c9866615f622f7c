import {
  newServiceRef,
  type Endpoint,
  type EndpointKind,
  type Inventory,
  type ServiceRef,
} from '../schema/records.ts';
import { canonicalAddress } from '../query/address.ts';
import type { NetworkFacts } from './classify.ts';
import { entityOf, identityOf, targetKey, type Identity, type Target } from './identity.ts';
import { allTime, type Window } from './inventory/timeline.ts';
import { workloadOf } from './inventory/workload.ts';
import { belongings } from './belonging.ts';
import type { Options } from './options.ts';
import type { Question } from './question.ts';
import { entityWithoutAddress, statedWorkload } from './stated.ts';

export type ResolveOptions = Pick<Options, 'tenants' | 'owners' | 'scopes'>;

export interface Resolver {
  /** By address alone. */
  address(question: Question): Identity;
  /** By what the source said of it, which stands, and then by what the inventory knows under that name. */
  stated(question: Question, endpoint: Endpoint): Identity;
}

/** Works out identities; called once for an address and a span of time, so it may take its time. */
export function createResolver(options: ResolveOptions, classify: (ip: string) => NetworkFacts): Resolver {
  const noFacts: NetworkFacts = { class: 'private', networkSet: null, tenant: null, scopes: [] };
  const factsOf = (ip: string | null): NetworkFacts => (ip === null ? noFacts : classify(ip));

  const { belonging, ownerOf } = belongings(options);

  const zoneOf = (q: Question, node: string | null, window: Window): string | null =>
    node === null ? null : (q.view?.named('Node', null, node, q.timeMs, window)?.zone ?? null);

  const podIdentity = (q: Question, pod: Inventory, facts: NetworkFacts, window: Window): Identity => {
    const workload =
      q.view === null ? { kind: 'Pod', name: pod.name } : workloadOf(pod, q.view, q.timeMs, window);
    const belongs = belonging(q, facts, pod.namespace, window);
    const object = q.view?.named(workload.kind, pod.namespace, workload.name, q.timeMs, window);
    return {
      fromMs: window.fromMs,
      toMs: window.toMs,
      kind: 'workload',
      namespace: pod.namespace,
      pod: pod.name,
      workloadKind: workload.kind,
      workload: workload.name,
      entity: entityOf.workload(q.cluster, pod.namespace, workload.kind, workload.name),
      serviceAccount: pod.serviceAccount,
      node: pod.node,
      zone: zoneOf(q, pod.node, window),
      labels: pod.labels,
      networkSet: facts.networkSet,
      tenant: belongs.tenant ?? options.tenants.default,
      scopes: belongs.scopes,
      owner: ownerOf(pod.labels, object?.labels, belongs.labels),
      targets: null,
    };
  };

  const hostIdentity = (q: Question, node: string, facts: NetworkFacts, window: Window): Identity => {
    const object = q.view?.named('Node', null, node, q.timeMs, window) ?? null;
    return {
      ...bare(facts),
      kind: 'host',
      entity: entityOf.host(q.cluster, node),
      node,
      zone: object?.zone ?? null,
      tenant: facts.tenant ?? options.tenants.default,
      owner: ownerOf(object?.labels),
      targets: null,
      fromMs: window.fromMs,
      toMs: window.toMs,
    };
  };

  const serviceIdentity = (
    q: Question,
    service: Inventory,
    facts: NetworkFacts,
    window: Window,
  ): Identity => {
    const belongs = belonging(q, facts, service.namespace, window);
    const targets = new Map<number, Target>();
    for (const port of service.ports) {
      targets.set(targetKey(port.port, port.protocol), {
        service: refOf(service.namespace, service.name, port.name),
        pod: null,
      });
    }
    return {
      ...bare(facts),
      kind: 'service',
      namespace: service.namespace,
      workloadKind: 'Service',
      workload: service.name,
      entity: entityOf.workload(q.cluster, service.namespace, 'Service', service.name),
      tenant: belongs.tenant ?? options.tenants.default,
      scopes: belongs.scopes,
      owner: ownerOf(service.labels, belongs.labels),
      targets,
      fromMs: window.fromMs,
      toMs: window.toMs,
    };
  };

  /** Written out, since an address outside is the one an attacker can bring in any number. */
  const bareIdentity = (
    q: Question,
    facts: NetworkFacts,
    window: Window,
    targets: Identity['targets'],
  ): Identity => {
    const ip = q.ip === null ? null : (canonicalAddress(q.ip) ?? q.ip);
    const isPublic = facts.class === 'public' && q.network === null;
    const entity =
      ip === null
        ? null
        : isPublic
          ? entityOf.publicAddress(ip)
          : entityOf.privateAddress(q.cluster, q.network, ip);
    const kind: EndpointKind =
      ip === null ? 'unknown' : facts.networkSet === null ? facts.class : 'network_set';
    return {
      fromMs: window.fromMs,
      toMs: window.toMs,
      kind,
      namespace: null,
      pod: null,
      workloadKind: null,
      workload: null,
      entity,
      serviceAccount: null,
      node: null,
      zone: null,
      labels: null,
      networkSet: facts.networkSet,
      tenant: facts.tenant,
      scopes: facts.scopes,
      owner: null,
      targets,
    };
  };

  /** Services that lead to each port of the address, and the pods that hold a port of a node. */
  const targetsOf = (
    q: Question,
    facts: NetworkFacts,
    node: string | null,
    window: Window,
  ): Map<number, Target> | null => {
    if (q.view === null || q.ip === null || q.network !== null) return null;
    const services = new Map<number, ServiceRef[]>();
    for (const slice of q.view.slices(canonicalAddress(q.ip) ?? q.ip, q.timeMs, window)) {
      if (slice.service === null) continue;
      for (const port of slice.ports) {
        const key = targetKey(port.port, port.protocol);
        const list = services.get(key) ?? [];
        if (!list.some((ref) => ref.name === slice.service && ref.namespace === slice.namespace)) {
          list.push(refOf(slice.namespace, slice.service, port.name));
        }
        services.set(key, list);
      }
    }
    const pods = new Map<number, Inventory[]>();
    for (const pod of node === null ? [] : q.view.hostPods(node, q.timeMs, window)) {
      for (const port of pod.ports) {
        const number = port.nodePort ?? (pod.hostNetwork ? port.port : null);
        if (number === null) continue;
        const key = targetKey(number, port.protocol);
        const list = pods.get(key) ?? [];
        if (!list.includes(pod)) list.push(pod);
        pods.set(key, list);
      }
    }
    if (services.size === 0 && pods.size === 0) return null;
    const out = new Map<number, Target>();
    for (const key of [...services.keys(), ...pods.keys()]) {
      const refs = services.get(key) ?? [];
      const holders = pods.get(key) ?? [];
      out.set(key, {
        service: refs.length === 1 ? refs[0]! : null,
        pod: holders.length === 1 ? identityOf(podIdentity(q, holders[0]!, facts, window)) : null,
      });
    }
    return out;
  };

  const address = (asked: Question): Identity => {
    const q = asked.network === 'default' ? { ...asked, network: null } : asked;
    const facts = factsOf(q.ip);
    const window = allTime();
    const canonical = q.ip === null ? null : (canonicalAddress(q.ip) ?? q.ip);
    const holder =
      canonical === null ? undefined : q.view?.at(q.network, canonical, q.timeMs, window)[0]?.record;
    if (holder === undefined) {
      const targets = targetsOf(q, facts, null, window);
      return bareIdentity(q, facts, window, targets);
    }
    if (holder.kind === 'Service') return serviceIdentity(q, holder, facts, window);
    const node = holder.kind === 'Node' ? holder.name : holder.hostNetwork ? holder.node : null;
    const targets = targetsOf(q, facts, node, window);
    const identity =
      node === null ? podIdentity(q, holder, facts, window) : hostIdentity(q, node, facts, window);
    return { ...identity, targets };
  };

  const stated = (q: Question, endpoint: Endpoint): Identity => {
    const facts = factsOf(q.ip);
    const window = allTime();
    const { namespace, pod: podName } = endpoint;
    const pod =
      podName === null ? null : (q.view?.named('Pod', namespace, podName, q.timeMs, window) ?? null);
    const known = pod === null ? null : podIdentity(q, pod, facts, window);
    const workload = statedWorkload(q, endpoint, known, pod, window);
    const node = endpoint.node ?? known?.node ?? null;
    if (endpoint.kind === 'host' || workload?.kind === 'Node') {
      const host = workload?.kind === 'Node' ? workload.name : (node ?? podName ?? workload?.name);
      if (host !== undefined)
        return { ...hostIdentity(q, host, facts, window), fromMs: window.fromMs, toMs: window.toMs };
    }
    const belongs = belonging(q, facts, namespace, window);
    const object =
      workload === null ? null : q.view?.named(workload.kind, namespace, workload.name, q.timeMs, window);
    const base = known ?? bareIdentity(q, facts, window, null);
    const named = workload !== null;
    const service = endpoint.kind === 'service' || workload?.kind === 'Service';
    return {
      ...base,
      kind: service
        ? 'service'
        : named
          ? 'workload'
          : endpoint.networkSet === null
            ? base.kind
            : 'network_set',
      namespace,
      pod: podName,
      workloadKind: workload?.kind ?? null,
      workload: workload?.name ?? null,
      entity: named
        ? entityOf.workload(q.cluster, namespace, workload.kind, workload.name)
        : (base.entity ?? entityWithoutAddress(q.cluster, endpoint)),
      node,
      zone: base.zone ?? zoneOf(q, node, window),
      tenant: belongs.tenant ?? (namespace === null ? null : options.tenants.default),
      scopes: belongs.scopes,
      owner: known?.owner ?? ownerOf(object?.labels, belongs.labels),
      fromMs: window.fromMs,
      toMs: window.toMs,
    };
  };

  return {
    address: (q) => identityOf(address(q)),
    stated: (q, endpoint) => identityOf(stated(q, endpoint)),
  };
}

function refOf(namespace: string | null, name: string, portName: string | null): ServiceRef {
  const ref = newServiceRef({ name });
  ref.namespace = namespace;
  ref.portName = portName;
  return ref;
}

/** What the networks alone say; the caller adds who it is and when. */
const bare = (facts: NetworkFacts): Omit<Identity, 'kind' | 'entity' | 'targets' | 'fromMs' | 'toMs'> => ({
  namespace: null,
  pod: null,
  workloadKind: null,
  workload: null,
  serviceAccount: null,
  node: null,
  zone: null,
  labels: null,
  networkSet: facts.networkSet,
  tenant: facts.tenant,
  scopes: facts.scopes,
  owner: null,
});
