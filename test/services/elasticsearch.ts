/**
 * A real Elasticsearch. See README.md of this folder for what the distribution from Maven Central lacks.
 */
import { join } from 'node:path';
import { javaHome, javaSince, missingFor, unpack, type Artifact } from './java.ts';
import { cached, mayHaveDocker, run, skipOrFail, type TestScope } from './process.ts';
import { requester, searchNode, type Requester } from './search-node.ts';

/** The default, and a later major; the latter wants Java 21. */
const VERSIONS = { 8: '8.19.21', 9: '9.5.3' } as const;

export interface ElasticsearchOptions {
  /** Additional settings, such as `{ 'thread_pool.write.queue_size': 1 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** With security: user `elastic` and user `writer` with the least rights a sink needs, both with this password. */
  readonly password?: string;
  /** Major version, 8 by default; another is always one from packages. */
  readonly major?: keyof typeof VERSIONS;
}

export interface Elasticsearch {
  readonly url: string;
  readonly version: string;
  /** True where every module is there: ILM, all field types, the failure store. */
  readonly isFull: boolean;
  readonly request: Requester;
  /** A setup request as this server can take it: unchanged on a full one. */
  readonly adapt: <T>(body: T) => T;
  /** SIGKILL, then the same data again; only for servers started here. */
  readonly kill: (() => Promise<void>) | null;
  readonly restart: (() => Promise<void>) | null;
}

/** A server for one test file; null when the test was skipped, or says what it does not try. */
export async function elasticsearch(
  t: TestScope,
  options: ElasticsearchOptions = {},
): Promise<Elasticsearch | null> {
  const major = options.major ?? 8;
  const plain = options.settings === undefined && options.password === undefined && major === 8;
  const address = process.env['WEIR_TEST_ELASTICSEARCH'];
  if (address !== undefined && plain) return given(address);
  if (plain && mayHaveDocker()) {
    const server = await fromContainer(t);
    if (server) return server;
  }
  const version = VERSIONS[major];
  const artifact: Artifact = {
    group: 'org.elasticsearch.distribution.integ-test-zip',
    name: 'elasticsearch',
    version,
  };
  const missing = await missingFor(artifact, 'Elasticsearch');
  if (missing !== null) return skipOrFail(t, missing);
  const java = major === 8 ? javaHome() : await javaSince(21);
  if (java === null) {
    // An addition to what the default version proves: not a failure where that Java is not installed.
    console.log(`NOT TRIED: Elasticsearch ${version} needs Java 21 or newer, which is not installed`);
    return null;
  }
  let distribution: string;
  try {
    distribution = await cached(`elasticsearch-${version}`, (dir) => unpack(artifact, dir));
  } catch (error) {
    return skipOrFail(t, `Elasticsearch cannot be downloaded: ${String(error).slice(0, 300)}`);
  }
  return fromPackage(t, { distribution, version, java }, options);
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
    const container = await new GenericContainer(
      `docker.elastic.co/elasticsearch/elasticsearch:${VERSIONS[8]}`,
    )
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

async function fromPackage(
  t: TestScope,
  { distribution, version, java }: { distribution: string; version: string; java: string },
  { settings, password }: ElasticsearchOptions,
): Promise<Elasticsearch> {
  const node = await searchNode(t, {
    name: 'elasticsearch',
    distribution,
    java,
    settings: { 'xpack.security.enabled': String(password !== undefined), ...settings },
    ...(password === undefined
      ? {}
      : {
          credentials: `elastic:${password}`,
          appendix: { 'roles.yml': WRITER_ROLE },
          prepare: (home: string, env: NodeJS.ProcessEnv) => addUsers(home, env, password),
        }),
  });
  return { ...node, version, isFull: false, adapt: adaptTemplate };
}

async function addUsers(home: string, env: NodeJS.ProcessEnv, password: string): Promise<void> {
  const tool = (name: string, args: readonly string[], input?: string): Promise<string> =>
    run(join(home, 'bin', name), args, {
      env,
      cwd: home,
      unprivileged: true,
      ...(input === undefined ? {} : { input }),
    });
  await tool('elasticsearch-keystore', ['create']);
  await tool('elasticsearch-keystore', ['add', '-x', 'bootstrap.password'], password);
  await tool('elasticsearch-users', ['useradd', 'writer', '-p', password, '-r', 'weir_writer']);
}

/** What a sink's API key needs and no more. */
const WRITER_ROLE = `
weir_writer:
  cluster: [monitor]
  indices:
    - names: ['logs-weir.*-*']
      privileges: [create_doc, auto_configure]
    - names: ['weir-alerts', 'weir-incidents']
      privileges: [index, auto_configure, read, delete]
`;

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
