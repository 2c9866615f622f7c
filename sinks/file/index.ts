import { existsSync } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Context, Sink } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { toJson } from '../records/json.ts';
import { lineBuffer } from '../records/line-buffer.ts';
import { fileError } from './errors.ts';
import type { Options } from './options.ts';
import { rotatedName, syncPath, tidy } from './rotated.ts';

/** The file that is being written; everything before `size` is whole lines. */
interface Current {
  readonly handle: FileHandle;
  readonly bornMs: number;
  /** A device or a pipe can be neither synced, cut nor rotated. */
  readonly isRegular: boolean;
  size: number;
  /** A write failed half-way and what it left could not be cut off yet. */
  torn: boolean;
}

/**
 * JSON Lines in a rotated file. A write resolves once the lines are durable (fdatasync). A line that a crash cut
 * is removed at start; lines that were written but not acknowledged are written again, with the same `id`.
 */
export function create(options: Options, context: Context): Sink {
  const { path } = options;
  const rotations = context.meter.counter('file_rotations_total', 'Times the file was rotated.');
  let current: Current | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const lines = lineBuffer();
  let tidying: Promise<void> = Promise.resolve();

  /** One operation at a time: lines of two writes never mix. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  async function opened(): Promise<Current> {
    if (current) return current;
    await mkdir(dirname(path), { recursive: true });
    const isNew = !existsSync(path);
    const handle = await open(path, isNew ? 'ax+' : 'a+', 0o640);
    try {
      const stat = await handle.stat();
      const { size, birthtimeMs } = stat;
      const whole = stat.isFile() ? await wholeLines(handle, size) : size;
      if (whole < size) {
        await handle.truncate(whole);
        context.log.warn({ sink: context.name, path, bytes: size - whole }, 'cut a partial last line');
      }
      if (isNew) await syncPath(dirname(path));
      current = {
        handle,
        size: whole,
        bornMs: whole === 0 ? context.clock.now() : birthtimeMs,
        isRegular: stat.isFile(),
        torn: false,
      };
      return current;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  function isDue(file: Current, more: number): boolean {
    if (file.size === 0 || !file.isRegular) return false;
    if (file.size + more > options.maxBytes) return true;
    return options.maxAgeMs > 0 && context.clock.now() - file.bornMs >= options.maxAgeMs;
  }

  async function rotate(file: Current): Promise<void> {
    await file.handle.close();
    current = null;
    let target = rotatedName(path, context.clock.now());
    for (let i = 1; existsSync(target) || existsSync(`${target}.gz`); i++)
      target = `${rotatedName(path, context.clock.now())}-${String(i).padStart(4, '0')}`;
    await rename(path, target);
    await syncPath(dirname(path));
    rotations.add(1);
    tidyUp();
  }

  function tidyUp(): void {
    tidying = tidying
      .then(() => tidy(path, options))
      .catch((error: unknown) =>
        context.log.warn(
          { sink: context.name, path, error: messageOf(error) },
          'rotated files were left as they are',
        ),
      );
  }

  async function append(text: Buffer): Promise<void> {
    let file = await opened();
    if (file.torn && file.isRegular) {
      await file.handle.truncate(file.size);
      file.torn = false;
    }
    if (isDue(file, text.length)) {
      await rotate(file);
      file = await opened();
    }
    try {
      for (let written = 0; written < text.length;)
        written += (await file.handle.write(text, written, text.length - written, null)).bytesWritten;
      if (file.isRegular) await file.handle.datasync();
      file.size += text.length;
    } catch (error) {
      file.torn = true;
      throw error;
    }
  }

  return {
    batch: { maxRecords: 5000, maxBytes: 8_000_000, maxWaitMs: 200 },
    start: () =>
      alone(async () => {
        await opened();
        tidyUp();
      }).catch((error: unknown) => {
        throw fileError(error, path);
      }),
    async stop() {
      await alone(async () => {
        await current?.handle.close();
        current = null;
      });
      await tidying;
    },
    async write(items, signal) {
      signal.throwIfAborted();
      if (items.length === 0) return;
      await alone(() => {
        lines.clear();
        for (const item of items) lines.add(toJson(item.kind, item.record) + '\n');
        return append(lines.bytes());
      }).catch((error: unknown) => {
        throw fileError(error, path);
      });
    },
  };
}

const LINE_FEED = 10;
const CHUNK = 65_536;

/** Number of bytes up to and including the last line feed. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(Math.min(CHUNK, size));
  for (let end = size; end > 0;) {
    const from = Math.max(0, end - buffer.length);
    const { bytesRead } = await handle.read(buffer, 0, end - from, from);
    const at = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED);
    if (at >= 0) return from + at + 1;
    end = from;
  }
  return 0;
}
