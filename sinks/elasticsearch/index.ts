import type { Client } from '@elastic/elasticsearch';
import type { Context, Sink } from '../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../pipeline/errors.ts';
import { sendBulk } from './bulk.ts';
import { connect } from './client.ts';
import { requestError, statusOf } from './errors.ts';
import { operationsOf, type Operation } from './operations.ts';
import type { Options } from './options.ts';
import type { Outcome } from './triage.ts';

/**
 * Writes to Elasticsearch by bulk requests. A write resolves when every operation is settled: indexed, or there
 * already. `start` proves that the cluster is reached and that `weir setup elasticsearch` was run.
 */
export function create(options: Options, context: Context): Sink {
  const duplicates = context.meter.counter(
    'elasticsearch_duplicates_total',
    'Records that were there already when they were written.',
  );
  const operations = operationsOf({
    layout: options.layout,
    namespace: options.namespace,
    stateSuffix: '',
  });
  let client: Promise<Client> | null = null;
  const connected = (): Promise<Client> => {
    client ??= connect(options).catch((error: unknown) => {
      client = null;
      throw error;
    });
    return client;
  };

  return {
    batch: {
      maxRecords: options.batchRecords,
      maxBytes: options.batchBytes,
      maxWaitMs: 500,
      maxInFlight: options.maxInFlight,
    },
    async start(signal) {
      await proveTemplates(await connected(), options, context, signal);
    },
    async stop() {
      const open = client;
      client = null;
      await open?.then(
        (it) => it.close(),
        () => {},
      );
    },
    async write(items, signal) {
      signal.throwIfAborted();
      if (items.length === 0) return;
      const refusals: Refusal[] = [];
      const all = operations(items, (refusal) => refusals.push(refusal));
      const outcomes = await sendBulk(await connected(), all, options.batchBytes, signal);
      refusals.push(...settle(all, outcomes, (count) => duplicates.add(count)));
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
  client: Client,
  options: Options,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const name = options.layout === 'daily' ? 'weir-flow-daily' : 'weir-flow';
  try {
    await client.indices.getIndexTemplate({ name }, { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const status = statusOf(error);
    if (status === 404)
      throw new WeirError(
        'sink_misconfigured',
        `Elasticsearch has no index template \`${name}\`; run \`weir setup elasticsearch\` once with credentials that may manage templates`,
        { cause: error },
      );
    if (status !== 403) throw requestError(error, 'cannot reach Elasticsearch');
    // Reached, and the credentials are good for something; reading templates needs the cluster right `monitor`.
    context.log.warn({ sink: context.name }, 'the credentials may not read templates: they were not checked');
  }
}
