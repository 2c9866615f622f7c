import { request as httpRequest, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/**
 * What becomes of a bulk request: let through; refused with 429; cut off with half of its body sent on; or let
 * through with the connection reset before the reply, so that the sender does not know that it was done.
 */
export type Trouble = 'pass' | 429 | 'cut' | 'no reply';

export interface TroubledProxy {
  readonly url: string;
  /** Called for each bulk request in turn. */
  trouble: (nth: number) => Trouble;
  /** Closes every connection and refuses new ones, until it is opened again at the same port. */
  down(): Promise<void>;
  up(): Promise<void>;
  readonly counts: Readonly<Record<string, number>>;
}

/** Stands between a sink and a real server. */
export async function troubledProxy(t: TestContext, target: string): Promise<TroubledProxy> {
  const { hostname, port } = new URL(target);
  const counts: Record<string, number> = {};
  let nth = 0;
  let listeningAt = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, Buffer.concat(chunks), response));
    request.on('error', () => {});
  });

  function handle(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const trouble = request.url?.startsWith('/_bulk') ? proxy.trouble(nth++) : 'pass';
    counts[trouble] = (counts[trouble] ?? 0) + 1;
    if (trouble === 429) {
      const text = '{"error":{"type":"es_rejected_execution_exception","reason":"too busy"},"status":429}';
      response.writeHead(429, {
        'content-type': request.headers.accept?.split(',')[0] ?? 'application/json',
        'x-elastic-product': 'Elasticsearch',
      });
      response.end(text);
      return;
    }
    const onward = httpRequest(
      {
        hostname,
        port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, 'content-length': body.length },
      },
      (reply) => {
        const parts: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => parts.push(chunk));
        reply.on('end', () => {
          if (trouble === 'no reply') {
            request.socket.resetAndDestroy();
            return;
          }
          response.writeHead(reply.statusCode ?? 502, reply.headers);
          response.end(Buffer.concat(parts));
        });
      },
    );
    onward.on('error', () => request.socket.destroy());
    if (trouble === 'cut') {
      onward.write(body.subarray(0, body.length >> 1), () => {
        onward.destroy();
        request.socket.resetAndDestroy();
      });
      return;
    }
    onward.end(body);
  }

  const listen = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, '127.0.0.1', resolve);
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  listeningAt = (server.address() as AddressInfo).port;
  t.after(() => (server.listening ? close() : undefined));

  const proxy: TroubledProxy = {
    url: `http://127.0.0.1:${listeningAt}`,
    trouble: () => 'pass',
    down: close,
    up: () => listen(listeningAt),
    counts,
  };
  return proxy;
}
