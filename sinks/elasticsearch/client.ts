import { readFileSync } from 'node:fs';
import { Client, type ClientOptions } from '@elastic/elasticsearch';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Options } from './options.ts';
import { authorityByFingerprint } from './pinned-authority.ts';

/** A client that never retries: what to repeat, and when, is decided where the records are known. */
export async function connect(options: Options): Promise<Client> {
  if ((options.nodes === undefined) === (options.cloudId === undefined))
    throw new WeirError('config_invalid', 'an elasticsearch sink needs one of `nodes` and `cloudId`');
  const { tls, auth } = options;
  let ca = tls.ca === undefined ? null : content(tls.ca);
  if (tls.caFingerprint !== undefined) {
    if (options.nodes === undefined || options.proxy !== undefined || ca !== null)
      throw new WeirError(
        'config_invalid',
        '`tls.caFingerprint` goes with `nodes`, without `proxy` and `tls.ca`',
      );
    ca = await authorityByFingerprint(options.nodes, tls.caFingerprint);
  }
  const settings: ClientOptions = {
    maxRetries: 0,
    requestTimeout: options.requestTimeoutMs,
    compression: options.compress,
    name: 'weir',
    tls: {
      ...(ca === null ? {} : { ca }),
      ...(tls.cert === undefined ? {} : { cert: content(tls.cert) }),
      ...(tls.key === undefined ? {} : { key: content(tls.key) }),
    },
  };
  if (options.nodes !== undefined) settings.nodes = [...options.nodes];
  if (options.cloudId !== undefined) settings.cloud = { id: options.cloudId };
  if (auth !== undefined) settings.auth = auth;
  if (options.proxy !== undefined) settings.proxy = options.proxy;
  try {
    return new Client(settings);
  } catch (error) {
    throw new WeirError('sink_misconfigured', `elasticsearch: ${messageOf(error)}`, { cause: error });
  }
}

/** PEM text, or what the file holds that `file:PATH` names. */
function content(value: string): string {
  if (!value.startsWith('file:')) return value;
  const path = value.slice('file:'.length);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new WeirError('sink_misconfigured', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
