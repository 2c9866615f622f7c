import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { connection } from './connection.ts';
import { requestError, statusOf } from './errors.ts';
import type { Far, FarRequest } from './far.ts';
import type { Layout } from './operations.ts';
import { eventsIn, stateIn } from './place.ts';
import type { Setup, SetupRequest } from './setup.ts';

/** A question to the cluster; null where the credentials may not ask it, which no sink needs. */
export type Asked<T> = Promise<T | null>;

/** For `weir check`: what a start does not ask. Changes nothing. */
export interface Comparison {
  /** Templates that are not as `weir setup` would make them, one line each. */
  templates(signal: AbortSignal): Asked<readonly string[]>;
  /** The cluster's clock less ours, milliseconds; of its nodes the one that is furthest off. */
  clockMs(clock: Clock, signal: AbortSignal): Asked<number>;
  /** Rights that are missing to write these kinds of records, as `index: right`. */
  missingRights(kinds: readonly string[], signal: AbortSignal): Asked<readonly string[]>;
  /** Whether an event with this id is found within `waitMs`, which is longer than the indices wait to refresh. */
  isFound(
    kind: string,
    id: string,
    how: { clock: Clock; waitMs: number; signal: AbortSignal },
  ): Asked<boolean>;
  close(): Promise<void>;
}

export function comparison(far: {
  readonly connect: () => Promise<Far>;
  readonly setup: Setup;
  readonly place: Layout;
}): Comparison {
  const { place } = far;
  const client = connection(far.connect);

  /** Null where the right to ask is missing, or the cluster has no such question. */
  async function ask<T>(
    request: FarRequest,
    signal: AbortSignal,
    none: readonly number[] = [],
  ): Promise<T | null> {
    try {
      return await (await client.get()).request<T>(request, signal);
    } catch (error) {
      const status = statusOf(error);
      if (status === 403 || (status !== null && none.includes(status))) return null;
      throw requestError(error, `${request.method} ${request.path}`);
    }
  }

  return {
    async templates(signal) {
      try {
        const { requests } = await far.setup.plan(signal);
        const wrong: string[] = [];
        // How long things are kept is the operator's: the lifecycle only has to be there.
        for (const request of requests) {
          const found = await ask<object>({ method: 'GET', path: request.path }, signal, [404]);
          const difference = found === null ? 'is missing' : differenceOf(request, found);
          if (difference !== null) wrong.push(`${request.path.slice(1)} ${difference}`);
        }
        return wrong;
      } catch (error) {
        if (error instanceof WeirError && error.code === 'sink_unauthorised') return null;
        throw error;
      } finally {
        await far.setup.close();
      }
    },
    async clockMs(clock, signal) {
      const begunMs = clock.now();
      const stats = await ask<{ nodes?: Record<string, { timestamp?: number }> }>(
        { method: 'GET', path: '/_nodes/stats/os', querystring: { filter_path: 'nodes.*.timestamp' } },
        signal,
        [400, 404, 410],
      );
      const middleMs = (begunMs + clock.now()) / 2;
      const off = Object.values(stats?.nodes ?? {}).flatMap(({ timestamp }) => timestamp ?? []);
      return off
        .map((timestamp) => timestamp - middleMs)
        .reduce<number | null>(
          (most, each) => (most === null || Math.abs(each) > Math.abs(most) ? each : most),
          null,
        );
    },
    async missingRights(kinds, signal) {
      const streams = kinds.flatMap((kind) =>
        kind === 'flow' ? ['flow', 'flow_kept'] : kind === 'incident' ? [] : [kind],
      );
      const events = streams.map((stream) => ({
        names: [eventsIn(place, stream)],
        privileges: ['create_doc', 'auto_configure'],
      }));
      const state = (['alert', 'incident'] as const)
        .filter((kind) => kinds.includes(kind))
        .map((kind) => ({ names: [stateIn(place, kind)], privileges: ['index', 'read', 'delete'] }));
      const answer = await ask<{ index: Record<string, Record<string, boolean>> }>(
        { method: 'POST', path: '/_security/user/_has_privileges', body: { index: [...events, ...state] } },
        signal,
        // Without security there is nobody to ask.
        [400, 404, 405, 410, 500],
      );
      if (answer === null) return null;
      return Object.entries(answer.index).flatMap(([index, rights]) =>
        Object.entries(rights).flatMap(([right, given]) => (given ? [] : [`${index}: ${right}`])),
      );
    },
    async isFound(kind, id, { clock, waitMs, signal }) {
      const untilMs = clock.now() + waitMs;
      for (;;) {
        const answer = await ask<{ hits: { total: { value: number } } }>(
          {
            method: 'POST',
            path: `/${eventsIn(place, kind)}/_search`,
            querystring: { ignore_unavailable: 'true' },
            body: { size: 0, query: { ids: { values: [id] } } },
          },
          signal,
        );
        if (answer === null) return null;
        if (answer.hits.total.value > 0) return true;
        if (clock.now() >= untilMs || signal.aborted) return false;
        await clock.sleep(500, signal);
      }
    },
    close: () => client.close(),
  };
}

/** Where the cluster's copy departs from what would be put there; null where it holds all of it. */
export function differenceOf(
  { path, body }: Pick<SetupRequest, 'path' | 'body'>,
  found: object,
): string | null {
  if (path.startsWith('/_ilm/') || path.startsWith('/_plugins/')) return null;
  const [entries] = Object.values(found) as [Record<string, unknown>[]?];
  const there = entries?.[0]?.['component_template'] ?? entries?.[0]?.['index_template'];
  const place = departure(body, there, []);
  if (place === null) return null;
  return place.length === 0 ? 'is not there' : `differs at ${place.join('.')}`;
}

/** The first place where `expected` is not in `found`. Elasticsearch adds defaults, and gives numbers back as text. */
function departure(expected: unknown, found: unknown, place: readonly string[]): readonly string[] | null {
  if (Array.isArray(expected)) {
    const other = Array.isArray(found) ? found : [found];
    if (other.length !== expected.length) return place;
    for (const [i, each] of expected.entries()) {
      const inside = departure(each, other[i], [...place, String(i)]);
      if (inside !== null) return inside;
    }
    return null;
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof found !== 'object' || found === null) return place;
    for (const [name, value] of Object.entries(expected)) {
      const inside = departure(value, (found as Record<string, unknown>)[name], [...place, name]);
      if (inside !== null) return inside;
    }
    return null;
  }
  return String(expected) === String(found) ? null : place;
}
