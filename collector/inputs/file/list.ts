import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { glob, matchesGlob } from './glob.ts';

/** What tells one file from another, and whether it changed. */
export interface FileFacts {
  /** `device:inode`. */
  readonly key: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** A file a pattern matches. */
export interface Listed extends FileFacts {
  readonly path: string;
}

/** Inode numbers have 64 bits, and overlay file systems use the upper ones: as a double two files could be one. */
export const factsOf = ({ dev, ino, size, mtimeNs }: BigIntStats): FileFacts => ({
  key: `${dev}:${ino}`,
  size: Number(size),
  mtimeMs: Number(mtimeNs) / 1e6,
});

/** Files that the patterns match, each once; what cannot be looked at is given to `complain`. */
export async function listFiles(
  patterns: readonly string[],
  exclude: readonly string[],
  complain: (path: string, error: unknown) => void,
): Promise<Listed[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    const result = await glob(pattern);
    for (const path of result.paths) paths.add(path);
    for (const { path, code } of result.unreadable) complain(path, Object.assign(new Error(code), { code }));
  }
  const found: Listed[] = [];
  const keys = new Set<string>();
  for (const path of paths) {
    if (exclude.some((pattern) => matchesGlob(pattern, path))) continue;
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
      const facts = factsOf(stats);
      if (keys.has(facts.key)) continue;
      keys.add(facts.key);
      found.push({ path, ...facts });
    } catch (error) {
      complain(path, error);
    }
  }
  return found;
}
