import avro from 'avsc';
import { schemas, type RecordKind, type RecordTypes } from './records.ts';
import { quickTypes } from './avro-types.ts';
import { fingerprint64 } from './fingerprint.ts';
import { createFlowDecoder, type FlowDecoder, type FlowHead } from './flow-decoder.ts';

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
  /** The same for the record at [from, to), of which no view has to be made. */
  readonly decodeSpan: (bytes: Buffer, from: number, to: number) => RecordTypes[K];
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
  const decode = (bytes: Buffer): RecordTypes[K] => type.fromBuffer(bytes) as RecordTypes[K];
  return {
    kind,
    schema: schemas[kind],
    fingerprint: fingerprint64(JSON.stringify(type.schema())),
    encode: (record) => type.toBuffer(record),
    encodeInto: (buffer, offset, record) => (type as unknown as Encoder).encode(record, buffer, offset),
    decode,
    decodeSpan: (bytes, from, to) => decode(bytes.subarray(from, to)),
    decoderFor(writerSchema) {
      const writer = avro.Type.forSchema(JSON.parse(writerSchema) as avro.Schema, options());
      const resolver = type.createResolver(writer);
      return (bytes) => type.fromBuffer(bytes, resolver) as RecordTypes[K];
    },
  };
}

/** Flows are read by a decoder of their own, made at the first one; avsc reads what is not written as we write it. */
let flowDecoder: FlowDecoder | null = null;

function flows(): FlowDecoder {
  if (flowDecoder) return flowDecoder;
  const { decode } = makeCodec('flow');
  return (flowDecoder = createFlowDecoder(decode));
}

const flowCodec = (): Codec<'flow'> => ({
  ...makeCodec('flow'),
  decode: (bytes) => flows().decode(bytes, 0, bytes.length),
  decodeSpan: (bytes, from, to) => flows().decode(bytes, from, to),
});

/**
 * What orders a flow and tells it from others, read from the bytes [from, to) for a tenth of what the whole flow
 * costs. Of bytes that are no flow it may still give something; `decode` throws then.
 */
export const flowHead = (bytes: Buffer, from: number, to: number): FlowHead => flows().head(bytes, from, to);

const made = new Map<RecordKind, unknown>();

/** The codec of a kind, compiled at first use: a role pays only for the kinds it handles. */
export function codecOf<K extends RecordKind>(kind: K): Codec<K> {
  let codec = made.get(kind) as Codec<K> | undefined;
  if (!codec) made.set(kind, (codec = (kind === 'flow' ? flowCodec() : makeCodec(kind)) as Codec<K>));
  return codec;
}
