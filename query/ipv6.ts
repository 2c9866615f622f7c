/** The two 64-bit halves of an IPv6 address in RFC 5952 text form, as `canonicalAddress` gives it. */
export function ipv6Words(text: string): [bigint, bigint] {
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  let high = 0n;
  let low = 0n;
  for (let i = 0; i < 4; i++) high = (high << 16n) | BigInt(parseInt(groups[i]!, 16));
  for (let i = 4; i < 8; i++) low = (low << 16n) | BigInt(parseInt(groups[i]!, 16));
  return [high, low];
}
