import { requestError, statusOf } from '../bulk/errors.ts';
import type { Far } from '../bulk/far.ts';
import { answer, oldestNode } from '../bulk/setup.ts';

/** What the cluster can do; the templates use what is there. */
export interface Features {
  /** Index lifecycle management; not on serverless. */
  readonly ilm: boolean;
  /** `index.mode: logsdb`: generally available from 8.17. */
  readonly logsdb: boolean;
  /** Data stream lifecycle: generally available from 8.14. */
  readonly streamLifecycle: boolean;
  /** `data_stream_options.failure_store`: from 8.19 and 9.1. */
  readonly failureStore: boolean;
}

export interface Version {
  /** Null where it is not told. */
  readonly number: string | null;
  readonly isServerless: boolean;
}

/** Since when each is generally available: what is accepted earlier is a preview. */
const SINCE = { logsdb: '8.17', streamLifecycle: '8.14', failureStore: '8.19' } as const;

/** Whether a version is at least another; serverless and a version that is not told are as new as any. */
export function isSince({ number, isServerless }: Version, since: string): boolean {
  if (isServerless || number === null) return true;
  return number.localeCompare(since, 'en', { numeric: true }) >= 0;
}

/** Asks for the version and then for each feature: a template that uses it is simulated, which changes nothing. */
export async function probe(
  far: Far,
  signal: AbortSignal,
): Promise<{ version: Version; features: Features }> {
  const version = await versionOf(far, signal);
  const ilm =
    !version.isServerless && (await answer(far, { method: 'GET', path: '/_ilm/status' }, signal)) !== null;
  const takes = async (since: string, template: object): Promise<boolean> =>
    isSince(version, since) && (await isTaken(far, template, signal));
  return {
    version,
    features: {
      ilm,
      // Serverless has it for every `logs-*` stream, and refuses the setting.
      logsdb:
        !version.isServerless && (await takes(SINCE.logsdb, { settings: { index: { mode: 'logsdb' } } })),
      streamLifecycle: await takes(SINCE.streamLifecycle, { lifecycle: { data_retention: '30d' } }),
      failureStore:
        !version.number?.startsWith('9.0.') &&
        (await takes(SINCE.failureStore, { data_stream_options: { failure_store: { enabled: true } } })),
    },
  };
}

/** A pattern that no index has, above every template there could be for it. */
async function isTaken(far: Far, template: object, signal: AbortSignal): Promise<boolean> {
  const reply = await answer(
    far,
    {
      method: 'POST',
      path: '/_index_template/_simulate',
      body: {
        index_patterns: ['weir-probe-that-is-never-written-*'],
        data_stream: {},
        priority: 1_000_000,
        template,
      },
    },
    signal,
  );
  return reply !== null;
}

async function versionOf(far: Far, signal: AbortSignal): Promise<Version> {
  try {
    const info = await far.request<{ version: { number: string; build_flavor?: string } }>(
      { method: 'GET', path: '/' },
      signal,
    );
    return { number: info.version.number, isServerless: info.version.build_flavor === 'serverless' };
  } catch (error) {
    // Some distributions and proxies do not serve the root; the nodes know as well.
    const status = statusOf(error);
    if (status === null || ![403, 404, 405].includes(status))
      throw requestError(error, 'cannot reach Elasticsearch');
  }
  return { number: await oldestNode(far, signal), isServerless: false };
}
