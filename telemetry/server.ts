import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WeirError, messageOf } from '../pipeline/errors.ts';
import type { Clock } from '../pipeline/contracts.ts';
import { parseListen } from './listen.ts';

/** Whether something this process needs is there. A rejection is the reason why it is not. */
export type Check = () => Promise<void> | void;

export interface TelemetryServer {
  /** Binds the address. Rejects with `config_invalid` for an address in use or not of this machine. */
  start(): Promise<void>;
  /** Idempotent. */
  stop(): Promise<void>;
  /** /readyz answers 200 once every check passes. Gives back the function that takes the check away again. */
  ready(name: string, check: Check): () => void;
  /** /healthz answers 503 from now on; for what only a restart mends. */
  unhealthy(reason: string): void;
  /** Where it listens, after `start`; the port is chosen when 0 was asked for. */
  address(): { readonly host: string; readonly port: number };
}

export interface ServerSettings {
  /** `:9464` (all interfaces), `127.0.0.1:0`, `[::1]:9464`. */
  readonly listen: string;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly clock: Clock;
  /** How long one readiness check may take. */
  readonly checkTimeoutMs?: number;
}

/**
 * /metrics, /healthz and /readyz over plain HTTP, GET and HEAD only. The answers name components, never what was
 * observed. It is the one listener without authentication: it gives nothing but numbers.
 */
export function telemetryServer(settings: ServerSettings): TelemetryServer {
  const { host, port } = parseListen(settings.listen);
  const checkTimeoutMs = settings.checkTimeoutMs ?? 2000;
  const checks = new Map<string, Check>();
  let illness: string | null = null;
  let server: Server | null = null;

  const passes = async (check: Check): Promise<string | null> => {
    const over = new AbortController();
    const late = settings.clock
      .sleep(checkTimeoutMs, over.signal)
      .then(() => `no answer within ${checkTimeoutMs} ms`);
    const outcome = Promise.resolve()
      .then(check)
      .then(() => null, messageOf);
    const first = await Promise.race([outcome, late]);
    over.abort();
    return first;
  };

  const readiness = async (): Promise<Answer> => {
    const results = await Promise.all(
      [...checks].map(async ([name, check]) => ({ name, problem: await passes(check) })),
    );
    const lines = results.map(
      ({ name, problem }) => `${name}: ${problem === null ? 'ok' : oneLine(problem)}\n`,
    );
    const ok = results.every(({ problem }) => problem === null);
    return { status: ok ? 200 : 503, body: lines.join('') || 'ok\n' };
  };

  const answer = async (path: string): Promise<Answer> => {
    if (path === '/metrics')
      return { status: 200, body: await settings.metrics.text(), type: settings.metrics.contentType };
    if (path === '/healthz') {
      return illness === null
        ? { status: 200, body: 'ok\n' }
        : { status: 503, body: `${oneLine(illness)}\n` };
    }
    if (path === '/readyz') return readiness();
    return { status: 404, body: 'expected /metrics, /healthz or /readyz\n' };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      // A body that was announced is not waited for.
      response.setHeader('connection', 'close');
      return send(response, { status: 405, body: 'only GET\n' });
    }
    const path = (request.url ?? '/').split('?', 1)[0]!;
    try {
      send(response, await answer(path));
    } catch (error) {
      send(response, { status: 500, body: `${oneLine(messageOf(error))}\n` });
    }
  };

  return {
    start: async () => {
      if (server) return;
      const made = createServer(
        { headersTimeout: 5000, requestTimeout: 10_000, keepAliveTimeout: 5000, maxHeaderSize: 8192 },
        (request, response) => void handle(request, response),
      );
      made.maxConnections = 64;
      made.maxRequestsPerSocket = 1000;
      made.setTimeout(15_000, (socket) => socket.destroy());
      await new Promise<void>((resolve, reject) => {
        made.once('error', (cause) => {
          reject(
            new WeirError('config_invalid', `cannot listen on ${settings.listen}: ${messageOf(cause)}`, {
              cause,
            }),
          );
        });
        made.listen(port, host, resolve);
      });
      server = made;
    },
    stop: async () => {
      const last = server;
      server = null;
      if (!last) return;
      await new Promise<void>((resolve) => {
        last.close(() => resolve());
        last.closeAllConnections();
      });
    },
    ready: (name, check) => {
      checks.set(name, check);
      return () => {
        if (checks.get(name) === check) checks.delete(name);
      };
    },
    unhealthy: (reason) => {
      illness ??= reason;
    },
    address: () => {
      const bound = server?.address() as AddressInfo | null | undefined;
      return { host: bound?.address ?? host ?? '::', port: bound?.port ?? port };
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

function send(response: ServerResponse, { status, body, type }: Answer): void {
  response.writeHead(status, {
    'content-type': type ?? 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').slice(0, 500);
