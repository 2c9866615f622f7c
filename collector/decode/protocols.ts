/** IANA protocol numbers by the names flow logs use. */
const numbers: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmp6: 58,
  icmpv6: 58,
  ospf: 89,
  pim: 103,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
  tcp6: 6,
  udp6: 17,
  sctp6: 132,
};

/** The number of a protocol name in lower case; null when the name is not known. */
export const protocolNumber = (name: string): number | null =>
  Object.hasOwn(numbers, name) ? numbers[name]! : null;

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const ICMP6 = 58;
export const SCTP = 132;

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;

/** Bits of TCP flags by name (RFC 9293, 3.1; ECE and CWR are RFC 3168). */
export const tcpFlagBits: Readonly<Record<string, number>> = {
  fin: FIN,
  syn: SYN,
  rst: RST,
  psh: PSH,
  ack: ACK,
  urg: URG,
  ece: 64,
  cwr: 128,
};
