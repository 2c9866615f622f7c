import type {
  AlertEndpoint,
  Endpoint,
  Flow,
  FlowSummary,
  Party,
  PartyKind,
  PolicyRef,
} from '../schema/records.ts';
import { newAlertEndpoint, newFlowSummary, newParty } from '../schema/records.ts';

const PARTY_KINDS: Readonly<Record<Endpoint['kind'], PartyKind>> = {
  unknown: 'ip',
  workload: 'workload',
  host: 'host',
  service: 'service',
  network_set: 'network',
  private: 'ip',
  public: 'ip',
};

/** Key of who an endpoint is: its entity, else its address, else its name. Never empty. */
export const entityKey = (endpoint: Endpoint): string =>
  endpoint.entity ?? endpoint.ip ?? endpoint.pod ?? endpoint.hostname ?? 'unknown';

/** Whether the inventory knows the endpoint: something of ours that somebody can be asked about. */
export const isInventoried = (endpoint: Endpoint): boolean =>
  endpoint.kind === 'workload' || endpoint.kind === 'host' || endpoint.kind === 'service';

/** Whether the endpoint is of the world: there is no end of them, and nobody here answers for one. */
export const isWorld = ({ kind }: Endpoint): boolean =>
  kind === 'public' || kind === 'unknown' || kind === 'network_set';

/** An endpoint as the party of an alert. */
export function partyOf(endpoint: Endpoint): Party {
  const party = newParty({ key: entityKey(endpoint) });
  party.kind = PARTY_KINDS[endpoint.kind];
  party.ip = endpoint.ip;
  party.namespace = endpoint.namespace;
  party.name = endpoint.workload ?? endpoint.pod ?? endpoint.node ?? endpoint.networkSet ?? endpoint.hostname;
  return party;
}

/** What a person would call an endpoint: namespace/workload, node, host name or address. */
export function nameOf(endpoint: Endpoint): string {
  const workload = endpoint.workload ?? endpoint.pod;
  if (endpoint.namespace !== null && workload !== null) return `${endpoint.namespace}/${workload}`;
  if (endpoint.kind === 'host' && endpoint.node !== null) return `node ${endpoint.node}`;
  return workload ?? endpoint.hostname ?? endpoint.ip ?? endpoint.entity ?? 'an unknown endpoint';
}

/** The name with the port, where there is one; IPv6 addresses in brackets. */
export function placeOf(endpoint: Endpoint): string {
  const name = nameOf(endpoint);
  if (endpoint.port === null) return name;
  return name.includes(':') ? `[${name}]:${endpoint.port}` : `${name}:${endpoint.port}`;
}

/** The fields of an endpoint that an alert shows while they are single-valued. */
export function alertEndpointOf(endpoint: Endpoint): AlertEndpoint {
  const out = newAlertEndpoint();
  out.address = endpoint.ip;
  out.network = endpoint.network;
  out.port = endpoint.port;
  out.namespace = endpoint.namespace;
  out.pod = endpoint.pod;
  out.workload = endpoint.workload;
  out.serviceAccount = endpoint.serviceAccount;
  out.node = endpoint.node;
  return out;
}

/** The policy that decided: the last step that denied, else the last step; null when the origin named none. */
export function decidingPolicy(flow: Flow): PolicyRef | null {
  const { policies } = flow;
  for (let i = policies.length - 1; i >= 0; i--) {
    const action = policies[i]!.action;
    if (action === 'deny' || action === 'default_deny') return policies[i]!;
  }
  return policies.at(-1) ?? null;
}

/** A policy in words: `NetworkPolicy shop/web`, or `default deny` with its namespace where no policy can be named. */
export function policyName(policy: PolicyRef | null): string {
  if (policy === null) return 'default deny (no policy named)';
  const where = policy.namespace === null ? '' : ` of namespace ${policy.namespace}`;
  if (policy.name === null) return `default deny${where}`;
  const name = policy.namespace === null ? policy.name : `${policy.namespace}/${policy.name}`;
  const cut = policy.truncated ? '… (name cut by the origin)' : '';
  return `${policy.action === 'default_deny' ? 'default deny by ' : ''}${policy.kind ?? 'policy'} ${name}${cut}`;
}

/** A flow of evidence in one line. */
export function summaryOf(flow: Flow): FlowSummary {
  const policy = decidingPolicy(flow);
  const summary = newFlowSummary({
    id: flow.id,
    timeMs: flow.endMs,
    source: placeOf(flow.source),
    destination: placeOf(flow.destination),
    verdict: flow.verdict,
  });
  summary.protocol = flow.protocol;
  summary.policy = policy === null ? null : policyName(policy);
  return summary;
}
