import { newDeadLetter, type DeadLetter, type RecordKind } from '../schema/records.ts';
import { digest } from '../schema/ids.ts';
import type { Delivery, Reject, Sink } from './contracts.ts';
import { PartialWriteError, messageOf, type ErrorCode, type WeirError } from './errors.ts';
import type { NoticeKind } from './notice.ts';
import { topics, type Entry, type Log, type Topic, type TopicRecord } from './log.ts';

const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** Characters of a reason, and of a stack; what was found is part of both, and may be as long as a line. */
const MAX_REASON = 8192;

/** Keeps what could not be processed. Holds refused records, never an outage's backlog. */
export interface DeadLetters {
  keep(letters: readonly DeadLetter[]): Promise<void>;
}

export function logDeadLetters(log: Log): DeadLetters {
  async function keep(letters: readonly DeadLetter[]): Promise<void> {
    const tooLarge: DeadLetter[] = [];
    await log.append(
      'deadletter',
      letters.map((letter) => ({ partition: 0, key: letter.component, value: letter })),
      (index, error) => tooLarge.push(shortened(letters[index]!, error)),
    );
    if (tooLarge.length > 0) await keep(tooLarge);
  }
  return { keep };
}

/** The letter with half of its payload, for a log that takes no more. */
function shortened(letter: DeadLetter, error: WeirError): DeadLetter {
  if (letter.payload.length === 0) throw error;
  return { ...letter, payload: Buffer.from(letter.payload.subarray(0, letter.payload.length >> 1)) };
}

/**
 * Appends records. What cannot be encoded is its own fault: it is kept as a dead letter, and the others go on.
 * Resolves when all of it is durable.
 */
export async function appendOrKeep<T extends Topic>(
  to: {
    readonly log: Log;
    readonly letters: DeadLetters;
    readonly component: string;
    readonly now: () => number;
    readonly failed: (error: WeirError) => void;
  },
  topic: T,
  entries: readonly Entry<TopicRecord<T>>[],
): Promise<void> {
  const refused: DeadLetter[] = [];
  await to.log.append(topic, entries, (index, error) => {
    to.failed(error);
    const record = entries[index]!.value as { origin?: string; position?: number } | null;
    refused.push(
      deadLetter({
        component: to.component,
        kind: topics[topic].kind,
        code: error.code,
        reason: error.message,
        payload: payloadOf(record),
        timeMs: to.now(),
        origin: record?.origin ?? topics[topic].name,
        ...(record?.position === undefined ? {} : { position: record.position }),
      }),
    );
  });
  if (refused.length > 0) await to.letters.keep(refused);
}

/** A record that failed, with where it came from and what was wrong with it. */
export function deadLetter(failure: {
  component: string;
  kind: RecordKind | NoticeKind | 'line';
  code: ErrorCode;
  reason: string;
  error?: unknown;
  payload: string | Uint8Array;
  timeMs: number;
  origin?: string;
  position?: number;
  topic?: string;
  partition?: number;
  offset?: number;
  /** Tenant whose sink refused it; what it holds is what that tenant may see. */
  tenant?: string | null;
}): DeadLetter {
  const bytes = typeof failure.payload === 'string' ? Buffer.from(failure.payload) : failure.payload;
  const place = failure.origin ?? `${failure.topic ?? ''}/${failure.partition ?? ''}`;
  const letter = newDeadLetter({
    id: digest(22, failure.component, place, failure.position ?? failure.offset ?? 0, failure.code),
    timeMs: failure.timeMs,
    component: failure.component,
    kind: failure.kind,
    code: failure.code,
    reason: failure.reason.slice(0, MAX_REASON),
    payload: Buffer.from(bytes.subarray(0, MAX_PAYLOAD_BYTES)),
  });
  letter.stack = failure.error instanceof Error ? (failure.error.stack?.slice(0, MAX_REASON) ?? null) : null;
  letter.origin = failure.origin ?? null;
  letter.position = failure.position ?? null;
  letter.topic = failure.topic ?? null;
  letter.partition = failure.partition ?? null;
  letter.offset = failure.offset ?? null;
  letter.tenant = failure.tenant ?? null;
  return letter;
}

export const lineLetter = (component: string, origin: string, reject: Reject, timeMs: number): DeadLetter =>
  deadLetter({
    component,
    kind: 'line',
    code: reject.code,
    reason: reject.reason,
    payload: reject.payload,
    timeMs,
    origin,
    position: reject.position,
  });

/**
 * Gives what a sink refused for good to the dead letter, and then counts it as written. Refusals that may still
 * succeed are thrown on, for `withRetry` outside.
 */
export function withDeadLetter(
  sink: Sink,
  options: {
    readonly component: string;
    /** Tenant whose records alone the sink is given. */
    readonly tenant?: string | null;
    readonly letters: DeadLetters;
    readonly now: () => number;
    readonly refused: (code: ErrorCode, count: number) => void;
  },
): Sink {
  return {
    ...sink,
    async write(items, signal) {
      try {
        await sink.write(items, signal);
      } catch (error) {
        if (!(error instanceof PartialWriteError)) throw error;
        const final = error.refusals.filter((refusal) => !refusal.retryable);
        if (final.length > 0) {
          await options.letters.keep(
            final.map((refusal) => {
              options.refused(refusal.code, 1);
              return deliveryLetter(options, items[refusal.index]!, refusal);
            }),
          );
        }
        const again = error.refusals.filter((refusal) => refusal.retryable);
        if (again.length > 0) throw new PartialWriteError(again);
      }
    },
  };
}

function deliveryLetter(
  by: { readonly component: string; readonly tenant?: string | null; readonly now: () => number },
  item: Delivery,
  refusal: { code: ErrorCode; reason: string },
): DeadLetter {
  return deadLetter({
    component: by.component,
    tenant: by.tenant ?? null,
    kind: item.kind,
    code: refusal.code,
    reason: refusal.reason,
    payload: payloadOf(item.record),
    timeMs: by.now(),
    topic: item.topic,
    partition: item.partition,
    offset: item.offset,
  });
}

/** A record as JSON; nothing about it may be assumed, as it was refused. */
export function payloadOf(record: unknown): string {
  try {
    return JSON.stringify(record, (_key, value: unknown) => (value === null ? undefined : value)) ?? '';
  } catch (error) {
    return `not printable: ${messageOf(error)}`;
  }
}
