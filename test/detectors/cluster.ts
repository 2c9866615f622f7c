import { flowIds } from '../../schema/ids.ts';
import { newFlow, type Endpoint, type Flow, type PolicyRef } from '../../schema/records.ts';
import { address, pod, policy, T0 } from './scenario.ts';

/** A cluster with default deny in every namespace, over some days of event time. */
export interface ClusterOptions {
  readonly days: number;
  readonly namespaces?: number;
  /** Clients that are wrongly denied, from the first minutes on and for good. */
  readonly misconfigurations?: number;
  /** Flows a day from addresses of the internet, denied at the ingress. */
  readonly noisePerDay?: number;
  readonly seed?: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Two workloads a namespace that talk to their neighbours, misconfigured clients that retry with a back-off of at
 * most five minutes (some into namespaces in scope, some towards the internet), and the internet trying ports of
 * whatever is exposed. Every tenth namespace is in scope of `pci`; every twentieth is exposed.
 */
export function clusterFlows(options: ClusterOptions): Flow[] {
  const { days, namespaces = 300, misconfigurations = 40, noisePerDay = 4_000, seed = 1 } = options;
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const flows: Flow[] = [];
  const idAt = flowIds({ cluster: 'test', node: null, collector: 'test', origin: `cluster ${seed}` });
  const add = (timeMs: number, from: Endpoint, to: Endpoint, port: number, by: PolicyRef | null): void => {
    const flow = newFlow({
      id: idAt(flows.length),
      origin: 'cluster',
      position: flows.length,
      cluster: 'test',
      collector: 'ovn_acl',
      startMs: timeMs,
      endMs: timeMs,
      receivedMs: timeMs,
      source: { ...from, port: 32_768 + Math.floor(random() * 28_000) },
      destination: { ...to, port },
    });
    flow.protocol = 6;
    flow.verdict = by === null ? 'allow' : 'deny';
    if (by !== null) flow.policies = [by];
    flows.push(flow);
  };
  const name = (i: number): string => `ns-${i}`;
  const extra = (i: number): Partial<Endpoint> => (i % 10 === 0 ? { scopes: ['pci'] } : {});
  const front = Array.from({ length: namespaces }, (_, i) => pod(`${name(i)}/front`, extra(i)));
  const back = Array.from({ length: namespaces }, (_, i) => pod(`${name(i)}/back`, extra(i)));
  const endMs = T0 + days * DAY_MS;
  const defaultDeny = (to: Endpoint): PolicyRef => policy(null, to.namespace);

  for (let i = 0; i < namespaces; i++) {
    for (let timeMs = T0 + random() * MINUTE_MS; timeMs < endMs; timeMs += 20 * MINUTE_MS) {
      add(Math.floor(timeMs), front[i]!, back[i]!, 8080, null);
      add(Math.floor(timeMs) + 1, back[i]!, front[(i + 1) % namespaces]!, 443, null);
    }
  }
  for (let i = 0; i < misconfigurations; i++) {
    const from = front[(i * 7) % namespaces]!;
    const outside = i % 4 === 3;
    const to = back[(i * 31 + 5 * (i % 3)) % namespaces]!;
    const everyMs = MINUTE_MS * (1 + (i % 5));
    for (
      let timeMs = T0 + random() * 5 * MINUTE_MS;
      timeMs < endMs;
      timeMs += everyMs * (0.8 + 0.4 * random())
    ) {
      const target = outside ? address(`203.0.${Math.floor(random() * 250)}.${1 + (i % 200)}`) : to;
      add(Math.floor(timeMs), from, target, outside ? 443 : 5432, defaultDeny(outside ? from : to));
    }
  }
  const exposed = front.filter((_, i) => i % 20 === 0);
  for (let i = 0; i < noisePerDay * days; i++) {
    const timeMs = Math.floor(T0 + random() * days * DAY_MS);
    const from = address(
      `198.${18 + Math.floor(random() * 2)}.${Math.floor(random() * 250)}.${1 + Math.floor(random() * 250)}`,
    );
    const to = pick(exposed);
    add(timeMs, from, to, 1 + Math.floor(random() * 65_000), defaultDeny(to));
  }
  return flows;
}

/** mulberry32: the same numbers for the same seed, everywhere. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
