/** Throw-away certificates made with the openssl command. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './process.ts';

/** Paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Path of the authority's certificate. */
  readonly ca: string;
  /** Signs a certificate; `names` become its subject alternative names, such as `DNS:localhost` or `IP:127.0.0.1`. */
  sign(
    file: string,
    options: { readonly commonName: string; readonly names?: readonly string[]; readonly days?: number },
  ): Promise<Certificate>;
}

const localNames = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'] as const;

/** A new authority in `dir`, which is made when it is not there. Files are readable by everyone: they protect nothing. */
export async function authority(dir: string, commonName = 'Weir test authority'): Promise<Authority> {
  await mkdir(dir, { recursive: true });
  const ca = join(dir, 'ca.crt');
  const caKey = join(dir, 'ca.key');
  await openssl(`req -x509 ${newKey} -days 2`, ['-subj', `/CN=${commonName}`, '-keyout', caKey, '-out', ca]);
  return {
    ca,
    sign: async (file, options) => {
      const cert = join(dir, `${file}.crt`);
      const key = join(dir, `${file}.key`);
      const request = join(dir, `${file}.csr`);
      const extensions = join(dir, `${file}.ext`);
      await openssl(`req -new ${newKey}`, [
        '-subj',
        `/CN=${options.commonName}`,
        '-keyout',
        key,
        '-out',
        request,
      ]);
      await writeFile(extensions, `subjectAltName=${(options.names ?? localNames).join(',')}\n`);
      await openssl(`x509 -req -CAcreateserial -days ${options.days ?? 2}`, [
        '-in',
        request,
        '-CA',
        ca,
        '-CAkey',
        caKey,
        '-extfile',
        extensions,
        '-out',
        cert,
      ]);
      await run('chmod', ['a+r', cert, key, ca]);
      return { cert, key };
    },
  };
}

const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

/** `words` has no spaces inside arguments; `args` may. */
const openssl = (words: string, args: readonly string[]): Promise<string> =>
  run('openssl', [...words.split(' '), ...args], { timeoutMs: 30_000 });
