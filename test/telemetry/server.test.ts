import assert from 'node:assert/strict';
import { request } from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../pipeline/clock.ts';
import { parseListen } from '../../telemetry/listen.ts';
import { createMeter } from '../../telemetry/meter.ts';
import { telemetryServer } from '../../telemetry/server.ts';

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

async function started(t: TestContext) {
  const meter = createMeter();
  const server = telemetryServer({
    listen: '127.0.0.1:0',
    metrics: meter,
    clock: systemClock,
    checkTimeoutMs: 50,
  });
  await server.start();
  t.after(() => server.stop());
  const { port } = server.address();
  const get = (path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, type: response.headers['content-type'] ?? '' }),
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  return { meter, server, port, get };
}

test('/metrics, /healthz and nothing else', async (t) => {
  const { meter, get } = await started(t);
  meter.counter('things_total', 'x').add(2);
  const metrics = await get('/metrics');
  assert.equal(metrics.status, 200);
  assert.match(metrics.type, /^text\/plain/);
  assert.match(metrics.body, /^weir_things_total 2$/m);
  assert.equal((await get('/healthz?x=1')).status, 200);
  assert.equal((await get('/')).status, 404);
  assert.equal((await get('/metrics/../etc')).status, 404);
  assert.equal((await get('/metrics', 'POST')).status, 405);
  assert.equal((await get('/metrics', 'DELETE')).status, 405);
  assert.deepEqual((await get('/healthz', 'HEAD')).body, '');
  assert.equal((await get('/healthz', 'GET', { 'x-long': 'y'.repeat(20_000) })).status, 431);
});

test('/readyz names each check and why it fails', async (t) => {
  const { server, get } = await started(t);
  assert.equal((await get('/readyz')).status, 200);
  let up = false;
  server.ready('kafka', () => {
    if (!up) throw new Error('no broker\nanswers');
  });
  const remove = server.ready('slow', () => new Promise(() => {}));
  const failing = await get('/readyz');
  assert.equal(failing.status, 503);
  assert.equal(failing.body, 'kafka: no broker answers\nslow: no answer within 50 ms\n');
  up = true;
  remove();
  assert.deepEqual([(await get('/readyz')).status, (await get('/readyz')).body], [200, 'kafka: ok\n']);
});

test('/healthz fails once something only a restart mends has happened', async (t) => {
  const { server, get } = await started(t);
  server.unhealthy('lane 3 stands still');
  assert.deepEqual(
    [(await get('/healthz')).status, (await get('/healthz')).body],
    [503, 'lane 3 stands still\n'],
  );
});

test('an address in use is named; stop is idempotent', async (t) => {
  const { server, port } = await started(t);
  const other = telemetryServer({ listen: `127.0.0.1:${port}`, metrics: createMeter(), clock: systemClock });
  await assert.rejects(other.start(), {
    code: 'config_invalid',
    message: new RegExp(`cannot listen on 127.0.0.1:${port}`),
  });
  await other.stop();
  await server.stop();
  await server.stop();
  await new Promise<void>((resolve) => {
    net.connect(port, '127.0.0.1').once('error', () => resolve());
  });
});

test('listen addresses', () => {
  assert.deepEqual(parseListen(':9464'), { host: undefined, port: 9464 });
  assert.deepEqual(parseListen('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseListen('[::1]:80'), { host: '::1', port: 80 });
  assert.deepEqual(parseListen('localhost:80'), { host: 'localhost', port: 80 });
  for (const bad of ['9464', ':70000', '::1:80', 'http://a:80', '[1.2.3.4]:80', ':', '']) {
    assert.throws(() => parseListen(bad), { code: 'config_invalid' }, bad);
  }
});
