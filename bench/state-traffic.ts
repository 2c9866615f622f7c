import { newEndpoint, newFlow, newPolicyRef, type Endpoint, type Flow } from '../schema/records.ts';

export const T0 = 1_767_225_600_000;

/** What a pair does with each other: each fills other tables. */
export type Service =
  | 'web'
  | 'call_home'
  | 'database'
  | 'login'
  | 'name_lookup'
  | 'denied'
  | 'unanswered'
  | 'long'
  | 'mismatched'
  | 'stranger';

/** A ninth of the pairs each. Those of which each is an alert are left to the detector alone. */
export const mixed: readonly Service[] = [
  'web',
  'call_home',
  'database',
  'login',
  'name_lookup',
  'denied',
  'unanswered',
  'long',
  'stranger',
];

export interface PairsOptions {
  readonly sources: number;
  readonly pairs: number;
  readonly services: readonly Service[];
  /** Event time between two contacts of a pair. */
  readonly everyMs: number;
}

const POLICY = {
  ...newPolicyRef(),
  kind: 'NetworkPolicy',
  namespace: 'bench',
  name: 'default',
  action: 'deny',
};

/**
 * Contact after contact of all pairs: flow i is contact i / pairs of pair i % pairs. Sources are workloads, the others of
 * each pair workloads, addresses of private networks or of the internet, as the service asks for; as many as sources.
 */
export function pairFlows({ sources, pairs, services, everyMs }: PairsOptions): (i: number) => Flow {
  return (i) => {
    const pair = i % pairs;
    const contact = Math.floor(i / pairs);
    const service = services[pair % services.length]!;
    const timeMs = T0 + contact * everyMs + Math.floor((pair * everyMs) / pairs);
    // Multiplied with a prime that neither number has, so that neighbours are apart and each is met once.
    const source = pair % sources;
    const other = (pair * 7_919 + Math.floor(pair / sources)) % sources;
    return flowOf(i, service, { timeMs, source, other, contact });
  };
}

interface Contact {
  readonly timeMs: number;
  readonly source: number;
  readonly other: number;
  readonly contact: number;
}

function flowOf(i: number, service: Service, { timeMs, source, other, contact }: Contact): Flow {
  const from = service === 'stranger' ? outside(source) : workload('client', source);
  const to =
    service === 'database' || service === 'login' || service === 'denied' || service === 'stranger'
      ? workload('server', other)
      : service === 'unanswered'
        ? neighbour(other)
        : outside(other);
  from.port = 32_768 + ((i * 31) % 28_000);
  to.port = PORTS[service];
  const flow = connection(i, timeMs, from, to);
  flow.sourceBytes = 900 + (contact % 7);
  flow.destinationBytes = 5_000;
  if (service === 'long') flow.startMs = timeMs - 4 * 3_600_000;
  if (service === 'name_lookup') flow.protocol = 17;
  if (service === 'denied') {
    flow.verdict = 'deny';
    flow.policies = [POLICY];
  }
  if (service === 'mismatched') {
    flow.verdict = 'allow';
    flow.policies = [{ ...POLICY, inferred: true }];
  }
  if (service === 'unanswered' || service === 'denied') fail(flow);
  return flow;
}

const PORTS: Readonly<Record<Service, number>> = {
  web: 443,
  call_home: 8443,
  database: 5432,
  login: 22,
  name_lookup: 53,
  denied: 6379,
  unanswered: 445,
  long: 9443,
  mismatched: 8080,
  stranger: 443,
};

/** SYNs without an answer, each from an address of its own, at one server; 50,000 a second of event time. */
export function spoofedFlood(fromMs: number): (i: number) => Flow {
  const victim = workload('server', 1);
  return (i) => {
    const to = { ...victim, port: 25_565 };
    const from = outside(i);
    from.port = 1_024 + (i % 60_000);
    const flow = connection(i, fromMs + Math.floor(i / 50), from, to);
    fail(flow);
    return flow;
  };
}

/** One workload tries every address of a private network on one port after another; 5,000 a second of event time. */
export function fullRangeScan(fromMs: number): (i: number) => Flow {
  const scanner = workload('client', 2);
  const ports = [445, 22, 3389, 6379];
  return (i) => {
    const to = neighbour(i % 0xff_ffff);
    to.port = ports[Math.floor(i / 0xff_ffff) % ports.length]!;
    const flow = connection(i, fromMs + Math.floor(i / 5), { ...scanner, port: 40_000 + (i % 20_000) }, to);
    fail(flow);
    return flow;
  };
}

function connection(i: number, timeMs: number, source: Endpoint, destination: Endpoint): Flow {
  const flow = newFlow({
    id: `bench-${i}`,
    origin: 'bench',
    position: i,
    cluster: 'prod-eu-1',
    collector: 'zeek_conn',
    startMs: timeMs - 50,
    endMs: timeMs,
    receivedMs: timeMs,
    source,
    destination,
  });
  flow.protocol = 6;
  flow.unit = 'connection';
  flow.connectionsStarted = 1;
  flow.connectionsCompleted = 1;
  flow.connectionsLive = 0;
  flow.sourcePackets = 10;
  flow.destinationPackets = 9;
  return flow;
}

function fail(flow: Flow): void {
  flow.connectionsCompleted = 0;
  flow.sourcePackets = 1;
  flow.destinationPackets = 0;
  flow.sourceBytes = 0;
  flow.destinationBytes = 0;
}

const quad = (first: number, n: number): string =>
  `${first}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

function workload(kind: string, n: number): Endpoint {
  const endpoint = newEndpoint();
  endpoint.ip = quad(10, n);
  endpoint.kind = 'workload';
  endpoint.namespace = `team-${n % 500}`;
  endpoint.workloadKind = 'Deployment';
  endpoint.workload = `${kind}-${n}`;
  endpoint.entity = `prod-eu-1/${endpoint.namespace}/Deployment/${endpoint.workload}`;
  return endpoint;
}

function neighbour(n: number): Endpoint {
  const endpoint = newEndpoint();
  endpoint.ip = quad(10, n);
  endpoint.kind = 'private';
  endpoint.entity = `ip/${endpoint.ip}`;
  return endpoint;
}

function outside(n: number): Endpoint {
  const endpoint = newEndpoint();
  endpoint.ip = quad(64 + ((n >>> 24) % 100), n);
  endpoint.kind = 'public';
  endpoint.entity = `ip/${endpoint.ip}`;
  return endpoint;
}
