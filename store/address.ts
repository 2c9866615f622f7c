import ipaddr from 'ipaddr.js';

/** An IPv6 address as 32 hexadecimal digits, which sort as the addresses do; null when it is none. */
export function hexOf(address: string): string | null {
  if (!ipaddr.IPv6.isValid(address)) return null;
  return Buffer.from(ipaddr.IPv6.parse(address).toByteArray()).toString('hex');
}
