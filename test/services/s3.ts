/** An S3 API: moto's server, from its Python packages. It keeps objects in memory and checks no credentials. */
import { join } from 'node:path';
import { cached, freePort, run, skipOrFail, startServer, workDir } from './process.ts';
import type { Server, TestScope } from './process.ts';

const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'];

export interface S3 {
  readonly url: string;
  /** SIGKILL; buckets and objects are gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A server for one test file; null when the test was skipped. `WEIR_TEST_S3` may name the address of another. */
export async function s3(t: TestScope): Promise<S3 | null> {
  const address = process.env['WEIR_TEST_S3'];
  if (address !== undefined) return { url: address, kill: async () => {}, restart: async () => {} };
  let packages: string;
  try {
    const version = (await run('python3', ['--version'])).trim().replace(/[^\w.]+/g, '-');
    packages = await cached(`moto-5.2.5-${version}`, (dir) =>
      run(
        'python3',
        ['-m', 'pip', 'install', '--quiet', '--no-warn-conflicts', '--target', dir, ...PACKAGES],
        {
          timeoutMs: 600_000,
        },
      ).then(() => {}),
    );
  } catch (error) {
    return skipOrFail(t, `moto needs python3 with pip: ${String(error).slice(0, 300)}`);
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(await workDir('moto'), 'moto.log');
  const start = (): Promise<Server> =>
    startServer({
      name: 'moto',
      command: 'python3',
      args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
      env: { ...process.env, PYTHONPATH: packages },
      logFile,
      ready: async () => (await fetch(`${url}/moto-api/`)).ok,
      timeoutMs: 60_000,
    });
  let server = await start();
  t.after(() => server.kill());
  return {
    url,
    kill: () => server.kill(),
    restart: async () => {
      server = await start();
    },
  };
}
