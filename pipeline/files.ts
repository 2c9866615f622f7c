import { mkdirSync } from 'node:fs';
import { open, readFile, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeirError, messageOf } from './errors.ts';

/**
 * Replaces a file whole: after a crash it holds either the old content or the new, never a mixture. Content that comes
 * in pieces is written as it comes.
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = await open(temporary, 'w', 0o600);
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) await file.writeFile(content);
      else for await (const piece of content) await writeWhole(file, piece);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    // Half a file would keep a full disk full.
    await unlink(temporary).catch(() => {});
    throw diskError(error, `cannot write ${path}`);
  }
}

/** In one go, as far as the disk takes it: `writeFile` would take a turn for every half a megabyte. */
async function writeWhole(file: FileHandle, piece: Uint8Array): Promise<void> {
  for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten;
}

/** The parsed content, or undefined when there is no such file. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WeirError('state_unusable', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WeirError(
      'state_unusable',
      `${path} is not JSON: ${messageOf(error)}; move it away to start afresh`,
      {
        cause: error,
      },
    );
  }
}

/** Tells a full or read-only disk, which may mend itself, from everything else. */
export function diskError(error: unknown, what: string): WeirError {
  if (error instanceof WeirError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const full = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG'].includes(code);
  return new WeirError(full ? 'disk_full' : 'state_unusable', `${what}: ${messageOf(error)}`, {
    cause: error,
  });
}
