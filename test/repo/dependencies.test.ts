import { test } from 'node:test';
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { codeOf, files, isThere, read } from './tree.ts';

/** Each folder may import those of the levels below it, and itself; never a sibling. */
const levels = [
  ['schema'],
  ['pipeline'],
  ['transport', 'query', 'policy'],
  ['collector', 'enricher', 'detectors', 'sinks', 'store'],
  ['incidents', 'dashboards'],
  ['console', 'cli'],
];
const levelOf = new Map(
  levels.flatMap((folders, level) => folders.map((folder) => [folder, level] as const)),
);

/** Stands beside the levels: uses the contracts, and is used by the wiring. */
const besides = new Map([['telemetry', ['schema', 'pipeline']]]);

interface Import {
  readonly from: string;
  readonly line: number;
  /** Path in the repository, or the name of a package. */
  readonly to: string;
  readonly relative: boolean;
}

function importsOf(path: string): Import[] {
  const text = read(path);
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?\s*'([^']+)'|\bimport\('([^']+)'\)|new URL\('([^']+\.[jt]s)'/g;
  for (const match of text.matchAll(pattern)) {
    const target = match[1] ?? match[2] ?? match[3] ?? '';
    const line = text.slice(0, match.index + match[0].indexOf(target)).split('\n').length;
    const relative = target.startsWith('.');
    found.push({
      from: path,
      line,
      relative,
      to: relative ? posix.join(posix.dirname(path), target) : target,
    });
  }
  return found;
}

const folderOf = (path: string): string => path.split('/')[0]!;
const inRuntime = (path: string): boolean => levelOf.has(folderOf(path)) || besides.has(folderOf(path));
const sources = files((path) => path.endsWith('.ts') && inRuntime(path));
const imports = sources.flatMap(importsOf);

const place = ({ from, line, to }: Import): string => `${from}:${line} imports ${to}`;

test('a folder imports only from those below it', () => {
  const wrong = imports.filter(({ from, to, relative }) => {
    if (!relative) return false;
    const [own, other] = [folderOf(from), folderOf(to)];
    if (own === other) return false;
    const allowed = besides.get(own);
    if (allowed) return !allowed.includes(other);
    if (besides.has(other)) return own !== 'cli';
    const [level, otherLevel] = [levelOf.get(own), levelOf.get(other)];
    return level === undefined || otherLevel === undefined || otherLevel >= level;
  });
  assert.deepEqual(wrong.map(place), []);
  assert.ok(imports.length > 50, 'the imports were found');
});

test('components of one registry do not import each other', () => {
  const componentOf = (path: string): string | null => {
    const folder = posix.dirname(path);
    if (folder.split('/').length < 2 || folderOf(path) === 'transport') return null;
    for (let at = folder; at.includes('/'); at = posix.dirname(at))
      if (isThere(`${at}/options.ts`)) return at;
    return null;
  };
  const wrong = imports.filter(({ from, to, relative }) => {
    if (!relative) return false;
    const [own, other] = [componentOf(from), componentOf(to)];
    // Inputs are made of each other: the journal is read as lines of a file or a pipe.
    if (from.startsWith('collector/inputs/') && to.startsWith('collector/inputs/')) return false;
    return own !== null && other !== null && own !== other;
  });
  assert.deepEqual(wrong.map(place), []);
});

test('registries load their components when they are needed', () => {
  const wrong = imports.filter(
    ({ from, to, line }) =>
      from.endsWith('/registry.ts') &&
      to.endsWith('/index.ts') &&
      !(read(from).split('\n')[line - 1] ?? '').includes('import('),
  );
  assert.deepEqual(wrong.map(place), []);
});

test('a client library is imported by the one folder that speaks to its server', () => {
  const owners: Readonly<Record<string, readonly string[]>> = {
    kafkajs: ['transport/kafka/', 'collector/inputs/kafka/'],
    '@elastic/elasticsearch': ['sinks/elasticsearch/'],
    '@opensearch-project/opensearch': ['sinks/opensearch/'],
    '@aws-sdk/client-s3': ['sinks/s3/'],
    undici: ['sinks/http/'],
    '@duckdb/node-api': ['store/'],
    'prom-client': ['telemetry/'],
    pino: ['telemetry/'],
  };
  const wrong = imports.filter(
    ({ from, to }) => owners[to]?.every((folder) => !from.startsWith(folder)) ?? false,
  );
  assert.deepEqual(wrong.map(place), []);
});

test('options files import zod and what units they are written in, nothing that costs time to load', () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      from.endsWith('/options.ts') &&
      from !== 'cli/options.ts' &&
      to !== 'zod' &&
      !to.endsWith('options.ts') &&
      !['pipeline/units.ts'].includes(to),
  );
  assert.deepEqual(wrong.map(place), []);
});

/** What a process is told from outside and tells the outside; its own number and user are no such thing. */
const outside =
  /\bprocess\s*(?:\[|\.\s*(?:argv|env|exit|exitCode|abort|stdin|stdout|stderr|on|once|cwd|chdir|umask)\b)|node:process/;

test('only the command line touches the arguments, streams and signals of the process', () => {
  const allowed = new Set(['cli', 'telemetry']);
  // kafkajs is told through the environment, and in no other way, that its partitioner was chosen on purpose.
  // The standard input of the process is what the input of that name reads.
  const exceptions = new Set(['transport/kafka/client.ts', 'collector/inputs/stdin/index.ts']);
  const wrong = sources
    .filter((path) => !allowed.has(folderOf(path)) && !exceptions.has(path))
    .flatMap((path) =>
      codeOf(path)
        .split('\n')
        .flatMap((line, index) => (outside.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
  assert.deepEqual(wrong, []);
});

test('every dependency is pinned, used, and has its reason in docs/dependencies.md', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  const reasons = read('docs/dependencies.md');
  const used = new Set(imports.map(({ to }) => to));
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) {
      assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} is not pinned`);
      assert.ok(reasons.includes(`\`${name}\``), `docs/dependencies.md has no line for ${name}`);
      if (kind !== 'devDependencies')
        assert.ok(
          [...used].some((to) => to === name || to.startsWith(`${name}/`)),
          `${name} is imported by nothing`,
        );
    }
  }
});
