import { WeirError } from '../../pipeline/errors.ts';
import { lineBuffer, type LineBuffer } from '../records/line-buffer.ts';
import { requestError, statusOf } from './errors.ts';
import type { Far } from './far.ts';
import type { Operation } from './operations.ts';
import type { Pace } from './pace.ts';
import { isOverload, outcomeOf, type BulkItem, type Outcome } from './triage.ts';

const QUERY = {
  filter_path:
    'errors,items.*.status,items.*.failure_store,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason',
};

interface BulkReply {
  readonly errors?: boolean;
  readonly items?: readonly Readonly<Record<string, BulkItem>>[];
}

/** Bodies of requests that were answered, to be filled again. */
const bodies: LineBuffer[] = [];
const MAX_BODIES = 4;

/**
 * Sends operations in bulk requests, as large and as many at once as `pace` says, and says of each what became of it.
 * Rejects with a WeirError when the first request failed: what it did is not known, and all of it may be sent again.
 * When a later one failed, or the cluster is not set up for any of it, what comes from there on is refused for now. A
 * request the cluster refuses whole (400, 413) is halved until the operation at fault stands alone.
 */
export async function sendBulk(
  far: Far,
  operations: readonly Operation[],
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = 0; from < operations.length;) {
    let bytes = 0;
    let to = from;
    const maxBytes = pace.bytes;
    while (to < operations.length && (to === from || bytes + operations[to]!.bytes <= maxBytes))
      bytes += operations[to++]!.bytes;
    try {
      outcomes.push(...(await sendChunk(far, operations.slice(from, to), pace, signal)));
    } catch (error) {
      // What is settled stays so, or a busy cluster would be sent the first part again and again.
      if (!(error instanceof WeirError) || (from === 0 && error.retryable)) throw error;
      // No record is at fault: a wrong address, or what a proxy says in the cluster's place, is for people to mend.
      const rest: Outcome = {
        retryable: true,
        code: error.code,
        reason: error.message,
        ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
      };
      while (outcomes.length < operations.length) outcomes.push(rest);
      return outcomes;
    }
    from = to;
  }
  return outcomes;
}

async function sendChunk(
  far: Far,
  chunk: readonly Operation[],
  pace: Pace,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const whole: { at: number; error: unknown }[] = [];
  const outcomes: Outcome[] = [];
  outcomes.length = chunk.length;

  async function send(from: number, to: number): Promise<void> {
    let items: readonly BulkItem[];
    try {
      items = await paced(from, to);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const status = statusOf(error);
      if (status !== 400 && status !== 413) throw requestError(error, `cannot write to ${far.product}`);
      if (to - from === 1) {
        whole.push({ at: from, error });
        outcomes[from] = {
          retryable: false,
          code: 'sink_refused_record',
          reason:
            status === 413
              ? `its ${chunk[from]!.bytes} bytes are more than the cluster takes in one request`
              : requestError(error, `${far.product} refused it`).message,
        };
        return;
      }
      const middle = (from + to) >> 1;
      await send(from, middle);
      await send(middle, to);
      return;
    }
    for (let i = from; i < to; i++) outcomes[i] = outcomeOf(chunk[i]!, items[i - from]!, far.product);
  }

  async function paced(from: number, to: number): Promise<readonly BulkItem[]> {
    const part = chunk.slice(from, to);
    const bytes = part.reduce((sum, one) => sum + one.bytes, 0);
    const sinceMs = await pace.enter(signal);
    try {
      const items = await request(far, part, signal);
      pace.leave({ outcome: items.some(isOverload) ? 'overloaded' : 'taken', bytes, sinceMs });
      return items;
    } catch (error) {
      const status = statusOf(error);
      if (status === 413 && part.length > 1) pace.tooLarge(bytes);
      pace.leave({ outcome: status === 429 ? 'overloaded' : 'failed', bytes, sinceMs });
      throw error;
    }
  }

  await send(0, chunk.length);
  // Not the records are at fault when not one of many was taken.
  if (whole.length === chunk.length && chunk.length > 1)
    throw requestError(whole[0]!.error, `${far.product} refuses every request`);
  return outcomes;
}

async function request(
  far: Far,
  chunk: readonly Operation[],
  signal: AbortSignal,
): Promise<readonly BulkItem[]> {
  const body = bodies.pop() ?? lineBuffer(1 << 20);
  body.clear();
  for (const { lines } of chunk) body.add(lines);
  const reply = await far.request<BulkReply>(
    { method: 'POST', path: '/_bulk', querystring: QUERY, bulkBody: body.bytes() },
    signal,
  );
  // Only after an answer: of a request that failed the connection may still be reading.
  if (bodies.length < MAX_BODIES) bodies.push(body);
  // A proxy may answer anything.
  const items = (reply as BulkReply | null)?.items ?? [];
  if (items.length !== chunk.length)
    throw new WeirError(
      'sink_unavailable',
      `the reply to a bulk request speaks of ${items.length} operations, ${chunk.length} were sent; is there a proxy in between?`,
    );
  return items.map((item) => {
    for (const action in item) return item[action]!;
    return { status: 500 };
  });
}
