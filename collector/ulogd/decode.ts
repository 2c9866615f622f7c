import { newEndpoint, newFlow, newServiceRef, type Flow } from '../../schema/records.ts';
import { canonicalIp } from '../decode/addresses.ts';
import { initiatorOf } from '../decode/initiator.ts';
import { ACK, FIN, ICMP, ICMP6, PSH, RST, SYN, TCP, URG } from '../decode/protocols.ts';
import type { Meaning } from './prefixes.ts';

export type Raw = Readonly<Record<string, unknown>>;

export interface Place {
  readonly position: number;
  readonly origin: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly receivedMs: number;
  /** Time of the wrapper, for records that have none. */
  readonly timeMs: number | null;
  readonly id: (cluster: string, node: string | null, position: number) => string;
  readonly meaning: (prefix: string) => Meaning;
  readonly time: (text: string) => number | null;
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

function whole(value: unknown, max: number): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= max
    ? number
    : null;
}

const count = (value: unknown): number | null => whole(value, Number.MAX_SAFE_INTEGER);
const port = (value: unknown): number | null => whole(value, 65535);
/** A port by its common name, or by that of the protocol, as ulogd writes it where it has no common one. */
function portOf(raw: Raw, common: string, own: string): number | null {
  if (raw[common] !== undefined) return port(raw[common]);
  for (const protocol of ['tcp', 'udp', 'sctp', 'dccp', 'udplite']) {
    const value = raw[`${protocol}.${own}`];
    if (value !== undefined) return port(value);
  }
  return null;
}
const ip = (value: unknown): string | null => (typeof value === 'string' ? canonicalIp(value) : null);

const seconds = (sec: unknown, usec: unknown): number | null => {
  const whole_ = whole(sec, 8.64e12);
  return whole_ === null || whole_ === 0
    ? null
    : whole_ * 1000 + Math.floor((whole(usec, 999_999) ?? 0) / 1000);
};

const flagBits: readonly (readonly [string, number])[] = [
  ['tcp.fin', FIN],
  ['tcp.syn', SYN],
  ['tcp.rst', RST],
  ['tcp.psh', PSH],
  ['tcp.ack', ACK],
  ['tcp.urg', URG],
];

/** Hooks of netfilter (linux/netfilter.h): 1 is traffic to this machine, 3 traffic it sends. */
const LOCAL_IN = 1;
const LOCAL_OUT = 3;

const isConnection = (raw: Raw): boolean =>
  raw['ct.event'] !== undefined ||
  raw['ct.id'] !== undefined ||
  raw['orig.ip.protocol'] !== undefined ||
  raw['flow.start.sec'] !== undefined;

/** The flow of one record of NFLOG or NFCT. A string says what was expected and is not there. */
export function decodeRecord(raw: Raw, place: Place): Flow | string {
  return isConnection(raw) ? connection(raw, place) : packet(raw, place);
}

function begin(place: Place, times: { startMs: number; endMs: number }): Flow {
  const source = newEndpoint();
  const destination = newEndpoint();
  const flow = newFlow({
    id: place.id(place.cluster, place.node, place.position),
    origin: place.origin,
    position: place.position,
    cluster: place.cluster,
    collector: 'ulogd',
    ...times,
    receivedMs: place.receivedMs,
    source,
    destination,
  });
  flow.node = place.node;
  return flow;
}

function packet(raw: Raw, place: Place): Flow | string {
  const sourceIp = ip(raw['src_ip'] ?? raw['ip.saddr.str'] ?? raw['ip.saddr']);
  const destinationIp = ip(raw['dest_ip'] ?? raw['ip.daddr.str'] ?? raw['ip.daddr']);
  if (sourceIp === null || destinationIp === null) return 'addresses in src_ip and dest_ip';
  const stamp = text(raw['timestamp']);
  const timeMs =
    seconds(raw['oob.time.sec'], raw['oob.time.usec']) ??
    (stamp === null ? null : place.time(stamp)) ??
    place.timeMs;
  if (timeMs === null) return 'a time in oob.time.sec or timestamp';
  const flow = begin(place, { startMs: timeMs, endMs: timeMs });
  flow.unit = 'packet';
  flow.aggregated = whole(raw['raw.pktcount'], 0xffffffff) || 1;
  flow.protocol = whole(raw['ip.protocol'], 255) ?? whole(raw['ip6.nexthdr'], 255);
  const icmp = flow.protocol === ICMP || flow.protocol === ICMP6;
  if (icmp) {
    flow.icmpType = whole(raw['icmp.type'], 255) ?? whole(raw['icmpv6.type'], 255);
    flow.icmpCode = whole(raw['icmp.code'], 255) ?? whole(raw['icmpv6.code'], 255);
  }
  if (flow.protocol === TCP) {
    for (const [key, bit] of flagBits)
      if (raw[key] !== undefined)
        flow.tcpFlags = (flow.tcpFlags ?? 0) | (raw[key] === 1 || raw[key] === true ? bit : 0);
  }
  const sourcePort = icmp ? null : portOf(raw, 'src_port', 'sport');
  const destinationPort = icmp ? null : portOf(raw, 'dest_port', 'dport');
  const bareSyn = flow.tcpFlags !== null && (flow.tcpFlags & (SYN | ACK)) === SYN;
  const { protocol, icmpType } = flow;
  const { swapped, guessed } = initiatorOf({
    protocol,
    flags: flow.tcpFlags,
    bareSyn,
    icmpType,
    sourcePort,
    destinationPort,
  });
  flow.initiatorGuessed = guessed;
  const sender = swapped ? flow.destination : flow.source;
  const receiver = swapped ? flow.source : flow.destination;
  sender.ip = sourceIp;
  sender.port = sourcePort;
  receiver.ip = destinationIp;
  receiver.port = destinationPort;
  const bytes = count(raw['raw.pktlen']) ?? count(raw['ip.totlen']);
  if (swapped) {
    flow.destinationBytes = bytes;
    flow.destinationPackets = flow.aggregated;
  } else {
    flow.sourceBytes = bytes;
    flow.sourcePackets = flow.aggregated;
  }
  if (bareSyn) flow.connectionsStarted = 1;

  const hook = whole(raw['oob.hook'], 4);
  if (hook === LOCAL_IN || hook === LOCAL_OUT) {
    const atReceiver = hook === LOCAL_IN;
    flow.reporter = atReceiver === swapped ? 'source' : 'destination';
    flow.direction = atReceiver === swapped ? 'egress' : 'ingress';
  } else if (hook !== null) flow.reporter = 'transit';

  const prefix = text(raw['oob.prefix']);
  flow.verdictRaw = prefix?.trim() || null;
  const meaning = place.meaning(prefix ?? '');
  flow.verdict = meaning.verdict;
  if (meaning.policy) flow.policies = [meaning.policy];
  if (flow.verdict === 'unknown') labelled(raw, flow);
  return flow;
}

/** With its `boolean_label` option ulogd says itself what became of the packet. */
function labelled(raw: Raw, flow: Flow): void {
  const action = raw['action'];
  if (action === 'allowed') flow.verdict = 'allow';
  else if (action === 'blocked') flow.verdict = 'deny';
  else return;
  flow.verdictRaw ??= action;
}

const NEW = 1;
const DESTROY = 4;

function connection(raw: Raw, place: Place): Flow | string {
  const sourceIp = ip(raw['src_ip'] ?? raw['orig.ip.saddr.str']);
  const originalDestination = ip(raw['dest_ip'] ?? raw['orig.ip.daddr.str']);
  if (sourceIp === null || originalDestination === null) return 'addresses in src_ip and dest_ip';
  const stamp = text(raw['timestamp']);
  const start = seconds(raw['flow.start.sec'], raw['flow.start.usec']);
  const end = seconds(raw['flow.end.sec'], raw['flow.end.usec']);
  const endMs = end ?? (stamp === null ? null : place.time(stamp)) ?? start ?? place.timeMs;
  if (endMs === null) return 'a time in flow.start.sec, flow.end.sec or timestamp';
  const flow = begin(place, { startMs: start === null || start > endMs ? endMs : start, endMs });
  flow.unit = 'connection';
  flow.reporter = 'transit';
  flow.protocol = whole(raw['orig.ip.protocol'] ?? raw['ip.protocol'], 255);
  const icmp = flow.protocol === ICMP || flow.protocol === ICMP6;
  if (icmp) {
    flow.icmpType = whole(raw['icmp.type'], 255);
    flow.icmpCode = whole(raw['icmp.code'], 255);
  }
  flow.source.ip = sourceIp;
  flow.destination.ip = originalDestination;
  if (!icmp) {
    flow.source.port = port(raw['src_port'] ?? raw['orig.l4.sport']);
    flow.destination.port = port(raw['dest_port'] ?? raw['orig.l4.dport']);
  }
  // Replies that come from elsewhere mean that the destination was translated: they come from who really answers.
  const answering = ip(raw['reply.ip.saddr.str']);
  if (answering !== null && answering !== originalDestination) {
    flow.service = newServiceRef({
      name:
        flow.destination.port === null
          ? originalDestination
          : `${originalDestination}:${flow.destination.port}`,
    });
    flow.destination.ip = answering;
    if (!icmp) flow.destination.port = port(raw['reply.l4.sport']) ?? flow.destination.port;
  }
  flow.sourceBytes = count(raw['orig.raw.pktlen']);
  flow.sourcePackets = count(raw['orig.raw.pktcount']);
  flow.destinationBytes = count(raw['reply.raw.pktlen']);
  flow.destinationPackets = count(raw['reply.raw.pktcount']);

  const event = whole(raw['ct.event'], 255);
  const answered = flow.destinationPackets === null ? null : flow.destinationPackets > 0;
  flow.verdictRaw = event === null ? null : event & DESTROY ? 'DESTROY' : event & NEW ? 'NEW' : 'UPDATE';
  if (event !== null && (event & DESTROY) === 0) {
    // The counters of an entry are whole at its end; what comes before would be added twice.
    flow.counted = false;
    if (event & NEW) flow.connectionsStarted = 1;
    else flow.connectionsLive = 1;
  } else {
    flow.connectionsStarted = 1;
    flow.connectionsCompleted = answered === null ? null : answered ? 1 : 0;
    flow.connectionsLive = 0;
  }
  return flow;
}
