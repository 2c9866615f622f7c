import { readFileSync } from 'node:fs';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { authorityByFingerprint } from './pinned-authority.ts';
import type { Far } from './far.ts';

/** Connects at the first use, again after a failure, and closes what was opened. */
export interface Connection {
  get(): Promise<Far>;
  close(): Promise<void>;
}

export function connection(connect: () => Promise<Far>): Connection {
  let opened: Promise<Far> | null = null;
  return {
    get() {
      opened ??= connect().catch((error: unknown) => {
        opened = null;
        throw error;
      });
      return opened;
    },
    async close() {
      const open = opened;
      opened = null;
      await open?.then(
        (far) => far.close(),
        () => {},
      );
    },
  };
}

export interface TlsSettings {
  readonly ca?: string | undefined;
  readonly caFingerprint?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The TLS settings with their files read, as `node:tls` takes them; the authority is looked up by its fingerprint. */
export async function tlsOf(
  tls: TlsSettings,
  nodes: readonly string[] | undefined,
  proxy: string | undefined,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  let ca = tls.ca === undefined ? null : content(tls.ca);
  if (tls.caFingerprint !== undefined) {
    if (nodes === undefined || proxy !== undefined || ca !== null)
      throw new WeirError(
        'config_invalid',
        '`tls.caFingerprint` goes with `nodes`, without `proxy` and `tls.ca`',
      );
    ca = await authorityByFingerprint(nodes, tls.caFingerprint);
  }
  return {
    ...(ca === null ? {} : { ca }),
    ...(tls.cert === undefined ? {} : { cert: content(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: content(tls.key) }),
  };
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
