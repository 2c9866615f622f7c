import type { Client } from '@elastic/elasticsearch';
import { connect } from './client.ts';
import { requestError, statusOf } from './errors.ts';
import type { Options } from './options.ts';
import { setupRequests, type Features, type SetupRequest, type TemplateOptions } from './templates.ts';

export interface SetupPlan {
  /** Version of the cluster; null where it is not told (serverless). */
  readonly version: string | null;
  readonly requests: readonly SetupRequest[];
  /** What the cluster lacks and what that means, for the person who runs the set-up. */
  readonly notices: readonly string[];
}

export interface Setup {
  /** Asks the cluster what it can do and says what would be put into it. Changes nothing. */
  plan(options: TemplateOptions, signal: AbortSignal): Promise<SetupPlan>;
  /** Makes the requests in order. Repeating them is safe. Rejects at the first that fails. */
  apply(
    requests: readonly SetupRequest[],
    signal: AbortSignal,
    done?: (request: SetupRequest) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

export const templateDefaults: TemplateOptions = { retentionDays: 90, replicas: null };

/** For `weir setup elasticsearch`: the templates and the lifecycle that the sink writes into. */
export function setup(options: Options): Setup {
  let connection: Promise<Client> | null = null;
  const connected = (): Promise<Client> => (connection ??= connect(options));
  return {
    async plan(templateOptions, signal) {
      const client = await connected();
      const { version, isServerless } = await versionOf(client, signal);
      const ilm = !isServerless && (await answers(client, '/_ilm/status', signal));
      const features = featuresOf(version, isServerless, ilm);
      return {
        version,
        requests: setupRequests(features, templateOptions),
        notices: noticesOf(features, templateOptions, options),
      };
    },
    async apply(requests, signal, done) {
      const client = await connected();
      for (const request of requests) {
        try {
          await client.transport.request(
            { method: request.method, path: request.path, body: request.body },
            { signal, maxRetries: 0 },
          );
        } catch (error) {
          throw requestError(error, `${request.method} ${request.path}`);
        }
        done?.(request);
      }
    },
    async close() {
      await connection?.then(
        (client) => client.close(),
        () => {},
      );
    },
  };
}

/** What a version can do. An unknown version (serverless) can do everything but lifecycle policies. */
export function featuresOf(version: string | null, isServerless: boolean, ilm: boolean): Features {
  const atLeast = (major: number, minor: number): boolean => {
    if (isServerless || version === null) return isServerless;
    const [haveMajor = 0, haveMinor = 0] = version.split('.').map(Number);
    return haveMajor > major || (haveMajor === major && haveMinor >= minor);
  };
  return {
    ilm,
    logsdb: atLeast(8, 17) && !isServerless,
    streamLifecycle: atLeast(8, 14),
    failureStore: isServerless || (atLeast(8, 19) && !version!.startsWith('9.0.')),
  };
}

function noticesOf(features: Features, { retentionDays }: TemplateOptions, options: Options): string[] {
  const notices: string[] = [];
  if (!features.ilm && features.streamLifecycle)
    notices.push(
      `the cluster has no index lifecycle management: the data stream lifecycle deletes after ${retentionDays} days`,
    );
  if (!features.ilm && !features.streamLifecycle)
    notices.push('the cluster has neither kind of lifecycle: nothing is deleted, watch its disks');
  if (!features.logsdb)
    notices.push('the cluster has no logsdb index mode: indices are about 2.5 times as large');
  if (!features.failureStore)
    notices.push(
      'the cluster has no failure store: records it cannot index go to the dead letter, as they do with one',
    );
  if (options.layout === 'daily')
    notices.push('daily indices have no lifecycle: delete old ones by their name');
  return notices;
}

async function versionOf(
  client: Client,
  signal: AbortSignal,
): Promise<{ version: string | null; isServerless: boolean }> {
  try {
    const info = await client.info({}, { signal });
    const isServerless = info.version.build_flavor === 'serverless';
    return { version: info.version.number, isServerless };
  } catch (error) {
    // Some distributions and proxies do not serve the root; the nodes know as well.
    if (statusOf(error) !== 405 && statusOf(error) !== 403 && statusOf(error) !== 404)
      throw requestError(error, 'cannot reach Elasticsearch');
  }
  try {
    const reply = await client.transport.request<{ nodes?: Record<string, { version: string }> }>(
      { method: 'GET', path: '/_nodes', querystring: { filter_path: 'nodes.*.version' } },
      { signal, maxRetries: 0 },
    );
    const versions = Object.values(reply.nodes ?? {}).map((node) => node.version);
    versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return { version: versions[0] ?? null, isServerless: false };
  } catch (error) {
    throw requestError(error, 'cannot ask Elasticsearch for its version');
  }
}

async function answers(client: Client, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.transport.request({ method: 'GET', path }, { signal, maxRetries: 0 });
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status !== null && [400, 404, 405, 410].includes(status)) return false;
    throw requestError(error, `GET ${path}`);
  }
}
