import { canonicalIp } from '../decode/addresses.ts';
import { ACK, ICMP, ICMP6, SYN, protocolNumber, tcpFlagBits } from '../decode/protocols.ts';

/** What one line of OVN's ACL log says of one packet. */
export interface AclLine {
  /** Null where the line carries no time (syslog and journald destinations leave it out). */
  timeMs: number | null;
  thread: string;
  serial: number | null;
  aclName: string;
  verdict: string;
  severity: string;
  direction: 'ingress' | 'egress';
  protocol: number | null;
  sourceIp: string;
  destinationIp: string;
  sourcePort: number | null;
  destinationPort: number | null;
  icmpType: number | null;
  icmpCode: number | null;
  tcpFlags: number | null;
  /** SYN without ACK. */
  bareSyn: boolean;
  sourceMac: string | null;
  destinationMac: string | null;
  /** A key came twice, or a value is none: what came first was taken. */
  malformed: boolean;
}

/** Any line of an Open vSwitch log: `2023-11-02T16:28:54.139Z|00004|acl_log(ovn_pinctrl0)|INFO|…`. */
export interface VlogHead {
  timeMs: number | null;
  serial: number | null;
  module: string;
  thread: string;
  /** Where the message begins. */
  bodyAt: number;
}

const HEAD =
  /(?:^|[^|]*?)(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\||\bovs\|)?(\d{4,10})\|([a-z0-9_]{1,64})(?:\(([^)|]{0,64})\))?\|([A-Z]{2,7})\|/y;
const BODY =
  /name="?((?:[^"\\]|\\.)*?)"?, verdict=([^,]{1,64}), severity=([^,]{1,32}), direction=(to-lport|from-lport): ([a-z0-9_]{1,16})(?:,|$)/y;

/** The head of a log line (OVS vlog); null when the line has none. */
export function parseHead(text: string): VlogHead | null {
  HEAD.lastIndex = 0;
  const head = HEAD.exec(text);
  if (!head) return null;
  const time = head[1] === undefined ? NaN : Date.parse(head[1]);
  return {
    timeMs: Number.isNaN(time) ? null : time,
    serial: Number(head[2]),
    module: head[3]!,
    thread: head[4] ?? '',
    bodyAt: HEAD.lastIndex,
  };
}

const unsigned = (text: string, max: number): number | null => {
  if (!/^\d{1,10}$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
};

/**
 * The message of an `acl_log` line. A string says what was expected in its place. The first value of each key
 * counts: a line that the next one ran into still tells of its own packet.
 */
export function parseAcl(text: string, head: VlogHead): AclLine | string {
  BODY.lastIndex = head.bodyAt;
  const body = BODY.exec(text);
  if (!body) return 'name="…", verdict=…, severity=…, direction=to-lport|from-lport: …';
  const flow = text.slice(BODY.lastIndex);
  const fields = new Map<string, string>();
  let malformed = false;
  if (flow !== '') {
    for (const field of flow.split(',')) {
      const equals = field.indexOf('=');
      if (equals <= 0) {
        // `tcp6,ipv6_src=…` has none; a bare word is what a cut or a run-together line leaves.
        malformed = true;
        continue;
      }
      const key = field.slice(0, equals);
      if (fields.has(key)) malformed = true;
      else if (fields.size < 64) fields.set(key, field.slice(equals + 1));
    }
  }
  const address = (...keys: readonly string[]): string | null => {
    for (const key of keys) {
      const value = fields.get(key);
      if (value !== undefined) return canonicalIp(value);
    }
    return null;
  };
  const sourceIp = address('nw_src', 'ipv6_src', 'arp_spa');
  const destinationIp = address('nw_dst', 'ipv6_dst', 'arp_tpa');
  if (sourceIp === null || destinationIp === null)
    return 'an address in nw_src and nw_dst, or in ipv6_src and ipv6_dst';

  const number = (key: string, max: number): number | null => {
    const value = fields.get(key);
    if (value === undefined) return null;
    const parsed = unsigned(value, max);
    if (parsed === null) malformed = true;
    return parsed;
  };
  const name = body[5]!;
  const protocol = protocolNumber(name) ?? number('nw_proto', 255);
  const isIcmp = protocol === ICMP || protocol === ICMP6;
  let tcpFlags: number | null = null;
  const flags = fields.get('tcp_flags');
  if (flags !== undefined) {
    tcpFlags = 0;
    for (const flag of flags.split('|')) {
      const bit = tcpFlagBits[/^[a-z]*/.exec(flag)![0]];
      if (bit !== undefined) tcpFlags |= bit;
      if (bit === undefined ? flag !== 'ns' && flag !== '0' : tcpFlagBits[flag] === undefined)
        malformed = true;
    }
  }
  const ported = name.startsWith('tcp') || name.startsWith('udp') || name.startsWith('sctp');
  const sourcePort = number('tp_src', 65535);
  const destinationPort = number('tp_dst', 65535);
  if (ported && (sourcePort === null || destinationPort === null)) malformed = true;
  return {
    timeMs: head.timeMs,
    thread: head.thread,
    serial: head.serial,
    aclName: body[1]!.replace(/\\(.)/g, '$1'),
    verdict: body[2]!,
    severity: body[3]!,
    direction: body[4] === 'to-lport' ? 'ingress' : 'egress',
    protocol,
    sourceIp,
    destinationIp,
    sourcePort: isIcmp ? null : sourcePort,
    destinationPort: isIcmp ? null : destinationPort,
    icmpType: isIcmp ? (number('icmp_type', 255) ?? number('icmpv6_type', 255)) : null,
    icmpCode: isIcmp ? (number('icmp_code', 255) ?? number('icmpv6_code', 255)) : null,
    tcpFlags,
    bareSyn: tcpFlags !== null && (tcpFlags & (SYN | ACK)) === SYN,
    sourceMac: fields.get('dl_src') ?? null,
    destinationMac: fields.get('dl_dst') ?? null,
    malformed,
  };
}
