import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Options } from './options.ts';
import type { Target } from './target.ts';

/**
 * TLS settings of one connection, files read now, so that a rotated certificate is used at the next connection.
 * Throws `tls_invalid` naming the file for what cannot be read or used.
 */
export function tlsOptions(target: Target, tls: Options['tls'], nowMs: number): ConnectionOptions {
  const ca = pem(tls.ca, `${target.text}: ca`);
  const cert = pem(tls.cert, `${target.text}: client certificate`);
  const key = pem(tls.key, `${target.text}: key of the client certificate`);
  if ((cert === undefined) !== (key === undefined)) {
    throw new WeirError(
      'config_invalid',
      `${target.text}: tls.cert and tls.key are given together or not at all`,
    );
  }
  if (cert !== undefined) refuseExpired(cert, target, nowMs);
  // SNI takes names only; an address is matched against the certificate through `host`.
  const servername = tls.servername ?? (isIP(target.host) === 0 ? target.host : null);
  try {
    return {
      secureContext: createSecureContext({
        ca,
        cert,
        key,
        passphrase: tls.passphrase,
        minVersion: tls.minVersion,
      }),
      ...(servername === null ? {} : { servername }),
      // Identity is checked by `refuseUntrusted` before the first byte is written: that way the error can name
      // the certificate that was shown.
      rejectUnauthorized: false,
    };
  } catch (cause) {
    throw new WeirError(
      'tls_invalid',
      `${target.text}: the configured certificate, key or authority cannot be used: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Throws `tls_invalid` naming target, subject and expiry unless the receiver's certificate is trusted. */
export function refuseUntrusted(socket: TLSSocket, target: Target): void {
  if (socket.authorized) return;
  const shown = socket.getPeerCertificate();
  const reason = String(socket.authorizationError);
  const subject = Object.entries(shown.subject ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(', ');
  throw new WeirError(
    'tls_invalid',
    `${target.text}: the certificate of '${subject}'${shown.subjectaltname ? ` (${shown.subjectaltname})` : ''}, valid to ${shown.valid_to}, is not trusted: ${explain[reason] ?? reason}`,
  );
}

const explain: Record<string, string> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'no configured authority signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no configured authority signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its root authority is not among the configured ones',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
};

function pem(value: string | undefined, what: string): string | undefined {
  if (value === undefined || value.includes('-----BEGIN')) return value;
  const path = value.replace(/^file:/, '');
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WeirError('tls_invalid', `${what}: cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function refuseExpired(cert: string, target: Target, nowMs: number): void {
  let own: X509Certificate;
  try {
    own = new X509Certificate(cert);
  } catch (cause) {
    throw new WeirError(
      'tls_invalid',
      `${target.text}: the client certificate is not PEM: ${messageOf(cause)}`,
      { cause },
    );
  }
  if (Date.parse(own.validTo) >= nowMs) return;
  const subject = own.subject.replaceAll('\n', ', ');
  throw new WeirError(
    'tls_invalid',
    `${target.text}: the client certificate of '${subject}' expired ${own.validTo}`,
  );
}
