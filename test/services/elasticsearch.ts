/**
 * A real Elasticsearch. See README.md of this folder for what the distribution from Maven Central lacks.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { javaHome, type Artifact } from './java.ts';
import { run, type TestScope } from './process.ts';
import { searchNode, type Requester } from './search-node.ts';
import { distributionOf, findServer, type Packaged } from './search-server.ts';

/** The default, and a later major; the latter wants Java 21. */
const VERSIONS = { 8: '8.19.21', 9: '9.5.3' } as const;

export interface ElasticsearchOptions {
  /** Additional settings, such as `{ 'thread_pool.write.queue_size': 1 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** With security: user `elastic` and user `writer` with the least rights a sink needs, both with this password. */
  readonly password?: string;
  /** Major version, 8 by default; another is always one from packages. */
  readonly major?: keyof typeof VERSIONS;
  /** What the test wants that only a full server has, in words. */
  readonly onlyFullFor?: string;
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
  const isPlain = options.settings === undefined && options.password === undefined && major === 8;
  const found = await findServer(t, {
    product: 'Elasticsearch',
    artifact: artifactOf(major),
    isAddition: major !== 8,
    onlyWholeFor: options.onlyFullFor,
    whole: isPlain
      ? {
          address: process.env['WEIR_TEST_ELASTICSEARCH'],
          image: `docker.elastic.co/elasticsearch/elasticsearch:${VERSIONS[8]}`,
          environment: { 'xpack.security.enabled': 'false', ES_JAVA_OPTS: '-Xms512m -Xmx512m' },
        }
      : null,
  });
  if (found === null) return null;
  if ('url' in found) return { ...found, isFull: true, adapt: (body) => body };
  return fromPackage(t, found, options);
}

const artifactOf = (major: keyof typeof VERSIONS): Artifact => ({
  group: 'org.elasticsearch.distribution.integ-test-zip',
  name: 'elasticsearch',
  version: VERSIONS[major],
});

/**
 * The steps that the server's own code makes of lifecycle policies, as `phase/action/step`, by their names. It takes
 * them as its API does, and rejects with what that would answer: the package has the code, but nothing that runs it.
 */
export async function lifecycleSteps(
  t: Pick<TestScope, 'skip'>,
  policies: Readonly<Record<string, object>>,
): Promise<ReadonlyMap<string, readonly string[]> | null> {
  const distribution = await distributionOf(t, 'Elasticsearch', artifactOf(8));
  if (distribution === null) return null;
  const home = join(distribution, 'home');
  const output = await run(
    join(javaHome()!, 'bin', 'java'),
    ['-cp', `${home}/lib/*:${home}/modules/x-pack-core/*`, join(sources(), 'PolicyCheck.java')],
    { input: JSON.stringify(policies) },
  );
  return new Map(
    output
      .split('\n')
      .filter((line) => line.includes(': '))
      .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2).split(' ')]),
  );
}

/** This folder among the sources, also when it runs from the build. */
function sources(): string {
  let root = import.meta.dirname;
  while (!existsSync(join(root, 'package.json'))) root = dirname(root);
  return join(root, 'test', 'services');
}

async function fromPackage(
  t: TestScope,
  { distribution, version, java }: Packaged,
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
