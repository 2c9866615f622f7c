import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../../pipeline/errors.ts';
import { httpClient } from '../../../sinks/http/client.ts';
import { isUnsent } from '../../../sinks/http/errors.ts';
import { silent } from '../../helpers/context.ts';
import { temporaryDirectory } from '../../helpers/directory.ts';
import { authority } from '../../services/certificates.ts';
import { freePort } from '../../services/process.ts';
import { receiver } from './receiver.ts';

const never = new AbortController().signal;
const log = { sink: 'test', logger: silent };
const get = (url: string) => ({ method: 'GET', url, headers: {} }) as const;
const pem = (path: string): string => readFileSync(path, 'utf8');

test('http: the authority it was given, a client certificate, and a renewed one at the next connection', async (t) => {
  const dir = temporaryDirectory(t);
  const own = await authority(join(dir, 'own'));
  const other = await authority(join(dir, 'other'));
  const server = await own.sign('server', { commonName: 'localhost' });
  const client = await own.sign('client', { commonName: 'weir' });
  const stranger = await other.sign('stranger', { commonName: 'weir' });
  const far = await receiver(t, () => ({ status: 200, headers: { connection: 'close' } }), {
    key: pem(server.key),
    cert: pem(server.cert),
    ca: pem(own.ca),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const files = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') };
  const use = (certificate: { cert: string; key: string }): void => {
    copyFileSync(certificate.cert, files.cert);
    copyFileSync(certificate.key, files.key);
  };
  const opened = (ca: string) => {
    const made = httpClient(
      { tls: { ca: `file:${ca}`, cert: `file:${files.cert}`, key: `file:${files.key}` }, timeoutMs: 5000 },
      log,
    );
    t.after(() => made.close());
    return made;
  };
  use(client);
  const trusting = opened(own.ca);
  assert.equal((await trusting.send(get(far.url), never)).status, 200);
  use(stranger);
  await assert.rejects(trusting.send(get(far.url), never));
  use(client);
  assert.equal((await trusting.send(get(far.url), never)).status, 200);
  await assert.rejects(
    opened(other.ca).send(get(far.url), never),
    (error: unknown) => error instanceof WeirError && error.code === 'tls_invalid' && isUnsent(error),
  );
});

test('http: through a proxy', async (t) => {
  const far = await receiver(t, () => ({ status: 204 }));
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket, head) => {
    asked.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const client = httpClient(
    { tls: {}, proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, timeoutMs: 5000 },
    log,
  );
  t.after(() => client.close());
  assert.equal((await client.send(get(far.url), never)).status, 204);
  assert.deepEqual(asked, [new URL(far.url).host]);
});

test('http: an error names the host and no more, and says whether the request can have arrived', async (t) => {
  const client = httpClient({ tls: {}, timeoutMs: 5000 }, log);
  t.after(() => client.close());
  const closed = `http://127.0.0.1:${await freePort()}`;
  const hangsUp = await receiver(t, () => 'hang up');
  for (const [url, unsent] of [
    [closed, true],
    [hangsUp.url, false],
  ] as const)
    await assert.rejects(client.send(get(`${url}/token-in-path?key=secret`), never), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, 'sink_unavailable');
      assert.ok(error.message.startsWith(`${url}: `) && !/token|secret/.test(error.message), error.message);
      assert.equal(isUnsent(error), unsent);
      return true;
    });
});

test('http: no redirection is followed, and no more than the beginning of an answer is kept', async (t) => {
  const far = await receiver(t, ({ url }) =>
    url === '/'
      ? { status: 302, headers: { location: '/elsewhere' } }
      : { status: 200, body: 'x'.repeat(1_000_000) },
  );
  const client = httpClient({ tls: {}, timeoutMs: 5000 }, log);
  t.after(() => client.close());
  assert.equal((await client.send(get(far.url), never)).status, 302);
  assert.equal(far.requests.length, 1);
  assert.equal((await client.send(get(`${far.url}/long`), never)).text.length, 65_536);
});
