import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Inventory } from '../../schema/records.ts';
import { parseInventory } from './parse.ts';

/** Files of one cluster that together list all it holds. */
export interface InventoryFiles {
  readonly cluster: string;
  readonly patterns: readonly string[];
}

/** A file as it was found; another target, time or size means another content. */
export interface FoundFile {
  readonly path: string;
  readonly signature: string;
  readonly changedMs: number;
}

/**
 * The files that the patterns name now, in order of path. A pattern without wildcard must exist, and one with
 * must match something: an inventory that vanished is an error, never an empty cluster. Symbolic links are
 * followed at each call, so a ConfigMap's swap is seen.
 */
export async function findFiles(patterns: readonly string[]): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const pattern of patterns) {
    const paths = await expand(pattern);
    if (paths.length === 0)
      throw new WeirError('config_invalid', `inventory.files: nothing matches ${pattern}`);
    for (const path of paths) found.set(path, await look(path));
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

export async function readFiles(files: readonly FoundFile[], cluster: string): Promise<Inventory[]> {
  const records: Inventory[] = [];
  for (const file of files) {
    const text = await readFile(file.path, 'utf8').catch((error: unknown) => unreadable(file.path, error));
    for (const record of parseInventory(text, cluster, file.path)) records.push(record);
  }
  return records;
}

async function look(path: string): Promise<FoundFile> {
  try {
    const [target, facts] = await Promise.all([realpath(path), stat(path)]);
    const signature = `${target} ${facts.ino} ${facts.size} ${facts.mtimeMs}`;
    return { path, signature, changedMs: Math.floor(facts.mtimeMs) };
  } catch (error) {
    return unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): never {
  throw new WeirError('config_invalid', `inventory.files: cannot read ${path}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Paths that match; `*` and `?` stand for anything within one name. */
async function expand(pattern: string): Promise<string[]> {
  const absolute = resolve(pattern);
  if (!/[*?]/.test(absolute)) return [absolute];
  let paths = [absolute.startsWith(sep) ? sep : '.'];
  for (const part of absolute.split(sep).filter((name) => name !== '')) {
    if (!/[*?]/.test(part)) {
      paths = paths.map((path) => join(path, part));
      continue;
    }
    const test = nameTest(part);
    const next: string[] = [];
    for (const path of paths) {
      const names = await readdir(path).catch(() => []);
      for (const name of names) if (test.test(name)) next.push(join(path, name));
    }
    paths = next;
  }
  const there = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (facts) => facts.isFile(),
        () => false,
      ),
    ),
  );
  return paths.filter((_, i) => there[i]);
}

function nameTest(part: string): RegExp {
  const body = part
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${part.startsWith('.') ? '' : String.raw`(?!\.)`}${body}$`);
}
