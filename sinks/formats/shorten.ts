import { cut } from './text.ts';

const LONGEST_NAME = 32;

/**
 * The same JSON value with strings of at most `cap` UTF-16 units, lists and maps of at most `cap / 8` members and
 * no more than eight levels. `id` stays whole: it is what a receiver finds the record by.
 */
export function shorten(value: unknown, cap: number, depth = 0): unknown {
  if (typeof value === 'string') return cut(value, cap);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, cap)).toString('base64');
  if (depth === 8) return null;
  const members = Math.max(1, Math.floor(cap / 8));
  if (Array.isArray(value)) return value.slice(0, members).map((member) => shorten(member, cap, depth + 1));
  const out: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value).slice(
    0,
    depth === 0 ? undefined : Math.max(members, 12),
  )) {
    // Names of fields are not cut, those that come from elsewhere are: labels.
    out[cut(key, Math.max(cap, LONGEST_NAME))] =
      key === 'id' && typeof member === 'string' ? cut(member, 64) : shorten(member, cap, depth + 1);
  }
  return out;
}
