import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { authority } from '../../services/certificates.ts';
import { workDir } from '../../services/process.ts';
import { anAlert, delivery } from './records.ts';
import { splitOctetCounted, parseRfc5424 } from './parse-rfc5424.ts';
import { idOf, isResent } from './receiver.ts';
import { flowBatches, never, retried, syslogSink, writeAll } from './sink.ts';

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

test('a client certificate and authority rotated on disk are used at the next connection, and nothing is lost', async (t) => {
  const dir = await workDir('certificates');
  const old = await authority(join(dir, 'old'));
  const next = await authority(join(dir, 'next'));
  const files = { ca: join(dir, 'ca.crt'), cert: join(dir, 'client.crt'), key: join(dir, 'client.key') };
  const put = async (
    from: typeof old,
    commonName: string,
  ): Promise<{ cert: Buffer; key: Buffer; ca: Buffer }> => {
    const client = await from.sign('client', { commonName });
    await copyFile(from.ca, files.ca);
    await copyFile(client.cert, files.cert);
    await copyFile(client.key, files.key);
    const server = await from.sign('server', { commonName: 'siem.test' });
    return {
      cert: await readFile(server.cert),
      key: await readFile(server.key),
      ca: await readFile(from.ca),
    };
  };
  const clients: string[] = [];
  const messages: ReturnType<typeof parseRfc5424>[] = [];
  const open = new Set<TLSSocket>();
  const onMessages: (() => void)[] = [];
  const server = tls.createServer(
    { ...(await put(old, 'weir.old')), requestCert: true, rejectUnauthorized: true },
    (socket) => {
      open.add(socket);
      clients.push(String(socket.getPeerCertificate().subject.CN));
      let rest = Buffer.alloc(0);
      socket.on('error', () => {}).on('close', () => open.delete(socket));
      socket.on('data', (chunk) => {
        const split = splitOctetCounted(Buffer.concat([rest, chunk]));
        rest = Buffer.from(split.rest);
        messages.push(...split.messages.map(parseRfc5424));
        for (const told of onMessages) told();
      });
    },
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  const sink = syslogSink(t, {
    to: `tls://localhost:${(server.address() as AddressInfo).port}`,
    confirmMs: 300,
    tls: { ca: `file:${files.ca}`, cert: `file:${files.cert}`, key: `file:${files.key}` },
  });
  const batches = flowBatches('rotated', 10, 50);
  await sink.write(batches[0]!, never);
  server.setSecureContext(await put(next, 'weir.next'));
  const some = new Promise<void>((resolve) => {
    onMessages.push(() => {
      if (messages.length >= 100) resolve();
    });
  });
  // The connection that is there goes on with the old ones, until it breaks under the next messages.
  const rest = writeAll(retried(sink), batches.slice(1));
  await some;
  for (const socket of open) socket.destroy();
  await rest;
  assert.deepEqual([clients[0], clients.at(-1)], ['weir.old', 'weir.next']);
  assert.equal(new Set(messages.map(idOf)).size, 500);
  const met = new Set<string>();
  for (const message of messages) {
    if (met.has(idOf(message))) assert.ok(isResent(message));
    met.add(idOf(message));
  }
});
