import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

const CHUNK_BYTES = 256 * 1024;

async function* bytesOf(handle: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/**
 * Decompressed content of a file from its beginning; `handle` stays open. Several members in one file are read
 * as one (RFC 1952, 2.2). Throws zlib's errors, whose codes begin with `Z_`, where the data is damaged.
 */
export async function* gunzipped(handle: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  const file = Readable.from(bytesOf(handle), { objectMode: false });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  file.on('error', (error) => gunzip.destroy(error));
  file.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}
