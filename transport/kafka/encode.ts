import type { IHeaders, Message } from 'kafkajs';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Entry, Unencodable } from '../../pipeline/log.ts';
import { noticeText } from '../../pipeline/notice.ts';
import type { Codec } from '../../schema/codec.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { CLOCK_HEADER, MARK_HEADER, NOTICE_HEADER, RAW_HEADER, ROLE_HEADER, markText } from './marks.ts';
import type { Values } from './shared-values.ts';
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

interface How<K extends RecordKind> {
  readonly codec: Codec<K>;
  readonly prefix: Buffer;
  readonly values: Values;
  /** False where marks are not kept: in compacted topics. */
  readonly marks: boolean;
  readonly maxBytes: number;
  readonly maxRecords: number;
}

/** The same without the entries that cannot be encoded, of which `unencodable` is told. */
export function encodeSome<K extends RecordKind>(
  entries: readonly Entry<RecordTypes[K]>[],
  how: How<K>,
  unencodable: Unencodable,
): readonly Encoded[] {
  try {
    return encodeEntries(entries, how);
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'record_unencodable') throw error;
  }
  return encodeEntries(
    entries.filter((entry, index) => {
      try {
        return encodeEntries([entry], how).length >= 0;
      } catch (error) {
        if (!(error instanceof WeirError) || error.code !== 'record_unencodable') throw error;
        unencodable(index, error);
        return false;
      }
    }),
    how,
  );
}

/**
 * Entries as messages, in order, split by partition and by size. Throws record_unencodable with the record's id
 * when one does not fit its schema or is larger than a request may be: nothing was sent then.
 */
export function encodeEntries<K extends RecordKind>(
  entries: readonly Entry<RecordTypes[K]>[],
  how: How<K>,
): readonly Encoded[] {
  const done: Encoded[] = [];
  const open = new Map<number, { partition: number; messages: Message[]; bytes: number }>();
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry.mark && !how.marks) continue;
    const value = entry.value === null ? null : valueOf(entry.value, i, how);
    const message = toMessage(entry, value);
    const bytes =
      OVERHEAD_BYTES + (message.value?.length ?? 0) + (entry.key?.length ?? 0) + noticeBytes(message);
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

/** A notice is the only header of any length. */
const noticeBytes = ({ headers }: Message): number => headers?.[NOTICE_HEADER]?.length ?? 0;

function toMessage(entry: Entry<unknown>, value: Buffer | null): Message {
  const headers = headersOf(entry);
  return headers
    ? { partition: entry.partition, key: entry.key, value, headers }
    : { partition: entry.partition, key: entry.key, value };
}

function valueOf<K extends RecordKind>(
  record: RecordTypes[K],
  index: number,
  { codec, prefix, values }: { readonly codec: Codec<K>; readonly prefix: Buffer; readonly values: Values },
): Buffer {
  const there = values.get(index, record, prefix);
  if (there) return there;
  const value = encodeValue(record, codec, { prefix, lease: values.lease });
  values.set(index, record, prefix, value);
  return value;
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
  if (!entry.mark && !entry.notice && !entry.raw && !entry.role && entry.clockMs === undefined) return null;
  const headers: IHeaders = {};
  if (entry.mark) headers[MARK_HEADER] = markText(entry.mark);
  if (entry.notice) headers[NOTICE_HEADER] = noticeText(entry.notice);
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
