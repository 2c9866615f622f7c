import { PartialWriteError, WeirError, messageOf, type Refusal } from '../../pipeline/errors.ts';
import { inOneLine } from '../records/one-line.ts';
import type { HttpReply } from './reply.ts';

/** What is said of records that an answer refused; `retryable` and code together say what becomes of them. */
export type Verdict = Omit<Refusal, 'index'>;

/** No answer came: what that means. `where` names the receiver without its secrets. */
export function transportError(error: unknown, where: string): WeirError {
  if (error instanceof WeirError)
    return new WeirError(error.code, `${where}: ${error.message}`, { cause: error });
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const message = messageOf(error) || code || 'the connection broke';
  const isTls =
    /CERT|SSL|TLS|ALTNAME|ISSUER|SELF_SIGNED/.test(code) || /certificate|\bTLS\b|\bSSL\b/i.test(message);
  return new WeirError(isTls ? 'tls_invalid' : 'sink_unavailable', `${where}: ${message}`, { cause: error });
}

/** The receiver does not know the address, the method or the form: people have to mend that, and it is tried until they have. */
const MISCONFIGURED = new Set([404, 405, 406, 407, 410, 411, 414, 415, 421, 426, 501, 505]);

/** What an answer says of the records of its request; null when it took them. */
export function verdictOf(reply: HttpReply, where: string): Verdict | null {
  const { status } = reply;
  if (status >= 200 && status < 300) return null;
  const reason = `${where} answered ${status}${said(reply.text)}`;
  if (status === 401 || status === 403) return { retryable: true, code: 'sink_unauthorised', reason };
  const asked = reply.retryAfterMs === undefined ? {} : { retryAfterMs: reply.retryAfterMs };
  if (status === 429) return { retryable: true, code: 'sink_overloaded', reason, ...asked };
  if (status < 400 || MISCONFIGURED.has(status))
    return { retryable: true, code: 'sink_misconfigured', reason };
  if (status === 408 || status === 425 || status >= 500)
    return { retryable: true, code: 'sink_unavailable', reason, ...asked };
  return { retryable: false, code: 'sink_refused_record', reason };
}

/** Why a receiver cannot be used at all, for `start`. */
export const verdictError = ({ code, reason }: Verdict): WeirError => new WeirError(code, reason);

const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** Whether a request that failed surely never reached its receiver. */
export const isUnsent = (error: unknown): boolean =>
  error instanceof WeirError &&
  (error.code === 'tls_invalid' ||
    UNSENT.has((error.cause as NodeJS.ErrnoException | undefined)?.code ?? ''));

export function throwRefusals(refusals: readonly Refusal[]): void {
  if (refusals.length > 0) throw new PartialWriteError([...refusals].sort((a, b) => a.index - b.index));
}

/** An answer in one line, as it is shown to people. */
export const said = (text: string): string => {
  const line = inOneLine(text, 500);
  return line === '' ? '' : `: ${line}`;
};
