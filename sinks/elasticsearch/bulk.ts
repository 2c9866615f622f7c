import type { Client } from '@elastic/elasticsearch';
import { WeirError } from '../../pipeline/errors.ts';
import { lineBuffer, type LineBuffer } from '../records/line-buffer.ts';
import { requestError, statusOf } from './errors.ts';
import type { Operation } from './operations.ts';
import { outcomeOf, type BulkItem, type Outcome } from './triage.ts';

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
 * Sends operations in bulk requests of at most `maxBytes` and says of each what became of it. Rejects with a
 * WeirError when a whole request failed: what earlier ones of it did is not known, and all of it may be sent
 * again. A request the cluster refuses whole (400, 413) is halved until the operation at fault stands alone.
 */
export async function sendBulk(
  client: Client,
  operations: readonly Operation[],
  maxBytes: number,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = 0; from < operations.length;) {
    let bytes = 0;
    let to = from;
    while (to < operations.length && (to === from || bytes + operations[to]!.bytes <= maxBytes))
      bytes += operations[to++]!.bytes;
    outcomes.push(...(await sendChunk(client, operations.slice(from, to), signal)));
    from = to;
  }
  return outcomes;
}

async function sendChunk(
  client: Client,
  chunk: readonly Operation[],
  signal: AbortSignal,
): Promise<Outcome[]> {
  const whole: { at: number; error: unknown }[] = [];
  const outcomes: Outcome[] = [];
  outcomes.length = chunk.length;

  async function send(from: number, to: number): Promise<void> {
    let items: readonly BulkItem[];
    try {
      items = await request(client, chunk.slice(from, to), signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const status = statusOf(error);
      if (status !== 400 && status !== 413) throw requestError(error, 'cannot write to Elasticsearch');
      if (to - from === 1) {
        whole.push({ at: from, error });
        outcomes[from] = {
          retryable: false,
          code: 'sink_refused_record',
          reason:
            status === 413
              ? `its ${chunk[from]!.bytes} bytes are more than the cluster takes in one request`
              : requestError(error, 'Elasticsearch refused it').message,
        };
        return;
      }
      const middle = (from + to) >> 1;
      await send(from, middle);
      await send(middle, to);
      return;
    }
    for (let i = from; i < to; i++) outcomes[i] = outcomeOf(chunk[i]!, items[i - from]!);
  }

  await send(0, chunk.length);
  // Not the records are at fault when not one of many was taken.
  if (whole.length === chunk.length && chunk.length > 1)
    throw requestError(whole[0]!.error, 'Elasticsearch refuses every request');
  return outcomes;
}

async function request(
  client: Client,
  chunk: readonly Operation[],
  signal: AbortSignal,
): Promise<readonly BulkItem[]> {
  const body = bodies.pop() ?? lineBuffer(1 << 20);
  body.clear();
  for (const { lines } of chunk) body.add(lines);
  const reply = await client.transport.request<BulkReply>(
    { method: 'POST', path: '/_bulk', querystring: QUERY, bulkBody: body.bytes() },
    { signal, maxRetries: 0 },
  );
  // Only after an answer: of a request that failed the connection may still be reading.
  if (bodies.length < MAX_BODIES) bodies.push(body);
  const items = reply.items ?? [];
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
