import { statfsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, workDir, type TestScope } from './process.ts';

/** A disk of its own that is small enough to be filled. */
export interface SmallDisk {
  readonly dir: string;
  freeBytes(): number;
  /** Leaves room for so many bytes and no more. */
  fill(leaveBytes: number): Promise<void>;
  /** Gives back what `fill` took. */
  empty(): Promise<void>;
}

/** A file system in memory; null, and said, where this user may not mount one. */
export async function smallDisk(t: TestScope, bytes: number): Promise<SmallDisk | null> {
  const dir = join(await workDir('disk'), 'mounted');
  await mkdir(dir);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0777`, 'tmpfs', dir]);
  } catch (error) {
    console.log(
      `NOT TRIED: a full disk: a small file system cannot be mounted: ${String(error).slice(0, 200)}`,
    );
    return null;
  }
  t.after(async () => {
    await run('umount', ['-l', dir]);
  });
  const filler = join(dir, 'filler');
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  return {
    dir,
    freeBytes,
    fill: (leaveBytes) => writeFile(filler, Buffer.alloc(Math.max(0, freeBytes() - leaveBytes))),
    empty: () => rm(filler, { force: true }),
  };
}
