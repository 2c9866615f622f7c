import type { Entry, LogEntry, Mark } from '../../pipeline/log.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Codec } from '../../schema/codec.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';

/**
 * The entries of one append as they lie on disk: u32 length and u32 CRC-32 of what follows, f64 first offset,
 * f64 append time, u32 count; then for each entry u8 flags, u32 raw partition, and what the flags name: f64
 * clock, u16-prefixed JSON of a mark, u32-prefixed Avro of the record. Little-endian.
 */
export const FRAME_HEADER_BYTES = 28;
const HAS_VALUE = 1;
const HAS_MARK = 2;
const HAS_CLOCK = 4;
const FOR_RULE = 8;

export interface Frame<T> {
  readonly bytes: Buffer;
  readonly entries: LogEntry<T>[];
}

/** Encodes everything but length and CRC, which `seal` fills in. The entries read back share the frame's memory. */
export function encodeFrame<K extends RecordKind>(
  codec: Codec<K>,
  entries: readonly Entry<RecordTypes[K]>[],
  place: { firstOffset: number; appendMs: number },
): Frame<RecordTypes[K]> {
  let buffer = Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + 256 + entries.length * 640);
  let at = FRAME_HEADER_BYTES;
  const need = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + bytes + 1024));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  const spans: number[] = [];
  for (const entry of entries) {
    const mark = entry.mark ? Buffer.from(JSON.stringify(entry.mark)) : null;
    need(64 + (mark?.length ?? 0));
    const flags =
      (entry.value === null ? 0 : HAS_VALUE) |
      (mark ? HAS_MARK : 0) |
      (entry.clockMs === undefined ? 0 : HAS_CLOCK) |
      (entry.role === undefined ? 0 : FOR_RULE);
    buffer[at] = flags;
    at = buffer.writeUInt32LE(entry.raw ?? 0, at + 1);
    if (entry.clockMs !== undefined) at = buffer.writeDoubleLE(entry.clockMs, at);
    if (mark) {
      at = buffer.writeUInt16LE(mark.length, at);
      at += mark.copy(buffer, at);
    }
    if (entry.value === null) {
      spans.push(0, 0);
      continue;
    }
    const start = at + 4;
    let end: number;
    try {
      end = codec.encodeInto(buffer, start, entry.value);
      while (end < 0) {
        // What is missing counts from the end of the buffer, not from here.
        need(buffer.length - at - end);
        end = codec.encodeInto(buffer, start, entry.value);
      }
    } catch (error) {
      const id = (entry.value as { id?: string }).id ?? '';
      throw new WeirError(
        'record_unencodable',
        `${codec.kind} ${id} does not fit its schema: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
    buffer.writeUInt32LE(end - start, at);
    spans.push(start, end);
    at = end;
  }
  buffer.writeDoubleLE(place.firstOffset, 8);
  buffer.writeDoubleLE(place.appendMs, 16);
  buffer.writeUInt32LE(entries.length, 24);
  const bytes = buffer.subarray(0, at);
  return {
    bytes,
    entries: entries.map((entry, i) => ({
      offset: place.firstOffset + i,
      value: entry.value,
      mark: entry.mark ?? null,
      raw: entry.raw ?? 0,
      clockMs: entry.clockMs ?? null,
      appendMs: place.appendMs,
      bytes: entry.value === null ? null : bytes.subarray(spans[2 * i], spans[2 * i + 1]),
      ...(entry.role === undefined ? {} : { role: entry.role }),
    })),
  };
}

/** The entries of a frame that was checked. Throws when it does not hold what its length promises. */
export function decodeFrame<K extends RecordKind>(
  codec: Codec<K>,
  bytes: Buffer,
): LogEntry<RecordTypes[K]>[] {
  const firstOffset = bytes.readDoubleLE(8);
  const appendMs = bytes.readDoubleLE(16);
  const count = bytes.readUInt32LE(24);
  const entries: LogEntry<RecordTypes[K]>[] = [];
  let at = FRAME_HEADER_BYTES;
  for (let i = 0; i < count; i++) {
    const flags = bytes[at]!;
    const raw = bytes.readUInt32LE(at + 1);
    at += 5;
    let clockMs: number | null = null;
    if (flags & HAS_CLOCK) {
      clockMs = bytes.readDoubleLE(at);
      at += 8;
    }
    let mark: Mark | null = null;
    if (flags & HAS_MARK) {
      const length = bytes.readUInt16LE(at);
      mark = JSON.parse(bytes.toString('utf8', at + 2, at + 2 + length)) as Mark;
      at += 2 + length;
    }
    let value: RecordTypes[K] | null = null;
    let span: Buffer | null = null;
    if (flags & HAS_VALUE) {
      const length = bytes.readUInt32LE(at);
      span = bytes.subarray(at + 4, at + 4 + length);
      value = codec.decode(span);
      at += 4 + length;
    }
    const entry = { offset: firstOffset + i, value, mark, raw, clockMs, appendMs, bytes: span };
    entries.push(flags & FOR_RULE ? { ...entry, role: 'rule' } : entry);
  }
  return entries;
}
