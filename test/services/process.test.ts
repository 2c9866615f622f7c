import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cached, isAlive, run, skipOrFail, startServer, until, workDir } from './process.ts';

test('services: a server dies with the process that started it, even by SIGKILL', async () => {
  const dir = await workDir('process');
  const module = new URL('./process.js', import.meta.url).href;
  const program = `
    const { startServer } = await import(${JSON.stringify(module)});
    const server = await startServer({
      name: 'sleeper', command: '/bin/sh', args: ['-c', 'sleep 600 & sleep 600'],
      logFile: ${JSON.stringify(join(dir, 'log'))}, ready: () => Promise.resolve(true),
    });
    process.stdout.write(String(server.pid));
    setInterval(() => {}, 1000);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
  const server = Number(pid.toString());
  assert.ok(isAlive(server));
  parent.kill('SIGKILL');
  await until('the end of the server', () => !isAlive(server), { timeoutMs: 10_000 });
});

test('services: a server that does not come up is reported with what it wrote, and is gone', async () => {
  const dir = await workDir('process');
  const start = startServer({
    name: 'broken',
    command: '/bin/sh',
    args: ['-c', 'echo the reason; exit 3'],
    logFile: join(dir, 'log'),
    ready: () => Promise.resolve(false),
  });
  await assert.rejects(start, /broken did not start:[^]*the reason/);
  await assert.rejects(run('/bin/sh', ['-c', 'echo why; exit 4']), /ended with 4:\nwhy/);
});

test('services: what is cached is made once and whole', async (t) => {
  const dir = await workDir('cache');
  const before = process.env['WEIR_TEST_CACHE'];
  process.env['WEIR_TEST_CACHE'] = dir;
  t.after(() => {
    if (before === undefined) delete process.env['WEIR_TEST_CACHE'];
    else process.env['WEIR_TEST_CACHE'] = before;
  });
  let builds = 0;
  await assert.rejects(
    cached('thing', () => Promise.reject(new Error('no network'))),
    /no network/,
  );
  assert.deepEqual(readdirSync(dir), []);
  const build = async (into: string): Promise<void> => {
    builds++;
    await run('touch', [join(into, 'part')]);
  };
  const paths = await Promise.all([cached('thing', build), cached('thing', build)]);
  assert.equal(builds, 1);
  for (const path of paths) assert.ok(existsSync(join(path, 'part')));
  assert.deepEqual(readdirSync(dir), ['thing']);
});

test('services: in CI a skip is a failure', (t) => {
  const before = process.env['CI'];
  t.after(() => {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  });
  const reasons: (string | undefined)[] = [];
  const scope = { skip: (reason?: string) => void reasons.push(reason) };
  delete process.env['CI'];
  assert.equal(skipOrFail(scope, 'no server'), null);
  assert.deepEqual(reasons, ['no server']);
  process.env['CI'] = 'true';
  assert.throws(() => skipOrFail(scope, 'no server'), /no server/);
});
