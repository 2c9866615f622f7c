import type { Writable } from 'node:stream';
import type { Logger } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';

/** Warnings and errors as plain lines, for commands that a person waits for. */
export function quietLog(stream: Writable): Logger {
  const line = (level: string) => (fields: object, message: string) => {
    const { error, ...rest } = fields as { error?: unknown };
    const details = Object.entries(rest).map(([key, value]) => `${key}=${String(value)}`);
    if (error !== undefined) details.push(messageOf(error));
    stream.write(`${level}: ${message}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`);
  };
  return { debug() {}, info() {}, warn: line('warning'), error: line('error') };
}

/** For commands whose own answer says what went wrong. */
export const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {} };
