import { constants } from 'node:fs';
import { stat } from 'node:fs/promises';
import { glob, matchesGlob } from './glob.ts';

/** A file a pattern matches. */
export interface Listed {
  readonly path: string;
  /** `device:inode`. */
  readonly key: string;
  readonly size: number;
  readonly mtimeMs: number;
}

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
  for (const path of paths) {
    if (exclude.some((pattern) => matchesGlob(pattern, path))) continue;
    try {
      const { dev, ino, size, mtimeMs, mode } = await stat(path);
      if ((mode & constants.S_IFMT) === constants.S_IFDIR)
        throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' });
      if (!found.some((other) => other.key === `${dev}:${ino}`))
        found.push({ path, key: `${dev}:${ino}`, size, mtimeMs });
    } catch (error) {
      complain(path, error);
    }
  }
  return found;
}
