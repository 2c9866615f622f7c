import {
  Client,
  errors,
  HttpConnection,
  type ClientOptions,
  type DiagnosticResult,
} from '@elastic/elasticsearch';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { tlsOf } from '../bulk/connection.ts';
import { replyFailure, RequestFailure, type Far } from '../bulk/far.ts';
import type { Options } from './options.ts';

/** A client that never retries: what to repeat, and when, is decided where the records are known. */
export async function connect(options: Options): Promise<Far> {
  if ((options.nodes === undefined) === (options.cloudId === undefined))
    throw new WeirError('config_invalid', 'an elasticsearch sink needs one of `nodes` and `cloudId`');
  const settings: ClientOptions = {
    maxRetries: 0,
    requestTimeout: options.requestTimeoutMs,
    compression: options.compress,
    name: 'weir',
    // Credentials are taken out of errors below. The default copies all of an error for that, and of a body each byte as
    // a property: 1.5 s of processor time for every bulk request that fails. `remove` takes `Retry-After` away as well.
    redaction: { type: 'off' },
    tls: await tlsOf(options.tls, options.nodes, options.proxy),
  };
  if (options.nodes !== undefined) settings.nodes = [...options.nodes];
  if (options.cloudId !== undefined) settings.cloud = { id: options.cloudId };
  if (options.auth !== undefined) settings.auth = options.auth;
  if (options.proxy !== undefined) {
    settings.proxy = options.proxy;
    // The default kind of connection knows no proxies.
    settings.Connection = HttpConnection;
  }
  try {
    return farOf(new Client(settings));
  } catch (error) {
    throw new WeirError('sink_misconfigured', `elasticsearch: ${messageOf(error)}`, { cause: error });
  }
}

export const farOf = (client: Client): Far => ({
  product: 'Elasticsearch',
  async request<T>(request: Parameters<Far['request']>[0], signal: AbortSignal): Promise<T> {
    try {
      return await client.transport.request<T>(request as Parameters<typeof client.transport.request>[0], {
        signal,
        maxRetries: 0,
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error);
    }
  },
  close: () => client.close(),
});

function failureOf(error: unknown): RequestFailure {
  removeCredentials(error);
  if (error instanceof errors.ResponseError) return replyFailure(error);
  if (error instanceof errors.ProductNotSupportedError)
    return new RequestFailure(
      'product',
      'what answers is not Elasticsearch, or a proxy removes its X-Elastic-Product header',
      { cause: error },
    );
  if (error instanceof errors.ConfigurationError)
    return new RequestFailure('options', error.message, { cause: error });
  return new RequestFailure('connection', messageOf(error), { cause: error });
}

/** Takes out of an error what names who asks: the headers of the request, its options, and the connection. */
function removeCredentials(error: unknown): void {
  if (!(error instanceof errors.ElasticsearchClientError) || !('meta' in error)) return;
  const { meta } = error.meta as Partial<DiagnosticResult>;
  if (meta === undefined) return;
  delete meta.request.params.headers;
  delete meta.sniff;
  meta.request.options = {};
  meta.connection = null;
}
