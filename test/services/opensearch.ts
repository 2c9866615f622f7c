/**
 * A real OpenSearch. See README.md of this folder for what the distribution from Maven Central lacks.
 */
import { javaHome, javaSince, missingFor, unpack, type Artifact } from './java.ts';
import { cached, mayHaveDocker, skipOrFail, type TestScope } from './process.ts';
import { requester, searchNode, type Requester } from './search-node.ts';

/** The default runs with Java 17, the later major with 21 or newer. */
const VERSIONS = { 2: '2.19.6', 3: '3.6.0' } as const;

export interface OpenSearchOptions {
  /** Additional settings. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Major version, 2 by default; another is always one from packages. */
  readonly major?: keyof typeof VERSIONS;
}

export interface OpenSearch {
  readonly url: string;
  readonly version: string;
  readonly request: Requester;
  /** SIGKILL, then the same data again; only for servers started here. */
  readonly kill: (() => Promise<void>) | null;
  readonly restart: (() => Promise<void>) | null;
}

/** A server for one test file; null when the test was skipped, or says what it does not try. */
export async function opensearch(t: TestScope, options: OpenSearchOptions = {}): Promise<OpenSearch | null> {
  const major = options.major ?? 2;
  const plain = options.settings === undefined && major === 2;
  const address = process.env['WEIR_TEST_OPENSEARCH'];
  if (address !== undefined && plain) return given(address);
  if (plain && mayHaveDocker()) {
    const server = await fromContainer(t);
    if (server) return server;
  }
  const version = VERSIONS[major];
  const artifact: Artifact = {
    group: 'org.opensearch.distribution.integ-test-zip',
    name: 'opensearch',
    version,
  };
  const missing = await missingFor(artifact, 'OpenSearch');
  if (missing !== null) return skipOrFail(t, missing);
  const java = major === 2 ? javaHome() : await javaSince(21);
  if (java === null) {
    // An addition to what the default version proves: not a failure where that Java is not installed.
    console.log(`NOT TRIED: OpenSearch ${version} needs Java 21 or newer, which is not installed`);
    return null;
  }
  let distribution: string;
  try {
    distribution = await cached(`opensearch-${version}`, (dir) => unpack(artifact, dir));
  } catch (error) {
    return skipOrFail(t, `OpenSearch cannot be downloaded: ${String(error).slice(0, 300)}`);
  }
  const node = await searchNode(t, {
    name: 'opensearch',
    distribution,
    java,
    settings: options.settings ?? {},
  });
  return { ...node, version };
}

async function given(url: string): Promise<OpenSearch> {
  const request = requester(url, null);
  const root = (await request('GET', '/')) as { version: { number: string } };
  return { url, version: root.version.number, request, kill: null, restart: null };
}

async function fromContainer(t: TestScope): Promise<OpenSearch | null> {
  try {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer(`opensearchproject/opensearch:${VERSIONS[2]}`)
      .withEnvironment({
        'discovery.type': 'single-node',
        DISABLE_SECURITY_PLUGIN: 'true',
        DISABLE_INSTALL_DEMO_CONFIG: 'true',
        OPENSEARCH_JAVA_OPTS: '-Xms512m -Xmx512m',
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
