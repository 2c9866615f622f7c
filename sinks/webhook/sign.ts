import { createHmac } from 'node:crypto';
import type { Options } from './options.ts';

const hmac = (secret: string, text: string): string =>
  createHmac('sha256', secret).update(text).digest('hex');

/** Headers by which the receiver knows that a body is ours, and is of now. */
export function signatureHeaders(
  signature: Options['signature'],
  body: string,
  nowMs: number,
): Record<string, string> {
  if (signature === undefined) return {};
  if (signature.form === 'body') return { 'x-hub-signature-256': `sha256=${hmac(signature.secret, body)}` };
  const seconds = String(Math.floor(nowMs / 1000));
  return {
    'x-weir-timestamp': seconds,
    'x-weir-signature': `v1=${hmac(signature.secret, `${seconds}.${body}`)}`,
  };
}
