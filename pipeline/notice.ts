import { codecOf } from '../schema/codec.ts';
import { newLoss, newPolicyChange, type Flow, type Loss, type PolicyChange } from '../schema/records.ts';

/** That a node's flows were read: told once for each minute of event time in which there were any. */
export interface Report {
  readonly id: string;
  readonly cluster: string;
  readonly node: string | null;
  readonly collector: string;
  /** Beginning of the minute, epoch milliseconds. */
  readonly minuteMs: number;
}

interface Kinds {
  readonly policy_change: PolicyChange;
  readonly loss: Loss;
  readonly report: Report;
}

/** What detectors are shown beside flows. */
export type NoticeKind = keyof Kinds;

/**
 * A record that is no flow, on its way to the detectors. It travels among the flows of the source that told of it, so
 * whatever holds for their order and redelivery holds for it.
 */
export type Notice = { readonly [K in NoticeKind]: NoticeOf<K> }[NoticeKind];

interface NoticeOf<K extends NoticeKind> {
  readonly kind: K;
  readonly record: Kinds[K];
  /** Origin that told of it. */
  readonly origin: string;
  /** Event time, never later than when it was read: a clock years ahead must not wait for years. */
  readonly timeMs: number;
}

export const noticeOfChange = (record: PolicyChange, origin: string, readMs: number): Notice => ({
  kind: 'policy_change',
  record,
  origin,
  timeMs: Math.min(record.timeMs, readMs),
});

export const noticeOfLoss = (record: Loss, origin: string, readMs: number): Notice => ({
  kind: 'loss',
  record,
  origin,
  timeMs: Math.min(record.untilMs, readMs),
});

const MINUTE_MS = 60_000;
/** Nodes whose last minute is remembered; beyond it they are told of once more. */
const MAX_NODES = 10_000;

/** Tells of each node of an origin once a minute; more often where minutes mix, which says nothing new. */
export function createReports(): (flow: Flow, readMs: number) => Notice | null {
  const told = new Map<string, { cluster: string; minuteMs: number }>();
  return ({ cluster, node, collector, origin, endMs }, readMs) => {
    const timeMs = Math.min(endMs, readMs);
    const minuteMs = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;
    const last = told.get(node ?? '');
    if (last?.minuteMs === minuteMs && last.cluster === cluster) return null;
    if (last === undefined && told.size >= MAX_NODES) told.clear();
    told.set(node ?? '', { cluster, minuteMs });
    const id = [cluster, node ?? '', collector, minuteMs].join('/');
    return { kind: 'report', record: { id, cluster, node, collector, minuteMs }, origin, timeMs };
  };
}

/** A notice as the text that the log keeps beside its records. */
export const noticeText = (notice: Notice): string => JSON.stringify(notice);

/** The notice of a text, with what its writer did not know yet as it is by default; null when it is none. */
export function parseNotice(text: string): Notice | null {
  try {
    const { kind, record, origin, timeMs } = JSON.parse(text) as Partial<Notice>;
    if (typeof origin !== 'string' || !Number.isFinite(timeMs) || !record) return null;
    const place = { origin, timeMs: timeMs as number };
    switch (kind) {
      case 'policy_change': {
        const codec = codecOf(kind);
        const whole = { ...newPolicyChange(record), ...record };
        return { kind, record: { ...codec.decode(codec.encode(whole)) }, ...place };
      }
      case 'loss': {
        const codec = codecOf(kind);
        const whole = { ...newLoss(record), ...record };
        return { kind, record: { ...codec.decode(codec.encode(whole)) }, ...place };
      }
      case 'report':
        return isReport(record) ? { kind, record, ...place } : null;
      default:
        return null;
    }
  } catch {
    return null;
  }
}

const isReport = ({ id, cluster, node, collector, minuteMs }: Report): boolean =>
  [id, cluster, node ?? '', collector].every((text) => typeof text === 'string') && Number.isFinite(minuteMs);
