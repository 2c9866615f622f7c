import avro from 'avsc';
import { schemas, type RecordKind, type RecordTypes } from './records.ts';
import { quickTypes } from './avro-types.ts';
import { fingerprint64 } from './fingerprint.ts';

/** Encodes and decodes one kind of record. */
export interface Codec<K extends RecordKind> {
  readonly kind: K;
  /** The schema text other readers are given. */
  readonly schema: string;
  /** CRC-64-AVRO of the schema's parsing canonical form, 8 bytes little-endian. */
  readonly fingerprint: Buffer;
  /** A copy that the caller owns. Throws when the record does not fit the schema. */
  encode(record: RecordTypes[K]): Buffer;
  /**
   * Writes at `offset` and returns the offset after it, or a negative number when the buffer is too small:
   * minus the number of bytes that were missing.
   */
  encodeInto(buffer: Buffer, offset: number, record: RecordTypes[K]): number;
  readonly decode: (bytes: Buffer) => RecordTypes[K];
  /** A decoder for records written with another version of the schema. Throws when the two do not resolve. */
  decoderFor(writerSchema: string): (bytes: Buffer) => RecordTypes[K];
}

/** A fresh object each time: avsc keeps the names it has seen in it. */
const options = (): { wrapUnions: 'never'; typeHook: typeof quickTypes } => ({
  wrapUnions: 'never',
  typeHook: quickTypes,
});

/** avsc's own encoder takes a position; its types leave that out. */
interface Encoder {
  encode(value: unknown, buffer: Buffer, position: number): number;
}

function makeCodec<K extends RecordKind>(kind: K): Codec<K> {
  const type = avro.Type.forSchema(JSON.parse(schemas[kind]) as avro.Schema, options());
  return {
    kind,
    schema: schemas[kind],
    fingerprint: fingerprint64(JSON.stringify(type.schema())),
    encode: (record) => type.toBuffer(record),
    encodeInto: (buffer, offset, record) => (type as unknown as Encoder).encode(record, buffer, offset),
    decode: (bytes) => type.fromBuffer(bytes) as RecordTypes[K],
    decoderFor(writerSchema) {
      const writer = avro.Type.forSchema(JSON.parse(writerSchema) as avro.Schema, options());
      const resolver = type.createResolver(writer);
      return (bytes) => type.fromBuffer(bytes, resolver) as RecordTypes[K];
    },
  };
}

const made = new Map<RecordKind, unknown>();

/** The codec of a kind, compiled at first use: a role pays only for the kinds it handles. */
export function codecOf<K extends RecordKind>(kind: K): Codec<K> {
  let codec = made.get(kind) as Codec<K> | undefined;
  if (!codec) made.set(kind, (codec = makeCodec(kind)));
  return codec;
}
