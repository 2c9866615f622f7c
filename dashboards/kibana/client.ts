import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { WeirError, messageOf, type ErrorCode } from '../../pipeline/errors.ts';
import type { Options } from './options.ts';
import { multipart, type KibanaRequest } from './setup.ts';

export interface Kibana {
  /** Version of the server. Rejects where it cannot be reached or is none. */
  version(signal: AbortSignal): Promise<string>;
  /** What came of a request, for a person. Rejects when it failed as a whole. */
  send(request: KibanaRequest, signal: AbortSignal): Promise<Outcome>;
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

/** Speaks to Kibana as `weir setup kibana` needs it. */
export function kibana({ url, api, auth, tls }: Options): Kibana {
  const base = (api ?? url).replace(/\/+$/, '');
  const host = new URL(base).origin;

  function send(
    method: 'GET' | 'POST',
    path: string,
    content: { contentType: string; body: string } | null,
    signal: AbortSignal,
  ): Promise<Reply> {
    const address = new URL(base + path);
    const isTls = address.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(signal.aborted ? (signal.reason as Error) : unreachable(error, host));
      const sent = (isTls ? httpsRequest : httpRequest)(
        address,
        {
          method,
          headers: {
            ...authorization(auth),
            // Kibana takes changes only from who says that it is no form of another page.
            'kbn-xsrf': 'weir',
            ...(content === null
              ? {}
              : { 'content-type': content.contentType, 'content-length': Buffer.byteLength(content.body) }),
          },
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
          ...(isTls && tls.ca !== undefined ? { ca: tls.ca } : {}),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', failed);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              body: objectIn(Buffer.concat(chunks).toString('utf8')),
            }),
          );
        },
      );
      sent.on('error', failed);
      sent.end(content?.body);
    });
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

function authorization(auth: Options['auth']): Record<string, string> {
  if (auth === undefined) return {};
  if ('apiKey' in auth) return { authorization: `ApiKey ${auth.apiKey}` };
  return { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
}

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

function unreachable(error: Error, host: string): WeirError {
  const isTls = /CERT|SSL|TLS|ALTNAME|ISSUER|SELF_SIGNED/.test((error as NodeJS.ErrnoException).code ?? '');
  return new WeirError(isTls ? 'tls_invalid' : 'sink_unavailable', `Kibana at ${host}: ${messageOf(error)}`, {
    cause: error,
  });
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
