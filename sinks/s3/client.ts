import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Options } from './options.ts';

/** A client that never retries: what to repeat, and when, is decided where the records are known. */
export function connect(options: Options): S3Client {
  const { credentials, endpoint, tls, timeoutMs } = options;
  const keys = credentials && {
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey,
    ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
  };
  return new S3Client({
    region: options.region,
    maxAttempts: 1,
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(keys === undefined ? {} : { credentials: keys }),
    requestHandler: {
      connectionTimeout: Math.min(10_000, timeoutMs),
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      ...(tls.ca === undefined ? {} : { httpsAgent: new Agent({ keepAlive: true, ca: content(tls.ca) }) }),
    },
  });
}

function content(value: string): string {
  if (!value.startsWith('file:')) return value;
  const path = value.slice('file:'.length);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WeirError('sink_misconfigured', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
