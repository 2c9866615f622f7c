import { closeSync, openSync, writeSync } from 'node:fs';
import { seededRandom } from '../test/helpers/random.ts';

/** A source type whose lines can be made up. */
export type LineFormat = 'netobserv' | 'zeek_conn' | 'ovn_acl' | 'ulogd';

const BEGIN_MS = 1_767_225_600_000;
const PODS = 6_000;
const WORKLOADS = 1_500;
const NODES = 120;
const OUTSIDE = 20_000;

/** Writes `count` lines and returns how many bytes they are. The same for the same seed. */
export function writeLines(path: string, format: LineFormat, count: number, seed = 1): number {
  const next = lineMaker(format, seed);
  const file = openSync(path, 'w');
  let bytes = 0;
  try {
    const header = format === 'zeek_conn' ? ZEEK_HEADER : '';
    bytes += writeSync(file, header);
    for (let from = 0; from < count; from += 4096) {
      let text = '';
      for (let i = from; i < Math.min(count, from + 4096); i++) text += `${next()}\n`;
      bytes += writeSync(file, text);
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

interface Pod {
  readonly ip: string;
  readonly name: string;
  readonly namespace: string;
  readonly workload: string;
  readonly kind: string;
  readonly host: string;
  readonly node: string;
  readonly zone: string;
}

/** One connection as all formats describe it in their own way. */
interface Meeting {
  readonly timeMs: number;
  readonly durationMs: number;
  readonly from: Pod;
  /** Null when the other side is outside the cluster. */
  readonly to: Pod | null;
  readonly toIp: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly protocol: 6 | 17;
  readonly packets: number;
  readonly bytes: number;
  readonly denied: boolean;
  readonly outgoing: boolean;
}

/** Lines of a cluster's traffic, about 20,000 a second of event time, a fifth of it with the outside. */
export function lineMaker(format: LineFormat, seed = 1): () => string {
  const meet = meetings(seed);
  const write = { netobserv, zeek_conn: zeek, ovn_acl: ovn, ulogd }[format];
  return () => write(meet());
}

function meetings(seed: number): () => Meeting {
  const random = seededRandom(seed);
  const int = (n: number): number => Math.floor(random() * n);
  const skewed = (n: number): number => Math.floor(n * random() ** 2.5);
  const hex = (n: number): string => Array.from({ length: n }, () => int(16).toString(16)).join('');
  const workloads = Array.from({ length: WORKLOADS }, (_, i) => ({
    name: `${['api', 'web', 'worker', 'cache', 'ledger'][int(5)]}-${i}`,
    namespace: `team-${int(200)}`,
    kind: ['Deployment', 'Deployment', 'StatefulSet', 'DaemonSet'][int(4)]!,
  }));
  const pods = Array.from({ length: PODS }, (_, i): Pod => {
    const workload = workloads[int(WORKLOADS)]!;
    const node = int(NODES);
    return {
      ip: `10.${128 + (i >> 12)}.${(i >> 6) & 63}.${10 + (i & 63)}`,
      name: `${workload.name}-${hex(9)}-${hex(5)}`,
      namespace: workload.namespace,
      workload: workload.name,
      kind: workload.kind,
      host: `10.0.1.${2 + node}`,
      node: `worker-${node}.cluster.internal`,
      zone: `eu-1${'abc'[node % 3]}`,
    };
  });
  const outside = Array.from({ length: OUTSIDE }, () => `203.${int(256)}.${int(256)}.${1 + int(254)}`);
  let count = 0;
  return () => {
    const from = pods[skewed(PODS)]!;
    const to = random() < 0.2 ? null : pods[skewed(PODS)]!;
    const packets = 1 + skewed(400);
    return {
      timeMs: BEGIN_MS + Math.floor(count++ / 20),
      durationMs: int(5000),
      from,
      to,
      toIp: to?.ip ?? outside[skewed(OUTSIDE)]!,
      fromPort: 32_768 + int(28_000),
      toPort: [443, 443, 80, 8080, 5432, 6379, 53, 9092][int(8)]!,
      protocol: random() < 0.9 ? 6 : 17,
      packets,
      bytes: packets * (60 + int(1200)),
      denied: random() < 0.02,
      outgoing: random() < 0.5,
    };
  };
}

function netobservSide(side: 'Src' | 'Dst', pod: Pod): object {
  return {
    [`${side}K8S_HostIP`]: pod.host,
    [`${side}K8S_HostName`]: pod.node,
    [`${side}K8S_Name`]: pod.name,
    [`${side}K8S_Namespace`]: pod.namespace,
    [`${side}K8S_NetworkName`]: 'primary',
    [`${side}K8S_OwnerName`]: pod.workload,
    [`${side}K8S_OwnerType`]: pod.kind,
    [`${side}K8S_Type`]: 'Pod',
    [`${side}K8S_Zone`]: pod.zone,
  };
}

/** NetObserv's flow record after its own Kubernetes enrichment: about 1 kB. */
function netobserv(m: Meeting): string {
  const direction = m.outgoing ? 1 : 0;
  return JSON.stringify({
    AgentIP: m.from.host,
    Bytes: m.bytes,
    Dscp: 0,
    DstAddr: m.toIp,
    ...(m.to ? netobservSide('Dst', m.to) : {}),
    DstMac: '0A:58:0A:80:00:01',
    DstPort: m.toPort,
    Duplicate: false,
    Etype: 2048,
    Flags: m.protocol === 6 ? 16 : 0,
    FlowDirection: direction,
    IfDirections: [direction],
    Interfaces: ['eth0'],
    K8S_FlowLayer: 'app',
    Packets: m.packets,
    ...(m.denied
      ? {
          PktDropBytes: 60,
          PktDropPackets: 1,
          PktDropLatestDropCause: 'OVS_DROP_EXPLICIT_ACTION',
          PktDropLatestFlags: 16,
          PktDropLatestState: 'TCP_ESTABLISHED',
        }
      : {}),
    ...(m.packets % 3 === 0 || m.denied
      ? {
          NetworkEvents: [
            {
              Feature: 'acl',
              Type: 'NetworkPolicy',
              Action: m.denied ? 'drop' : 'allow-related',
              Direction: m.outgoing ? 'Egress' : 'Ingress',
              Name: `allow-from-${m.toPort}`,
              Namespace: m.from.namespace,
            },
          ],
        }
      : {}),
    Proto: m.protocol,
    Sampling: 1,
    SrcAddr: m.from.ip,
    ...netobservSide('Src', m.from),
    SrcMac: '0A:58:0A:80:00:02',
    SrcPort: m.fromPort,
    TimeFlowEndMs: m.timeMs,
    TimeFlowStartMs: m.timeMs - m.durationMs,
    TimeReceived: Math.floor(m.timeMs / 1000) + 1,
  });
}

const ZEEK_COLUMNS = [
  ['ts', 'time'],
  ['uid', 'string'],
  ['id.orig_h', 'addr'],
  ['id.orig_p', 'port'],
  ['id.resp_h', 'addr'],
  ['id.resp_p', 'port'],
  ['proto', 'enum'],
  ['service', 'string'],
  ['duration', 'interval'],
  ['orig_bytes', 'count'],
  ['resp_bytes', 'count'],
  ['conn_state', 'string'],
  ['local_orig', 'bool'],
  ['local_resp', 'bool'],
  ['missed_bytes', 'count'],
  ['history', 'string'],
  ['orig_pkts', 'count'],
  ['orig_ip_bytes', 'count'],
  ['resp_pkts', 'count'],
  ['resp_ip_bytes', 'count'],
  ['tunnel_parents', 'set[string]'],
] as const;

export const ZEEK_HEADER = [
  '#separator \\x09',
  '#set_separator\t,',
  '#empty_field\t(empty)',
  '#unset_field\t-',
  '#path\tconn',
  `#fields\t${ZEEK_COLUMNS.map(([name]) => name).join('\t')}`,
  `#types\t${ZEEK_COLUMNS.map(([, type]) => type).join('\t')}`,
  '',
].join('\n');

function zeek(m: Meeting): string {
  const beganMs = m.timeMs - m.durationMs;
  return [
    (beganMs / 1000).toFixed(6),
    `C${m.timeMs.toString(36)}${m.fromPort.toString(36)}`,
    m.from.ip,
    m.fromPort,
    m.toIp,
    m.toPort,
    m.protocol === 6 ? 'tcp' : 'udp',
    m.toPort === 53 ? 'dns' : '-',
    (m.durationMs / 1000).toFixed(6),
    m.bytes,
    m.bytes * 2,
    m.denied ? 'REJ' : 'SF',
    'T',
    m.to ? 'T' : 'F',
    0,
    m.denied ? 'Sr' : 'ShADadFf',
    m.packets,
    m.bytes + 40 * m.packets,
    m.packets,
    m.bytes * 2 + 40 * m.packets,
    '-',
  ].join('\t');
}

/** A line of OVN's ACL audit log. */
function ovn(m: Meeting): string {
  const way = m.outgoing ? 'from-lport' : 'to-lport';
  const name = `NP:${m.from.namespace}:allow-from-${m.toPort}:${m.outgoing ? 'Egress' : 'Ingress'}`;
  const transport = m.protocol === 6 ? 'tcp' : 'udp';
  return (
    `${new Date(m.timeMs).toISOString()}|${String(m.packets).padStart(5, '0')}|acl_log(ovn_pinctrl0)|INFO|` +
    `name="${name}", verdict=${m.denied ? 'drop' : 'allow'}, severity=info, direction=${way}: ` +
    `${transport},vlan_tci=0x0000,dl_src=0a:58:0a:80:02:0b,dl_dst=0a:58:0a:80:02:0c,nw_src=${m.from.ip},nw_dst=${m.toIp},` +
    `nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=${m.fromPort},tp_dst=${m.toPort}${m.protocol === 6 ? ',tcp_flags=syn' : ''}`
  );
}

/** A packet of ulogd's NFLOG JSON. */
function ulogd(m: Meeting): string {
  return JSON.stringify({
    timestamp: new Date(m.timeMs).toISOString(),
    dvc: 'worker-1',
    'raw.pktlen': 60,
    'raw.pktcount': 1,
    'oob.prefix': m.denied ? 'DROP: ' : 'ACCEPT: ',
    'oob.time.sec': Math.floor(m.timeMs / 1000),
    'oob.time.usec': (m.timeMs % 1000) * 1000,
    'oob.mark': 0,
    'oob.hook': m.outgoing ? 3 : 1,
    'oob.in': 'eth0',
    'oob.out': '',
    src_ip: m.from.ip,
    dest_ip: m.toIp,
    'ip.protocol': m.protocol,
    'ip.ttl': 64,
    'ip.totlen': 60,
    src_port: m.fromPort,
    dest_port: m.toPort,
    'tcp.syn': 1,
    'tcp.ack': 0,
  });
}
