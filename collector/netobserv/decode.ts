import {
  newEndpoint,
  newFlow,
  newRequest,
  newServiceRef,
  type Endpoint,
  type Flow,
} from '../../schema/records.ts';
import { canonicalIp } from '../decode/addresses.ts';
import { initiatorOfPorts, type Initiator } from '../decode/initiator.ts';
import { ACK, FIN, ICMP, ICMP6, RST, SYN, TCP, protocolNumber, tcpFlagBits } from '../decode/protocols.ts';
import { judge } from './events.ts';
import { count, epochMs, text, whole, type Raw } from './record.ts';

/** Bits above those of the TCP header that the agent sets for packets with both flags. */
const SYN_ACK = 0x100;
const FIN_ACK = 0x200;
const RST_ACK = 0x400;

const KNOWN: Initiator = { swapped: false, guessed: false };
const KNOWN_SWAPPED: Initiator = { swapped: true, guessed: false };

export interface Place {
  readonly position: number;
  readonly origin: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly receivedMs: number;
  /** Time of the wrapper, for records that have none. */
  readonly timeMs: number | null;
  readonly id: (cluster: string, node: string | null, position: number) => string;
  readonly policyDropCauses: ReadonlySet<string>;
}

const combined: Readonly<Record<string, number>> = { syn_ack: SYN_ACK, fin_ack: FIN_ACK, rst_ack: RST_ACK };

/** Flags as a number, or as the names that decode_tcp_flags makes of it; null when there are none. */
function flagsOf(value: unknown): number | null {
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && value <= 0xffff ? value : null;
  if (!Array.isArray(value)) return typeof value === 'string' ? whole(value, 0xffff) : null;
  let flags = 0;
  for (const item of value.slice(0, 16) as unknown[]) {
    const name = String(item).toLowerCase();
    flags |= tcpFlagBits[name] ?? combined[name] ?? 0;
  }
  return flags;
}

/** Flags of the TCP header alone. */
function headerFlags(flags: number): number {
  let bits = flags & 0xff;
  if (flags & SYN_ACK) bits |= SYN | ACK;
  if (flags & FIN_ACK) bits |= FIN | ACK;
  if (flags & RST_ACK) bits |= RST | ACK;
  return bits;
}

/**
 * Who began the connection, from the packets of one direction: the agent keeps SYN for packets without ACK and
 * has a bit of its own for SYN-ACK; a flow of other exporters has both bits in either direction, and then the
 * ports decide.
 */
function initiator(raw: Raw, flow: Flow, flags: number | null): Initiator {
  if (raw._HashId !== undefined && raw._RecordType !== undefined && raw._RecordType !== 'flowLog')
    return KNOWN;
  const sourcePort = flow.source.port;
  const destinationPort = flow.destination.port;
  if (flow.protocol === TCP && flags !== null) {
    if (flags & SYN_ACK) return KNOWN_SWAPPED;
    if (flags & SYN) {
      if ((flags & ACK) === 0) return KNOWN;
      if (raw.Packets === 1) return KNOWN_SWAPPED;
    }
  } else if (flow.protocol === ICMP || flow.protocol === ICMP6) {
    const request = flow.protocol === ICMP ? 8 : 128;
    if (flow.icmpType === request) return KNOWN;
    if (flow.icmpType === (flow.protocol === ICMP ? 0 : 129)) return KNOWN_SWAPPED;
  }
  return initiatorOfPorts(sourcePort, destinationPort);
}

function describe(
  endpoint: Endpoint,
  type: string | null,
  name: unknown,
  namespace: unknown,
  hostName: unknown,
): void {
  endpoint.namespace = text(namespace);
  endpoint.node = text(hostName);
  if (type === 'Pod') {
    endpoint.kind = 'workload';
    endpoint.pod = text(name);
  } else if (type === 'Node') {
    endpoint.kind = 'host';
    endpoint.node = text(name);
  } else if (type === 'Service') {
    endpoint.kind = 'service';
  }
}

/** The cluster's own network is what an address without a name belongs to. */
const networkOf = (name: unknown, udns: unknown): string | null => {
  const given = text(name);
  if (given !== null) return given === 'primary' || given === 'default' ? null : given;
  if (!Array.isArray(udns)) return null;
  const udn = text((udns as unknown[])[0]);
  return udn === 'default' || udn === 'primary' ? null : udn;
};

/** The observing node's name: of the side whose host the agent's address is, else by direction, else the address. */
function nodeOf(raw: Raw, direction: number | null): string | null {
  const agent = text(raw.AgentIP);
  if (agent !== null) {
    if (agent === raw.DstK8S_HostIP && (direction !== 1 || agent !== raw.SrcK8S_HostIP))
      return text(raw.DstK8S_HostName) ?? agent;
    if (agent === raw.SrcK8S_HostIP) return text(raw.SrcK8S_HostName) ?? agent;
    return agent;
  }
  return direction === 0 ? text(raw.DstK8S_HostName) : direction === 1 ? text(raw.SrcK8S_HostName) : null;
}

function counters(raw: Raw, flow: Flow, swapped: boolean): void {
  const bytesBack = count(raw.Bytes_BA);
  const packetsBack = count(raw.Packets_BA);
  const bytes = count(raw.Bytes_AB) ?? count(raw.Bytes);
  const packets = count(raw.Packets_AB) ?? count(raw.Packets);
  flow.sourceBytes = swapped ? bytesBack : bytes;
  flow.destinationBytes = swapped ? bytes : bytesBack;
  flow.sourcePackets = swapped ? packetsBack : packets;
  flow.destinationPackets = swapped ? packets : packetsBack;
}

/** Records of connection tracking; sums are taken from `endConnection` where there are such records. */
function connection(raw: Raw, flow: Flow, type: string): void {
  if (type === 'flowLog') {
    if (raw._HashId !== undefined) flow.counted = false;
    return;
  }
  flow.unit = 'connection';
  flow.counted = type === 'endConnection';
  if (type === 'newConnection') flow.connectionsStarted = 1;
  else if (type === 'heartbeat') flow.connectionsLive = 1;
  else if (type === 'endConnection') flow.connectionsCompleted = 1;
}

function verdict(raw: Raw, flow: Flow, causes: ReadonlySet<string>): void {
  const judged = raw.NetworkEvents === undefined ? null : judge(raw.NetworkEvents);
  if (judged !== null) {
    flow.verdict = judged.verdict;
    flow.verdictRaw = judged.verdictRaw;
    flow.policies = judged.policies;
    if (judged.direction !== null) flow.direction = judged.direction;
  }
  const dropped = raw.PktDropPackets === undefined ? null : count(raw.PktDropPackets);
  if (dropped === null || dropped === 0) return;
  flow.dropReason = text(raw.PktDropLatestDropCause);
  if (flow.verdict !== 'unknown') return;
  if (flow.dropReason !== null && causes.has(flow.dropReason)) flow.verdict = 'deny';
  else if (dropped >= (count(raw.Packets) ?? 0)) flow.verdict = 'error';
}

/** The flow of one record. A string says what was expected and is not there. */
export function decodeRecord(raw: Raw, place: Place): Flow | string {
  const sourceIp = typeof raw.SrcAddr === 'string' ? canonicalIp(raw.SrcAddr) : null;
  const destinationIp = typeof raw.DstAddr === 'string' ? canonicalIp(raw.DstAddr) : null;
  if (sourceIp === null || destinationIp === null) return 'addresses in SrcAddr and DstAddr';
  const receivedMs = epochMs(raw.TimeReceived);
  const end = epochMs(raw.TimeFlowEndMs) ?? epochMs(raw.TimeFlowEnd);
  const start = epochMs(raw.TimeFlowStartMs) ?? epochMs(raw.TimeFlowStart);
  const endMs = end ?? start ?? receivedMs ?? place.timeMs;
  if (endMs === null) return 'a time in TimeFlowEndMs or TimeReceived';

  const direction = whole(raw.FlowDirection, 2);
  const cluster = text(raw.K8S_ClusterName) ?? place.cluster;
  const node = nodeOf(raw, direction) ?? place.node;
  let source = newEndpoint();
  let destination = newEndpoint();
  const flow = newFlow({
    id: place.id(cluster, node, place.position),
    origin: place.origin,
    position: place.position,
    cluster,
    collector: 'netobserv',
    startMs: start === null || start > endMs ? endMs : start,
    endMs,
    receivedMs: place.receivedMs,
    source,
    destination,
  });
  flow.node = node;
  flow.protocol =
    whole(raw.Proto, 255) ?? (typeof raw.Proto === 'string' ? protocolNumber(raw.Proto.toLowerCase()) : null);
  const icmp = flow.protocol === ICMP || flow.protocol === ICMP6;
  if (icmp) {
    flow.icmpType = whole(raw.IcmpType, 255);
    flow.icmpCode = whole(raw.IcmpCode, 255);
  }
  source.ip = sourceIp;
  destination.ip = destinationIp;
  if (!icmp) {
    source.port = whole(raw.SrcPort, 65535);
    destination.port = whole(raw.DstPort, 65535);
  }
  describe(source, text(raw.SrcK8S_Type), raw.SrcK8S_Name, raw.SrcK8S_Namespace, raw.SrcK8S_HostName);
  source.workloadKind = text(raw.SrcK8S_OwnerType);
  source.workload = text(raw.SrcK8S_OwnerName);
  source.zone = text(raw.SrcK8S_Zone);
  source.network = networkOf(raw.SrcK8S_NetworkName, raw.Udns);
  source.networkSet = text(raw.SrcSubnetLabel);
  const destinationType = text(raw.DstK8S_Type);
  describe(destination, destinationType, raw.DstK8S_Name, raw.DstK8S_Namespace, raw.DstK8S_HostName);
  destination.workloadKind = text(raw.DstK8S_OwnerType);
  destination.workload = text(raw.DstK8S_OwnerName);
  destination.zone = text(raw.DstK8S_Zone);
  destination.network = networkOf(raw.DstK8S_NetworkName, raw.Udns);
  destination.networkSet = text(raw.DstSubnetLabel);

  const flags = flow.protocol === TCP ? flagsOf(raw.Flags ?? raw.TCPFlags) : null;
  flow.tcpFlags = flags === null ? null : headerFlags(flags);
  const { swapped, guessed } = initiator(raw, flow, flags);
  flow.initiatorGuessed = guessed;
  // The receiver's node counts a packet; where the receiver is on no node of the cluster, the sender's does.
  flow.counted =
    raw.Duplicate !== true &&
    (direction !== 1 || (destination.node === null && text(raw.DstK8S_HostIP) === null));
  if (swapped) {
    [source, destination] = [destination, source];
    flow.source = source;
    flow.destination = destination;
  }
  if (direction === 0 || direction === 1) {
    const atReceiver = direction === 0;
    flow.reporter = atReceiver === swapped ? 'source' : 'destination';
    flow.direction = atReceiver === swapped ? 'egress' : 'ingress';
  }
  const service =
    destinationType === 'Service'
      ? raw.DstK8S_Name
      : text(raw.SrcK8S_Type) === 'Service'
        ? raw.SrcK8S_Name
        : null;
  const serviceName = text(service);
  if (serviceName !== null) {
    flow.service = newServiceRef({ name: serviceName });
    flow.service.namespace = text(
      destinationType === 'Service' ? raw.DstK8S_Namespace : raw.SrcK8S_Namespace,
    );
  }
  counters(raw, flow, swapped);
  flow.samplingRate = whole(raw.Sampling, 0xffffffff, 1) ?? 1;
  flow.aggregated = whole(raw.numFlowLogs, 0xffffffff, 1) ?? 1;
  const type = text(raw._RecordType);
  if (type !== null) connection(raw, flow, type);
  verdict(raw, flow, place.policyDropCauses);
  const query = text(raw.DnsName);
  if (query !== null) {
    flow.request = newRequest();
    flow.request.query = query;
  }
  return flow;
}
