import { connection } from './connection.ts';
import { requestError, statusOf } from './errors.ts';
import type { Far, FarRequest } from './far.ts';

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

export interface Setup {
  /** Asks the cluster what it can do and says what would be put into it. Changes nothing. */
  plan(signal: AbortSignal): Promise<SetupPlan>;
  /** Makes the requests in order. Repeating them is safe. Rejects at the first that fails. */
  apply(
    requests: readonly SetupRequest[],
    signal: AbortSignal,
    done?: (request: SetupRequest) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

export function setupOf(
  connect: () => Promise<Far>,
  plan: (far: Far, signal: AbortSignal) => Promise<SetupPlan>,
): Setup {
  const far = connection(connect);
  return {
    plan: async (signal) => plan(await far.get(), signal),
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
