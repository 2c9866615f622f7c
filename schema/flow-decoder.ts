import { randomBytes } from 'node:crypto';
import { hashEnd, hashPiece } from './bytes.ts';
import { createHeldParts } from './held-parts.ts';
import { createHeldTexts } from './held-texts.ts';
import {
  Directions,
  EndpointKinds,
  Reporters,
  Units,
  Verdicts,
  type Endpoint,
  type Flow,
  type PolicyRef,
  type Request,
  type ServiceRef,
} from './records.ts';

/** What orders a flow among others and tells it from them. */
export type FlowHead = Pick<Flow, 'id' | 'origin' | 'position' | 'endMs'>;

/** Reads flows of our own schema from the bytes [from, to). */
export interface FlowDecoder {
  /**
   * The flow. It is the caller's own, and so are its endpoints; their labels and scopes, and its policies, may be
   * those of other flows too, and are not to be written to.
   */
  decode(bytes: Buffer, from: number, to: number): Flow;
  /** Its head alone, for a fraction of the time; of bytes that are no flow it may still give one. */
  head(bytes: Buffer, from: number, to: number): FlowHead;
}

/** Thrown and caught here: what is not written as we write it is left to who reads everything. */
const unusual = new RangeError('not as we write it');

const NO_POLICIES: readonly PolicyRef[] = [];
const NO_SCOPES: readonly string[] = [];
/** Endpoints and policy traces that were met once are known by their hash, and kept when they come again. */
const MET = 1 << 16;

/**
 * Written against the order of the fields in flow.avsc, of which a test tells when it changes. Of flows in a stream
 * most endpoints, names and policies came before: these are found by their bytes, and no objects are made of them.
 * Bytes that are cut, too long or otherwise not what our encoder writes go to `decodeAny`.
 */
export function createFlowDecoder(decodeAny: (bytes: Buffer) => Flow): FlowDecoder {
  const seed = randomBytes(4).readInt32LE(0);
  const names = createHeldTexts(seed);
  const endpoints = createHeldParts<Endpoint>();
  const traces = createHeldParts<readonly PolicyRef[]>();
  const met = new Int32Array(MET);

  // Positions count from the beginning of the memory that the bytes are a piece of: flows of one frame share it.
  let memory: ArrayBufferLike = new ArrayBuffer(0);
  let last: Buffer | null = null;
  let b: Buffer = Buffer.from(memory);
  let view: DataView = new DataView(memory);
  let at = 0;
  let end = 0;

  function begin(bytes: Buffer, from: number, to: number): void {
    // Asking a buffer for its memory costs as much as a text; those who read a frame give the same buffer each time.
    if (bytes !== last) {
      last = bytes;
      if (bytes.buffer !== memory) {
        memory = bytes.buffer;
        b = Buffer.from(memory);
        view = new DataView(memory);
      }
    }
    at = bytes.byteOffset + from;
    end = bytes.byteOffset + to;
  }

  /** Zigzag varint of a number within ±2^31. */
  function int(): number {
    const byte = b[at++]!;
    return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : longerInt(byte & 0x7f);
  }
  function longerInt(first: number): number {
    let value = first;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = b[at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    const last = b[at++]!;
    if (last > 0x0f) throw unusual;
    value |= last << 28;
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zigzag varint of up to 49 bits, which every time is. */
  function long(): number {
    const byte = b[at++]!;
    return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : longerLong(byte & 0x7f);
  }
  function longerLong(first: number): number {
    let low = first;
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = b[at++]!;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    let high = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = b[at++]!;
      high |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        const half = high * 0x800_0000 + (low >>> 1);
        return (low & 1) === 0 ? half : -half - 1;
      }
    }
    throw unusual;
  }

  /** Whether a nullable field has a value. */
  function isGiven(): boolean {
    const branch = b[at++]!;
    if (branch === 0) return false;
    if (branch !== 2) throw unusual;
    return true;
  }
  const nullableInt = (): number | null => (isGiven() ? int() : null);
  const nullableLong = (): number | null => (isGiven() ? long() : null);

  function flag(): boolean {
    const byte = b[at++]!;
    if (byte > 1) throw unusual;
    return byte === 1;
  }
  function symbol<T extends string>(symbols: readonly T[]): T {
    const found = symbols[int()];
    if (found === undefined) throw unusual;
    return found;
  }

  /** Goes past a text and gives where it begins. */
  function passText(): number {
    const length = int();
    const from = at;
    if (length < 0 || length > end - from) throw unusual;
    at = from + length;
    return from;
  }
  function passNullableText(): void {
    if (isGiven()) passText();
  }
  /** A text of which there are few. */
  function name(): string {
    const from = passText();
    return names(b, view, from, at);
  }
  const nullableName = (): string | null => (isGiven() ? name() : null);
  /** A text that may be another one in every flow. */
  function text(): string {
    const from = passText();
    return b.toString(undefined, from, at);
  }
  const nullableText = (): string | null => (isGiven() ? text() : null);

  /** Items in a block: 0 ends them. Blocks that give their size we do not write. */
  function block(): number {
    const count = int();
    // Each item takes a byte at least.
    if (count < 0 || count > end - at) throw unusual;
    return count;
  }

  function labels(): Readonly<Record<string, string>> {
    const all: Record<string, string> = {};
    for (let count = block(); count > 0; count = block())
      for (let i = 0; i < count; i++) {
        const key = name();
        all[key] = name();
      }
    return all;
  }

  function scopes(): readonly string[] {
    let count = block();
    if (count === 0) return NO_SCOPES;
    const all: string[] = [];
    for (; count > 0; count = block()) for (let i = 0; i < count; i++) all.push(name());
    return all;
  }

  function endpoint(): Endpoint {
    const first = at;
    passNullableText();
    const firstEnd = at;
    const port = nullableInt();
    const second = at;
    // Network, kind, namespace and pod, and for who has no address workload and entity too, tell endpoints apart.
    passNullableText();
    int();
    passNullableText();
    passNullableText();
    if (firstEnd === first + 1) for (let i = 0; i < 3; i++) passNullableText();
    const hash = hashEnd(hashPiece(hashPiece(seed, view, first, firstEnd), view, second, at));
    const known = endpoints.find(view, hash, first, firstEnd, second, end);
    if (known >= 0) {
      at = second + endpoints.lengthOf(known);
      const endpoint = { ...endpoints.valueOf(known) };
      endpoint.port = port;
      return endpoint;
    }
    at = first;
    const read = newEndpoint();
    if (isMet(hash))
      endpoints.hold(view, hash, { first, firstEnd, second, secondEnd: at }, { ...read, port: null });
    return read;
  }

  function newEndpoint(): Endpoint {
    return {
      ip: nullableText(),
      port: nullableInt(),
      network: nullableName(),
      kind: symbol(EndpointKinds),
      namespace: nullableName(),
      pod: nullableText(),
      workloadKind: nullableName(),
      workload: nullableName(),
      entity: nullableText(),
      serviceAccount: nullableName(),
      node: nullableName(),
      zone: nullableName(),
      labels: isGiven() ? labels() : null,
      networkSet: nullableName(),
      account: nullableName(),
      instance: nullableName(),
      hostname: nullableText(),
      country: nullableName(),
      asn: nullableLong(),
      asName: nullableName(),
      tenant: nullableName(),
      scopes: scopes(),
      owner: nullableName(),
    };
  }

  /** Whether something of this hash came not long ago. What comes once is not worth keeping. */
  function isMet(hash: number): boolean {
    const place = (hash >>> 4) & (MET - 1);
    if (met[place] === hash) return true;
    met[place] = hash;
    return false;
  }

  function policies(): readonly PolicyRef[] {
    if (b[at] === 0) {
      at++;
      return NO_POLICIES;
    }
    const from = at;
    for (let count = block(); count > 0; count = block())
      for (let i = 0; i < count; i++) {
        for (let field = 0; field < 7; field++) passNullableText();
        at += 3;
      }
    const hash = hashEnd(hashPiece(seed, view, from, at));
    const known = traces.find(view, hash, from, from, from, end);
    if (known >= 0) return traces.valueOf(known);
    const secondEnd = at;
    at = from;
    const read: PolicyRef[] = [];
    for (let count = block(); count > 0; count = block()) for (let i = 0; i < count; i++) read.push(policy());
    if (isMet(hash)) traces.hold(view, hash, { first: from, firstEnd: from, second: from, secondEnd }, read);
    return read;
  }

  const policy = (): PolicyRef => ({
    kind: nullableName(),
    tier: nullableName(),
    namespace: nullableName(),
    name: nullableName(),
    rule: nullableName(),
    direction: nullableName(),
    action: nullableName(),
    staged: flag(),
    truncated: flag(),
    inferred: flag(),
  });
  const service = (): ServiceRef => ({
    namespace: nullableName(),
    name: name(),
    portName: nullableName(),
  });
  const request = (): Request => ({
    method: nullableName(),
    path: nullableText(),
    status: nullableInt(),
    query: nullableText(),
  });

  // In the order of `newFlow`, so that both are of one shape.
  const flow = (): Flow => ({
    id: text(),
    origin: name(),
    position: long(),
    cluster: name(),
    node: nullableName(),
    collector: name(),
    reporter: symbol(Reporters),
    unit: symbol(Units),
    aggregated: int(),
    samplingRate: int(),
    counted: flag(),
    startMs: long(),
    endMs: long(),
    receivedMs: long(),
    verdict: symbol(Verdicts),
    verdictRaw: nullableName(),
    dropReason: nullableName(),
    protocol: nullableInt(),
    icmpType: nullableInt(),
    icmpCode: nullableInt(),
    tcpFlags: nullableInt(),
    direction: symbol(Directions),
    initiatorGuessed: flag(),
    source: endpoint(),
    destination: endpoint(),
    service: isGiven() ? service() : null,
    sourceBytes: nullableLong(),
    destinationBytes: nullableLong(),
    sourcePackets: nullableLong(),
    destinationPackets: nullableLong(),
    connectionsStarted: nullableInt(),
    connectionsCompleted: nullableInt(),
    connectionsLive: nullableInt(),
    policies: policies(),
    request: isGiven() ? request() : null,
    malformed: flag(),
    inventoryStale: flag(),
  });

  function head(): FlowHead {
    const id = text();
    const origin = name();
    const position = long();
    passText();
    passNullableText();
    passText();
    for (let i = 0; i < 4; i++) int();
    at++;
    long();
    const endMs = long();
    if (at > end) throw unusual;
    return { id, origin, position, endMs };
  }

  return {
    decode(bytes, from, to) {
      try {
        begin(bytes, from, to);
        const read = flow();
        if (at === end) return read;
      } catch {
        // Whatever it was, who reads everything says so or reads it.
      }
      return decodeAny(bytes.subarray(from, to));
    },
    head(bytes, from, to) {
      try {
        begin(bytes, from, to);
        return head();
      } catch {
        const { id, origin, position, endMs } = decodeAny(bytes.subarray(from, to));
        return { id, origin, position, endMs };
      }
    },
  };
}
