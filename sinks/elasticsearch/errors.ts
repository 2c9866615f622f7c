import { errors } from '@elastic/elasticsearch';
import { WeirError, messageOf, type ErrorCode } from '../../pipeline/errors.ts';

/** The status of a reply; null when none came. */
export const statusOf = (error: unknown): number | null =>
  error instanceof errors.ResponseError ? (error.statusCode ?? null) : null;

/** What a failed request to the cluster means for the whole of it. `what` says what was tried. */
export function requestError(error: unknown, what: string): WeirError {
  if (error instanceof WeirError) return error;
  const status = statusOf(error);
  if (status !== null) {
    const reason = reasonOf(error as errors.ResponseError);
    return new WeirError(codeOf(status), `${what}: ${explain(status)} (HTTP ${status}${reason})`, {
      cause: error,
    });
  }
  if (error instanceof errors.ProductNotSupportedError)
    return new WeirError(
      'sink_misconfigured',
      `${what}: what answers is not Elasticsearch, or a proxy removes its X-Elastic-Product header`,
      { cause: error },
    );
  const message = messageOf(error) || 'no answer';
  if (/certificate|self.signed|altname|SSL|TLS|fingerprint/i.test(message))
    return new WeirError('tls_invalid', `${what}: ${message}`, { cause: error });
  if (error instanceof errors.ConfigurationError)
    return new WeirError('sink_misconfigured', `${what}: ${message}`, { cause: error });
  return new WeirError('sink_unavailable', `${what}: ${message}`, { cause: error });
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'sink_unauthorised';
  if (status === 429) return 'sink_overloaded';
  if (status === 408 || status >= 500) return 'sink_unavailable';
  return 'sink_misconfigured';
}

function explain(status: number): string {
  if (status === 401) return 'the credentials were not accepted';
  if (status === 403) return 'the credentials lack a right';
  if (status === 429) return 'the cluster is overloaded';
  if (status === 408 || status >= 500) return 'the cluster is not available';
  return 'the request was refused';
}

function reasonOf(error: errors.ResponseError): string {
  const body = error.body as { error?: { reason?: unknown; type?: unknown } | string } | undefined;
  const inner = body?.error;
  const reason = typeof inner === 'string' ? inner : (inner?.reason ?? inner?.type);
  return typeof reason === 'string' ? `: ${reason.slice(0, 500)}` : '';
}
