import { inOneLine } from '../records/one-line.ts';
import { retryAfterMs } from '../records/retry-after.ts';

/** A request to the cluster. */
export interface FarRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly querystring?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Operations of a bulk request, instead of a body. */
  readonly bulkBody?: Uint8Array;
}

/** The cluster as the vendor's client reaches it: what Elasticsearch and OpenSearch have in common. Retries nothing. */
export interface Far {
  /** As people call it. */
  readonly product: 'Elasticsearch' | 'OpenSearch';
  /** The body of the reply. Rejects with a `RequestFailure`, or with the reason of the signal. */
  request<T>(request: FarRequest, signal: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

/** Why a request has no good reply, whichever client said it. */
export class RequestFailure extends Error {
  /** Status of the reply; null when none came. */
  readonly status: number | null;
  /** `product`: another one answers; `options`: the client did not accept them. */
  readonly kind: 'reply' | 'connection' | 'product' | 'options';
  /** How long the reply asks to be left alone; null when it does not. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: RequestFailure['kind'],
    message: string,
    options: {
      readonly status?: number | null;
      readonly retryAfterMs?: number | undefined;
      readonly cause: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.name = 'RequestFailure';
    this.kind = kind;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** A reply that says no, as the clients of both products throw it. */
export function replyFailure(error: {
  readonly statusCode?: number | undefined;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>> | null | undefined;
  readonly body?: unknown;
}): RequestFailure {
  const status = error.statusCode ?? null;
  return new RequestFailure('reply', reasonIn(error.body), {
    status,
    retryAfterMs: retryAfterMs(status ?? 0, error.headers, Date.now),
    cause: error,
  });
}

/** The reason in the body of a reply, as both products write it, or the beginning of what a proxy wrote; empty when there is none. */
function reasonIn(body: unknown): string {
  if (typeof body === 'string') return inOneLine(body, 500);
  const inner = (body as { error?: { reason?: unknown; type?: unknown } | string } | null | undefined)?.error;
  const reason = typeof inner === 'string' ? inner : (inner?.reason ?? inner?.type);
  return typeof reason === 'string' ? inOneLine(reason, 500) : '';
}
