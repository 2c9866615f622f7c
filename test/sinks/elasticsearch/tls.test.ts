import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { testContext } from '../../helpers/context.ts';
import { temporaryDirectory } from '../../helpers/directory.ts';
import { authority } from '../../services/certificates.ts';

const never = new AbortController().signal;

test('elasticsearch: trusts the authority or fingerprint it was given and no other', async (t) => {
  const dir = temporaryDirectory(t);
  const own = await authority(join(dir, 'own'));
  const other = await authority(join(dir, 'other'));
  const server = await own.sign('server', { commonName: 'localhost' });
  const credentials: (string | undefined)[] = [];
  const pem = (path: string): string => readFileSync(path, 'utf8');
  const https = createServer(
    { key: pem(server.key), cert: pem(server.cert) + pem(own.ca) },
    (request, response) => {
      credentials.push(request.headers.authorization);
      response.writeHead(200, { 'x-elastic-product': 'Elasticsearch', 'content-type': 'application/json' });
      response.end('{"index_templates":[]}');
    },
  );
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    https.closeAllConnections();
    https.close();
  });
  const start = async (tls: object, auth?: object): Promise<void> => {
    const nodes = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
    const sink = create(schema.parse({ nodes, tls, auth }), testContext());
    try {
      await sink.start!(never);
    } finally {
      await sink.stop!(never);
    }
  };
  const refused = (error: unknown): boolean =>
    error instanceof WeirError && error.code === 'tls_invalid' && error.retryable;

  await start({ ca: `file:${own.ca}` }, { apiKey: 'abc' });
  await start({ ca: pem(own.ca) }, { username: 'u', password: 'p' });
  assert.deepEqual(credentials, ['ApiKey abc', `Basic ${Buffer.from('u:p').toString('base64')}`]);
  await start({ caFingerprint: new X509Certificate(pem(own.ca)).fingerprint256 });
  await assert.rejects(start({}), refused);
  await assert.rejects(start({ ca: `file:${other.ca}` }), refused);
  await assert.rejects(start({ caFingerprint: new X509Certificate(pem(other.ca)).fingerprint256 }), refused);
  await assert.rejects(start({ ca: `file:${join(dir, 'none.crt')}` }), /cannot read .*none\.crt/);
});
