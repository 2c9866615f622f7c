import { flowIds } from '../../schema/ids.ts';
import {
  newEndpoint,
  newFlow,
  newPolicyRef,
  type Endpoint,
  type Flow,
  type PolicyRef,
} from '../../schema/records.ts';

/** Monday, 2025-11-03 00:00 UTC: time offsets of scenarios count from here. */
export const T0 = 1_762_128_000_000;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `1.5h` or `2d` in milliseconds. */
export function span(text: string): number {
  const found = /^([\d.]+)(ms|s|m|h|d)$/.exec(text);
  if (!found) throw new Error(`"${text}" is no span, expected such as 90s`);
  return Number(found[1]) * UNITS[found[2]!]!;
}

/** What became of each flow: a verdict, or the fate of a connection nobody judged. */
export type Fate = 'denied' | 'would be denied' | 'failed' | 'answered' | 'allowed';

/** One line of a scenario: flows at even distances, hosts and ports taken in turn. */
export interface Traffic {
  readonly at: string;
  readonly every?: string;
  /** As many flows as the longest list when absent. */
  readonly times?: number;
  readonly from: Endpoint | readonly Endpoint[];
  readonly to: Endpoint | readonly Endpoint[];
  readonly port?: number | readonly number[];
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  readonly fate: Fate | readonly Fate[];
  readonly policy?: PolicyRef;
  /** Changes what a line has no word for. */
  readonly tune?: (flow: Flow, index: number) => void;
}

/** A pod of a deployment; the address follows from the name. */
export function pod(name: string, extra: Partial<Endpoint> = {}): Endpoint {
  const [namespace = '', workload = ''] = name.split('/');
  return {
    ...newEndpoint(),
    ip: addressOf(name),
    kind: 'workload',
    namespace,
    workload,
    workloadKind: 'Deployment',
    pod: `${workload}-5d8f-x7k2p`,
    entity: `test/${namespace}/Deployment/${workload}`,
    ...extra,
  };
}

/** A node; the address follows from the name. */
export function node(name: string, extra: Partial<Endpoint> = {}): Endpoint {
  return {
    ...newEndpoint(),
    ip: addressOf(name),
    kind: 'host',
    node: name,
    entity: `test/host/${name}`,
    ...extra,
  };
}

/** An address the inventory does not know. */
export function address(ip: string, extra: Partial<Endpoint> = {}): Endpoint {
  const isPrivate = /^(10|192\.168|172\.16)\./.test(ip);
  return { ...newEndpoint(), ip, kind: isPrivate ? 'private' : 'public', entity: `ip/${ip}`, ...extra };
}

/** `count` addresses beginning with a.b, such as 10.1. */
export const addresses = (prefix: string, count: number): Endpoint[] =>
  Array.from({ length: count }, (_, i) => address(`${prefix}.${Math.floor(i / 250) % 250}.${(i % 250) + 1}`));

export const ports = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

export function policy(name: string | null, namespace: string | null = 'shop'): PolicyRef {
  const ref = newPolicyRef();
  ref.kind = 'NetworkPolicy';
  ref.namespace = namespace;
  ref.name = name;
  ref.direction = 'ingress';
  ref.action = name === null ? 'default_deny' : 'deny';
  return ref;
}

/** Something that happens from the first moment on for 50 hours, so that learning begins there in every lane. */
export const life: Traffic = {
  at: '0s',
  every: '1m',
  from: Array.from({ length: 60 }, (_, i) => pod(`life/client-${i}`)),
  to: Array.from({ length: 47 }, (_, i) => pod(`life/server-${i}`)),
  times: 3_000,
  fate: 'allowed',
};

/** Flows of all lines, in no particular order. */
export function flowsOf(lines: readonly Traffic[]): Flow[] {
  return lines.flatMap((line, index) => {
    const idAt = flowIds({ cluster: 'test', node: null, collector: 'test', origin: `line ${index}` });
    const from = listOf(line.from);
    const to = listOf(line.to);
    const port = listOf(line.port ?? 8080);
    const fate = listOf(line.fate);
    const times = line.times ?? Math.max(from.length, to.length, port.length, fate.length);
    const startMs = T0 + span(line.at);
    const everyMs = span(line.every ?? '1s');
    return Array.from({ length: times }, (_, i) => {
      const timeMs = startMs + i * everyMs;
      const flow = newFlow({
        id: idAt(i),
        origin: `line ${index}`,
        position: i,
        cluster: 'test',
        collector: 'test',
        startMs: timeMs,
        endMs: timeMs,
        receivedMs: timeMs + 1_000,
        source: { ...from[i % from.length]!, port: 40_000 + (i % 20_000) },
        destination: { ...to[i % to.length]!, port: port[i % port.length]! },
      });
      setProtocol(flow, line.protocol ?? 'tcp');
      setFate(flow, fate[i % fate.length]!);
      if (line.policy) flow.policies = [line.policy];
      line.tune?.(flow, i);
      return flow;
    });
  });
}

function setProtocol(flow: Flow, protocol: 'tcp' | 'udp' | 'icmp'): void {
  flow.protocol = { tcp: 6, udp: 17, icmp: 1 }[protocol];
  if (protocol !== 'icmp') return;
  flow.icmpType = 8;
  flow.icmpCode = 0;
  flow.source.port = null;
  flow.destination.port = null;
}

function setFate(flow: Flow, fate: Fate): void {
  if (fate === 'denied') flow.verdict = 'deny';
  else if (fate === 'would be denied') flow.verdict = 'audit';
  else if (fate === 'allowed') flow.verdict = 'allow';
  else {
    flow.unit = 'connection';
    flow.connectionsStarted = 1;
    flow.connectionsCompleted = fate === 'answered' ? 1 : 0;
    flow.connectionsLive = 0;
    flow.sourcePackets = fate === 'answered' ? 6 : 1;
    flow.destinationPackets = fate === 'answered' ? 5 : 0;
  }
}

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** An address in 10.128/9 that follows from a name. */
function addressOf(name: string): string {
  let hash = 0;
  for (const unit of name) hash = (hash * 31 + unit.codePointAt(0)!) % 8_388_608;
  return `10.${128 + (hash >> 16)}.${(hash >> 8) & 255}.${hash & 255}`;
}
