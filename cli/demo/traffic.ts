import { demoNodes, demoPods, type DemoPod } from './cluster.ts';

/** NetObserv flow records of the demo cluster for one second, as its exporter writes them. */
export type Traffic = (secondMs: number) => object[];

/** Deterministic numbers in [0, 1) (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const podsOf = (workload: string): readonly DemoPod[] => demoPods.filter((pod) => pod.workload === workload);

/** Who calls whom, and how many times a second. */
const usual = [
  ['frontend', 'catalog', 3],
  ['frontend', 'cart', 2],
  ['cart', 'redis', 2],
  ['cart', 'gateway', 0.6],
  ['gateway', 'ledger', 0.6],
  ['reports', 'catalog', 0.2],
  ['prometheus', 'frontend', 0.3],
  ['prometheus', 'gateway', 0.3],
  ['frontend', 'coredns', 1],
] as const;

/** Second of the scan and of the misconfigured client's start, counted from the first second. */
const SCAN_AT_S = 600;
const SCAN_EVERY_S = 900;
const SCANNED_PORTS = [
  21, 22, 23, 25, 80, 110, 135, 139, 443, 445, 1433, 2379, 3306, 3389, 5432, 5900, 5985, 6379, 6443, 8080,
  9090, 9200, 10250, 11211, 27017,
];
const C2_ADDRESS = '203.0.113.77';

/**
 * The same traffic for the same seconds: calls between the shop's services; a report job that is not allowed to
 * read the ledger and keeps trying; a notebook that scans the payment gateway; and a beacon to one address
 * outside, once a minute.
 */
export function demoTraffic(startMs: number, seed = 7): Traffic {
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  let port = 32_768;
  const ephemeral = (): number => (port = port >= 60_000 ? 32_768 : port + 1);

  return (secondMs) => {
    const second = Math.round((secondMs - startMs) / 1000);
    const records: object[] = [];
    const at = (): number => secondMs + Math.floor(random() * 900);
    for (const [from, to, rate] of usual)
      for (let calls = rate; calls > 0; calls--)
        if (calls >= 1 || random() < calls) {
          const server = pick(podsOf(to));
          const packets = 4 + Math.floor(random() * 20);
          records.push(
            record(pick(podsOf(from)), server, at(), {
              port: server.port!,
              sourcePort: ephemeral(),
              packets,
              verdict: 'allow',
              policy: `allow-${from}`,
            }),
          );
        }
    const reports = podsOf('reports')[0]!;
    if (second % 12 === 5)
      for (const server of podsOf('ledger'))
        records.push(
          record(reports, server, at(), {
            port: 5432,
            sourcePort: ephemeral(),
            packets: 1,
            verdict: 'drop',
            policy: null,
          }),
        );
    const sinceScan = second - SCAN_AT_S;
    if (sinceScan >= 0 && sinceScan % SCAN_EVERY_S === 0) {
      const target = podsOf('gateway')[0]!;
      for (const scanned of SCANNED_PORTS)
        records.push(
          record(podsOf('notebook')[0]!, target, at(), {
            port: scanned,
            sourcePort: ephemeral(),
            packets: 1,
            verdict: 'drop',
            policy: null,
          }),
        );
    }
    if (second % 60 === 30) records.push(beacon(podsOf('notebook')[0]!, at(), ephemeral()));
    return records;
  };
}

interface Call {
  readonly port: number;
  readonly sourcePort: number;
  readonly packets: number;
  readonly verdict: 'allow' | 'drop';
  /** Policy that allowed or denied it; null for the namespace's default deny. */
  readonly policy: string | null;
}

function record(from: DemoPod, to: DemoPod, timeMs: number, call: Call): object {
  const dns = to.workload === 'coredns';
  return {
    ...common(from, timeMs, call.packets),
    ...side('Dst', to),
    DstPort: call.port,
    SrcPort: call.sourcePort,
    Proto: dns ? 17 : 6,
    ...(dns ? {} : { Flags: call.verdict === 'drop' ? 2 : 0x1a }),
    NetworkEvents: [
      {
        Feature: 'acl',
        Type: 'NetworkPolicy',
        Namespace: to.namespace,
        ...(call.policy === null ? {} : { Name: call.policy }),
        Action: call.verdict,
        Direction: 'Ingress',
      },
    ],
  };
}

function beacon(from: DemoPod, timeMs: number, sourcePort: number): object {
  return {
    ...common(from, timeMs, 6),
    DstAddr: C2_ADDRESS,
    DstPort: 443,
    SrcPort: sourcePort,
    Proto: 6,
    Flags: 0x2,
  };
}

const common = (from: DemoPod, timeMs: number, packets: number): object => ({
  ...side('Src', from),
  AgentIP: demoNodes.find(({ name }) => name === from.node)!.ip,
  TimeFlowStartMs: timeMs,
  TimeFlowEndMs: timeMs + 40,
  TimeReceived: Math.floor(timeMs / 1000) + 1,
  Bytes: packets * 180,
  Packets: packets,
  FlowDirection: 0,
  IfDirections: [0],
  Etype: 2048,
  K8S_ClusterName: 'demo',
  K8S_FlowLayer: 'app',
});

const side = (prefix: 'Src' | 'Dst', pod: DemoPod): object => ({
  [`${prefix}Addr`]: pod.ip,
  [`${prefix}K8S_Name`]: pod.name,
  [`${prefix}K8S_Namespace`]: pod.namespace,
  [`${prefix}K8S_OwnerName`]: pod.workload,
  [`${prefix}K8S_OwnerType`]: pod.kind,
  [`${prefix}K8S_Type`]: 'Pod',
  [`${prefix}K8S_HostName`]: pod.node,
});
