import { codecOf } from '../schema/codec.ts';
import { newLoss, newPolicyChange, type RecordTypes } from '../schema/records.ts';

/** Kinds of record that detectors are shown beside flows. */
export type NoticeKind = 'policy_change' | 'loss';

/**
 * A record that is no flow, on its way to the detectors: who changed which policy, or what was not seen. It travels
 * among the flows of the source that told of it, so whatever holds for their order and redelivery holds for it.
 */
export type Notice = { readonly [K in NoticeKind]: NoticeOf<K> }[NoticeKind];

interface NoticeOf<K extends NoticeKind> {
  readonly kind: K;
  readonly record: RecordTypes[K];
  /** Origin that told of it. */
  readonly origin: string;
  /** Event time, never later than when it was read: a clock years ahead must not wait for years. */
  readonly timeMs: number;
}

export const noticeOfChange = (
  record: RecordTypes['policy_change'],
  origin: string,
  readMs: number,
): Notice => ({ kind: 'policy_change', record, origin, timeMs: Math.min(record.timeMs, readMs) });

export const noticeOfLoss = (record: RecordTypes['loss'], origin: string, readMs: number): Notice => ({
  kind: 'loss',
  record,
  origin,
  timeMs: Math.min(record.untilMs, readMs),
});

/** A notice as the text that the log keeps beside its records. */
export const noticeText = (notice: Notice): string => JSON.stringify(notice);

/** The notice of a text, with what its writer did not know yet as it is by default; null when it is none. */
export function parseNotice(text: string): Notice | null {
  try {
    const { kind, record, origin, timeMs } = JSON.parse(text) as Partial<Notice>;
    if (typeof origin !== 'string' || !Number.isFinite(timeMs) || !record) return null;
    const place = { origin, timeMs: timeMs as number };
    if (kind === 'policy_change') return { kind, record: fitting(kind, newPolicyChange, record), ...place };
    return kind === 'loss' ? { kind, record: fitting(kind, newLoss, record), ...place } : null;
  } catch {
    return null;
  }
}

/** Throws when it does not fit the schema. */
function fitting<K extends NoticeKind>(
  kind: K,
  make: (given: RecordTypes[K]) => RecordTypes[K],
  given: object,
): RecordTypes[K] {
  const record = Object.assign(make(given as RecordTypes[K]), given);
  const codec = codecOf(kind);
  return { ...codec.decode(codec.encode(record)) };
}
