import { seededRandom } from '../helpers/random.ts';

/**
 * NetObserv lines of a made-up cluster: services that talk, denials, two scanners, records out of order. Event time
 * goes on with the lines, and with `elapsedMs` where that is further: in a file that is quiet for a while event time
 * passes too, and what a real exporter writes after it is no older than that.
 */
export function* netobservLines(
  count: number,
  seed = 1,
  elapsedMs: () => number = () => 0,
): Generator<string> {
  const random = seededRandom(seed);
  const startMs = Date.now() - 3 * 3_600_000;
  const below = (n: number): number => Math.floor(random() * n);
  const pod = (i: number): Record<string, string> => ({
    Addr: `10.128.${i >> 6}.${10 + (i & 63)}`,
    K8S_Name: `app${i % 40}-7d9c-${i}`,
    K8S_Namespace: `team${i % 12}`,
    K8S_OwnerName: `app${i % 40}`,
    K8S_OwnerType: 'Deployment',
    K8S_Type: 'Pod',
    K8S_HostName: `node-${i % 9}`,
  });
  const side = (prefix: string, of: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [`${prefix}${key}`, value]));
  for (let i = 0; i < count; i++) {
    const scanning = i % 4000 < 60;
    const from = scanning ? 3 + 7 * Math.floor(i / 100_000) : below(400);
    const to = scanning ? 77 : below(400);
    const isDenied = scanning || random() < 0.02;
    // Two thousand records a second of event time, each up to four seconds earlier than it is written.
    const endMs = startMs + Math.max(Math.floor(i / 2), elapsedMs()) - below(4000);
    const port = scanning ? 1000 + (i % 4000) : [80, 443, 5432, 8080][to % 4]!;
    yield JSON.stringify({
      ...side('Src', pod(from)),
      ...side('Dst', pod(to)),
      SrcPort: 32_768 + below(28_000),
      DstPort: port,
      Proto: 6,
      Flags: isDenied ? 2 : 0x12,
      Bytes: isDenied ? 60 : 600 + below(5000),
      Packets: isDenied ? 1 : 6 + below(9),
      FlowDirection: 0,
      Etype: 2048,
      AgentIP: `192.168.1.${from % 9}`,
      TimeFlowStartMs: endMs - below(900),
      TimeFlowEndMs: endMs,
      NetworkEvents: [
        {
          Feature: 'acl',
          Type: 'NetworkPolicy',
          Namespace: `team${to % 12}`,
          Name: 'default',
          Action: isDenied ? 'drop' : 'allow',
          Direction: 'Ingress',
        },
      ],
    });
  }
}
