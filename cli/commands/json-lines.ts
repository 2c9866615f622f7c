import { once } from 'node:events';
import { createWriteStream, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { messageOf } from '../../pipeline/errors.ts';
import { UsageError } from './command.ts';

/** Writes lines to a new file, or to standard output for `-`; null when nothing is asked for. */
export interface JsonLines {
  write(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export function createJsonLines(path: string | null, stdout: Writable): JsonLines | null {
  if (path === null) return null;
  const stream = path === '-' ? stdout : createWriteStream(path, { fd: created(path) });
  let failure: Error | null = null;
  stream.on('error', (error: Error) => (failure = error));
  return {
    async write(lines) {
      if (failure) throw failure;
      if (lines.length > 0 && !stream.write(`${lines.join('\n')}\n`)) await once(stream, 'drain');
    },
    async close() {
      if (path === '-') return;
      await new Promise<void>((resolve) => stream.end(resolve));
      if (failure) throw failure;
    },
  };
}

/** Made at once, so that a place that cannot be written to is told before anything is read. */
function created(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${messageOf(error)}`);
  }
}
