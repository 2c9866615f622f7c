import type { BulkOptions } from '../bulk-options.ts';
import { ageText } from './age.ts';
import { connection } from './connection.ts';
import { requestError, statusOf } from './errors.ts';
import { expiredQuery, expiredSearch, expiringKinds, keptMs } from './expiry.ts';
import type { Far, FarRequest } from './far.ts';
import type { Layout } from './operations.ts';
import { stateIn } from './place.ts';

/** One request of the set-up, for a person to read before it is made. */
export interface SetupRequest {
  readonly method: 'PUT' | 'POST';
  readonly path: string;
  readonly querystring?: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly why: string;
}

export interface SetupPlan {
  /** Version of the cluster; null where it is not told (serverless). */
  readonly version: string | null;
  /** What the sink needs, in the order in which it has to be put. */
  readonly requests: readonly SetupRequest[];
  /** Roles for writers and readers. They are made only when asked for: it takes the right to manage security. */
  readonly roles: readonly SetupRequest[];
  /** For Kibana, as its console takes them; not sent from here. */
  readonly spaces: readonly SetupRequest[];
  /** What the cluster lacks and what that means, for the person who runs the set-up. */
  readonly notices: readonly string[];
}

/** Whom a set-up is for. */
export interface SetupFor {
  /** Tenants that have a sink of their own, for roles and spaces. */
  readonly tenants?: readonly string[];
  /** Tenant of this sink; null or absent where it is for all. */
  readonly tenant?: string | null;
}

export interface Setup {
  /** Asks the cluster what it can do and says what would be put into it. Changes nothing. */
  plan(signal: AbortSignal): Promise<SetupPlan>;
  /** Makes the requests in order. Repeating them is safe. Rejects at the first that fails. */
  apply(
    requests: readonly SetupRequest[],
    signal: AbortSignal,
    done?: (request: SetupRequest) => void,
  ): Promise<void>;
  /** What the sink itself asks once a day, to delete what is closed and old; changes nothing. */
  daily(signal: AbortSignal): Promise<readonly DailyRequest[]>;
  close(): Promise<void>;
}

export interface DailyRequest {
  readonly request: SetupRequest;
  /** How many it would find now; null where the credentials may not ask. */
  readonly found: number | null;
}

export function setupOf(of: {
  readonly connect: () => Promise<Far>;
  readonly plan: (far: Far, signal: AbortSignal) => Promise<SetupPlan>;
  readonly place: Layout;
  readonly keep: BulkOptions['keep'];
}): Setup {
  const far = connection(of.connect);
  return {
    plan: async (signal) => of.plan(await far.get(), signal),
    async daily(signal) {
      const age = ageText(keptMs(of.keep));
      const requests: DailyRequest[] = [];
      for (const kind of expiringKinds) {
        const request = {
          ...expiredSearch(of.place, kind, `now-${age}`),
          why: `once a day, by the sink itself: each ${kind} that this finds, closed for ${age}, is deleted`,
        };
        const counted = await answer<{ count: number }>(
          await far.get(),
          {
            method: 'POST',
            path: `/${stateIn(of.place, kind)}/_count`,
            querystring: { ignore_unavailable: 'true' },
            body: { query: expiredQuery(kind, `now-${age}`) },
          },
          signal,
          [403],
        );
        requests.push({ request, found: counted?.count ?? null });
      }
      return requests;
    },
    async apply(requests, signal, done) {
      for (const request of requests) {
        const { method, path, querystring, body } = request;
        try {
          await (
            await far.get()
          ).request({ method, path, body, ...(querystring === undefined ? {} : { querystring }) }, signal);
        } catch (error) {
          throw requestError(error, `${method} ${path}`);
        }
        done?.(request);
      }
    },
    close: () => far.close(),
  };
}

/** Statuses with which a cluster says that it has no such thing. */
const ABSENT = [400, 404, 405, 410, 500];

/** The reply to a question; null where the cluster has no such thing, or `null` stands for one of `also`. */
export async function answer<T>(
  far: Far,
  request: FarRequest,
  signal: AbortSignal,
  also: readonly number[] = [],
): Promise<T | null> {
  try {
    return await far.request<T>(request, signal);
  } catch (error) {
    const status = statusOf(error);
    if (status !== null && (ABSENT.includes(status) || also.includes(status))) return null;
    throw requestError(error, `${request.method} ${request.path}`);
  }
}

/** Version of a cluster that does not serve its root, by its oldest node. */
export async function oldestNode(far: Far, signal: AbortSignal): Promise<string | null> {
  try {
    const reply = await far.request<{ nodes?: Record<string, { version: string }> }>(
      { method: 'GET', path: '/_nodes', querystring: { filter_path: 'nodes.*.version' } },
      signal,
    );
    const versions = Object.values(reply.nodes ?? {}).map((node) => node.version);
    versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return versions[0] ?? null;
  } catch (error) {
    throw requestError(error, `cannot ask ${far.product} for its version`);
  }
}
