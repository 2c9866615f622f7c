/** Names of the IANA "Protocol Numbers" registry in the lower-case form of ECS `network.transport`. */
const names: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  4: 'ipv4',
  6: 'tcp',
  17: 'udp',
  41: 'ipv6',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'ipv6-icmp',
  89: 'ospf',
  103: 'pim',
  112: 'vrrp',
  132: 'sctp',
};

/** `tcp`; the number as text where no name is kept; null when unknown. */
export const protocolName = (protocol: number | null): string | null =>
  protocol === null ? null : (names[protocol] ?? String(protocol));
