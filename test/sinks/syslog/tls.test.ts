import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { authority } from '../../services/certificates.ts';
import { workDir } from '../../services/process.ts';
import { anAlert, delivery } from './records.ts';
import { never, syslogSink } from './sink.ts';

test('an expired certificate of the receiver is named with its expiry, and nothing is sent to it', async (t) => {
  const dir = await workDir('certificates');
  const ca = await authority(dir);
  const { cert, key } = await ca.sign('expired', { commonName: 'siem.old', days: -1 });
  let bytes = 0;
  const server = tls.createServer({ cert: await readFile(cert), key: await readFile(key) }, (socket) => {
    socket.on('data', (chunk) => (bytes += chunk.length));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const to = `tls://localhost:${(server.address() as AddressInfo).port}`;
  const sink = syslogSink(t, { to, tls: { ca: `file:${ca.ca}` } });
  const expected = { code: 'tls_invalid', message: /'CN=siem\.old'.*valid to .*GMT.*it has expired/ };
  await assert.rejects(sink.start!(never), expected);
  await assert.rejects(sink.write([delivery('alert', anAlert('a'))], never), expected);
  assert.equal(bytes, 0);
});

test('TLS older than 1.2 is refused', async (t) => {
  const dir = await workDir('certificates');
  const ca = await authority(dir);
  const { cert, key } = await ca.sign('server', { commonName: 'siem.legacy' });
  const server = tls.createServer({
    cert: await readFile(cert),
    key: await readFile(key),
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  const sink = syslogSink(t, {
    to: `tls://localhost:${(server.address() as AddressInfo).port}`,
    tls: { ca: `file:${ca.ca}` },
  });
  await assert.rejects(sink.start!(never), { code: 'tls_invalid', message: /TLS failed/ });
});

test('a target given as an address needs that address in the certificate', async (t) => {
  const dir = await workDir('certificates');
  const ca = await authority(dir);
  for (const [names, good] of [
    [['IP:127.0.0.1'], true],
    [['DNS:localhost'], false],
  ] as const) {
    const { cert, key } = await ca.sign(`server-${good}`, { commonName: '127.0.0.1', names });
    const server = tls.createServer({ cert: await readFile(cert), key: await readFile(key) }, (socket) => {
      socket.on('error', () => {}).resume();
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    const sink = syslogSink(t, {
      to: `tls://127.0.0.1:${(server.address() as AddressInfo).port}`,
      tls: { ca: `file:${ca.ca}` },
    });
    if (good) await sink.start!(never);
    else await assert.rejects(sink.start!(never), { code: 'tls_invalid', message: /it is for another name/ });
    await sink.stop!(never);
  }
});
