import type { Flow } from '../schema/records.ts';
import { entityKey } from './party.ts';

/**
 * What became of a contact. `seen` is a contact whose fate the origin does not tell: it counts where the number of
 * contacts alone does. `none` is traffic that says nothing about who looks for whom.
 */
export const outcomes = { none: 0, answered: 1, failed: 2, seen: 3 } as const;
export type ContactOutcome = (typeof outcomes)[keyof typeof outcomes];

const TCP = 6;
const UDP = 17;
const SCTP = 132;
const ICMP = 1;
const ICMP6 = 58;
const ACK = 16;
const RST = 4;

/** Linux and BSD take client ports from here on. */
const EPHEMERAL_FROM = 32_768;

/** UDP services that speak to whoever is near, or are answered to another port: silence there is no failure. */
const DISCOVERY_PORTS = new Set([67, 68, 137, 138, 546, 547, 1900, 3702, 5353, 5355]);

/** UDP services that never answer: syslog, traps, flow export, statsd and the tunnels between nodes. */
const ONE_WAY_PORTS = new Set([162, 514, 2055, 4739, 4789, 4790, 6081, 6343, 8125, 8472, 9995, 9996, 51820]);

/** Where traceroute sends its datagrams, a port further with each (IANA: traceroute), so that nobody takes them. */
const TRACEROUTE_FROM = 33_434;
const TRACEROUTE_TO = 33_689;

/** QUIC is tried beside TCP, and many a firewall lets none of it through: that nobody answers says nothing of the host. */
const QUIC_PORT = 443;

/** Ports on which a client that is denied the internet meets a new address with every name lookup. */
const ROTATING_PORTS = new Set([53, 80, 123, 443, 853]);

/** Transport class of a contact as rules tell them apart. */
export const transports = { tcp: 0, udp: 1, icmp: 2 } as const;

export function transportOf(flow: Flow): number {
  if (flow.protocol === ICMP || flow.protocol === ICMP6) return transports.icmp;
  return flow.protocol === UDP ? transports.udp : transports.tcp;
}

/**
 * Whether the flow's contact was answered. It failed when policy denied it (or would have), or when a connection was
 * begun and none completed or lives. Where an origin does not count connections, a TCP flow that was never
 * acknowledged failed: every segment of an established connection but the first carries ACK (RFC 9293, 3.10.7).
 */
export function contactOutcome(flow: Flow): ContactOutcome {
  const { protocol } = flow;
  if (flow.verdict === 'error' || flow.sourcePackets === 0 || toMany(flow.destination.ip))
    return outcomes.none;
  const denied = flow.verdict === 'deny' || flow.verdict === 'audit';
  if (protocol === ICMP || protocol === ICMP6) {
    // Only echo requests are contacts; errors and replies are answers to something else.
    if (flow.icmpType !== (protocol === ICMP ? 8 : 128)) return outcomes.none;
    return denied ? outcomes.failed : datagramOutcome(flow);
  }
  if (flow.destination.port === null) return outcomes.none;
  if (protocol === UDP) {
    if (isDatagramNoise(flow)) return outcomes.none;
    return denied ? outcomes.failed : datagramOutcome(flow);
  }
  if (protocol !== TCP && protocol !== SCTP && protocol !== null) return outcomes.none;
  if (flow.initiatorGuessed && isReplyLike(flow)) return outcomes.none;
  return denied ? outcomes.failed : connectionOutcome(flow);
}

/** What a contact says of a search: as above, but for datagrams that get no answer wherever they go. */
export function searchOutcome(flow: Flow): ContactOutcome {
  const outcome = contactOutcome(flow);
  if (outcome !== outcomes.failed || flow.protocol !== UDP) return outcome;
  const port = flow.destination.port ?? 0;
  const isTraceroute = port >= TRACEROUTE_FROM && port <= TRACEROUTE_TO;
  return isTraceroute || (port === QUIC_PORT && flow.verdict !== 'deny') ? outcomes.none : outcome;
}

function connectionOutcome(flow: Flow): ContactOutcome {
  const { connectionsStarted, connectionsCompleted, connectionsLive, sourcePackets, destinationPackets } =
    flow;
  if (connectionsStarted === null || (connectionsCompleted === null && connectionsLive === null)) {
    return uncountedOutcome(flow);
  }
  if (connectionsStarted === 0) {
    // No SYN was seen: the middle of a connection, or a probe without SYN (FIN, NULL, Xmas, ACK).
    if (isReplyLike(flow)) return outcomes.none;
    if (sourcePackets === 1 && destinationPackets === 0) return outcomes.failed;
    return destinationPackets !== null && destinationPackets > 0 ? outcomes.answered : outcomes.none;
  }
  if ((connectionsCompleted ?? 0) === 0 && (connectionsLive ?? 0) === 0) return outcomes.failed;
  // One packet each way is no handshake, whatever the origin calls it: a FIN or Xmas probe that was refused.
  return sourcePackets === 1 && destinationPackets === 1 ? outcomes.failed : outcomes.answered;
}

/**
 * TCP without counts of connections. One packet, or one in N, shows no handshake even of a connection that works:
 * only whole flows tell by their flags. What policy allowed was let through.
 */
function uncountedOutcome(flow: Flow): ContactOutcome {
  const flags = flow.protocol === TCP ? flow.tcpFlags : null;
  if (flags === RST) return outcomes.none;
  if (isWhole(flow)) {
    if (flags !== null && (flags & ACK) === 0) return outcomes.failed;
    if (gotNothingBack(flow)) return outcomes.failed;
  }
  const established = flags !== null && (flags & ACK) !== 0;
  return established || flow.verdict === 'allow' ? outcomes.answered : outcomes.seen;
}

function datagramOutcome(flow: Flow): ContactOutcome {
  const { connectionsStarted, connectionsCompleted, connectionsLive, destinationPackets } = flow;
  if (connectionsStarted !== null && connectionsStarted >= 1 && connectionsCompleted !== null) {
    return connectionsCompleted === 0 && (connectionsLive ?? 0) === 0 ? outcomes.failed : outcomes.answered;
  }
  if (destinationPackets !== null && destinationPackets > 0) return outcomes.answered;
  if (isWhole(flow) && gotNothingBack(flow)) return outcomes.failed;
  return flow.verdict === 'allow' ? outcomes.answered : outcomes.seen;
}

const isWhole = (flow: Flow): boolean => flow.unit !== 'packet' && flow.samplingRate <= 1;

const gotNothingBack = (flow: Flow): boolean =>
  flow.destinationPackets === 0 && flow.sourcePackets !== null && flow.sourcePackets <= 3;

/** From a service port to a client port: an answer whose question was not seen. */
function isReplyLike(flow: Flow): boolean {
  const from = flow.source.port;
  const to = flow.destination.port;
  return from !== null && to !== null && from < EPHEMERAL_FROM && to >= EPHEMERAL_FROM;
}

function isDatagramNoise(flow: Flow): boolean {
  const from = flow.source.port;
  const to = flow.destination.port;
  if (to !== null && (DISCOVERY_PORTS.has(to) || ONE_WAY_PORTS.has(to))) return true;
  return isReplyLike(flow) || (from !== null && DISCOVERY_PORTS.has(from));
}

/** Multicast and limited broadcast are addressed to nobody in particular. */
function toMany(ip: string | null): boolean {
  if (ip === null) return false;
  const first = ip.charCodeAt(0);
  if (first === 0x66) return ip.startsWith('ff') && ip.includes(':');
  if (first !== 0x32 || ip.charCodeAt(3) !== 0x2e) return false;
  const octet = Number(ip.slice(0, 3));
  return octet >= 224 && octet <= 239 ? true : ip === '255.255.255.255';
}

/**
 * The host a contact counts for. Denied clients of internet services all count as one host a port: one that may not
 * reach a rotating address says nothing about how many it looked for.
 */
export function contactHost(flow: Flow): string {
  const to = flow.destination;
  if (to.kind === 'public' && flow.verdict === 'deny' && to.port !== null && ROTATING_PORTS.has(to.port)) {
    return 'public';
  }
  return entityKey(to);
}
