import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { WeirError, messageOf, type Refusal } from '../../pipeline/errors.ts';
import { digest } from '../../schema/ids.ts';
import { httpClient } from '../http/client.ts';
import { throwRefusals, verdictOf, type Verdict } from '../http/errors.ts';
import { keyOf } from '../records/about.ts';
import type { Options } from './options.ts';
import { signatureHeaders } from './sign.ts';
import { bodies } from './template.ts';

/** A record with its place in the write, and what is sent for it. */
interface Ready {
  readonly index: number;
  readonly item: Delivery;
  readonly body: unknown;
}

/**
 * Calls an address with JSON made from a template. A write resolves when every request was answered with 2xx. Requests
 * go out one after the other: what follows a failed one is not sent before it, so a close never overtakes its opening.
 * The header `Idempotency-Key` is the same when a record is sent again.
 */
export function create(options: Options, context: Context): Sink {
  const render = bodies(options);
  const client = httpClient(options, { sink: context.name, logger: context.log });
  const { origin } = new URL(options.url);

  async function send(records: readonly Ready[], signal: AbortSignal): Promise<Verdict | null> {
    const payload = options.batchRecords === 1 ? records[0]!.body : records.map(({ body }) => body);
    const body = JSON.stringify(payload);
    const keys = records.map(({ item }) => `${item.kind}-${keyOf(item)}`);
    const reply = await client.send(
      {
        method: options.method,
        url: options.url,
        headers: {
          'content-type': 'application/json',
          'idempotency-key': keys.length === 1 ? digest(22, keys[0]!) : digest(22, ...keys),
          ...options.headers,
          ...signatureHeaders(options.signature, body, context.clock.now()),
        },
        body,
      },
      signal,
    );
    return verdictOf(reply, origin);
  }

  /** A list that is refused as a whole is sent in pieces, to find the one record that is at fault. */
  async function deliver(records: readonly Ready[], signal: AbortSignal): Promise<Refusal[]> {
    const verdict = await send(records, signal);
    if (verdict === null) return [];
    if (verdict.retryable || records.length === 1) return records.map(({ index }) => ({ index, ...verdict }));
    const refusals: Refusal[] = [];
    for (const record of records) refusals.push(...(await deliver([record], signal)));
    return refusals;
  }

  return {
    batch: { maxRecords: Math.max(100, options.batchRecords), maxWaitMs: 500 },
    async stop() {
      await client.close();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      const refusals: Refusal[] = [];
      const ready: Ready[] = [];
      for (const [index, item] of items.entries()) {
        try {
          ready.push({ index, item, body: render(item) });
        } catch (error) {
          const reason = `${item.kind} ${item.record.id}: ${messageOf(error)}`;
          refusals.push({ index, retryable: false, code: 'record_unencodable', reason });
        }
      }
      for (let at = 0; at < ready.length; at += options.batchRecords) {
        const batch = ready.slice(at, at + options.batchRecords);
        let refused: Refusal[];
        try {
          refused = await deliver(batch, signal);
        } catch (error) {
          // What was answered before stays delivered: only the rest is to be sent again.
          if (signal.aborted || !(error instanceof WeirError)) throw error;
          refused = batch.map(({ index }) => ({
            index,
            retryable: true,
            code: error.code,
            reason: error.message,
          }));
        }
        refusals.push(...refused);
        const stop = refused.find(({ retryable }) => retryable);
        if (stop) {
          for (const { index } of ready.slice(at + options.batchRecords)) refusals.push({ ...stop, index });
          break;
        }
      }
      throwRefusals(refusals);
    },
  };
}
