import type { FileHandle } from 'node:fs/promises';
import { IDENTITY_BYTES } from '../lines/identity.ts';
import { gunzipped } from './gunzip.ts';

export interface Head {
  readonly gzip: boolean;
  /** At most the first 16 KiB, decompressed. */
  readonly bytes: Buffer;
}

/** Reads the beginning of a file, decompressing it when it begins with gzip's magic number (RFC 1952, 2.3.1). */
export async function readHead(handle: FileHandle): Promise<Head> {
  const raw = Buffer.alloc(IDENTITY_BYTES);
  let have = 0;
  while (have < raw.length) {
    const { bytesRead } = await handle.read(raw, have, raw.length - have, have);
    if (bytesRead === 0) break;
    have += bytesRead;
  }
  const bytes = raw.subarray(0, have);
  if (have < 2 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { gzip: false, bytes };
  return { gzip: true, bytes: await gunzipHead(handle) };
}

async function gunzipHead(handle: FileHandle): Promise<Buffer> {
  const parts: Buffer[] = [];
  let have = 0;
  try {
    for await (const part of gunzipped(handle)) {
      parts.push(part);
      have += part.length;
      if (have >= IDENTITY_BYTES) break;
    }
  } catch (error) {
    // What comes before the damage is enough to tell which file it is.
    if (have === 0) throw error;
  }
  return Buffer.concat(parts).subarray(0, IDENTITY_BYTES);
}
