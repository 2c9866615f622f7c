import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A request as the receiver read it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Reply =
  | { readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  | 'hang up'
  /** Reads the request and never answers. */
  | 'silence';

export interface Receiver {
  readonly url: string;
  /** What came, in order, whatever was answered. */
  readonly requests: Received[];
}

/** A receiver on 127.0.0.1 whose every answer the test decides; with `tls` it speaks HTTPS. */
export async function receiver(
  t: TestContext,
  answer: (request: Received) => Reply | Promise<Reply>,
  tls?: ServerOptions,
): Promise<Receiver> {
  const requests: Received[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received: Received = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      requests.push(received);
      void Promise.resolve(answer(received)).then((reply) => {
        if (reply === 'silence') return;
        if (reply === 'hang up') request.socket.destroy();
        else response.writeHead(reply.status, reply.headers ?? {}).end(reply.body ?? '');
      });
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, requests };
}
