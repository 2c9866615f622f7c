import type { IHeaders, KafkaMessage } from 'kafkajs';
import { messageOf } from '../../pipeline/errors.ts';
import type { LogEntry, Mark } from '../../pipeline/log.ts';
import { parseNotice } from '../../pipeline/notice.ts';
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
    try {
      return entryOf(message, own.decode(bytes.subarray(own.prefix.length)), null);
    } catch (error) {
      return undecodable(message, `${kind} of our own schema: ${messageOf(error)}`);
    }
  }
  if (!bytes) {
    const told = headerOf(headers, NOTICE_HEADER);
    if (told !== null) {
      const notice = parseNotice(told);
      if (!notice) return undecodable(message, `the notice ${told.slice(0, 200)} is malformed`);
      return { ...entryOf<RecordTypes[K]>(message, null, null), notice };
    }
    const text = headerOf(headers, MARK_HEADER);
    const mark = text === null ? null : parseMark(text);
    if (text !== null && !mark) return undecodable(message, `the mark ${text.slice(0, 200)} is malformed`);
    return entryOf<RecordTypes[K]>(message, null, mark);
  }
  const framed = unframe(bytes, headers);
  if (!framed) {
    const begin = bytes.toString('hex', 0, 16);
    return undecodable(message, `neither Avro single-object encoding nor Confluent framing: begins ${begin}`);
  }
  const decode = schemas.known(kind, framed.schema);
  if (!decode) return { missing: framed.schema };
  try {
    return entryOf(message, decode(framed.payload), null);
  } catch (error) {
    return undecodable(message, `${kind} of schema ${framed.schema.name}: ${messageOf(error)}`);
  }
}

/** One shape for every entry, written out: spreading took a quarter of the time of reading. */
function entryOf<T>(message: KafkaMessage, value: T | null, mark: Mark | null): LogEntry<T> {
  const { headers } = message;
  const raw = headers?.[RAW_HEADER];
  const clock = headers?.[CLOCK_HEADER];
  const entry: LogEntry<T> = {
    offset: Number(message.offset),
    value,
    mark,
    raw: raw === undefined ? 0 : numberOf(raw),
    clockMs: clock === undefined ? null : numberOf(clock),
    appendMs: Number(message.timestamp),
    bytes: message.value,
  };
  return headers?.[ROLE_HEADER] !== undefined && headerOf(headers, ROLE_HEADER) === 'rule'
    ? { ...entry, role: 'rule' }
    : entry;
}

const undecodable = <T>(message: KafkaMessage, error: string): LogEntry<T> => ({
  ...entryOf<T>(message, null, null),
  error,
});

/** Another writer's header may be anything: what is not a number counts as 0, which delays and loses nothing. */
function numberOf(header: NonNullable<IHeaders[string]>): number {
  const one = Array.isArray(header) ? header.at(-1) : header;
  const number = Number(one?.toString());
  return Number.isFinite(number) ? number : 0;
}
