/** How an Avro record is put into a message, and found in it again. */

/** Single-object encoding, Avro specification: C3 01, the fingerprint little-endian, the payload. */
const SINGLE_OBJECT = 0xc301;
export const SINGLE_OBJECT_BYTES = 10;
/** Confluent wire format: 0, the schema's id big-endian, the payload. */
const CONFLUENT = 0x00;
export const CONFLUENT_BYTES = 5;
/** Confluent's form with a schema's GUID, in this header instead of in the value: 1, then 16 bytes. */
const GUID_HEADER = '__value_schema_id';

/** Which schema wrote a record. A schema's name is the same text for the same schema, whatever the framing. */
export type SchemaRef =
  | { readonly form: 'fingerprint'; readonly name: string }
  | { readonly form: 'id'; readonly name: string; readonly id: number }
  | { readonly form: 'guid'; readonly name: string; readonly guid: string };

export interface Framed {
  readonly schema: SchemaRef;
  readonly payload: Buffer;
}

type Headers = Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;

/** The text of a header; null when there is none. Of a repeated header the last. */
export function headerOf(headers: Headers, name: string): string | null {
  const found = headers[name];
  const one = Array.isArray(found) ? found.at(-1) : found;
  return one === undefined ? null : one.toString();
}

/** Splits a value into schema and payload; null when it is in none of the framings. */
export function unframe(value: Buffer, headers: Headers): Framed | null {
  const named = headers[GUID_HEADER];
  if (Buffer.isBuffer(named)) {
    if (named[0] === CONFLUENT && named.length === 5) return byId(named.readUInt32BE(1), value);
    if (named[0] === 1 && named.length === 17) return byGuid(named.subarray(1), value);
  }
  if (value.length >= SINGLE_OBJECT_BYTES && value.readUInt16BE(0) === SINGLE_OBJECT) {
    const name = `f:${value.toString('hex', 2, SINGLE_OBJECT_BYTES)}`;
    return { schema: { form: 'fingerprint', name }, payload: value.subarray(SINGLE_OBJECT_BYTES) };
  }
  if (value.length >= CONFLUENT_BYTES && value[0] === CONFLUENT) {
    return byId(value.readUInt32BE(1), value.subarray(CONFLUENT_BYTES));
  }
  if (value.length >= 17 && value[0] === 1) return byGuid(value.subarray(1, 17), value.subarray(17));
  return null;
}

const byId = (id: number, payload: Buffer): Framed => ({
  schema: { form: 'id', name: `i:${id}`, id },
  payload,
});

function byGuid(bytes: Buffer, payload: Buffer): Framed {
  const hex = bytes.toString('hex');
  const guid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  return { schema: { form: 'guid', name: `g:${guid}`, guid }, payload };
}

/** The bytes before each payload written with this fingerprint. */
export function singleObjectPrefix(fingerprint: Buffer): Buffer {
  const prefix = Buffer.alloc(SINGLE_OBJECT_BYTES);
  prefix.writeUInt16BE(SINGLE_OBJECT, 0);
  fingerprint.copy(prefix, 2);
  return prefix;
}

/** The bytes before each payload written with this schema of a registry. */
export function confluentPrefix(id: number): Buffer {
  const prefix = Buffer.alloc(CONFLUENT_BYTES);
  prefix.writeUInt32BE(id, 1);
  return prefix;
}
