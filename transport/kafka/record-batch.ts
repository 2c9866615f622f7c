import type { IHeaders, Message } from 'kafkajs';
import { crc32c } from './crc32c.ts';

/**
 * The record batch of Kafka's message format 2 ("Record Batch" and "Record" in the protocol guide). kafkajs builds
 * it from three objects and five buffers a record, which cost more than encoding the flow in it.
 */
const BATCH_HEADER_BYTES = 61;
const MAGIC = 2;
/** Where the checksum stands, and the first byte it covers. */
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
/** Lengths, deltas and counts of one record and of one header, at their longest. */
const RECORD_ROOM = 32;
const HEADER_ROOM = 10;

/** Bytes that `writeRecords` needs at most. */
export function roomFor(messages: readonly Message[]): number {
  let room = 0;
  for (const { key, value, headers } of messages) {
    room += RECORD_ROOM + mostBytes(key) + mostBytes(value);
    if (headers) {
      for (const name in headers)
        for (const one of valuesOf(headers[name])) room += HEADER_ROOM + mostBytes(name) + mostBytes(one);
    }
  }
  return room;
}

/** Writes the records one after the other and returns the offset after the last. */
export function writeRecords(messages: readonly Message[], out: Buffer): number {
  let at = 0;
  for (let i = 0; i < messages.length; i++) {
    const { key, value, headers } = messages[i]!;
    const keyBytes = bytesOf(key);
    const valueBytes = bytesOf(value);
    let body = 2 + varintBytes(i) + sizedBytes(keyBytes) + sizedBytes(valueBytes);
    let count = 0;
    if (headers) {
      for (const name in headers) {
        for (const one of valuesOf(headers[name])) {
          count++;
          body += sizedBytes(Buffer.byteLength(name)) + sizedBytes(bytesOf(one));
        }
      }
    }
    at = varint(out, at, body + varintBytes(count));
    // No attributes, and no time of its own.
    out[at++] = 0;
    out[at++] = 0;
    at = varint(out, at, i);
    at = sized(out, at, key, keyBytes);
    at = sized(out, at, value, valueBytes);
    at = varint(out, at, count);
    if (headers) {
      for (const name in headers) {
        for (const one of valuesOf(headers[name])) {
          at = sized(out, at, name, Buffer.byteLength(name));
          at = sized(out, at, one, bytesOf(one));
        }
      }
    }
  }
  return at;
}

/** A whole batch around records that are written, and compressed as `compression` says. */
export function batchOf(batch: {
  readonly records: Buffer;
  readonly count: number;
  readonly compression: number;
  readonly nowMs: number;
}): Buffer {
  const { records, count, compression, nowMs } = batch;
  const out = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
  const time = BigInt(nowMs);
  out.writeBigInt64BE(0n, 0);
  out.writeInt32BE(out.length - 12, 8);
  out.writeInt32BE(-1, 12);
  out.writeInt8(MAGIC, 16);
  out.writeInt16BE(compression, ATTRIBUTES_AT);
  out.writeInt32BE(count - 1, 23);
  out.writeBigInt64BE(time, 27);
  out.writeBigInt64BE(time, 35);
  // Neither a numbered nor a transactional producer.
  out.writeBigInt64BE(-1n, 43);
  out.writeInt16BE(-1, 51);
  out.writeInt32BE(-1, 53);
  out.writeInt32BE(count, 57);
  records.copy(out, BATCH_HEADER_BYTES);
  out.writeUInt32BE(crc32c(out, ATTRIBUTES_AT), CRC_AT);
  return out;
}

type Part = string | Buffer | null | undefined;

const NOTHING: readonly (string | Buffer)[] = [];
const valuesOf = (value: IHeaders[string]): readonly (string | Buffer)[] =>
  Array.isArray(value) ? value : value === undefined ? NOTHING : [value];

const mostBytes = (part: Part): number =>
  typeof part === 'string' ? part.length * 3 : part ? part.length : 0;

/** -1 when there is nothing, which is not the same as no bytes. */
const bytesOf = (part: Part): number =>
  typeof part === 'string' ? Buffer.byteLength(part) : part ? part.length : -1;

const sizedBytes = (bytes: number): number => varintBytes(bytes) + (bytes > 0 ? bytes : 0);

function sized(out: Buffer, offset: number, part: Part, bytes: number): number {
  const at = varint(out, offset, bytes);
  if (bytes <= 0) return at;
  // ASCII is the same in Latin-1, which needs no encoding.
  if (typeof part === 'string') out.write(part, at, bytes, bytes === part.length ? 'latin1' : 'utf8');
  else out.set(part!, at);
  return at + bytes;
}

function varintBytes(value: number): number {
  const n = (value << 1) ^ (value >> 31);
  return n < 128 && n >= 0 ? 1 : n < 16_384 ? 2 : n < 2_097_152 ? 3 : n < 268_435_456 ? 4 : 5;
}

/** Zigzag, seven bits a byte. */
function varint(out: Buffer, offset: number, value: number): number {
  let n = (value << 1) ^ (value >> 31);
  let at = offset;
  while (n > 127) {
    out[at++] = (n & 127) | 128;
    n >>>= 7;
  }
  out[at++] = n;
  return at;
}
