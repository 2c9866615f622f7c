import { flowIds } from '../schema/ids.ts';
import { newEndpoint, newFlow, newPolicyRef, type Endpoint, type Flow } from '../schema/records.ts';

/** mulberry32: the same numbers on every machine. */
function seeded(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A query or two of one name, which is what nearly all DNS is; megabytes of it would be a tunnel, and each pair an alert. */
function asLookup(flow: Flow): void {
  flow.protocol = 17;
  flow.tcpFlags = null;
  flow.sourcePackets = 1 + (flow.position % 2);
  flow.sourceBytes = flow.sourcePackets * (60 + (flow.position % 70));
}

const VERDICTS = ['allow', 'allow', 'allow', 'allow', 'deny'] as const;

/**
 * Enriched flows of a cluster: 20,000 pods of 3,000 workloads on 300 nodes with 5 labels each, a fifth of the
 * peers outside, ids as the decoders make them. The same for the same seed; `from` moves position and time on.
 */
export function clusterFlows(seed = 42): (from: number, count: number) => Flow[] {
  const random = seeded(seed);
  const int = (n: number): number => Math.floor(random() * n);
  const idAt = Array.from({ length: 300 }, (_, node) =>
    flowIds({
      cluster: 'prod-eu-1',
      node: `node-${node}`,
      collector: 'netobserv',
      origin: `file:node-${node}`,
    }),
  );
  const pods: Endpoint[] = Array.from({ length: 20_000 }, (_, i) => {
    const workload = int(3000);
    const pod = newEndpoint();
    pod.ip = `10.${128 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
    pod.kind = 'workload';
    pod.namespace = `team-${workload % 200}`;
    pod.pod = `service-${workload}-${(i * 7919).toString(36)}-x${(i * 104_729).toString(36)}`;
    pod.workloadKind = 'Deployment';
    pod.workload = `service-${workload}`;
    pod.entity = `prod-eu-1/${pod.namespace}/Deployment/${pod.workload}`;
    pod.node = `node-${int(300)}`;
    pod.zone = `eu-central-1${'abc'[i % 3]}`;
    pod.labels = {
      app: pod.workload,
      'app.kubernetes.io/name': pod.workload,
      'pod-template-hash': (workload * 31).toString(36),
      team: `team-${workload % 40}`,
      tier: i % 2 ? 'back' : 'front',
    };
    pod.tenant = `tenant-${workload % 20}`;
    return pod;
  });
  const outside: Endpoint[] = Array.from({ length: 20_000 }, (_, i) => {
    const host = newEndpoint();
    host.ip = `203.${i >> 8}.${i & 255}.${1 + int(250)}`;
    host.kind = 'public';
    host.entity = host.ip;
    return host;
  });
  const traces = Array.from({ length: 400 }, (_, i) => [
    {
      ...newPolicyRef(),
      kind: 'NetworkPolicy',
      namespace: `team-${i % 200}`,
      name: `allow-${i}`,
      action: 'allow',
    },
  ]);
  const skewed = (n: number): number => Math.floor(n * random() ** 2.5);
  return (from, count) =>
    Array.from({ length: count }, (_, i) => {
      const position = from + i;
      const node = int(300);
      const endMs = 1_767_225_600_000 + Math.floor(position / 50);
      const source = { ...pods[skewed(20_000)]!, port: 32_768 + int(28_000) };
      const destination = {
        ...(random() < 0.2 ? outside : pods)[skewed(20_000)]!,
        port: [443, 53, 5432, 8080][int(4)]!,
      };
      const packets = 1 + skewed(400);
      const flow = newFlow({
        id: idAt[node]!(position),
        origin: `file:node-${node}`,
        position,
        cluster: 'prod-eu-1',
        collector: 'netobserv',
        startMs: endMs - int(5000),
        endMs,
        receivedMs: endMs + 900,
        source,
        destination,
      });
      flow.node = `node-${node}`;
      flow.verdict = VERDICTS[int(5)]!;
      flow.protocol = random() < 0.9 ? 6 : 17;
      flow.tcpFlags = 16;
      flow.direction = random() < 0.5 ? 'ingress' : 'egress';
      flow.sourcePackets = packets;
      flow.sourceBytes = packets * (60 + int(1200));
      flow.policies = random() < 0.3 ? traces[int(400)]! : [];
      if (destination.port === 53) asLookup(flow);
      return flow;
    });
}
