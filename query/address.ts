import ipaddr from 'ipaddr.js';

/** A network: IPv4 as one number, IPv6 as its 16 bytes. */
export type Network =
  | { readonly version: 4; readonly from: number; readonly to: number; readonly prefix: number }
  | { readonly version: 6; readonly bytes: readonly number[]; readonly prefix: number };

/** The address in the text form records hold (RFC 5952 for IPv6); null when it is none. */
export function canonicalAddress(text: string): string | null {
  if (ipv4Number(text) >= 0) return text;
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  if (address.zoneId) return null;
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/** `10.0.0.0/8` or `fd00::/8`; host bits are cleared. Null when it is none. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  if (slash < 0 || !/^\d{1,3}$/.test(text.slice(slash + 1))) return null;
  const address = text.slice(0, slash);
  const prefix = Number(text.slice(slash + 1));
  const number = ipv4Number(address);
  if (number >= 0) {
    if (prefix > 32) return null;
    const size = 2 ** (32 - prefix);
    const from = number - (number % size);
    return { version: 4, from, to: from + size - 1, prefix };
  }
  if (prefix > 128 || !address.includes(':') || !ipaddr.IPv6.isValid(address)) return null;
  return { version: 6, bytes: masked(ipaddr.IPv6.parse(address).toByteArray(), prefix), prefix };
}

export function networkHas(network: Network, address: string): boolean {
  if (network.version === 4) {
    const number = ipv4Number(address);
    return number >= network.from && number <= network.to;
  }
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return false;
  const bytes = ipaddr.IPv6.parse(address).toByteArray();
  return masked(bytes, network.prefix).every((byte, i) => byte === network.bytes[i]);
}

/** An IPv4 address as a number, -1 when it is none. No leading zeros, as inet_pton has it. */
export function ipv4Number(text: string): number {
  let number = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (digits === 0 || ++dots > 3) return -1;
      number = number * 256 + octet;
      octet = digits = 0;
    } else if (code >= 48 && code <= 57) {
      if (digits === 3 || (digits > 0 && octet === 0)) return -1;
      octet = octet * 10 + code - 48;
      digits++;
      if (octet > 255) return -1;
    } else {
      return -1;
    }
  }
  return dots === 3 && digits > 0 ? number * 256 + octet : -1;
}

function masked(bytes: readonly number[], prefix: number): number[] {
  return bytes.map((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefix - i * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
}
