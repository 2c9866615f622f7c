import type { FileHandle } from 'node:fs/promises';
import { holeLength, IDENTITY_BYTES } from '../lines/identity.ts';
import { gunzipped } from './gunzip.ts';

export interface Head {
  readonly gzip: boolean;
  /** At most the first 16 KiB after the hole, decompressed. */
  readonly bytes: Buffer;
  /** Length of the hole of zero bytes that the content begins with. */
  readonly at: number;
}

/** Reads the beginning of a file, decompressing it when it begins with gzip's magic number (RFC 1952, 2.3.1). */
export async function readHead(handle: FileHandle): Promise<Head> {
  const first = await readAt(handle, 0, IDENTITY_BYTES);
  if (first[0] === 0x1f && first[1] === 0x8b) return { gzip: true, ...(await gunzipHead(handle)) };
  if (first[0] !== 0) return { gzip: false, bytes: first, at: 0 };
  for (let at = 0; ;) {
    const chunk = await readAt(handle, at, HOLE_CHUNK_BYTES);
    const hole = holeLength(chunk);
    at += hole;
    if (hole < HOLE_CHUNK_BYTES) return { gzip: false, bytes: await readAt(handle, at, IDENTITY_BYTES), at };
  }
}

const HOLE_CHUNK_BYTES = 1024 * 1024;

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const { bytesRead } = await handle.read(bytes, have, length - have, position + have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  return bytes.subarray(0, have);
}

async function gunzipHead(handle: FileHandle): Promise<Omit<Head, 'gzip'>> {
  const parts: Buffer[] = [];
  let at = 0;
  let have = 0;
  try {
    for await (const part of gunzipped(handle)) {
      const hole = have === 0 ? holeLength(part) : 0;
      at += hole;
      parts.push(part.subarray(hole));
      have += part.length - hole;
      if (have >= IDENTITY_BYTES) break;
    }
  } catch (error) {
    // What comes before the damage is enough to tell which file it is.
    if (have === 0) throw error;
  }
  return { bytes: Buffer.concat(parts).subarray(0, IDENTITY_BYTES), at };
}
