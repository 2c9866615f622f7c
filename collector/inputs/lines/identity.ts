import { digest } from '../../../schema/ids.ts';

/** Bytes of decompressed content that may take part in an identity. */
export const IDENTITY_BYTES = 16 * 1024;

const LF = 10;
const CR = 13;
const HASH = 35;

/** Zero bytes that `bytes` begins with: the hole in the file of a writer that did not append when it was truncated. */
export function holeLength(bytes: Buffer): number {
  let length = 0;
  while (bytes[length] === 0) length++;
  return length;
}

/**
 * How much of the beginning of a log is its identity: up to and with its first record line, one that is neither
 * empty nor begins with `#`, and at most 16 KiB. Less would not do: records of the same pods, with their times at
 * the end of a long line, are often equal in the first kilobyte, and header lines are the same in many files. Null
 * while that is not there yet. It depends on bytes that never change while a log grows, so neither does the identity.
 */
export function identityLength(head: Buffer): number | null {
  const limit = Math.min(head.length, IDENTITY_BYTES);
  let start = 0;
  while (start < limit) {
    const end = head.indexOf(LF, start);
    if (end < 0 || end >= limit) break;
    const first = head[start];
    if (first !== HASH && first !== LF && !(first === CR && end === start + 1)) return end + 1;
    start = end + 1;
  }
  return limit === IDENTITY_BYTES ? IDENTITY_BYTES : null;
}

/** Identity of content that begins, after a hole, with `head`; null while not enough of it is there and it may still grow. */
export function identityOf(head: Buffer, complete: boolean): string | null {
  const length =
    identityLength(head) ?? (complete && head.length > 0 ? Math.min(head.length, IDENTITY_BYTES) : null);
  return length === null ? null : digest(22, head.toString('latin1', 0, length));
}
