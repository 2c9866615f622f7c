import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';

/** Name of the file that `path` becomes: its time in UTC to the millisecond, so that names sort as they were made. */
export function rotatedName(path: string, timeMs: number): string {
  const stamp = new Date(timeMs).toISOString().replace(/[-:]/g, '').replace('.', '');
  return `${path}.${stamp}`;
}

/** Rotated files of `path`, oldest first, compressed or not. */
export async function rotatedFiles(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path));
  return names
    .filter(
      (name) => name.startsWith(prefix) && /^\d{8}T\d{9}Z(-\d+)?(\.gz)?$/.test(name.slice(prefix.length)),
    )
    .sort()
    .map((name) => join(dirname(path), name));
}

/**
 * Compresses what is not yet compressed and deletes all but the newest `keep`. What a crash left half done is
 * done again: the plain file goes only once the compressed one is whole and durable.
 */
export async function tidy(path: string, options: { keep: number; compress: boolean }): Promise<void> {
  const files = await rotatedFiles(path);
  const unneeded = files.splice(0, Math.max(0, files.length - options.keep));
  for (const file of unneeded) await rm(file, { force: true });
  if (!options.compress) return;
  for (const file of files) if (!file.endsWith('.gz')) await compress(file);
}

async function compress(file: string): Promise<void> {
  const half = `${file}.gz.tmp`;
  await pipeline(
    createReadStream(file),
    createGzip({ level: constants.Z_BEST_SPEED }),
    createWriteStream(half, { mode: 0o640 }),
  );
  await syncPath(half);
  await rename(half, `${file}.gz`);
  await syncPath(dirname(file));
  await rm(file);
}

/** Makes a file, or the names in a directory, durable. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
