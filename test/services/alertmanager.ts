/** A real Alertmanager, built by Go from its module and kept in the cache. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, freePort, run, skipOrFail, startServer, workDir } from './process.ts';
import type { Server, TestScope } from './process.ts';

const VERSION = 'v0.28.1';
const MODULE = `github.com/prometheus/alertmanager/cmd/alertmanager@${VERSION}`;

export interface Alertmanager {
  readonly url: string;
  /** SIGKILL; what it knew is forgotten. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/**
 * One that notifies `webhook` at once, one group for each alert; null when the test was skipped. `WEIR_TEST_ALERTMANAGER` may
 * name the program.
 */
export async function alertmanager(t: TestScope, webhook: string): Promise<Alertmanager | null> {
  let command = process.env['WEIR_TEST_ALERTMANAGER'];
  if (command === undefined) {
    try {
      command = join(await cached(`alertmanager-${VERSION}`, build), 'alertmanager');
    } catch (error) {
      return skipOrFail(t, `Alertmanager cannot be built with Go: ${String(error).slice(0, 300)}`);
    }
  }
  const program = command;
  const dir = await workDir('alertmanager');
  await writeFile(
    join(dir, 'alertmanager.yml'),
    `route:
  receiver: test
  group_by: ['...']
  group_wait: 10ms
  group_interval: 200ms
  repeat_interval: 1h
receivers:
  - name: test
    webhook_configs: [{ url: '${webhook}', send_resolved: true }]
`,
  );
  const url = `http://127.0.0.1:${await freePort()}`;
  const start = (): Promise<Server> =>
    startServer({
      name: 'Alertmanager',
      command: program,
      args: [
        `--config.file=${join(dir, 'alertmanager.yml')}`,
        `--storage.path=${join(dir, 'data')}`,
        `--web.listen-address=${url.slice('http://'.length)}`,
        '--cluster.listen-address=',
      ],
      logFile: join(dir, 'alertmanager.log'),
      ready: async () => (await fetch(`${url}/-/ready`)).ok,
      timeoutMs: 30_000,
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

async function build(dir: string): Promise<void> {
  const go = ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find((path) => existsSync(path)) ?? 'go';
  await run(go, ['install', MODULE], { env: { ...process.env, GOBIN: dir }, timeoutMs: 900_000 });
}
