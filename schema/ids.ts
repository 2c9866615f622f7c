import { createHash } from 'node:crypto';

/** Ascending in code-unit order, so that ids of one origin sort as their positions do. */
const ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';

/**
 * Flow ids of one origin: 84 bits of hash over who observed it, then the position in 48 bits, 22 characters.
 * Nothing is hashed per record, and two positions of an origin can never collide.
 */
export function flowIds(parts: {
  cluster: string;
  node: string | null;
  collector: string;
  origin: string;
}): (position: number) => string {
  const prefix = digest(14, parts.cluster, parts.node ?? '', parts.collector, parts.origin);
  // The upper half rarely changes: what it and the prefix come to is kept.
  let high = 0;
  let head = prefix + quad(0);
  return (position) => {
    const upper = Math.floor(position / 16777216);
    if (upper !== high) {
      high = upper;
      head = prefix + quad(upper);
    }
    return head + quad(position - upper * 16777216);
  };
}

/** A position in 48 bits as 8 characters that sort as the positions do. */
export const positionText = (position: number): string =>
  quad(Math.floor(position / 16777216)) + quad(position % 16777216);

/** Every text of two characters, by its 12 bits: two look-ups where four divisions and joins were. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, bits) => ALPHABET[bits >> 6]! + ALPHABET[bits & 63]!,
);

/** 24 bits as four characters. */
const quad = (bits: number): string => PAIRS[(bits >>> 12) & 4095]! + PAIRS[bits & 4095]!;

/** `length` characters (6 bits each) of SHA-256 over the parts; the parts are delimited, so no two lists meet. */
export function digest(length: number, ...parts: readonly (string | number | null)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    const text = part === null ? '' : String(part);
    hash.update(`${text.length}:${text};`);
  }
  const bytes = hash.digest();
  let out = '';
  for (let i = 0; i < length; i++) out += ALPHABET[bytes[i]! % 64];
  return out;
}
