import type { BulkOptions } from '../bulk-options.ts';
import { requestError } from './errors.ts';
import type { Far, FarRequest } from './far.ts';
import type { Layout } from './operations.ts';
import { stateIn } from './place.ts';

/** Documents that are looked for and deleted in one request. */
const PAGE = 1000;
/** Pages of one index in one go; what is left then is for the next day. */
const MAX_PAGES = 50;

/** Which field says that an alert or an incident is closed. */
const statusOf = { alert: 'weir.alert.status', incident: 'weir.incident.status' } as const;
export const expiringKinds = ['alert', 'incident'] as const;
type Kind = (typeof expiringKinds)[number];

/** How long what is closed stays in the indices of current state, milliseconds. */
export const keptMs = (keep: BulkOptions['keep']): number => keep.closed ?? keep.alert;

/** Closed, and last told of before that time, by the time of its events. */
export const expiredQuery = (kind: Kind, before: number | string): object => ({
  bool: {
    filter: [
      { term: { [statusOf[kind]]: 'closed' } },
      { range: { '@timestamp': { lt: before } } },
      { range: { 'event.end': { lt: before } } },
    ],
  },
});

interface Found {
  readonly hits?: {
    readonly hits?: readonly {
      readonly _index: string;
      readonly _id: string;
      readonly _seq_no: number;
      readonly _primary_term: number;
    }[];
  };
}

/** What the search for them is, oldest first, with what proves at the deletion that they have not changed since. */
export const expiredSearch = (place: Layout, kind: Kind, before: number | string) => ({
  method: 'POST' as const,
  path: `/${stateIn(place, kind)}/_search`,
  querystring: { ignore_unavailable: 'true', filter_path: 'hits.hits' },
  body: {
    size: PAGE,
    _source: false,
    seq_no_primary_term: true,
    sort: [{ '@timestamp': 'asc' }],
    query: expiredQuery(kind, before),
  },
});

/**
 * Deletes closed alerts or incidents that are older than they are kept, a bounded number at a time, and resolves with
 * how many there were. One that was written anew meanwhile stays: a deletion names the state it was found in. Neither
 * needs more than every cluster has (`_delete_by_query` is a module that some lack).
 */
export async function deleteExpired(
  far: Far,
  what: { readonly place: Layout; readonly kind: Kind; readonly beforeMs: number },
  signal: AbortSignal,
): Promise<{ readonly deleted: number; readonly isMore: boolean }> {
  let deleted = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const found = await ask<Found>(far, expiredSearch(what.place, what.kind, what.beforeMs), signal);
    const hits = found.hits?.hits ?? [];
    if (hits.length === 0) return { deleted, isMore: false };
    const lines = hits.map(({ _index, _id, _seq_no, _primary_term }) =>
      JSON.stringify({ delete: { _index, _id, if_seq_no: _seq_no, if_primary_term: _primary_term } }),
    );
    const reply = await ask<{ items?: readonly { readonly delete?: Deletion }[] }>(
      far,
      {
        method: 'POST',
        path: '/_bulk',
        // The next search must not find them again.
        querystring: { refresh: 'true', filter_path: 'items.*.status,items.*.error.reason' },
        bulkBody: Buffer.from(`${lines.join('\n')}\n`),
      },
      signal,
    );
    const items = (reply.items ?? []).flatMap((item) => item.delete ?? []);
    const done = items.filter(({ status }) => status === 200).length;
    deleted += done;
    // 404 and 409: somebody else has deleted it, or it has changed.
    const refused = items.find(({ status }) => status !== 200 && status !== 404 && status !== 409);
    if (refused) throw requestError(new Error(refused.error?.reason ?? `HTTP ${refused.status}`), WHAT);
    if (done === 0 || hits.length < PAGE) return { deleted, isMore: false };
  }
  return { deleted, isMore: true };
}

interface Deletion {
  readonly status: number;
  readonly error?: { readonly reason?: string };
}

const WHAT = 'closed alerts and incidents cannot be deleted by age';

async function ask<T>(far: Far, request: FarRequest, signal: AbortSignal): Promise<T> {
  try {
    return await far.request<T>(request, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw requestError(error, WHAT);
  }
}
