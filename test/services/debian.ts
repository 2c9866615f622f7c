/** Debian packages unpacked into the cache, for servers that are not or cannot be installed. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, run } from './process.ts';

/** Directory under which the packages' files are; rejects when apt or dpkg is missing or the packages are not offered. */
export function unpacked(name: string, packages: readonly string[]): Promise<string> {
  return cached(name, async (dir) => {
    await run('apt-get', ['download', ...packages], { cwd: dir, timeoutMs: 120_000 });
    for (const file of await readdir(dir)) {
      if (file.endsWith('.deb')) await run('dpkg', ['-x', join(dir, file), dir], { timeoutMs: 60_000 });
    }
  });
}
