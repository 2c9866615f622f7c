import { messageOf, WeirError } from '../pipeline/errors.ts';

/** What the database says, in our own codes; everything else about a write is worth trying again. */
export function storeError(cause: unknown, dir: string): WeirError {
  if (cause instanceof WeirError) return cause;
  const message = messageOf(cause);
  if (/no space left|disk quota|ENOSPC|EDQUOT|file too large|disk full/i.test(message)) {
    return new WeirError('disk_full', `the store in ${dir} cannot grow: ${message}`, { cause });
  }
  if (/could not set lock|conflicting lock/i.test(message)) {
    return new WeirError('state_unusable', `the store in ${dir} is in use by another process: ${message}`, {
      cause,
    });
  }
  return new WeirError('sink_unavailable', `the store in ${dir} failed: ${message}`, { cause });
}
