import { WeirError, type ErrorCode } from '../../pipeline/errors.ts';
import { authorization } from '../../sinks/http/authorization.ts';
import { httpClient } from '../../sinks/http/client.ts';
import type { Options } from './options.ts';
import { multipart, type KibanaRequest } from './setup.ts';

export interface Kibana {
  /** Version of the server. Rejects where it cannot be reached or is none. */
  version(signal: AbortSignal): Promise<string>;
  /** What came of a request, for a person. Rejects when it failed as a whole. */
  send(request: KibanaRequest, signal: AbortSignal): Promise<Outcome>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface Outcome {
  readonly done: string;
  /** What Kibana did not take, each with its reason. */
  readonly refused: readonly string[];
}

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 120_000;
/** An import answers with what became of each object. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;

/** Speaks to Kibana as `weir setup kibana` needs it. */
export function kibana({ url, api, auth, tls }: Options): Kibana {
  const base = (api ?? url).replace(/\/+$/, '');
  const host = new URL(base).origin;
  const client = httpClient({ tls, timeoutMs: TIMEOUT_MS, maxReplyBytes: MAX_REPLY_BYTES }, null);

  async function send(
    method: 'GET' | 'POST',
    path: string,
    content: { contentType: string; body: string } | null,
    signal: AbortSignal,
  ): Promise<Reply> {
    try {
      const { status, text } = await client.send(
        {
          method,
          url: base + path,
          headers: {
            ...authorization(auth),
            // Kibana takes changes only from who says that it is no form of another page.
            'kbn-xsrf': 'weir',
            ...(content === null ? {} : { 'content-type': content.contentType }),
          },
          ...(content === null ? {} : { body: content.body }),
        },
        signal,
      );
      return { status, body: objectIn(text) };
    } catch (error) {
      if (!(error instanceof WeirError)) throw error;
      throw new WeirError(error.code, `Kibana at ${error.message}`, { cause: error });
    }
  }

  return {
    async version(signal) {
      const reply = await send('GET', '/api/status', null, signal);
      if (reply.status >= 400 && reply.status !== 503) throw refusal(reply, `${host}/api/status`);
      const { number } = (reply.body['version'] ?? {}) as { number?: unknown };
      if (typeof number !== 'string')
        throw new WeirError(
          'sink_misconfigured',
          `${host} does not answer as Kibana does: is the address right?`,
        );
      if (reply.status === 503)
        throw new WeirError('sink_unavailable', `Kibana ${number} at ${host} is not ready yet`);
      return number;
    },
    async send({ path, body, reads }, signal) {
      const content =
        'json' in body
          ? { contentType: 'application/json', body: JSON.stringify(body.json) }
          : multipart(body.lines);
      const reply = await send('POST', path, content, signal);
      if (reads === 'space' && reply.status === 409) return { done: 'is there already', refused: [] };
      if (reads === 'rules' && reply.status === 404)
        return { done: 'nothing', refused: ['this Kibana has no detection engine'] };
      if (reply.status >= 300) throw refusal(reply, `${host}${path}`);
      return reads === 'space' ? { done: 'made', refused: [] } : outcomeOf(reply.body, reads);
    },
    close: () => client.close(),
  };
}

/** Both ways of importing answer 200 whatever became of the lines. */
function outcomeOf(body: Reply['body'], reads: 'objects' | 'rules'): Outcome {
  const errors = Array.isArray(body['errors']) ? (body['errors'] as Record<string, unknown>[]) : [];
  const count = Number(body[reads === 'objects' ? 'successCount' : 'success_count'] ?? 0);
  let kept = 0;
  const refused: string[] = [];
  for (const each of errors) {
    const error = (each['error'] ?? {}) as { type?: string; message?: string; status_code?: number };
    if (reads === 'rules' && error.status_code === 409) kept++;
    else
      refused.push(
        `${textOf(each['type'] ?? 'rule')} ${textOf(each['id'] ?? each['rule_id'])}: ${error.message ?? error.type ?? 'no reason given'}`,
      );
  }
  return { done: `${count} put${kept > 0 ? `, ${kept} were there and are left as they are` : ''}`, refused };
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);

function refusal({ status, body }: Reply, what: string): WeirError {
  const said = typeof body['message'] === 'string' ? `: ${body['message'].slice(0, 500)}` : '';
  const code: ErrorCode =
    status === 401 || status === 403
      ? 'sink_unauthorised'
      : status >= 500
        ? 'sink_unavailable'
        : 'sink_misconfigured';
  return new WeirError(code, `${what} answered ${status}${said}`);
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
