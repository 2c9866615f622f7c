/**
 * A real Elasticsearch. See README.md of this folder for what the distribution from Maven Central lacks.
 */
import { existsSync, realpathSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  cached,
  freePort,
  giveToServer,
  mayHaveDocker,
  run,
  skipOrFail,
  startServer,
  until,
  workDir,
  type Server,
  type TestScope,
} from './process.ts';

const VERSION = '8.19.21';
const ARTIFACT = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`;

export interface ElasticsearchOptions {
  /** Additional settings, such as `{ 'thread_pool.write.queue_size': 1 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** With security: user `elastic` and user `writer` with the least rights a sink needs, both with this password. */
  readonly password?: string;
}

export interface Elasticsearch {
  readonly url: string;
  readonly version: string;
  /** True where every module is there: ILM, all field types, the failure store. */
  readonly isFull: boolean;
  /** One call of its API; rejects on a status of 400 or more that is not in `allow`. */
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    allow?: readonly number[],
  ) => Promise<unknown>;
  /** A setup request as this server can take it: unchanged on a full one. */
  readonly adapt: <T>(body: T) => T;
  /** SIGKILL, then the same data again; only for servers started here. */
  readonly kill: (() => Promise<void>) | null;
  readonly restart: (() => Promise<void>) | null;
}

/** A server for one test file; null when the test was skipped. */
export async function elasticsearch(
  t: TestScope,
  options: ElasticsearchOptions = {},
): Promise<Elasticsearch | null> {
  const plain = options.settings === undefined && options.password === undefined;
  const address = process.env['WEIR_TEST_ELASTICSEARCH'];
  if (address !== undefined && plain) return given(address);
  if (plain && mayHaveDocker()) {
    const server = await fromContainer(t);
    if (server) return server;
  }
  const missing = await whatIsMissing();
  if (missing !== null) return skipOrFail(t, missing);
  let home: string;
  try {
    home = await cached(`elasticsearch-${VERSION}`, download);
  } catch (error) {
    return skipOrFail(t, `Elasticsearch cannot be downloaded: ${String(error).slice(0, 300)}`);
  }
  return fromPackage(t, home, options);
}

async function given(url: string): Promise<Elasticsearch> {
  const request = requester(url, null);
  const root = (await request('GET', '/')) as { version: { number: string } };
  return {
    url,
    version: root.version.number,
    isFull: true,
    request,
    adapt: (body) => body,
    kill: null,
    restart: null,
  };
}

async function fromContainer(t: TestScope): Promise<Elasticsearch | null> {
  try {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer(`docker.elastic.co/elasticsearch/elasticsearch:${VERSION}`)
      .withEnvironment({
        'discovery.type': 'single-node',
        'xpack.security.enabled': 'false',
        ES_JAVA_OPTS: '-Xms512m -Xmx512m',
      })
      .withExposedPorts(9200)
      .withWaitStrategy(Wait.forHttp('/_cluster/health?wait_for_status=yellow', 9200))
      .withStartupTimeout(180_000)
      .start();
    t.after(async () => {
      await container.stop();
    });
    return await given(`http://${container.getHost()}:${container.getMappedPort(9200)}`);
  } catch {
    // No daemon answered, or it cannot reach the registry: the packages are next.
    return null;
  }
}

async function whatIsMissing(): Promise<string | null> {
  if (javaHome() === null) return 'Elasticsearch needs Java 17 or newer, and `java` is not in the PATH';
  if (existsSync(zipPath())) return null;
  return run('mvn', ['-v']).then(
    () => null,
    () => 'Elasticsearch is fetched from Maven Central, and `mvn` is not in the PATH',
  );
}

const repository = (): string => process.env['MAVEN_REPO_LOCAL'] ?? join(homedir(), '.m2', 'repository');
const zipPath = (): string =>
  join(
    repository(),
    'org/elasticsearch/distribution/integ-test-zip/elasticsearch',
    VERSION,
    `elasticsearch-${VERSION}.zip`,
  );

async function download(dir: string): Promise<void> {
  if (!existsSync(zipPath()))
    await run('mvn', ['-q', '-B', 'dependency:get', `-Dartifact=${ARTIFACT}`, '-Dtransitive=false']);
  // The JDK unpacks zips too, where there is no `unzip`, but forgets which files may be run.
  await run('unzip', ['-q', zipPath(), '-d', dir]).catch(() => run('jar', ['xf', zipPath()], { cwd: dir }));
  const inner = join(dir, `elasticsearch-${VERSION}`);
  await rename(inner, join(dir, 'home'));
  await run('chmod', ['-R', 'a+rX', join(dir, 'home')]);
  await run('sh', ['-c', `chmod a+x '${join(dir, 'home', 'bin')}'/*`]);
}

function javaHome(): string | null {
  for (const name of ['ES_JAVA_HOME', 'JAVA_HOME']) {
    const home = process.env[name];
    if (home !== undefined && existsSync(join(home, 'bin', 'java'))) return home;
  }
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const java = join(folder, 'java');
    if (existsSync(java)) return dirname(dirname(realpathSync(java)));
  }
  return null;
}

async function fromPackage(
  t: TestScope,
  cache: string,
  options: ElasticsearchOptions,
): Promise<Elasticsearch> {
  // Its user may not be able to enter the cache, so it gets a tree of its own, of links where that is possible.
  const dir = await workDir('elasticsearch');
  const home = join(dir, 'home');
  await run('cp', ['-al', join(cache, 'home'), home]).catch(async () => {
    await rm(home, { recursive: true, force: true });
    await run('cp', ['-a', join(cache, 'home'), home]);
  });
  await rm(join(home, 'config'), { recursive: true });
  await run('cp', ['-a', join(cache, 'home', 'config'), join(home, 'config')]);
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
    'xpack.security.enabled': String(options.password !== undefined),
    'cluster.routing.allocation.disk.threshold_enabled': 'false',
    'path.data': join(dir, 'data'),
    'path.logs': join(home, 'logs'),
    ...options.settings,
  };
  await appendFile(
    join(home, 'config', 'elasticsearch.yml'),
    Object.entries(settings)
      .map(([key, value]) => `\n${key}: ${value}`)
      .join('') + '\n',
  );
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dir,
    ES_TMPDIR: join(dir, 'tmp'),
    ES_JAVA_HOME: javaHome()!,
    ES_JAVA_OPTS: '-Xms512m -Xmx512m -XX:-UsePerfData',
  };
  if (options.password !== undefined) await appendFile(join(home, 'config', 'roles.yml'), WRITER_ROLE);
  await run('find', [dir, '-type', 'd', '-exec', 'chmod', 'u+rwx,a+rx', '{}', '+']);
  await giveToServer(dir);
  if (options.password !== undefined) {
    const tool = (name: string, args: readonly string[], input?: string): Promise<string> =>
      run(join(home, 'bin', name), args, {
        env,
        cwd: home,
        unprivileged: true,
        ...(input === undefined ? {} : { input }),
      });
    await tool('elasticsearch-keystore', ['create']);
    await tool('elasticsearch-keystore', ['add', '-x', 'bootstrap.password'], options.password);
    await tool('elasticsearch-users', ['useradd', 'writer', '-p', options.password, '-r', 'weir_writer']);
  }
  const url = `http://127.0.0.1:${port}`;
  const request = requester(url, options.password === undefined ? null : `elastic:${options.password}`);
  const logFile = join(dir, 'console.log');
  const pidFile = join(dir, 'node.pid');
  const start = (): Promise<Server> =>
    startServer({
      name: 'Elasticsearch',
      command: join(home, 'bin', 'elasticsearch'),
      args: ['-p', pidFile],
      cwd: home,
      env,
      logFile,
      unprivileged: true,
      timeoutMs: 180_000,
      ready: () => request('GET', '/_cluster/health?wait_for_status=yellow&timeout=1s').then(() => true),
    });
  let server = await start();
  t.after(() => server.kill());
  return {
    url,
    version: VERSION,
    isFull: false,
    request,
    adapt: adaptTemplate,
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

/** What a sink's API key needs and no more. */
const WRITER_ROLE = `
weir_writer:
  cluster: [monitor]
  indices:
    - names: ['logs-weir.*-*']
      privileges: [create_doc, auto_configure]
    - names: ['weir-alerts', 'weir-incidents']
      privileges: [index, auto_configure]
`;

function requester(url: string, credentials: string | null): Elasticsearch['request'] {
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

/** Field types the package lacks, and what stands in for them. */
const STAND_INS: Readonly<Record<string, string>> = {
  constant_keyword: 'keyword',
  match_only_text: 'text',
  wildcard: 'keyword',
};

/** Field types the package has; anything else in a template has to be added here or above. */
const KNOWN = ['keyword', 'date', 'long', 'float', 'ip', 'boolean', 'flattened', 'text', 'object'];

/** A template with the stand-ins in place; throws on a field type this list does not know. */
export function adaptTemplate<T>(body: T): T {
  return replaced(body, false) as T;
}

function replaced(value: unknown, isProperties: boolean): unknown {
  if (Array.isArray(value)) return value.map((one) => replaced(one, false));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) out[key] = replaced(inner, key === 'properties');
  if (isProperties || typeof out['type'] !== 'string') return out;
  const standIn = STAND_INS[out['type']];
  if (standIn !== undefined) {
    delete out['value'];
    out['type'] = standIn;
  } else if (!KNOWN.includes(out['type'])) {
    throw new Error(`field type ${out['type']} is not known to adaptTemplate`);
  }
  return out;
}
