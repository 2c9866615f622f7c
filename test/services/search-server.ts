import { javaHome, javaSince, missingFor, unpack, type Artifact } from './java.ts';
import { cached, mayHaveDocker, skipOrFail, type TestScope } from './process.ts';
import { requester, type Requester } from './search-node.ts';

/** A server that runs already, with every module its vendor ships. */
export interface RunningServer {
  readonly url: string;
  readonly version: string;
  readonly request: Requester;
  readonly kill: null;
  readonly restart: null;
}

/** What one is made of here. */
export interface Packaged {
  readonly distribution: string;
  readonly version: string;
  readonly java: string;
}

export interface Wanted {
  /** As people call it. */
  readonly product: string;
  readonly artifact: Artifact;
  /** A later major, which only adds to what the default version proves and wants Java 21. */
  readonly isAddition: boolean;
  /** Address and image of a server that is as it comes; null where a test wants one with settings of its own. */
  readonly whole: {
    readonly address: string | undefined;
    readonly image: string;
    readonly environment: Readonly<Record<string, string>>;
  } | null;
  /** What a test wants that the package lacks: then that is not started. */
  readonly onlyWholeFor?: string | undefined;
}

/** The server that tests are given, or what it can be started of; null when the test was skipped, or says what it does not try. */
export async function findServer(t: TestScope, wanted: Wanted): Promise<RunningServer | Packaged | null> {
  const { product, artifact, isAddition, whole } = wanted;
  if (whole?.address !== undefined) return given(whole.address);
  if (whole && mayHaveDocker()) {
    const server = await fromContainer(t, whole.image, whole.environment);
    if (server) return server;
  }
  if (wanted.onlyWholeFor !== undefined) {
    const variable = `WEIR_TEST_${product.toUpperCase()}`;
    console.log(
      `NOT TRIED: ${wanted.onlyWholeFor}: the packaged ${product} lacks it; ${variable} may name a full one`,
    );
    return null;
  }
  const java = isAddition ? await javaSince(21) : javaHome();
  if (java === null && isAddition) {
    console.log(`NOT TRIED: ${product} ${artifact.version} needs Java 21 or newer, which is not installed`);
    return null;
  }
  const distribution = await distributionOf(t, product, artifact);
  return distribution === null ? null : { distribution, version: artifact.version, java: java! };
}

/** The unpacked distribution, fetched once; null when the test was skipped. */
export async function distributionOf(
  t: Pick<TestScope, 'skip'>,
  product: string,
  artifact: Artifact,
): Promise<string | null> {
  const missing = await missingFor(artifact, product);
  if (missing !== null) return skipOrFail(t, missing);
  try {
    return await cached(`${artifact.name}-${artifact.version}`, (dir) => unpack(artifact, dir));
  } catch (error) {
    return skipOrFail(t, `${product} cannot be downloaded: ${String(error).slice(0, 300)}`);
  }
}

async function given(url: string): Promise<RunningServer> {
  const request = requester(url, null);
  const root = (await request('GET', '/')) as { version: { number: string } };
  return { url, version: root.version.number, request, kill: null, restart: null };
}

async function fromContainer(
  t: TestScope,
  image: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningServer | null> {
  try {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer(image)
      .withEnvironment({ 'discovery.type': 'single-node', ...environment })
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
