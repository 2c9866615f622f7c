import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { problemsOf } from '../../dashboards/kibana/validate.ts';
import { weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { authority } from '../services/certificates.ts';
import { read } from '../repo/tree.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}
type Answer = (path: string) => { readonly status: number; readonly body: object };

/** Answers as the API of Kibana does, and keeps what it was sent. */
async function fakeKibana(t: TestContext, answer: Answer): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, text: Buffer.concat(chunks).toString() });
      const { status, body } = answer(path);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`, received };
}

const well: Answer = (path) => {
  if (path.endsWith('/api/status')) return { status: 200, body: { version: { number: '8.19.2' } } };
  if (path.endsWith('/api/spaces/space')) return { status: 409, body: { message: 'conflict' } };
  if (path.includes('/saved_objects/'))
    return { status: 200, body: { success: true, successCount: 15, successResults: [] } };
  return {
    status: 200,
    body: {
      success: false,
      success_count: 4,
      errors: [{ rule_id: 'weir-rule-losses', error: { status_code: 409, message: 'already exists' } }],
    },
  };
};

function configured(t: TestContext, url: string, more: object = {}): string {
  const file = join(temporaryDirectory(t), 'weir.yaml');
  const es = { type: 'elasticsearch', nodes: ['http://127.0.0.1:9'] };
  writeFileSync(
    file,
    JSON.stringify({
      kibana: { url, auth: { username: 'elastic', password: 'a secret' } },
      sinks: { es, pay: { ...es, tenant: 'payments' } },
      ...more,
    }),
  );
  return file;
}

/** Lines of the file inside a form, as a reader of `multipart/form-data` finds them. */
async function fileOf({ headers, text }: Received): Promise<{ name: string; lines: string[] }> {
  const form = await new Response(text, {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
  const file = form.get('file') as File;
  return { name: file.name, lines: (await file.text()).split('\n').filter(Boolean) };
}

test('setup kibana puts dashboards and rules into the space of all and into that of each tenant', async (t) => {
  const { url, received } = await fakeKibana(t, well);
  const { code, out, err } = await weir(['setup', 'kibana', '--config', configured(t, url)]);
  assert.equal(code, 0, err);
  assert.deepEqual(
    received.map(({ path }) => path),
    [
      '/base/api/status',
      '/base/api/saved_objects/_import?overwrite=true',
      '/base/api/detection_engine/rules/_import?overwrite=false',
      '/base/api/spaces/space',
      '/base/s/weir-payments/api/saved_objects/_import?overwrite=true',
      '/base/s/weir-payments/api/detection_engine/rules/_import?overwrite=false',
    ],
  );
  assert.match(out, /^Kibana 8\.19\.2$/m);
  assert.match(out, /detection rules.*: 4 put, 1 were there and are left as they are$/m);
  assert.match(out, /space weir-payments: is there already/);
  for (const { headers } of received) {
    assert.ok(headers['kbn-xsrf']);
    assert.equal(headers.authorization, `Basic ${Buffer.from('elastic:a secret').toString('base64')}`);
  }
  const imported = await fileOf(received[1]!);
  assert.match(imported.name, /\.ndjson$/);
  assert.deepEqual(problemsOf(imported.lines), []);
  const ofTenant = await fileOf(received[4]!);
  assert.deepEqual(problemsOf(ofTenant.lines), []);
  assert.ok(!ofTenant.lines.join('').includes('logs-weir.*-*'), 'a tenant is shown its own indices');
});

test('setup kibana says what was refused, and ends with 5', async (t) => {
  const { url } = await fakeKibana(t, (path) =>
    path.includes('/saved_objects/')
      ? {
          status: 200,
          body: {
            success: false,
            successCount: 14,
            errors: [
              {
                type: 'dashboard',
                id: 'weir-overview',
                error: { type: 'unsupported_type', message: 'too new' },
              },
            ],
          },
        }
      : path.includes('/detection_engine/')
        ? { status: 404, body: { message: 'Not Found' } }
        : well(path),
  );
  const { code, out } = await weir(['setup', 'kibana', '--config', configured(t, url)]);
  assert.equal(code, 5);
  assert.match(out, /refused: dashboard weir-overview: too new/);
  assert.match(out, /refused: this Kibana has no detection engine/);
});

test('setup kibana that cannot begin says why, without the password', async (t) => {
  const cases: readonly (readonly [Answer, RegExp])[] = [
    [
      () => ({ status: 401, body: { message: 'unable to authenticate' } }),
      /answered 401: unable to authenticate/,
    ],
    [() => ({ status: 200, body: {} }), /does not answer as Kibana does/],
    [() => ({ status: 503, body: { version: { number: '8.19.2' } } }), /8\.19\.2 .* is not ready yet/],
  ];
  for (const [answer, expected] of cases) {
    const { url } = await fakeKibana(t, answer);
    const { code, err } = await weir(['setup', 'kibana', '--config', configured(t, url)]);
    assert.notEqual(code, 0);
    assert.match(err, expected);
    assert.doesNotMatch(err, /a secret|\n {4}at /);
  }
  const none = await weir(['setup', 'kibana', '--config', configured(t, 'http://127.0.0.1:9')]);
  assert.match(none.err, /Kibana at http:\/\/127\.0\.0\.1:9: .*ECONNREFUSED/);
  const without = await weir(['setup', 'kibana', '--config', configured(t, '', { kibana: null })]);
  assert.equal(without.code, 2);
  assert.match(without.err, /has no kibana section/);
});

test('setup kibana --out writes the files of the repository, and --dry-run says what would be sent', async (t) => {
  const directory = join(temporaryDirectory(t), 'new');
  const { code, err } = await weir(['setup', 'kibana', '--out', directory]);
  assert.equal(code, 0, err);
  assert.deepEqual(readdirSync(directory).sort(), ['default.ndjson', 'default.rules.ndjson']);
  for (const [file, path] of [
    ['default.ndjson', 'dashboards/kibana/weir.ndjson'],
    ['default.rules.ndjson', 'dashboards/kibana/rules.ndjson'],
  ] as const)
    assert.equal(readFileSync(join(directory, file), 'utf8'), read(path));

  const file = configured(t, 'https://kibana.example', {
    kibana: { url: 'https://kibana.example', auth: { apiKey: '${NOT_SET}' } },
  });
  const dry = await weir(['setup', 'kibana', '--config', file, '--dry-run', '--replace-rules']);
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /^POST \/api\/detection_engine\/rules\/_import\?overwrite=true$/m);
  assert.match(dry.out, /^ {2}dashboard +weir-overview +\[Weir\] Overview$/m);
});

test('setup kibana trusts the authority that it is given, and no other', async (t) => {
  const directory = temporaryDirectory(t);
  const own = await authority(join(directory, 'own'));
  const other = await authority(join(directory, 'other'));
  const { cert, key } = await own.sign('kibana', { commonName: 'localhost' });
  const server = createTlsServer(
    { cert: readFileSync(cert), key: readFileSync(key) },
    (request, response) => {
      request.resume();
      const { status, body } = well(request.url ?? '');
      response.writeHead(status).end(JSON.stringify(body));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = (tls: object): ReturnType<typeof weir> =>
    weir(['setup', 'kibana', '--config', configured(t, url, { kibana: { url, tls } })]);
  assert.equal((await run({ ca: `file:${own.ca}` })).code, 0);
  for (const tls of [{}, { ca: `file:${other.ca}` }]) {
    const { code, err } = await run(tls);
    assert.notEqual(code, 0);
    assert.match(err, /Kibana at https:.*certificate/);
  }
});

test('only weir setup needs the credentials of Kibana: a role runs without them', async (t) => {
  const { readConfig } = await import('../../cli/config/index.ts');
  const file = configured(t, '', { kibana: { url: 'https://k.example', auth: { apiKey: '${NOT_SET}' } } });
  assert.equal(readConfig(file, { env: {}, role: 'sinks' }).kibana?.url, 'https://k.example');
  assert.throws(() => readConfig(file, { env: {} }), /NOT_SET/);
});
