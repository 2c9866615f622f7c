/** Certificates for servers of tests, made with the openssl command. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './process.ts';

export interface Certificates {
  /** The authority that signed `server`, PEM and its file. */
  readonly ca: string;
  readonly caFile: string;
  /** An authority that signed nothing. */
  readonly strangerCa: string;
  /** Key, certificate and authority in one file, as Kafka wants it. */
  readonly serverPem: string;
  readonly serverKey: string;
  readonly serverCert: string;
}

/** For `localhost` and 127.0.0.1. */
export async function makeCertificates(dir: string): Promise<Certificates> {
  await mkdir(dir, { recursive: true });
  const file = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): Promise<string> =>
    run('openssl', args, { cwd: dir, timeoutMs: 60_000 });
  const authority = (name: string): Promise<string> =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '3650',
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      '-subj',
      `/CN=${name}`,
    );
  await authority('ca');
  await authority('stranger');
  await openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
    '-subj',
    '/CN=localhost',
  );
  await writeFile(file('san.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '3650',
    '-extfile',
    'san.cnf',
    '-out',
    'server.crt',
  );
  const read = (name: string): Promise<string> => readFile(file(name), 'utf8');
  const [ca, strangerCa, serverKey, serverCert] = await Promise.all(
    ['ca.pem', 'stranger.pem', 'server.key', 'server.crt'].map(read),
  );
  await writeFile(file('server.pem'), `${serverKey}${serverCert}${ca}`);
  return {
    ca: ca!,
    caFile: file('ca.pem'),
    strangerCa: strangerCa!,
    serverPem: file('server.pem'),
    serverKey: serverKey!,
    serverCert: serverCert!,
  };
}

/** A self-signed certificate for `localhost` whose time has passed. */
export async function expiredCertificate(
  dir: string,
): Promise<{ readonly key: string; readonly cert: string }> {
  await mkdir(dir, { recursive: true });
  const openssl = (...args: string[]): Promise<string> =>
    run('openssl', args, { cwd: dir, timeoutMs: 60_000 });
  const config = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;
  await writeFile(join(dir, 'ca.cnf'), config);
  await writeFile(join(dir, 'index.txt'), '');
  await writeFile(join(dir, 'serial'), '01\n');
  await openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'key.pem',
    '-out',
    'own.csr',
    '-subj',
    '/CN=localhost',
  );
  const times = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z'];
  const signing = [
    '-selfsign',
    '-keyfile',
    'key.pem',
    '-in',
    'own.csr',
    '-out',
    'cert.pem',
    '-notext',
    '-batch',
  ];
  await openssl('ca', '-config', 'ca.cnf', ...signing, ...times);
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8');
  return { key: await read('key.pem'), cert: await read('cert.pem') };
}
