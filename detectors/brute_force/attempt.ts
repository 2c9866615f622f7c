import type { Flow } from '../../schema/records.ts';
import { contactOutcome, outcomes } from '../contact.ts';
import { bytesOfBoth, isExchange } from '../exchange.ts';
import type { Options } from './options.ts';

/** What a flow to a login port is: a try, a session that may be a success, or neither. */
export type Kind = 'attempt' | 'session' | 'none';

/** Size of a flow that does not tell its size. */
export const UNSIZED = -1;

/** Bytes of both directions, or `UNSIZED`. */
export const sizeOf = (flow: Flow): number => bytesOfBoth(flow) ?? UNSIZED;

/**
 * An attempt is an answered connection over which something was said, and little: a login that fails ends the connection
 * within seconds and a few kilobytes. What was refused, denied or only found open tried no password.
 */
export function kindOf(flow: Flow, options: Pick<Options, 'shortBytes' | 'shortMs'>): Kind {
  if (!flow.counted || contactOutcome(flow) !== outcomes.answered || !isExchange(flow)) return 'none';
  const isShort = flow.endMs - flow.startMs <= options.shortMs && sizeOf(flow) <= options.shortBytes;
  return isShort ? 'attempt' : 'session';
}

/** Whether a flow stands for a whole connection, and not for one interval of it. */
export const isWholeConnection = (flow: Flow): boolean => flow.unit === 'connection';
