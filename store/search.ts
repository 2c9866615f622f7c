import { parseNetwork, canonicalAddress } from '../query/address.ts';
import { bind, type Bound, type Leaf, type Test } from '../query/bind.ts';
import { fieldNamed, type Field } from '../query/fields.ts';
import { parse } from '../query/parse.ts';
import { WeirError } from '../pipeline/errors.ts';

/** Which flows are looked for. A flow is in a range that its own [startMs, endMs] overlaps. */
export interface SearchRequest {
  /** KQL subset; empty for every flow. */
  readonly query: string;
  /** Epoch milliseconds, both inclusive; null is open. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Address, network, pod, workload, `namespace/pod` or `namespace/workload` that is either side. */
  readonly talkedTo?: string | null;
  /** At most so many flows, the newest; null for all. */
  readonly limit: number | null;
}

/** What a search has to say besides flows: how far the store reaches and what was not seen in that time. */
export interface SearchFooter {
  /** Event time of the oldest flow in the store; null when it is empty. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** The asked range begins before the oldest flow and older slices were removed or never written. */
  readonly beginsBeforeStore: boolean;
  /** Flows in the range that stand for more than was seen, because their source samples. */
  readonly sampledFlows: number;
  readonly slices: number;
}

/** The request as one bound query. Throws QueryError for the query, `query_invalid` for what it talked to. */
export function boundOf(request: Pick<SearchRequest, 'query' | 'talkedTo'>): Bound {
  const query = bind('flow', request.query, parse(request.query));
  if (request.talkedTo === undefined || request.talkedTo === null) return query;
  const party = talkedTo(request.talkedTo);
  return query.type === 'all' ? party : { type: 'and', items: [query, party] };
}

const flowField = (name: string): Field => fieldNamed('flow', name)!;
const leaf = (name: string, test: Test): Leaf => ({ type: 'leaf', fields: [flowField(name)], tests: [test] });

function talkedTo(text: string): Bound {
  const sides = ['source', 'destination'] as const;
  const either = (side: (prefix: string) => Bound): Bound => ({ type: 'or', items: sides.map(side) });
  const network = parseNetwork(text);
  if (network) return either((side) => leaf(`${side}.ip`, { type: 'network', network }));
  const address = canonicalAddress(text);
  if (address !== null) return either((side) => leaf(`${side}.ip`, { type: 'equal', value: address }));
  const parts = text.split('/');
  const name = parts.at(-1)!;
  if (parts.length > 2 || parts.includes('')) {
    throw new WeirError(
      'query_invalid',
      `expected an address, a network, a name or namespace/name to have talked to, found '${text}'`,
    );
  }
  const test = (value: string): Test =>
    value.includes('*') ? { type: 'pattern', parts: value.split('*') } : { type: 'equal', value };
  const named = (side: string): Bound => ({
    type: 'or',
    items: ['pod', 'workload', ...(parts.length === 1 ? ['hostname', 'node'] : [])].map((field) =>
      leaf(`${side}.${field}`, test(name)),
    ),
  });
  if (parts.length === 1) return either(named);
  return either((side) => ({
    type: 'and',
    items: [leaf(`${side}.namespace`, test(parts[0]!)), named(side)],
  }));
}
