import type { Refusal } from '../../pipeline/errors.ts';
import type { Far } from './far.ts';
import type { Operation } from './operations.ts';

/** What a bulk reply says of one operation, as `filter_path` leaves it. */
export interface BulkItem {
  readonly status: number;
  readonly error?: {
    readonly type?: string;
    readonly reason?: string;
    readonly caused_by?: { readonly reason?: string };
  };
  /** `used` where the document went to the failure store instead of the stream: not indexed, though status is 201. */
  readonly failure_store?: string;
}

export type Outcome = 'done' | 'duplicate' | Omit<Refusal, 'index'>;

/** Overload, as Elasticsearch's thread pools, indexing pressure and circuit breakers report it for one item. */
const OVERLOADED = ['es_rejected_execution_exception', 'circuit_breaking_exception'];

/** An index that takes no writes, as after its node's disk was nearly full: 429 of Elasticsearch, 403 of others. Fewer requests mend nothing. */
const BLOCKED = 'cluster_block_exception';

/** Whether an operation was refused because the cluster has too much to do. */
export const isOverload = ({ status, error }: BulkItem): boolean =>
  (status === 429 && error?.type !== BLOCKED) || OVERLOADED.includes(error?.type ?? '');

/** What became of one operation. */
export function outcomeOf(operation: Operation, item: BulkItem, product: Far['product']): Outcome {
  const { status } = item;
  const type = item.error?.type ?? '';
  if (item.failure_store === 'used' || item.failure_store === 'failed')
    return refusal(
      false,
      'sink_refused_record',
      `it went to the failure store of the data stream${because(item)}`,
    );
  if (status >= 200 && status < 300) return 'done';
  // On `create` it is there already; on the current state a later revision is.
  if (status === 409) return operation.kind === 'create' ? 'duplicate' : 'done';
  if (type === BLOCKED) return refusal(true, 'sink_unavailable', reason(item, product));
  if (isOverload(item)) return refusal(true, 'sink_overloaded', reason(item, product));
  if (status === 401 || status === 403)
    return refusal(true, 'sink_unauthorised', `the credentials lack a right: ${reason(item, product)}`);
  if (status === 404)
    return refusal(
      true,
      'sink_misconfigured',
      `${reason(item, product)}; run \`weir setup ${product.toLowerCase()}\``,
    );
  if (status === 408 || status >= 500) return refusal(true, 'sink_unavailable', reason(item, product));
  return refusal(false, 'sink_refused_record', reason(item, product));
}

function refusal(retryable: boolean, code: Refusal['code'], text: string): Omit<Refusal, 'index'> {
  return { retryable, code, reason: text };
}

const reason = (item: BulkItem, product: string): string =>
  `${product} answered ${item.status}${because(item)}`;

function because({ error }: BulkItem): string {
  if (!error) return '';
  const inner = error.caused_by?.reason;
  return `: ${error.type ?? 'error'}, ${error.reason ?? 'no reason given'}${inner ? ` (${inner})` : ''}`.slice(
    0,
    1000,
  );
}
