import ipaddr from 'ipaddr.js';

/** True for dotted decimal with four parts of 0 to 255 and no leading zeros, which is canonical as it is. */
function isDottedQuad(text: string): boolean {
  const length = text.length;
  if (length < 7 || length > 15) return false;
  let dots = 0;
  let value = -1;
  let digits = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (digits === 0 || ++dots > 3) return false;
      value = -1;
      digits = 0;
    } else {
      if (code < 48 || code > 57 || (digits > 0 && value === 0)) return false;
      value = digits === 0 ? code - 48 : value * 10 + code - 48;
      if (++digits > 3 || value > 255) return false;
    }
  }
  return dots === 3 && digits > 0;
}

/**
 * The address in canonical text form: IPv4 as it is, IPv6 as RFC 5952 has it, IPv4-mapped IPv6 as the IPv4
 * address it stands for, a zone index left out. Null when the text is no address.
 */
export function canonicalIp(text: string): string | null {
  if (isDottedQuad(text)) return text;
  if (!text.includes(':') || text.length > 64) return null;
  const zone = text.indexOf('%');
  const bare = zone < 0 ? text : text.slice(0, zone);
  if (!ipaddr.IPv6.isValid(bare)) return null;
  const address = ipaddr.IPv6.parse(bare);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/** True when no one outside the network the address is used in can have it: RFC 1918, 6598, 4193, link-local, loopback. */
export function isPrivateIp(ip: string): boolean {
  if (!ipaddr.isValid(ip)) return false;
  const range = ipaddr.parse(ip).range();
  return (
    range === 'private' ||
    range === 'uniqueLocal' ||
    range === 'carrierGradeNat' ||
    range === 'linkLocal' ||
    range === 'loopback'
  );
}
