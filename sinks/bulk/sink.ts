import type { Context, Sink } from '../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../pipeline/errors.ts';
import type { BulkOptions } from '../bulk-options.ts';
import { connection } from './connection.ts';
import { deleteDaily } from './daily.ts';
import { requestError, statusOf } from './errors.ts';
import { keptMs } from './expiry.ts';
import type { Far } from './far.ts';
import { operationsOf, type Operation } from './operations.ts';
import { pace as newPace } from './pace.ts';
import { placeOf } from './place.ts';
import { sendBulk } from './send.ts';
import type { Outcome } from './triage.ts';

/**
 * Writes by bulk requests. A write resolves when every operation is settled: indexed, or there already. `start`
 * proves that the cluster is reached and that `weir setup` was run for it.
 */
export function bulkSink(connect: () => Promise<Far>, options: BulkOptions, context: Context): Sink {
  const { meter, clock } = context;
  const sink = { sink: context.name };
  const duplicates = meter.counter(
    'bulk_duplicates_total',
    'Records that were there already when they were written to Elasticsearch or OpenSearch.',
    ['sink'],
  );
  const atOnce = meter.gauge(
    'bulk_requests_at_once',
    'Bulk requests that a cluster is sent at once, as found by what it takes.',
    ['sink'],
  );
  const size = meter.gauge('bulk_request_bytes', 'Most bytes of a bulk request, as found by what it takes.', [
    'sink',
  ]);
  const pace = newPace({ maxRequests: options.maxInFlight, maxBytes: options.batchBytes }, clock);
  const place = placeOf(options, context.tenant);
  const operations = operationsOf(place);
  const far = connection(connect);
  let ending: AbortController | null = null;
  let tidying: Promise<void> = Promise.resolve();

  return {
    batch: {
      maxRecords: options.batchRecords,
      maxBytes: options.batchBytes,
      maxWaitMs: 500,
      maxInFlight: options.maxInFlight,
    },
    async start(signal) {
      await proveTemplates(await far.get(), options, context, signal);
      if (ending) return;
      ending = new AbortController();
      tidying = deleteDaily({ far, place, keptMs: keptMs(options.keep) }, context, ending.signal);
    },
    async stop() {
      ending?.abort();
      ending = null;
      await tidying;
      await far.close();
    },
    async write(items, signal) {
      signal.throwIfAborted();
      if (items.length === 0) return;
      const refusals: Refusal[] = [];
      const all = operations(items, (refusal) => refusals.push(refusal));
      try {
        const outcomes = await sendBulk(await far.get(), all, pace, signal);
        refusals.push(...settle(all, outcomes, (count) => duplicates.add(count, sink)));
      } finally {
        atOnce.set(pace.requests, sink);
        size.set(pace.bytes, sink);
      }
      if (refusals.length > 0) throw new PartialWriteError(refusals.sort((a, b) => a.index - b.index));
    },
  };
}

/** One refusal for each item that was not taken; where its operations differ, what may still succeed is tried again. */
function settle(
  operations: readonly Operation[],
  outcomes: readonly Outcome[],
  duplicate: (count: number) => void,
): Refusal[] {
  let again = 0;
  const refused = new Map<number, Refusal>();
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i]!;
    if (outcome === 'done') continue;
    if (outcome === 'duplicate') {
      again++;
      continue;
    }
    const { index } = operations[i]!;
    const known = refused.get(index);
    if (!known || (outcome.retryable && !known.retryable)) refused.set(index, { index, ...outcome });
  }
  if (again > 0) duplicate(again);
  return [...refused.values()];
}

async function proveTemplates(
  far: Far,
  options: BulkOptions,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  // The last one that the set-up makes for events.
  const name = options.layout === 'daily' ? 'weir-flow_kept-daily' : 'weir-flow_kept';
  try {
    await far.request({ method: 'GET', path: `/_index_template/${name}` }, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const status = statusOf(error);
    if (status === 404)
      throw new WeirError(
        'sink_misconfigured',
        `${far.product} has no index template \`${name}\`; run \`weir setup ${far.product.toLowerCase()}\` once with credentials that may manage templates`,
        { cause: error },
      );
    if (status !== 403) throw requestError(error, `cannot reach ${far.product}`);
    // Reached, and the credentials are good for something; reading templates needs the cluster right `monitor`.
    context.log.warn({ sink: context.name }, 'the credentials may not read templates: they were not checked');
  }
}
