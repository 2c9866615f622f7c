import { WeirError, messageOf, type ErrorCode } from '../../pipeline/errors.ts';
import { RequestFailure } from './far.ts';

/** The status of a reply; null when none came. */
export const statusOf = (error: unknown): number | null =>
  error instanceof RequestFailure ? error.status : null;

/** Somebody, or a disk that is nearly full, has made the cluster read-only: `blocked by: [FORBIDDEN/6/cluster read-only (api)]`. */
const BLOCKED = /blocked by: \[/;

/** What a failed request to the cluster means for the whole of it. `what` says what was tried. */
export function requestError(error: unknown, what: string): WeirError {
  if (error instanceof WeirError) return error;
  const message = messageOf(error);
  const status = statusOf(error);
  if (status !== null) {
    const reason = message === '' ? '' : `: ${message}`;
    const isBlocked = BLOCKED.test(message);
    const code = isBlocked ? 'sink_unavailable' : codeOf(status);
    const means = isBlocked ? 'the cluster takes no writes' : explain(status);
    return new WeirError(code, `${what}: ${means} (HTTP ${status}${reason})`, {
      cause: error,
      retryAfterMs: (error as RequestFailure).retryAfterMs,
    });
  }
  const kind = error instanceof RequestFailure ? error.kind : 'connection';
  if (kind === 'product' || kind === 'options')
    return new WeirError('sink_misconfigured', `${what}: ${message}`, { cause: error });
  if (/certificate|self.signed|altname|SSL|TLS|fingerprint/i.test(message))
    return new WeirError('tls_invalid', `${what}: ${message}`, { cause: error });
  return new WeirError('sink_unavailable', `${what}: ${message || 'no answer'}`, { cause: error });
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
  if (status === 404 || status === 405 || status === 410)
    return 'there is nothing that takes it; is the address right, or a proxy in between?';
  return 'the request was refused';
}
