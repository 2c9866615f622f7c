/**
 * A real OpenSearch. See README.md of this folder for what the distribution from Maven Central lacks.
 */
import type { TestScope } from './process.ts';
import { searchNode, type Requester } from './search-node.ts';
import { findServer } from './search-server.ts';

/** The default runs with Java 17, the later major with 21 or newer. */
const VERSIONS = { 2: '2.19.6', 3: '3.6.0' } as const;

export interface OpenSearchOptions {
  /** Additional settings. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Major version, 2 by default; another is always one from packages. */
  readonly major?: keyof typeof VERSIONS;
  /** What the test wants that only a full server has, in words. */
  readonly onlyFullFor?: string;
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
  const found = await findServer(t, {
    product: 'OpenSearch',
    artifact: {
      group: 'org.opensearch.distribution.integ-test-zip',
      name: 'opensearch',
      version: VERSIONS[major],
    },
    isAddition: major !== 2,
    onlyWholeFor: options.onlyFullFor,
    whole:
      options.settings === undefined && major === 2
        ? {
            address: process.env['WEIR_TEST_OPENSEARCH'],
            image: `opensearchproject/opensearch:${VERSIONS[2]}`,
            environment: {
              DISABLE_SECURITY_PLUGIN: 'true',
              DISABLE_INSTALL_DEMO_CONFIG: 'true',
              OPENSEARCH_JAVA_OPTS: '-Xms512m -Xmx512m',
            },
          }
        : null,
  });
  if (found === null) return null;
  if ('url' in found) return found;
  const { distribution, java, version } = found;
  const node = await searchNode(t, {
    name: 'opensearch',
    distribution,
    java,
    settings: options.settings ?? {},
  });
  return { ...node, version };
}
