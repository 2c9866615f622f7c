import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  freePort,
  giveToServer,
  run,
  startServer,
  until,
  workDir,
  type Server,
  type TestScope,
} from './process.ts';

/** One call of the API; rejects on a status of 400 or more that is not in `allow`. */
export type Requester = (
  method: string,
  path: string,
  body?: unknown,
  allow?: readonly number[],
) => Promise<unknown>;

export function requester(url: string, credentials: string | null): Requester {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (credentials !== null) headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return async (method, path, body, allow = []) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok && !allow.includes(response.status))
      throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 2000)}`);
    return text === '' ? null : JSON.parse(text);
  };
}

export interface SearchNode {
  readonly url: string;
  readonly request: Requester;
  /** SIGKILL, then the same data again. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/**
 * A node of Elasticsearch or OpenSearch of an unpacked distribution, in a directory of its own. `prepare` may add
 * users and the like before it is started.
 */
export async function searchNode(
  t: TestScope,
  options: {
    readonly name: 'elasticsearch' | 'opensearch';
    /** Holds the distribution in `home`. */
    readonly distribution: string;
    readonly java: string;
    readonly settings: Readonly<Record<string, string | number>>;
    readonly credentials?: string;
    readonly prepare?: (home: string, env: NodeJS.ProcessEnv) => Promise<void>;
    readonly appendix?: Readonly<Record<string, string>>;
  },
): Promise<SearchNode> {
  const { name } = options;
  // Its user may not be able to enter the cache, so it gets a tree of its own, of links where that is possible.
  const dir = await workDir(name);
  const home = join(dir, 'home');
  const source = join(options.distribution, 'home');
  await run('cp', ['-al', source, home]).catch(async () => {
    await rm(home, { recursive: true, force: true });
    await run('cp', ['-a', source, home]);
  });
  await rm(join(home, 'config'), { recursive: true });
  await run('cp', ['-a', join(source, 'config'), join(home, 'config')]);
  await mkdir(join(dir, 'tmp'));
  await mkdir(join(home, 'logs'), { recursive: true });
  const [port, transportPort] = [await freePort(), await freePort()];
  const settings: Record<string, string | number> = {
    'cluster.name': 'weir-test',
    'node.name': 'n1',
    'discovery.type': 'single-node',
    'http.host': '127.0.0.1',
    'http.port': port,
    'transport.host': '127.0.0.1',
    'transport.port': transportPort,
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    'path.data': join(dir, 'data'),
    'path.logs': join(home, 'logs'),
    ...options.settings,
  };
  await appendFile(
    join(home, 'config', `${name}.yml`),
    Object.entries(settings)
      .map(([key, value]) => `\n${key}: ${value}`)
      .join('') + '\n',
  );
  for (const [file, text] of Object.entries(options.appendix ?? {}))
    await appendFile(join(home, 'config', file), text);
  const prefix = name === 'elasticsearch' ? 'ES' : 'OPENSEARCH';
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dir,
    [`${prefix}_TMPDIR`]: join(dir, 'tmp'),
    [`${prefix}_JAVA_HOME`]: options.java,
    [`${prefix}_JAVA_OPTS`]: '-Xms512m -Xmx512m -XX:-UsePerfData',
  };
  await run('find', [dir, '-type', 'd', '-exec', 'chmod', 'u+rwx,a+rx', '{}', '+']);
  await giveToServer(dir);
  await options.prepare?.(home, env);
  const url = `http://127.0.0.1:${port}`;
  const request = requester(url, options.credentials ?? null);
  const pidFile = join(dir, 'node.pid');
  const start = (): Promise<Server> =>
    startServer({
      name,
      command: join(home, 'bin', name),
      args: ['-p', pidFile],
      cwd: home,
      env,
      logFile: join(dir, 'console.log'),
      unprivileged: true,
      timeoutMs: 180_000,
      ready: () => request('GET', '/_cluster/health?wait_for_status=yellow&timeout=1s').then(() => true),
    });
  let server = await start();
  t.after(() => server.kill());
  return {
    url,
    request,
    async kill() {
      // The node is a child of the launcher, both in one group.
      process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGKILL');
      await server.kill();
    },
    async restart() {
      await server.kill();
      server = await start();
      await until('cluster health', () =>
        request('GET', '/_cluster/health?wait_for_status=yellow').then(() => true),
      );
    },
  };
}
