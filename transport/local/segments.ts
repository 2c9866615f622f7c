import { mkdirSync, readdirSync } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { diskError } from '../../pipeline/files.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';

/** The frames of one topic on disk, in files of bounded size that are deleted whole. */
export interface Segments {
  /** Offset after the last entry on disk. */
  readonly end: number;
  /** First offset still on disk; `end` when there is none. */
  readonly first: number;
  readonly bytes: number;
  /** Resolves when the frames are on stable storage. Frames are written in the order of the calls. */
  append(frames: readonly Buffer[]): Promise<void>;
  /** The frame that holds `offset`, or the first one after it, and its schema; null when there is none. */
  read(offset: number): Promise<{ readonly bytes: Buffer; readonly schema: string } | null>;
  /** Bytes on disk from `offset` on, to the precision of an append. */
  bytesFrom(offset: number): number;
  /** Deletes the segments that lie wholly before `offset`; the one being written to stays. */
  dropBefore(offset: number): Promise<void>;
  close(): Promise<void>;
}

interface Segment {
  readonly path: string;
  readonly first: number;
  /** Fingerprint of the schema its records were written with. */
  readonly schema: string;
  file: FileHandle;
  bytes: number;
  end: number;
  /** First offset and place of each frame. */
  readonly frames: { offset: number; at: number; length: number }[];
}

/**
 * Opens the segments of a directory. A frame that a crash left half written at the end is cut off: its append was
 * never acknowledged. Damage elsewhere ends the segment there; `damaged` is told how many bytes were passed over.
 */
export async function openSegments(options: {
  readonly directory: string;
  readonly segmentBytes: number;
  /** Fingerprint of the schema of what is appended. A segment holds records of one schema. */
  readonly schema: string;
  readonly damaged: (path: string, bytes: number) => void;
}): Promise<Segments> {
  mkdirSync(options.directory, { recursive: true });
  const segments: Segment[] = [];
  for (const name of readdirSync(options.directory)
    .filter((n) => n.endsWith('.log'))
    .sort())
    segments.push(await recover(join(options.directory, name), options.damaged));
  let end = segments.at(-1)?.end ?? 0;

  async function roll(): Promise<Segment> {
    const { schema } = options;
    const path = join(options.directory, `${String(end).padStart(16, '0')}.${schema}.log`);
    const file = await open(path, 'a+', 0o600);
    const segment = { path, first: end, schema, file, bytes: 0, end, frames: [] };
    segments.push(segment);
    return segment;
  }

  return {
    get end() {
      return end;
    },
    get first() {
      return segments.find((s) => s.frames.length > 0)?.first ?? end;
    },
    get bytes() {
      return segments.reduce((sum, s) => sum + s.bytes, 0);
    },
    async append(frames) {
      try {
        let segment = segments.at(-1);
        const isOpen = segment?.schema === options.schema && segment.bytes < options.segmentBytes;
        if (!segment || !isOpen) segment = await roll();
        for (const frame of frames) seal(frame);
        const length = frames.reduce((sum, f) => sum + f.length, 0);
        try {
          await writeAll(segment.file, frames);
          await segment.file.datasync();
        } catch (error) {
          // Whatever part was written is cut off, so that the same frames may be appended again.
          await segment.file.truncate(segment.bytes).catch(() => {});
          throw error;
        }
        let at = segment.bytes;
        for (const frame of frames) {
          segment.frames.push({ offset: frame.readDoubleLE(8), at, length: frame.length });
          at += frame.length;
        }
        segment.bytes += length;
        const last = frames.at(-1)!;
        end = segment.end = last.readDoubleLE(8) + last.readUInt32LE(24);
      } catch (error) {
        throw diskError(error, `cannot append to ${options.directory}`);
      }
    },
    async read(offset) {
      const segment = segments.find((s) => s.end > offset && s.frames.length > 0);
      if (!segment) return null;
      const frame = frameAt(segment.frames, offset);
      const buffer = Buffer.allocUnsafeSlow(frame.length);
      await segment.file.read(buffer, 0, frame.length, frame.at);
      return { bytes: buffer, schema: segment.schema };
    },
    bytesFrom(offset) {
      let sum = 0;
      for (const segment of segments) {
        if (segment.end <= offset || segment.frames.length === 0) continue;
        sum += segment.bytes - (offset <= segment.first ? 0 : frameAt(segment.frames, offset).at);
      }
      return sum;
    },
    async dropBefore(offset) {
      while (segments.length > 1 && segments[0]!.end <= offset) {
        const gone = segments.shift()!;
        await gone.file.close();
        await unlink(gone.path);
      }
    },
    async close() {
      for (const segment of segments) await segment.file.close();
      segments.length = 0;
    },
  };
}

function seal(frame: Buffer): void {
  frame.writeUInt32LE(frame.length - 8, 0);
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
}

async function writeAll(file: FileHandle, frames: readonly Buffer[]): Promise<void> {
  let rest = [...frames];
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    while (rest[0] && bytesWritten >= rest[0].length) bytesWritten -= rest.shift()!.length;
    if (rest[0] && bytesWritten > 0) rest = [rest[0].subarray(bytesWritten), ...rest.slice(1)];
  }
}

/** Last frame that starts at or before the offset, by bisection. */
function frameAt(frames: Segment['frames'], offset: number): Segment['frames'][number] {
  let low = 0;
  let high = frames.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle]!.offset <= offset) low = middle;
    else high = middle - 1;
  }
  return frames[low]!;
}

async function recover(path: string, damaged: (path: string, bytes: number) => void): Promise<Segment> {
  const file = await open(path, 'a+', 0o600);
  const [, offset = '0', schema = ''] = /(\d+)\.([0-9a-f]+)\.log$/.exec(path) ?? [];
  const first = Number(offset);
  const segment: Segment = { path, first, schema, file, bytes: 0, end: first, frames: [] };
  const size = (await file.stat()).size;
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  while (segment.bytes + FRAME_HEADER_BYTES <= size) {
    await file.read(header, 0, FRAME_HEADER_BYTES, segment.bytes);
    const length = header.readUInt32LE(0) + 8;
    if (length < FRAME_HEADER_BYTES || segment.bytes + length > size) break;
    const frame = Buffer.allocUnsafe(length);
    await file.read(frame, 0, length, segment.bytes);
    if (crc32(frame.subarray(8)) !== frame.readUInt32LE(4)) break;
    segment.frames.push({ offset: frame.readDoubleLE(8), at: segment.bytes, length });
    segment.end = frame.readDoubleLE(8) + frame.readUInt32LE(24);
    segment.bytes += length;
  }
  if (segment.bytes < size) {
    damaged(path, size - segment.bytes);
    await file.truncate(segment.bytes);
  }
  return segment;
}
