import { createHash } from 'node:crypto';
import { isIP } from 'node:net';

/** The two ends of a flow as they are in its packets; ICMP type and code stand for the ports. */
export interface FlowTuple {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Null where the protocol has none, or the origin does not give them. */
  readonly sourcePort: number | null;
  readonly destinationPort: number | null;
}

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMP6 = 58;
const SCTP = 132;

/** ICMP types that are asked and answered, each with the other: RFC 792, 950 and 1256. */
const ICMP_PAIRS: ReadonlyMap<number, number> = pairs([8, 0], [13, 14], [15, 16], [17, 18], [10, 9]);
/** The same for ICMPv6: RFC 4443, 2710, 4861, 4620 and 6275. */
const ICMP6_PAIRS: ReadonlyMap<number, number> = pairs(
  [128, 129],
  [133, 134],
  [135, 136],
  [130, 131],
  [144, 145],
  [139, 140],
);

/**
 * Community ID version 1 (corelight/community-id-spec): `1:` and the base64 of SHA-1 over seed, addresses,
 * protocol and ports, the lesser end first, so that both directions and all tools agree. For ICMP give type and
 * code as the ports. Null where it is not defined: no address, two families, or a protocol with ports without them.
 */
export function communityId(tuple: FlowTuple, seed = 0): string | null {
  const { protocol } = tuple;
  const source = addressBytes(tuple.source);
  const destination = addressBytes(tuple.destination);
  if (source === null || destination === null || source.length !== destination.length) return null;
  const hasPorts =
    protocol === TCP || protocol === UDP || protocol === SCTP || protocol === ICMP || protocol === ICMP6;
  if (hasPorts && (tuple.sourcePort === null || tuple.destinationPort === null)) return null;

  let sourcePort = hasPorts ? tuple.sourcePort! : 0;
  let destinationPort = hasPorts ? tuple.destinationPort! : 0;
  let oneWay = false;
  if (protocol === ICMP || protocol === ICMP6) {
    const counterpart = (protocol === ICMP ? ICMP_PAIRS : ICMP6_PAIRS).get(sourcePort);
    if (counterpart === undefined) oneWay = true;
    else destinationPort = counterpart;
  }
  const order = Buffer.compare(source, destination) || sourcePort - destinationPort;
  const swap = !oneWay && order > 0;
  if (swap) [sourcePort, destinationPort] = [destinationPort, sourcePort];

  const size = source.length;
  const bytes = Buffer.alloc(2 + 2 * size + 2 + (hasPorts ? 4 : 0));
  bytes.writeUInt16BE(seed, 0);
  (swap ? destination : source).copy(bytes, 2);
  (swap ? source : destination).copy(bytes, 2 + size);
  bytes[2 + 2 * size] = protocol;
  if (hasPorts) {
    bytes.writeUInt16BE(sourcePort, 4 + 2 * size);
    bytes.writeUInt16BE(destinationPort, 6 + 2 * size);
  }
  return `1:${createHash('sha1').update(bytes).digest('base64')}`;
}

function pairs(...list: readonly (readonly [number, number])[]): Map<number, number> {
  return new Map(list.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
}

/** 4 or 16 bytes in network order; null when it is no address. */
function addressBytes(text: string): Buffer | null {
  const version = isIP(text);
  if (version === 4) return Buffer.from(text.split('.').map(Number));
  if (version !== 6 || text.includes('%')) return null;
  const dots = text.lastIndexOf(':');
  const tail = text.slice(dots + 1);
  const plain = tail.includes('.') ? text.slice(0, dots + 1) + groupsOf(tail) : text;
  const [head = '', rest] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const bytes = Buffer.alloc(16);
  left.forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i));
  right.forEach((group, i) => bytes.writeUInt16BE(Number.parseInt(group, 16), 16 - 2 * (right.length - i)));
  return bytes;
}

/** The last 32 bits of an IPv6 address, where they are written as an IPv4 address. */
function groupsOf(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
