import { test } from 'node:test';
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { files, isThere, read } from './tree.ts';

const generated = new Set(['schema/records.ts']);
const isText = (path: string): boolean =>
  /\.(ts|mjs|js|json|md|yaml|yml|avsc|conf|sh|ndjson)$|(^|\/)[^.]+$|^\.ci\//.test(path);

test('no source file is longer than 400 lines, no test longer than 600', () => {
  const long = files((path) => /\.(ts|mjs)$/.test(path) && !generated.has(path))
    .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
    .filter(({ path, lines }) => lines > (path.startsWith('test/') ? 600 : 400));
  assert.deepEqual(long, []);
});

test('no file names the tools, machines or hosts it was written with', () => {
  // Put together from parts, so that this list does not find itself.
  const words = [
    ['/wor', 'k/'],
    ['bash_', 'jobs'],
    ['far', 'm-'],
    ['cla', 'ude'],
    ['anthro', 'pic'],
    ['chat', 'gpt'],
    ['cop', 'ilot'],
    ['registry.npm', 'js'],
    ['arti', 'factory'],
  ].map((parts) => parts.join(''));
  const pattern = new RegExp(words.map((word) => word.replaceAll(/[/.]/g, '\\$&')).join('|'), 'i');
  const found = files((path) => isText(path) && path !== 'package-lock.json').flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  );
  assert.deepEqual(found, []);
});

test('the lock names no download address, and every package of every platform', () => {
  const text = read('package-lock.json');
  assert.ok(!text.includes('"resolved"'));
  assert.ok(
    !/https?:\/\/(?!opencollective|github\.com|www\.|feross|dotenvx|paulmillr|tidelift|.*(sponsor|fund))[^"]*\.tgz/.test(
      text,
    ),
  );
  type Package = {
    version?: string;
    integrity?: string;
    optional?: boolean;
    optionalDependencies?: Record<string, string>;
  };
  const { packages } = JSON.parse(text) as { packages: Record<string, Package> };
  for (const [path, entry] of Object.entries(packages)) {
    if (path !== '')
      assert.ok(entry.integrity !== undefined || entry.optional === true, `${path} has no checksum`);
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      assert.ok(
        packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`],
        `${name} is not in the lock: run node scripts/complete-lock.mjs`,
      );
    }
  }
});

test('every link in the documentation leads somewhere', () => {
  const slug = (title: string): string =>
    title
      .trim()
      .toLowerCase()
      .replaceAll(/[`*]/g, '')
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  const anchorsOf = (path: string): Set<string> =>
    new Set([...read(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, title]) => slug(title ?? '')));
  const broken = files((path) => path.endsWith('.md')).flatMap((path) => {
    const prose = read(path).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return [];
      const [target = '', anchor] = link.split('#');
      const file = target === '' ? path : posix.join(posix.dirname(path), target);
      if (!isThere(file)) return [`${path}: ${link}`];
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor)
        ? [`${path}: ${link}`]
        : [];
    });
  });
  assert.deepEqual(broken, []);
});

test('every detector says what it finds, why, and where its limits are', () => {
  const folders = files((path) => /^detectors\/[^/]+\/index\.ts$/.test(path)).map((path) =>
    posix.dirname(path),
  );
  assert.deepEqual(
    folders.filter((folder) => !isThere(`${folder}/README.md`)),
    [],
  );
});
