import type { IHeaders, Message } from 'kafkajs';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Entry } from '../../pipeline/log.ts';
import type { Codec } from '../../schema/codec.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { CLOCK_HEADER, MARK_HEADER, RAW_HEADER, ROLE_HEADER, markText } from './marks.ts';
import type { Lease } from './slabs.ts';

/** Messages for one partition, small enough for one request. */
export interface Encoded {
  readonly partition: number;
  readonly messages: Message[];
  /** Before compression, with what the message format adds. */
  readonly bytes: number;
}

/** Lengths, offsets and timestamps of a message, and the names of our headers. */
const OVERHEAD_BYTES = 48;
const SMALLEST_ROOM = 4_096;

/**
 * Entries as messages, in order, split by partition and by size. Throws record_unencodable with the record's id
 * when one does not fit its schema or is larger than a request may be: nothing was sent then.
 */
export function encodeEntries<K extends RecordKind>(
  entries: readonly Entry<RecordTypes[K]>[],
  how: {
    readonly codec: Codec<K>;
    readonly prefix: Buffer;
    readonly lease: Lease;
    /** False where marks are not kept: in compacted topics. */
    readonly marks: boolean;
    readonly maxBytes: number;
    readonly maxRecords: number;
  },
): readonly Encoded[] {
  const done: Encoded[] = [];
  const open = new Map<number, { partition: number; messages: Message[]; bytes: number }>();
  const { codec } = how;
  for (const entry of entries) {
    if (entry.mark && !how.marks) continue;
    const message = toMessage(entry, codec, how);
    const bytes = OVERHEAD_BYTES + (message.value?.length ?? 0) + (entry.key?.length ?? 0);
    if (bytes > how.maxBytes) throw tooLarge(entry.value, bytes, how);
    let bundle = open.get(entry.partition);
    if (bundle && (bundle.bytes + bytes > how.maxBytes || bundle.messages.length >= how.maxRecords)) {
      done.push(bundle);
      bundle = undefined;
    }
    if (!bundle) {
      bundle = { partition: entry.partition, messages: [], bytes: 0 };
      open.set(entry.partition, bundle);
    }
    bundle.messages.push(message);
    bundle.bytes += bytes;
  }
  done.push(...open.values());
  return done;
}

function toMessage<K extends RecordKind>(
  entry: Entry<RecordTypes[K]>,
  codec: Codec<K>,
  how: { readonly prefix: Buffer; readonly lease: Lease },
): Message {
  const value = entry.value === null ? null : encodeValue(entry.value, codec, how);
  const headers = headersOf(entry);
  return headers
    ? { partition: entry.partition, key: entry.key, value, headers }
    : { partition: entry.partition, key: entry.key, value };
}

/** Straight into the slab, after the framing; a record that is longer than the rest of it starts a new one. */
function encodeValue<K extends RecordKind>(
  record: RecordTypes[K],
  codec: Codec<K>,
  { prefix, lease }: { readonly prefix: Buffer; readonly lease: Lease },
): Buffer {
  let wanted = SMALLEST_ROOM;
  for (;;) {
    const { slab, offset } = lease.room(wanted);
    const start = offset + prefix.length;
    let end: number;
    try {
      end = codec.encodeInto(slab, start, record);
    } catch (cause) {
      throw new WeirError(
        'record_unencodable',
        `${codec.kind} ${idOf(record)} does not fit its schema: ${messageOf(cause)}`,
        { cause },
      );
    }
    if (end >= 0) {
      prefix.copy(slab, offset);
      lease.taken(end);
      return slab.subarray(offset, end);
    }
    wanted = slab.length - start - end + prefix.length + SMALLEST_ROOM;
  }
}

function headersOf(entry: Entry<unknown>): IHeaders | null {
  if (!entry.mark && !entry.raw && !entry.role && entry.clockMs === undefined) return null;
  const headers: IHeaders = {};
  if (entry.mark) headers[MARK_HEADER] = markText(entry.mark);
  if (entry.raw) headers[RAW_HEADER] = String(entry.raw);
  if (entry.role) headers[ROLE_HEADER] = entry.role;
  if (entry.clockMs !== undefined) headers[CLOCK_HEADER] = String(entry.clockMs);
  return headers;
}

const idOf = (record: object): string => {
  const { id } = record as { id?: unknown };
  return typeof id === 'string' ? id : 'without an id';
};

const tooLarge = (
  record: object | null,
  bytes: number,
  how: { codec: { kind: RecordKind }; maxBytes: number },
): WeirError =>
  new WeirError(
    'record_unencodable',
    `${how.codec.kind} ${idOf(record ?? {})} is ${bytes} bytes long, more than kafka.maxBatchBytes (${how.maxBytes})`,
  );
