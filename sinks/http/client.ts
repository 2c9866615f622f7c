import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Agent, ProxyAgent, buildConnector, request, type Dispatcher } from 'undici';
import type { Logger } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { retryAfterMs } from '../records/retry-after.ts';
import { transportError } from './errors.ts';
import type { HttpReply } from './reply.ts';

/** What of a sink's options concerns the way to its receiver (`http-options.ts`). */
export interface HttpSettings {
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly servername?: string | undefined;
  };
  readonly proxy?: string | undefined;
  readonly timeoutMs: number;
  /** The rest of a longer answer is not read; 64 KiB when absent. */
  readonly maxReplyBytes?: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface HttpClient {
  /** One request, one answer: nothing is repeated and no redirection followed. Rejects where no answer came. */
  send(what: HttpRequest, signal: AbortSignal): Promise<HttpReply>;
  /** Idempotent; the next request opens a connection again. */
  close(): Promise<void>;
}

const MAX_REPLY_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 16;

/**
 * The one way in which HTTP is spoken here. Messages and errors name the host alone: path and query of an address are
 * often the secret. What came back is told at level debug.
 */
export function httpClient(
  settings: HttpSettings,
  log: { readonly sink: string; readonly logger: Logger } | null,
): HttpClient {
  const { maxReplyBytes = MAX_REPLY_BYTES } = settings;
  let dispatcher: Dispatcher | null = null;

  return {
    async send({ method, url, headers, body }, signal) {
      const { origin, host } = new URL(url);
      const timeout = AbortSignal.timeout(settings.timeoutMs);
      try {
        dispatcher ??= open(settings);
        const answer = await request(url, {
          dispatcher,
          method,
          headers: { 'user-agent': 'weir', ...headers },
          body: body ?? null,
          signal: AbortSignal.any([signal, timeout]),
          headersTimeout: settings.timeoutMs,
          bodyTimeout: settings.timeoutMs,
        });
        const asked = retryAfterMs(answer.statusCode, answer.headers, Date.now);
        const reply = {
          status: answer.statusCode,
          text: await beginning(answer.body, maxReplyBytes),
          ...(asked === undefined ? {} : { retryAfterMs: asked }),
        };
        log?.logger.debug({ sink: log.sink, host, ...reply }, 'answer received');
        return reply;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (timeout.aborted)
          throw new WeirError('sink_unavailable', `${origin}: no answer within ${settings.timeoutMs} ms`, {
            cause: error,
          });
        throw transportError(error, origin);
      }
    },
    async close() {
      const open = dispatcher;
      dispatcher = null;
      await open?.destroy();
    },
  };
}

function open(settings: HttpSettings): Dispatcher {
  const { proxy, tls, timeoutMs } = settings;
  const servername = tls.servername === undefined ? {} : { servername: tls.servername };
  if (proxy !== undefined)
    return new ProxyAgent({
      uri: proxy,
      requestTls: { ...material(tls), ...servername },
      connections: MAX_CONNECTIONS,
    });
  return new Agent({
    connections: MAX_CONNECTIONS,
    // A renewed certificate is taken up with the next connection.
    connect: (options, callback) => {
      try {
        // SNI takes names only.
        const name = servername.servername ?? (isIP(options.hostname) === 0 ? options.hostname : undefined);
        const connector = buildConnector({ ...material(tls), timeout: timeoutMs });
        connector({ ...options, ...(name === undefined ? {} : { servername: name }) }, callback);
      } catch (error) {
        callback(error as Error, null);
      }
    },
  });
}

type Material = Partial<Record<'ca' | 'cert' | 'key', string>>;

function material(tls: HttpSettings['tls']): Material {
  const read: Material = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = tls[name];
    if (value !== undefined) read[name] = pem(value);
  }
  if ((read.cert === undefined) !== (read.key === undefined))
    throw new WeirError('tls_invalid', 'tls.cert and tls.key are given together or not at all');
  return read;
}

function pem(value: string): string {
  if (!value.startsWith('file:')) return value;
  const path = value.slice('file:'.length);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WeirError('tls_invalid', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** The rest of a longer answer is thrown away, and with it the connection. */
async function beginning(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  maxBytes: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) {
      body.destroy();
      break;
    }
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}
