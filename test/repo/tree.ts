import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository, wherever the tests were compiled to. */
export const root = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package-lock.json'))) {
    if (dirname(folder) === folder) throw new Error('no package-lock.json above the tests');
    folder = dirname(folder);
  }
  return folder;
})();

const leftOut = new Set([
  'node_modules',
  'dist',
  '.build',
  '.git',
  '.weir',
  'coverage',
  'logs',
  'inventory-data',
]);

/** Every file that belongs to the project, relative to its root, with `/`. */
export function files(filter: (path: string) => boolean = () => true): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (leftOut.has(entry.name)) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(relative(root, path).replaceAll('\\', '/'));
    }
  };
  walk(root);
  return found.filter(filter).sort((a, b) => a.localeCompare(b));
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export const isThere = (path: string): boolean => existsSync(join(root, path));

/** The code of a file without its comments and the insides of its texts, line numbers kept. */
export function codeOf(path: string): string {
  return read(path).replaceAll(
    /\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g,
    (text) => (text.startsWith('/') ? text.replaceAll(/[^\n]/g, ' ') : `''`),
  );
}
