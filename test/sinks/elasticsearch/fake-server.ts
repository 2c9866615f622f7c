import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** One operation of a bulk request, as the server read it. */
export interface Seen {
  readonly action: 'create' | 'index';
  readonly meta: { readonly _index: string; readonly _id: string; readonly version?: number };
  readonly document: Readonly<Record<string, unknown>>;
}

/** What the server says of one operation. */
export interface ItemReply {
  readonly status: number;
  readonly error?: { readonly type: string; readonly reason: string };
  readonly failure_store?: string;
}

/** An answer to a whole request. */
export interface WholeReply {
  readonly status: number;
  readonly body?: object;
  /** Instead of JSON. */
  readonly text?: string;
  /** Of somebody between: without the header by which the product is known. */
  readonly isProxy?: true;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeOptions {
  /** What becomes of an operation; 201 by default. */
  item?: (seen: Seen) => ItemReply;
  /** Answers a whole bulk request instead; null to go on with `item`. */
  whole?: (operations: readonly Seen[], bytes: number) => WholeReply | 'hang up' | null;
  /** Whether the index templates are there, or the status with which they are refused. */
  templates?: number;
}

export interface FakeElasticsearch {
  readonly url: string;
  /** Operations of each bulk request in the order of their arrival. */
  readonly requests: Seen[][];
}

/**
 * Speaks the part of the bulk API the sink uses, and is strict about it: content type, a line feed at the end,
 * an action and a document for each operation. What it says of them is up to the test.
 */
export async function fakeElasticsearch(t: TestContext, options: FakeOptions): Promise<FakeElasticsearch> {
  const requests: Seen[][] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks), response));
  });

  function replyWhole(response: ServerResponse, whole: WholeReply): void {
    for (const [name, value] of Object.entries(whole.headers ?? {})) response.setHeader(name, value);
    if (whole.text === undefined) return reply(response, whole.status, whole.body);
    response.writeHead(whole.status, {
      'content-type': 'text/html',
      ...(whole.isProxy ? {} : { 'x-elastic-product': 'Elasticsearch' }),
    });
    response.end(whole.text);
  }

  function reply(response: ServerResponse, status: number, body?: object): void {
    const text = body === undefined ? '' : JSON.stringify(body);
    // The client of OpenSearch asks for plain JSON, and reads nothing else.
    const isPlain = !response.req.headers.accept?.includes('vnd.elasticsearch');
    response.writeHead(status, {
      'x-elastic-product': 'Elasticsearch',
      ...(text === ''
        ? {}
        : {
            'content-type': isPlain
              ? 'application/json'
              : 'application/vnd.elasticsearch+json;compatible-with=8',
          }),
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    if (request.url?.startsWith('/_index_template/')) {
      const status = options.templates ?? 200;
      return reply(
        response,
        status,
        status === 200 ? { index_templates: [] } : { error: { reason: 'no' }, status },
      );
    }
    if (!request.url?.startsWith('/_bulk?'))
      return reply(response, 404, { error: `no handler for ${request.url}` });
    if (!request.headers['content-type']?.includes('x-ndjson'))
      return reply(response, 406, { error: { reason: 'Content-Type header is not supported' } });
    let seen: Seen[];
    try {
      seen = parse(body.toString());
    } catch (error) {
      return reply(response, 400, { error: { type: 'illegal_argument_exception', reason: String(error) } });
    }
    const whole = options.whole?.(seen, body.length) ?? null;
    if (whole === 'hang up') {
      request.socket.destroy();
      return;
    }
    if (whole) return replyWhole(response, whole);
    requests.push(seen);
    const items = seen.map((one) => ({ [one.action]: options.item?.(one) ?? { status: 201 } }));
    reply(response, 200, { errors: items.some((item) => Object.values(item)[0]!.status >= 300), items });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

function parse(text: string): Seen[] {
  if (!text.endsWith('\n')) throw new Error('The bulk request must be terminated by a newline [\\n]');
  const lines = text.slice(0, -1).split('\n');
  if (lines.length % 2 !== 0) throw new Error('an action has no document');
  const seen: Seen[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const [action, meta] = Object.entries(JSON.parse(lines[i]!) as Record<string, Seen['meta']>)[0]!;
    if (action !== 'create' && action !== 'index') throw new Error(`unknown action ${action}`);
    seen.push({ action, meta, document: JSON.parse(lines[i + 1]!) as Seen['document'] });
  }
  return seen;
}
