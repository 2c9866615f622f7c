import { seededRandom } from '../helpers/random.ts';

/** Two tenants of one cluster; every name and address of a side carries its mark. */
export const sides = {
  acme: { mark: 'alphaside', network: '10.1' },
  globex: { mark: 'omegaside', network: '10.2' },
} as const;
export type Side = keyof typeof sides;

/** Seconds from one episode to the next, so that what is learned over days is learned. */
const EPISODE_S = 900;

/**
 * NetObserv lines of episodes that detectors look for, with both tenants on either end of each: everyday calls, scans,
 * guessing of passwords, denials, chains of logins, regular calls, DNS, long connections, the control plane.
 */
export function* sharedTraffic(seed: number, episodes: number, startMs: number): Generator<string> {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const anySide = (): Side => (random() < 0.5 ? 'acme' : 'globex');
  const pod = (side: Side, i: number): Record<string, string> => {
    const { mark, network } = sides[side];
    return {
      Addr: `${network}.${i >> 6}.${10 + (i & 63)}`,
      K8S_Name: `${mark}-app${i}-7d9c-x`,
      K8S_Namespace: `${mark}-team${i % 5}`,
      K8S_OwnerName: `${mark}-app${i}`,
      K8S_OwnerType: 'Deployment',
      K8S_Type: 'Pod',
      K8S_HostName: `${mark}-node-${i % 3}`,
    };
  };
  const outside = { Addr: `203.0.113.${1 + below(200)}` };
  const prefixed = (prefix: string, of: object): object =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [`${prefix}${key}`, value as unknown]));
  type End = Record<string, string>;
  const line = (
    from: End,
    to: End,
    port: number,
    atMs: number,
    more: { deny?: boolean; udp?: boolean; ms?: number; bytes?: number } = {},
  ): string =>
    JSON.stringify({
      ...prefixed('Src', from),
      ...prefixed('Dst', to),
      SrcPort: 32_768 + below(28_000),
      DstPort: port,
      Proto: more.udp ? 17 : 6,
      Flags: more.deny ? 2 : 0x12,
      Bytes: more.deny ? 60 : (more.bytes ?? 600 + below(5000)),
      Packets: more.deny ? 1 : 6 + below(9),
      FlowDirection: 0,
      Etype: 2048,
      AgentIP: '192.168.1.1',
      TimeFlowStartMs: atMs,
      TimeFlowEndMs: atMs + (more.ms ?? 200),
      NetworkEvents: [
        {
          Feature: 'acl',
          Type: 'NetworkPolicy',
          Namespace: to['K8S_Namespace'] ?? 'none',
          Name: `${to['K8S_Namespace'] ?? 'none'}-policy`,
          Action: more.deny ? 'drop' : 'allow',
          Direction: 'Ingress',
        },
      ],
    });

  for (let episode = 0; episode < episodes; episode++) {
    const at = startMs + episode * EPISODE_S * 1000;
    const [a, b] = [below(12), below(12)];
    const [from, to] = [anySide(), anySide()];
    // Everyday calls, mostly within one tenant.
    for (let i = 0; i < 12; i++) {
      const own = anySide();
      const other = random() < 0.2 ? anySide() : own;
      yield line(pod(own, below(12)), pod(other, below(12)), [80, 443, 5432, 8080][below(4)]!, at + i * 100);
    }
    const t = at + 10_000;
    switch (below(9)) {
      case 0:
        for (let i = 0; i < 60; i++)
          yield line(pod(from, a), pod(to, b), 1000 + i, t + i * 20, { deny: random() < 0.7 });
        break;
      case 1:
        // The opening flow may be to one tenant, and what came before it to the other.
        for (let i = 0; i < 60; i++)
          yield line(pod(from, a), pod(i < 30 ? 'globex' : 'acme', 100 + i), 22, t + i * 20, { deny: true });
        break;
      case 2:
        for (let i = 0; i < 80; i++) yield line(pod(from, a), pod(to, b), 22, t + i * 500, { bytes: 1500 });
        yield line(pod(from, a), pod(to, b), 22, t + 45_000, { bytes: 500_000, ms: 60_000 });
        break;
      case 3:
        for (let i = 0; i < 5; i++) yield line(pod(from, a), pod(to, b), 6379, t + i * 1000, { deny: true });
        break;
      case 4: {
        const path = Array.from({ length: 4 }, () => pod(anySide(), below(12)));
        for (const [i, next] of path.slice(1).entries())
          for (let k = 0; k < 8; k++)
            yield line(path[i]!, next, [22, 3389, 5985, 445][k % 4]!, t + i * 60_000 + k * 700);
        break;
      }
      case 5:
        for (let i = 0; i < 14; i++)
          yield line(pod(from, a), random() < 0.3 ? outside : pod(to, b), 4444, t + i * 60_000, {
            bytes: 300,
          });
        break;
      case 6:
        for (let i = 0; i < 200; i++)
          yield line(pod(from, a), i % 2 ? outside : pod(to, b), 53, t + i * 50, { udp: true, bytes: 4000 });
        break;
      case 7:
        yield line(pod(from, a), pod(to, b), 22, t, { ms: 5 * 3_600_000, bytes: 9_000_000 });
        break;
      default:
        for (let i = 0; i < 10; i++)
          yield line(pod(from, below(12)), { Addr: '169.254.169.254' }, 80, t + i * 100);
    }
  }
}
