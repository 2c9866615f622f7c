import type { FileHandle } from 'node:fs/promises';
import type { LineBatch } from '../../../pipeline/contracts.ts';
import type { Loss } from '../../../schema/records.ts';
import { collectLines, type WrapperName } from '../lines/collect.ts';
import { splitter } from '../lines/split.ts';
import { gunzipped } from './gunzip.ts';
import { factsOf, type FileFacts } from './list.ts';

/** One origin being read: a plain file that may grow, or compressed history. */
export interface OpenOrigin {
  readonly origin: string;
  /** `device:inode`, which names the open file while it is open. */
  readonly key: string;
  readonly gzip: boolean;
  path: string;
  /** Size on disk when it was last looked at. */
  size: number;
  mtimeMs: number;
  /** When it was noticed that the file is no longer the one written to; null while it is. */
  rotatedMs: number | null;
  lastBatchMs: number;
  /** Reads one chunk; the number of bytes, 0 when there was nothing to read. */
  advance(buffer: Buffer): Promise<number>;
  /** True when the beginning of the file is no longer what it was. */
  rewritten(): Promise<boolean>;
  /** Byte offset of the next read, in the decompressed content. */
  offset(): number;
  /** Everything before it was given out. */
  position(): number;
  /** What was read since the last batch; with `final` the last line without a newline as well. */
  batch(state: { atEnd: boolean; final: boolean; losses?: readonly Loss[] }): LineBatch;
  stat(): Promise<FileFacts>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly origin: string;
  readonly key: string;
  readonly path: string;
  readonly handle: FileHandle;
  readonly head: Buffer;
  /** Where `head` begins. */
  readonly headAt: number;
  readonly gzip: boolean;
  readonly from: number;
  /** Gives the `#` lines at the beginning of the file first, although reading begins after them. */
  readonly withHeader: boolean;
  readonly size: number;
  readonly mtimeMs: number;
  readonly maxLineBytes: number;
  readonly wrapper: WrapperName;
  readonly replaced: () => void;
}

/** Takes over `handle` and closes it. */
export function openOrigin(given: OpenOptions): OpenOrigin {
  const { handle, gzip } = given;
  const split = splitter(given.maxLineBytes, given.from);
  const lines = collectLines({
    wrapper: given.wrapper,
    maxLineBytes: given.maxLineBytes,
    place: () => self.path,
    replaced: given.replaced,
  });
  const chunks = gzip ? gunzipFrom(handle, given.from) : null;

  let headed = false;

  const self: OpenOrigin = {
    origin: given.origin,
    key: given.key,
    gzip,
    path: given.path,
    size: given.size,
    mtimeMs: given.mtimeMs,
    rotatedMs: null,
    lastBatchMs: -Infinity,
    async advance(buffer) {
      if (given.withHeader && !gzip && split.offset() === given.from && !headed) {
        headed = true;
        const { bytesRead } = await handle.read(
          buffer,
          0,
          Math.min(buffer.length, given.from, MAX_HEADER_BYTES),
          0,
        );
        const header = headerOf(buffer.subarray(0, bytesRead));
        if (header.length > 0) splitter(given.maxLineBytes).push(header, lines);
      }
      if (chunks) {
        const { value, done } = await chunks.next();
        if (done === true) return 0;
        split.push(value, lines);
        return value.length;
      }
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, split.offset());
      if (bytesRead > 0) split.push(buffer.subarray(0, bytesRead), lines);
      return bytesRead;
    },
    async rewritten() {
      const now = Buffer.alloc(given.head.length);
      const { bytesRead } = await handle.read(now, 0, now.length, given.headAt);
      return bytesRead < now.length || !now.equals(given.head);
    },
    offset: () => split.offset(),
    position: () => lines.heldFrom() ?? split.position(),
    batch({ atEnd, final, losses = [] }) {
      if (final) {
        split.end(lines);
        lines.end();
      }
      const taken = lines.take();
      return {
        origin: given.origin,
        place: self.path,
        lines: taken.lines,
        rejects: taken.rejects,
        losses,
        next: self.position(),
        atEnd,
        final,
        hints: { path: self.path, key: self.key, final },
      };
    },
    async stat() {
      return factsOf(await handle.stat({ bigint: true }));
    },
    async close() {
      await chunks?.return(undefined);
      await handle.close();
    },
  };
  return self;
}

/** Decompressed chunks after the first `from` bytes. */
async function* gunzipFrom(handle: FileHandle, from: number): AsyncGenerator<Buffer, undefined, undefined> {
  let skip = from;
  for await (const part of gunzipped(handle)) {
    if (skip < part.length) yield skip === 0 ? part : part.subarray(skip);
    skip = Math.max(0, skip - part.length);
  }
}

const MAX_HEADER_BYTES = 64 * 1024;

/** The whole `#` lines that `bytes` begins with: what rows of a log with columns cannot be read without. */
function headerOf(bytes: Buffer): Buffer {
  let end = 0;
  while (bytes[end] === 35) {
    const newline = bytes.indexOf(10, end);
    if (newline < 0) break;
    end = newline + 1;
  }
  return bytes.subarray(0, end);
}
