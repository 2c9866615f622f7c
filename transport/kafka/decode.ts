import type { IHeaders, KafkaMessage } from 'kafkajs';
import { messageOf } from '../../pipeline/errors.ts';
import type { LogEntry, Mark } from '../../pipeline/log.ts';
import { parseNotice, type Notice } from '../../pipeline/notice.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { headerOf, unframe, type SchemaRef } from './framing.ts';
import { CLOCK_HEADER, MARK_HEADER, NOTICE_HEADER, RAW_HEADER, ROLE_HEADER, parseMark } from './marks.ts';
import type { OwnFraming, SchemaDirectory } from './schemas.ts';

/** Entries decoded so far, and the schema that is missing for the next one. */
export interface Decoded<T> {
  readonly entries: LogEntry<T>[];
  /** Null when every message was decoded. */
  readonly missing: SchemaRef | null;
}

/** Decodes messages in order, up to the first whose schema is not at hand. */
export function decodeMessages<K extends RecordKind>(
  messages: readonly KafkaMessage[],
  kind: K,
  schemas: Pick<SchemaDirectory, 'known' | 'own'>,
): Decoded<RecordTypes[K]> {
  const entries: LogEntry<RecordTypes[K]>[] = [];
  const own = schemas.own(kind);
  for (const message of messages) {
    const entry = decodeMessage(message, { kind, own, schemas });
    if ('missing' in entry) return { entries, missing: entry.missing };
    entries.push(entry);
  }
  return { entries, missing: null };
}

function decodeMessage<K extends RecordKind>(
  message: KafkaMessage,
  { kind, own, schemas }: { kind: K; own: OwnFraming<K>; schemas: Pick<SchemaDirectory, 'known'> },
): LogEntry<RecordTypes[K]> | { readonly missing: SchemaRef } {
  const bytes = message.value;
  const headers = message.headers ?? {};
  // Nearly every record is of our own schema: no text is made of its fingerprint.
  if (bytes && own.prefix.length <= bytes.length && own.prefix.compare(bytes, 0, own.prefix.length) === 0) {
    const payload = bytes.subarray(own.prefix.length);
    return recordEntry(message, { payload, decode: own.decode }, `${kind} of our own schema`);
  }
  if (!bytes) {
    const told = headerOf(headers, NOTICE_HEADER);
    if (told !== null) {
      const notice = parseNotice(told);
      if (!notice) return undecodable(message, `the notice ${told.slice(0, 200)} is malformed`);
      return new FetchedEntry(message, { notice });
    }
    const text = headerOf(headers, MARK_HEADER);
    const mark = text === null ? null : parseMark(text);
    if (text !== null && !mark) return undecodable(message, `the mark ${text.slice(0, 200)} is malformed`);
    return new FetchedEntry(message, { mark });
  }
  const framed = unframe(bytes, headers);
  if (!framed) {
    const begin = bytes.toString('hex', 0, 16);
    return undecodable(message, `neither Avro single-object encoding nor Confluent framing: begins ${begin}`);
  }
  const decode = schemas.known(kind, framed.schema);
  if (!decode) return { missing: framed.schema };
  return recordEntry(message, { payload: framed.payload, decode }, `${kind} of schema ${framed.schema.name}`);
}

/** How to decode a record, again where its value was let go of. */
interface Encoded<T> {
  readonly payload: Buffer;
  readonly decode: (bytes: Buffer) => T;
}

function recordEntry<T>(message: KafkaMessage, encoded: Encoded<T>, what: string): LogEntry<T> {
  try {
    return new FetchedEntry(message, { value: encoded.decode(encoded.payload), encoded });
  } catch (error) {
    return undecodable(message, `${what}: ${messageOf(error)}`);
  }
}

const undecodable = <T>(message: KafkaMessage, error: string): LogEntry<T> =>
  new FetchedEntry<T>(message, { error });

/** One shape for every entry, and no more words than it takes: hundreds of thousands wait in a lane at times. */
class FetchedEntry<T> implements LogEntry<T> {
  readonly offset: number;
  readonly mark: Mark | null;
  readonly raw: number;
  readonly clockMs: number | null;
  readonly appendMs: number;
  readonly bytes: Buffer | null;
  readonly role: 'rule' | undefined;
  readonly notice: Notice | undefined;
  declare readonly error?: string;
  readonly #encoded: Encoded<T> | null;
  #value: T | null;

  constructor(
    message: KafkaMessage,
    held: {
      readonly value?: T;
      readonly encoded?: Encoded<T>;
      readonly mark?: Mark | null;
      readonly notice?: Notice;
      readonly error?: string;
    },
  ) {
    const { headers } = message;
    const raw = headers?.[RAW_HEADER];
    const clock = headers?.[CLOCK_HEADER];
    this.offset = Number(message.offset);
    this.mark = held.mark ?? null;
    this.raw = raw === undefined ? 0 : numberOf(raw);
    this.clockMs = clock === undefined ? null : numberOf(clock);
    this.appendMs = Number(message.timestamp);
    this.bytes = message.value;
    this.role =
      headers?.[ROLE_HEADER] !== undefined && headerOf(headers, ROLE_HEADER) === 'rule' ? 'rule' : undefined;
    this.notice = held.notice;
    if (held.error !== undefined) this.error = held.error;
    this.#encoded = held.encoded ?? null;
    this.#value = held.value ?? null;
  }
  get value(): T | null {
    if (this.#value === null && this.#encoded) this.#value = this.#encoded.decode(this.#encoded.payload);
    return this.#value;
  }
  forget(): void {
    this.#value = null;
  }
}

/** Another writer's header may be anything: what is not a number counts as 0, which delays and loses nothing. */
function numberOf(header: NonNullable<IHeaders[string]>): number {
  const one = Array.isArray(header) ? header.at(-1) : header;
  const number = Number(one?.toString());
  return Number.isFinite(number) ? number : 0;
}
