import type { Delivery } from '../pipeline/contracts.ts';
import { codecOf } from '../schema/codec.ts';
import type { RecordKind } from '../schema/records.ts';

/** Records on their way to the store's thread: one buffer that is handed over, never objects. */
export interface Packed {
  /** Which log the offsets count in; null when it has no memory of its own, and nothing is skipped. */
  readonly log: string | null;
  /** Avro bodies one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** End of each body. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly offsets: Float64Array<ArrayBuffer>;
  /** Index into `places` of each record. */
  readonly place: Uint16Array<ArrayBuffer>;
  readonly places: readonly Place[];
}
export interface Place {
  readonly kind: RecordKind;
  readonly topic: string;
  readonly partition: number;
}

/** Magic of the single-object encoding, then the schema's fingerprint (Avro specification). */
const HEADER = 10;

/**
 * The body inside the bytes of a log entry, as an offset into them; -1 when they were written with a schema
 * that may be another than ours, and the record has to be encoded again. A body can begin neither with C3 01
 * (a text of negative length) nor, as every kind begins with an id or cluster, with 00.
 */
function bodyAt(kind: RecordKind, bytes: Uint8Array): number {
  if (bytes[0] === 0) return -1;
  if (bytes[0] !== 0xc3 || bytes[1] !== 0x01) return 0;
  const { fingerprint } = codecOf(kind);
  for (let i = 0; i < 8; i++) if (bytes[i + 2] !== fingerprint[i]) return -1;
  return HEADER;
}

/** Packs deliveries for `postMessage` with `bytes`, `ends`, `offsets` and `place` transferred. */
export function pack(
  items: readonly Delivery[],
  log: string | null,
  bufferOf: (bytes: number) => ArrayBuffer = (bytes) => new ArrayBuffer(bytes),
): Packed {
  const ends = new Uint32Array(items.length);
  const offsets = new Float64Array(items.length);
  const place = new Uint16Array(items.length);
  const places: Place[] = [];
  let total = 0;
  const bodies = items.map((item) => item.bytes);
  for (const body of bodies) total += (body?.length ?? 512) + 16;
  let bytes = Buffer.from(bufferOf(total));
  let at = 0;
  let last = -1;
  for (const [i, item] of items.entries()) {
    if (last < 0 || !isPlace(places[last]!, item)) {
      last = places.findIndex((known) => isPlace(known, item));
      if (last < 0) last = places.push({ kind: item.kind, topic: item.topic, partition: item.partition }) - 1;
    }
    place[i] = last;
    offsets[i] = item.offset;
    const stored = bodies[i] ?? null;
    const body = stored ? bodyAt(item.kind, stored) : -1;
    if (stored && body >= 0) {
      const length = stored.length - body;
      if (at + length > bytes.length) bytes = enlarged(bytes, at, length);
      bytes.set(body === 0 ? stored : stored.subarray(body), at);
      at += length;
    } else {
      let next = codecOf(item.kind).encodeInto(bytes, at, item.record);
      if (next < 0) {
        bytes = enlarged(bytes, at, -next + bytes.length - at);
        next = codecOf(item.kind).encodeInto(bytes, at, item.record);
      }
      at = next;
    }
    ends[i] = at;
  }
  return { log, bytes: new Uint8Array(bytes.buffer, 0, at), ends, offsets, place, places };
}

const isPlace = (place: Place, item: Delivery): boolean =>
  place.partition === item.partition && place.topic === item.topic && place.kind === item.kind;

function enlarged(bytes: Buffer<ArrayBuffer>, used: number, more: number): Buffer<ArrayBuffer> {
  const larger = Buffer.from(new ArrayBuffer(Math.max(bytes.length * 2, used + more)));
  bytes.copy(larger, 0, 0, used);
  return larger;
}
