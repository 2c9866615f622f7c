import type { Entry, LogEntry, Mark, Unencodable } from '../../pipeline/log.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { noticeText, parseNotice, type Notice } from '../../pipeline/notice.ts';
import { codecOf, flowHead, type Codec } from '../../schema/codec.ts';
import type { FlowHead } from '../../schema/flow-decoder.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';

/**
 * The entries of one append as they lie on disk: u32 length and u32 CRC-32 of what follows, f64 first offset,
 * f64 append time, u32 count; then for each entry u8 flags, u32 raw partition, and what the flags name: f64
 * clock, u16-prefixed JSON of a mark, u32-prefixed JSON of a notice, u32-prefixed Avro of the record.
 * Little-endian.
 */
export const FRAME_HEADER_BYTES = 28;
const HAS_VALUE = 1;
const HAS_MARK = 2;
const HAS_CLOCK = 4;
const FOR_RULE = 8;
const HAS_NOTICE = 16;

export interface Frame<T> {
  readonly bytes: Buffer;
  readonly entries: LogEntry<T>[];
}

/** What the entries of one frame share. */
interface Shared<T> {
  readonly decode: (bytes: Buffer, from: number, to: number) => T;
  /** Absent where the kind has no head that is read apart. */
  readonly head: ((bytes: Buffer, from: number, to: number) => FlowHead) | null;
  /** Another version wrote it: readers that take bytes as they are cannot have these. */
  readonly foreign: boolean;
  /** The whole frame. */
  readonly bytes: Buffer;
  readonly firstOffset: number;
  readonly appendMs: number;
}

/**
 * One entry of a frame. Hundreds of thousands wait in a lane at times, so each is a few words: it finds its record
 * in the frame, and makes a view of those bytes only when asked. A class, as accessors of an object literal would
 * cost a closure each.
 */
class FrameEntry<T> implements LogEntry<T> {
  readonly #shared: Shared<T>;
  readonly #index: number;
  readonly #start: number;
  readonly #end: number;
  #value: T | null = null;
  readonly mark: Mark | null;
  readonly raw: number;
  readonly clockMs: number | null;
  readonly role: LogEntry<T>['role'];
  readonly notice: Notice | undefined;

  constructor(
    shared: Shared<T>,
    place: { readonly index: number; readonly start: number; readonly end: number },
    held: {
      readonly mark: Mark | null;
      readonly raw: number;
      readonly clockMs: number | null;
      readonly role: LogEntry<T>['role'];
      readonly notice: Notice | undefined;
    },
  ) {
    this.#shared = shared;
    this.#index = place.index;
    this.#start = place.start;
    this.#end = place.end;
    this.mark = held.mark;
    this.raw = held.raw;
    this.clockMs = held.clockMs;
    this.role = held.role;
    this.notice = held.notice;
  }
  get offset(): number {
    return this.#shared.firstOffset + this.#index;
  }
  get appendMs(): number {
    return this.#shared.appendMs;
  }
  get bytes(): Buffer | null {
    return this.#end === 0 || this.#shared.foreign ? null : this.#span();
  }
  get value(): T | null {
    if (this.#value === null && this.#end !== 0)
      this.#value = this.#shared.decode(this.#shared.bytes, this.#start, this.#end);
    return this.#value;
  }
  get head(): FlowHead | null {
    const { head, bytes } = this.#shared;
    return head === null || this.#end === 0 ? null : head(bytes, this.#start, this.#end);
  }
  /** The frame it lies in, when that is of our own schema. */
  static frameOf(entry: LogEntry<unknown>): Buffer | null {
    return #shared in entry && !entry.#shared.foreign ? entry.#shared.bytes : null;
  }
  #span(): Buffer {
    return this.#shared.bytes.subarray(this.#start, this.#end);
  }
  forget(): void {
    this.#value = null;
  }
}

/** Consecutive entries as they lie in one frame, perhaps with others before and after them. */
export interface Framed {
  readonly bytes: Uint8Array;
  /** Offsets. */
  readonly first: number;
  readonly last: number;
}

/** The frames that consecutive entries lie in, in order; made anew for those that lie in none of our own schema. */
export function framesOf<K extends RecordKind>(
  kind: K,
  entries: readonly LogEntry<RecordTypes[K]>[],
): Framed[] {
  const frames: Framed[] = [];
  for (let from = 0; from < entries.length;) {
    const { appendMs, offset: first } = entries[from]!;
    const found = FrameEntry.frameOf(entries[from]!);
    let to = from + 1;
    while (
      to < entries.length &&
      FrameEntry.frameOf(entries[to]!) === found &&
      entries[to]!.appendMs === appendMs
    )
      to++;
    const bytes = found ?? encodeAgain(kind, entries.slice(from, to), { firstOffset: first, appendMs });
    frames.push({ bytes, first, last: entries[to - 1]!.offset });
    from = to;
  }
  return frames;
}

const encodeAgain = <K extends RecordKind>(
  kind: K,
  entries: readonly LogEntry<RecordTypes[K]>[],
  place: { firstOffset: number; appendMs: number },
): Buffer =>
  encodeFrame(
    codecOf(kind),
    entries.map(({ value, mark, notice, raw, clockMs, role }) => ({
      partition: 0,
      key: null,
      value,
      ...(mark ? { mark } : {}),
      ...(notice ? { notice } : {}),
      raw,
      ...(clockMs === null ? {} : { clockMs }),
      role,
    })),
    place,
  ).bytes;

/** Where frames are made. */
let scratch: Buffer | null = null;
const SCRATCH_BYTES = 256 * 1024;
const MAX_SCRATCH_BYTES = 8 * 1024 * 1024;

/** Encodes everything but length and CRC, which `seal` fills in. The entries read back share the frame's memory. */
export function encodeFrame<K extends RecordKind>(
  codec: Codec<K>,
  entries: readonly Entry<RecordTypes[K]>[],
  place: { firstOffset: number; appendMs: number },
): Frame<RecordTypes[K]> {
  let buffer = scratch ?? Buffer.allocUnsafeSlow(SCRATCH_BYTES);
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
    const notice = entry.notice ? Buffer.from(noticeText(entry.notice)) : null;
    need(64 + (mark?.length ?? 0) + (notice?.length ?? 0));
    const flags =
      (entry.value === null ? 0 : HAS_VALUE) |
      (mark ? HAS_MARK : 0) |
      (entry.clockMs === undefined ? 0 : HAS_CLOCK) |
      (entry.role === undefined ? 0 : FOR_RULE) |
      (notice ? HAS_NOTICE : 0);
    buffer[at] = flags;
    at = buffer.writeUInt32LE(entry.raw ?? 0, at + 1);
    if (entry.clockMs !== undefined) at = buffer.writeDoubleLE(entry.clockMs, at);
    if (mark) {
      at = buffer.writeUInt16LE(mark.length, at);
      at += mark.copy(buffer, at);
    }
    if (notice) {
      at = buffer.writeUInt32LE(notice.length, at);
      at += notice.copy(buffer, at);
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
  if (buffer.length <= MAX_SCRATCH_BYTES) scratch = buffer;
  // A frame is kept for long: it gets no more memory than it takes.
  const bytes = Buffer.allocUnsafeSlow(at);
  buffer.copy(bytes, 0, 0, at);
  const shared = { ...readerOf(codec), bytes, ...place };
  return {
    bytes: shared.bytes,
    entries: entries.map(
      ({ mark = null, notice, raw = 0, clockMs = null, role }, index) =>
        new FrameEntry(
          shared,
          { index, start: spans[2 * index]!, end: spans[2 * index + 1]! },
          // Who appended it needs the object no longer: kept, it would live until it is on stable storage.
          { mark, notice, raw, clockMs, role },
        ),
    ),
  };
}

/** The same without the entries that cannot be encoded, of which `unencodable` is told. */
export function encodeSome<K extends RecordKind>(
  codec: Codec<K>,
  entries: readonly Entry<RecordTypes[K]>[],
  place: { firstOffset: number; appendMs: number },
  unencodable: Unencodable,
): Frame<RecordTypes[K]> {
  try {
    return encodeFrame(codec, entries, place);
  } catch {
    const good = entries.filter((entry, index) => {
      try {
        return encodeFrame(codec, [entry], place).entries.length === 1;
      } catch (error) {
        if (!(error instanceof WeirError)) throw error;
        unencodable(index, error);
        return false;
      }
    });
    return encodeFrame(codec, good, place);
  }
}

type Reader<T> = Pick<Shared<T>, 'decode' | 'head' | 'foreign'>;

const readerOf = <K extends RecordKind>({ kind, decodeSpan }: Codec<K>): Reader<RecordTypes[K]> => ({
  decode: decodeSpan,
  head: kind === 'flow' ? flowHead : null,
  foreign: false,
});

/** The entries of a frame that was checked. `foreign` decodes what another version wrote. */
export function decodeFrame<K extends RecordKind>(
  bytes: Buffer,
  codec: Codec<K>,
  foreign?: (bytes: Buffer) => RecordTypes[K],
): LogEntry<RecordTypes[K]>[] {
  const reader: Reader<RecordTypes[K]> = foreign
    ? { decode: (of, from, to) => foreign(of.subarray(from, to)), head: null, foreign: true }
    : readerOf(codec);
  const firstOffset = bytes.readDoubleLE(8);
  const appendMs = bytes.readDoubleLE(16);
  const count = bytes.readUInt32LE(24);
  const shared = { ...reader, bytes, firstOffset, appendMs };
  const entries: LogEntry<RecordTypes[K]>[] = [];
  let at = FRAME_HEADER_BYTES;
  for (let index = 0; index < count; index++) {
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
    let notice: Notice | undefined;
    if (flags & HAS_NOTICE) {
      const length = bytes.readUInt32LE(at);
      notice = parseNotice(bytes.toString('utf8', at + 4, at + 4 + length)) ?? undefined;
      at += 4 + length;
    }
    let start = 0;
    let end = 0;
    if (flags & HAS_VALUE) {
      start = at + 4;
      at = end = start + bytes.readUInt32LE(at);
    }
    const role = flags & FOR_RULE ? ('rule' as const) : undefined;
    const held = { mark, notice, raw, clockMs, role } as const;
    entries.push(new FrameEntry(shared, { index, start, end }, held));
  }
  return entries;
}
