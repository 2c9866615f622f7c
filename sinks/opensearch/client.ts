import { Client, errors, type ClientOptions } from '@opensearch-project/opensearch';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { tlsOf } from '../bulk/connection.ts';
import { replyFailure, RequestFailure, type Far } from '../bulk/far.ts';
import type { Options } from './options.ts';

/** A client that never retries: what to repeat, and when, is decided where the records are known. */
export async function connect(options: Options): Promise<Far> {
  const settings: ClientOptions = {
    nodes: [...options.nodes],
    maxRetries: 0,
    requestTimeout: options.requestTimeoutMs,
    name: 'weir',
    ssl: await tlsOf(options.tls, options.nodes, options.proxy),
    // Without a ping between: a node that was down is tried by the next request.
    resurrectStrategy: 'optimistic',
  };
  if (options.compress) settings.compression = 'gzip';
  if (options.auth !== undefined) settings.auth = options.auth;
  if (options.proxy !== undefined) settings.proxy = options.proxy;
  try {
    return farOf(new Client(settings));
  } catch (error) {
    throw new WeirError('sink_misconfigured', `opensearch: ${messageOf(error)}`, { cause: error });
  }
}

const farOf = (client: Client): Far => ({
  product: 'OpenSearch',
  async request<T>(request: Parameters<Far['request']>[0], signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const { bulkBody, ...rest } = request;
    const under = client.transport.request(
      bulkBody === undefined
        ? rest
        : { ...rest, bulkBody: Buffer.from(bulkBody.buffer, bulkBody.byteOffset, bulkBody.byteLength) },
      { maxRetries: 0 },
    );
    const abort = (): void => {
      under.abort();
    };
    signal.addEventListener('abort', abort);
    try {
      return (await under).body as T;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  },
  close: () => client.close(),
});

function failureOf(error: unknown): RequestFailure {
  if (error instanceof errors.ResponseError) return replyFailure(error);
  if (error instanceof errors.ConfigurationError)
    return new RequestFailure('options', error.message, { cause: error });
  return new RequestFailure('connection', messageOf(error), { cause: error });
}
