import avro from 'avsc';
import { schemas } from '../schema/records.ts';
import { createDictionary, type Dictionary } from './dictionary.ts';
import type { FactBuffer } from './fact-buffer.ts';
import { ID_ALPHABET, ID_PREFIX, type DimensionName } from './layout.ts';

/** What of a flow goes into columns, in the order of the schema; `projection` is written against it. */
const EXPECTED = [
  'id origin position cluster node collector reporter unit aggregated samplingRate counted startMs endMs receivedMs',
  'verdict verdictRaw dropReason protocol icmpType icmpCode tcpFlags direction initiatorGuessed source destination',
  'service sourceBytes destinationBytes sourcePackets destinationPackets connectionsStarted connectionsCompleted',
  'connectionsLive policies request malformed inventoryStale',
]
  .join(' ')
  .split(' ');

export type Dictionaries = Readonly<Record<DimensionName, Dictionary>>;

export const newDictionaries = (): Dictionaries => ({
  context: createDictionary(),
  reason: createDictionary(),
  // The port lies between the address and the rest; without it stands the index of null in its union.
  endpoint: createDictionary([0], nullableTextEnd),
  service: createDictionary(),
  policies: createDictionary(),
  request: createDictionary(),
});

/** Where a nullable text at the beginning of some bytes ends. */
function nullableTextEnd(bytes: Uint8Array): number {
  if (bytes[0] === 0) return 1;
  let length = 0;
  let at = 1;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + (length >>> 1);
  }
}

/** Reads an Avro flow straight into column cells and dimension ids, making no object. */
export interface Projection {
  /**
   * Puts the flow of bytes [from, to) into row `row`. Throws RangeError when the bytes are no flow; the row is
   * then to be written again. `nextIdRef` is asked for a number only when the id cannot be derived.
   */
  read(bytes: Uint8Array, from: number, to: number, out: FactBuffer, row: number): void;
}

/** 6-bit value of each character of an id (schema/ids.ts), 255 for others. */
const SIX_BITS = new Uint8Array(256).fill(255);
for (const [i, code] of Buffer.from(ID_ALPHABET).entries()) SIX_BITS[code] = i;
const ID_LENGTH = ID_PREFIX + 8;

export function createProjection(dictionaries: Dictionaries, nextIdRef: (id: string) => number): Projection {
  const type = avro.Type.forSchema(JSON.parse(schemas.flow) as avro.Schema, {
    wrapUnions: 'never',
  }) as avro.types.RecordType;
  const names = type.fields.map((field) => field.name);
  if (EXPECTED.some((name, i) => names[i] !== name) || names.length !== EXPECTED.length) {
    throw new Error(
      `store/projection.ts reads ${EXPECTED.join(', ')}; the flow schema has ${names.join(', ')}`,
    );
  }
  const endpointFields = (type.field('source').type as avro.types.RecordType).fields;
  if (endpointFields[0]?.name !== 'ip' || endpointFields[1]?.name !== 'port') {
    throw new Error('store/projection.ts expects an endpoint to begin with ip and port');
  }
  const { context, reason, endpoint, service, policies, request } = dictionaries;

  let b: Uint8Array = new Uint8Array(0);
  let at = 0;
  let end = 0;
  let idPrefix = 0;

  /** Zigzag varint that fits 32 bits. */
  function int(): number {
    let byte = b[at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = b[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new RangeError('a number is longer than 32 bits');
  }

  /** Zigzag varint within ±2^53, into two words of a 64-bit cell. */
  function long(cells: Int32Array, row: number): void {
    let low = 0;
    let high = 0;
    let byte = 0;
    let shift = 0;
    do {
      byte = b[at++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else high += (byte & 0x7f) * 2 ** (shift - 28);
      shift += 7;
    } while (byte >= 0x80 && shift < 70);
    // zigzag = high * 2^28 + low; half of it, less one and negative where it is odd.
    const half = high * 134_217_728 + (low >>> 1);
    const value = (low & 1) === 0 ? half : -half - 1;
    cells[row * 2] = value | 0;
    cells[row * 2 + 1] = Math.floor(value / 4_294_967_296);
    if (value > 2_147_483_647 || value < -2_147_483_648) cells[row * 2] = value % 4_294_967_296;
  }

  function nullableLong(cells: Int32Array, row: number): void {
    if (b[at++] === 0) {
      cells[row * 2] = -1;
      cells[row * 2 + 1] = -1;
    } else {
      long(cells, row);
    }
  }
  const nullableInt = (): number => (b[at++] === 0 ? -1 : int());

  // `at += int()` would add to what `at` was before the length was read.
  function skipText(): void {
    const length = int();
    if (length < 0) throw new RangeError('a text has a negative length');
    at += length;
  }
  function skipNullableText(): void {
    if (b[at++] !== 0) skipText();
  }

  function skipVarint(): void {
    while (b[at++]! >= 0x80);
  }
  function skipBlocks(item: () => void): void {
    for (let count = int(); count !== 0; count = int()) {
      if (count < 0) {
        skipVarint();
        count = -count;
      }
      for (let i = 0; i < count; i++) {
        if (at > end) throw new RangeError('the record ends early');
        item();
      }
    }
  }
  const skipTextPair = (): void => {
    skipText();
    skipText();
  };

  /** What passes over a value of a type; made once, as asking the type for each value costs more than the value. */
  function skipper(of: avro.Type): () => void {
    const name = of.typeName;
    if (name === 'string' || name === 'bytes') return skipText;
    if (name === 'int' || name === 'long' || name === 'enum') return skipVarint;
    if (name === 'boolean') return () => void at++;
    if (name === 'double') return () => void (at += 8);
    if (name === 'float') return () => void (at += 4);
    if (name === 'null') return () => undefined;
    if (name === 'record')
      return recordSkipper((of as avro.types.RecordType).fields.map((field) => field.type));
    if (name === 'array') {
      const item = skipper((of as avro.types.ArrayType).itemsType);
      return () => skipBlocks(item);
    }
    if (name === 'map') {
      const { valuesType } = of as avro.types.MapType;
      if (valuesType.typeName === 'string') return () => skipBlocks(skipTextPair);
      const value = skipper(valuesType);
      return () => skipBlocks(() => (skipText(), value()));
    }
    if (name.startsWith('union')) {
      if (isNullableText(of)) return skipNullableText;
      const branches = (of as avro.types.UnwrappedUnionType).types.map(skipper);
      return () => {
        const branch = branches[int()];
        if (!branch) throw new RangeError('a union has no such branch');
        branch();
      };
    }
    throw new Error(`store/projection.ts cannot pass over a ${name}`);
  }

  /** Nullable texts, which most fields are, are passed over in place. */
  function recordSkipper(types: readonly avro.Type[]): () => void {
    const isText = Uint8Array.from(types, (type) => Number(isNullableText(type)));
    const others = types.map(skipper);
    return () => {
      for (let i = 0; i < isText.length; i++) {
        if (isText[i] === 0) others[i]!();
        else if (b[at++] !== 0) skipText();
      }
    };
  }

  /** Id of an endpoint without its port, which goes to `ports`. */
  function readEndpoint(ports: Int32Array, row: number): number {
    const ip = at;
    skipNullableText();
    const ipEnd = at;
    ports[row] = nullableInt();
    const rest = at;
    skipEndpointRest();
    if (at > end) throw new RangeError('the record ends early');
    return endpoint.intern(b, ip, ipEnd, rest, at);
  }

  /** Id of a part that is absent or empty when its first byte is 0. */
  function readPart(dictionary: Dictionary, skip: () => void): number {
    const from = at;
    if (b[at] === 0) {
      at++;
      return 0;
    }
    skip();
    if (at > end) throw new RangeError('the record ends early');
    return dictionary.intern(b, from, at, at, at);
  }

  const skipEndpointRest = recordSkipper(endpointFields.slice(2).map((field) => field.type));
  const skipService = skipper(type.field('service').type);
  const skipPolicies = skipper(type.field('policies').type);
  const skipRequest = skipper(type.field('request').type);

  return {
    read(bytes, from, to, out, row) {
      b = bytes;
      at = from;
      end = to;
      const idLength = int();
      idPrefix = at;
      at += idLength;
      const origin = at;
      skipText();
      const originEnd = at;
      long(out.position, row);
      const cluster = at;
      skipText();
      skipNullableText();
      skipText();
      if (at > end || idLength < 0) throw new RangeError('the record ends early');
      const isDerived =
        idLength === ID_LENGTH && isPositionText(bytes, idPrefix + ID_PREFIX, out.position, row);
      out.idRef[row] = isDerived
        ? 0
        : nextIdRef(Buffer.from(bytes.subarray(idPrefix, idPrefix + idLength)).toString());
      out.context[row] = internContext(bytes, isDerived, origin, originEnd, cluster);
      out.reporter[row] = int();
      out.unit[row] = int();
      out.aggregated[row] = int();
      out.samplingRate[row] = int();
      out.counted[row] = b[at++]!;
      long(out.startMs, row);
      long(out.endMs, row);
      long(out.receivedMs, row);
      out.verdict[row] = int();
      const reasonAt = at;
      skipNullableText();
      skipNullableText();
      out.reason[row] = at === reasonAt + 2 ? 0 : reason.intern(b, reasonAt, at, at, at);
      out.protocol[row] = nullableInt();
      out.icmpType[row] = nullableInt();
      out.icmpCode[row] = nullableInt();
      out.tcpFlags[row] = nullableInt();
      out.direction[row] = int();
      out.initiatorGuessed[row] = b[at++]!;
      out.source[row] = readEndpoint(out.sourcePort, row);
      out.destination[row] = readEndpoint(out.destinationPort, row);
      out.service[row] = readPart(service, skipService);
      nullableLong(out.sourceBytes, row);
      nullableLong(out.destinationBytes, row);
      nullableLong(out.sourcePackets, row);
      nullableLong(out.destinationPackets, row);
      out.connectionsStarted[row] = nullableInt();
      out.connectionsCompleted[row] = nullableInt();
      out.connectionsLive[row] = nullableInt();
      out.policies[row] = readPart(policies, skipPolicies);
      out.request[row] = readPart(request, skipRequest);
      out.malformed[row] = b[at++]!;
      out.inventoryStale[row] = b[at++]!;
      if (at !== to) throw new RangeError(`the record is ${to - from} bytes long; ${at - from} were read`);
    },
  };

  /** The context's key is the id's prefix and four names; the pieces lie apart, so they are brought together. */
  function internContext(
    bytes: Uint8Array,
    isDerived: boolean,
    origin: number,
    originEnd: number,
    cluster: number,
  ): number {
    const length = ID_PREFIX + originEnd - origin;
    if (contextScratch.length < length) contextScratch = new Uint8Array(length * 2);
    let to = 0;
    for (let i = 0; i < ID_PREFIX; i++) contextScratch[to++] = isDerived ? bytes[idPrefix + i]! : 45;
    for (let i = origin; i < originEnd; i++) contextScratch[to++] = bytes[i]!;
    return internPair(context, contextScratch, to, bytes, cluster, at);
  }
}

let contextScratch = new Uint8Array(256);
let pairScratch = new Uint8Array(512);

function internPair(
  dictionary: Dictionary,
  first: Uint8Array,
  firstLength: number,
  second: Uint8Array,
  from: number,
  to: number,
): number {
  const length = firstLength + to - from;
  if (pairScratch.length < length) pairScratch = new Uint8Array(length * 2);
  for (let i = 0; i < firstLength; i++) pairScratch[i] = first[i]!;
  for (let i = from; i < to; i++) pairScratch[firstLength + i - from] = second[i]!;
  return dictionary.intern(pairScratch, 0, length, length, length);
}

function isNullableText(type: avro.Type): boolean {
  if (!type.typeName.startsWith('union')) return false;
  const [first, second, ...more] = (type as avro.types.UnwrappedUnionType).types;
  return first?.typeName === 'null' && second?.typeName === 'string' && more.length === 0;
}

/** Whether eight characters are the position, as `schema/ids.ts` writes it, of a row. */
function isPositionText(bytes: Uint8Array, at: number, position: Int32Array, row: number): boolean {
  let high = 0;
  let low = 0;
  for (let i = 0; i < 4; i++) {
    const a = SIX_BITS[bytes[at + i]!]!;
    const b = SIX_BITS[bytes[at + 4 + i]!]!;
    if (a === 255 || b === 255) return false;
    high = high * 64 + a;
    low = low * 64 + b;
  }
  // 48 bits as two words: low 24 bits and the next 8 make the lower one.
  return position[row * 2] === (low | (high << 24)) && position[row * 2 + 1] === high >>> 8;
}
