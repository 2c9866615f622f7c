import { ACK, ICMP, ICMP6, SYN, TCP } from './protocols.ts';

/** Who began a connection, seen from packets that go from `source` to `destination`. */
export interface Initiator {
  /** The packets go from the responder to the initiator. */
  readonly swapped: boolean;
  /** Decided from the ports or not at all, rather than from what the packets say. */
  readonly guessed: boolean;
}

const KNOWN: Initiator = { swapped: false, guessed: false };
const KNOWN_SWAPPED: Initiator = { swapped: true, guessed: false };
const GUESSED: Initiator = { swapped: false, guessed: true };
const GUESSED_SWAPPED: Initiator = { swapped: true, guessed: true };

/** First port of the range that Linux gives to clients (net.ipv4.ip_local_port_range). */
const EPHEMERAL = 32768;

/** Ports from 1,024 up that services of a cluster listen on, although clients may be given some of them elsewhere. */
const servicePorts = new Set([
  1433, 1521, 2049, 2181, 2379, 2380, 3000, 3306, 3389, 4317, 4318, 5000, 5060, 5353, 5432, 5671, 5672, 6379,
  6443, 6640, 6641, 6642, 7000, 7001, 8000, 8080, 8081, 8086, 8443, 8500, 8888, 9000, 9042, 9090, 9091, 9092,
  9093, 9100, 9200, 9300, 9443, 10250, 10255, 10257, 10259, 11211, 15010, 15012, 15017, 15021, 22623, 27017,
  30000, 50051,
]);

/** How likely a service listens on a port: 3 well-known, 2 listed above, 1 below the client range, 0 client range. */
function serviceLike(port: number): number {
  if (port < 1024) return 3;
  if (servicePorts.has(port)) return 2;
  return port < EPHEMERAL ? 1 : 0;
}

/** Of the ports alone: the side whose port is more like a service's responds; where neither is, nothing is swapped. */
export function initiatorOfPorts(sourcePort: number | null, destinationPort: number | null): Initiator {
  if (sourcePort === null || destinationPort === null) return GUESSED;
  return serviceLike(sourcePort) > serviceLike(destinationPort) ? GUESSED_SWAPPED : GUESSED;
}

/**
 * Of packets that went one way: a SYN without ACK comes from the initiator, a SYN with ACK from the responder
 * (RFC 9293, 3.5); an ICMP echo request from the one, the reply from the other. `flags` is the OR over the
 * packets, `bareSyn` that one of them had SYN without ACK. Other packets leave only the ports.
 */
export function initiatorOf(packet: {
  readonly protocol: number | null;
  readonly flags: number | null;
  readonly bareSyn: boolean;
  readonly icmpType: number | null;
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
}): Initiator {
  const { protocol, flags, icmpType } = packet;
  if (protocol === TCP) {
    if (packet.bareSyn) return KNOWN;
    if (flags !== null && (flags & (SYN | ACK)) === (SYN | ACK)) return KNOWN_SWAPPED;
  } else if (protocol === ICMP || protocol === ICMP6) {
    if (icmpType === (protocol === ICMP ? 8 : 128)) return KNOWN;
    if (icmpType === (protocol === ICMP ? 0 : 129)) return KNOWN_SWAPPED;
    return GUESSED;
  }
  return initiatorOfPorts(packet.sourcePort, packet.destinationPort);
}
