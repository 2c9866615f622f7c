import type { HttpReply } from '../http/reply.ts';
import { said, verdictOf, type Verdict } from '../http/errors.ts';

/** What the collector answered, as its documentation lists the codes. */
export interface HecAnswer {
  /** Null when it took the request. */
  readonly verdict: Verdict | null;
  readonly ackId: number | null;
  /** Place in the request of the event that is at fault; null when none is named. */
  readonly at: number | null;
  readonly code: number | null;
}

/** Codes that blame one event: its form, its index, its fields. */
const EVENT_CODES = new Set([6, 7, 12, 13, 15]);
/** Codes about the token; somebody has to mend it, and until then nothing is given up. */
const TOKEN_CODES = new Set([1, 2, 3, 4, 16, 21, 22]);
/** Codes about channel and acknowledgement: the sink and the token are set up differently. */
const SETUP_CODES = new Set([10, 11, 14]);

export const NO_DATA = 5;

export function answerOf(reply: HttpReply, where: string): HecAnswer {
  const body = parsed(reply.text);
  const code = number(body['code']);
  return {
    verdict: judged(reply, code, where),
    ackId: number(body['ackId']),
    at: number(body['invalid-event-number']),
    code,
  };
}

function judged(reply: HttpReply, code: number | null, where: string): Verdict | null {
  const verdict = verdictOf(reply, where);
  if (verdict === null || code === null) return verdict;
  const { text } = parsed(reply.text);
  const reason = `${where} answered ${reply.status}, code ${code}${typeof text === 'string' ? said(text) : ''}`;
  if (EVENT_CODES.has(code)) return { retryable: false, code: 'sink_refused_record', reason };
  if (TOKEN_CODES.has(code)) return { retryable: true, code: 'sink_unauthorised', reason };
  if (SETUP_CODES.has(code))
    return {
      retryable: true,
      code: 'sink_misconfigured',
      reason: `${reason}; turn indexer acknowledgement of the token on, or set acknowledge: false`,
    };
  // 9 server busy, 18 to 20 queues full, 23 shutting down: no record is at fault, whatever the status.
  if (reply.status === 503) return { ...verdict, code: 'sink_overloaded', reason };
  return { ...verdict, reason };
}

/** Which of the acknowledgements that were asked for are there. */
export function acknowledged(reply: HttpReply): ReadonlySet<number> {
  const { acks } = parsed(reply.text) as { acks?: unknown };
  if (typeof acks !== 'object' || acks === null) return new Set();
  return new Set(Object.entries(acks).flatMap(([id, done]) => (done === true ? [Number(id)] : [])));
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
