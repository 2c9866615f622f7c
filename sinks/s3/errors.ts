import { WeirError, messageOf, type ErrorCode } from '../../pipeline/errors.ts';

const WRONG = new Set([
  'NoSuchBucket',
  'NotFound',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'InvalidBucketName',
  'IllegalLocationConstraintException',
  'InvalidStorageClass',
  'InvalidEncryptionAlgorithmError',
  'KMS.NotFoundException',
  'RequestTimeTooSkewed',
  'MethodNotAllowed',
  'NotImplemented',
]);
const FORBIDDEN = new Set([
  'AccessDenied',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'AccountProblem',
  'CredentialsProviderError',
  'KMS.DisabledException',
]);
const BUSY = new Set(['SlowDown', 'TooManyRequests', 'ThrottlingException', 'RequestLimitExceeded']);

/**
 * What a failed call to the store means. No record is ever at fault: an object is bytes to it. So what people have to mend is tried
 * until they have, and nothing goes to the dead letter.
 */
export function storeError(error: unknown, what: string): WeirError {
  const { name = '', $metadata } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const shown = name === '' || name === 'Error' ? '' : `${name}: `;
  const message = `${what}: ${shown}${messageOf(error)}${status === undefined ? '' : ` (HTTP ${status})`}`;
  return new WeirError(codeOf(name, status, error), message, { cause: error });
}

function codeOf(name: string, status: number | undefined, error: unknown): ErrorCode {
  if (FORBIDDEN.has(name) || status === 401 || status === 403)
    return name === 'RequestTimeTooSkewed' ? 'sink_misconfigured' : 'sink_unauthorised';
  if (BUSY.has(name) || status === 429 || status === 503) return 'sink_overloaded';
  if (WRONG.has(name) || status === 301 || status === 404) return 'sink_misconfigured';
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (/CERT|SSL|TLS|ALTNAME/.test(code) || /certificate/i.test(messageOf(error))) return 'tls_invalid';
  return 'sink_unavailable';
}
