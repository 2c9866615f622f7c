import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import { WeirError } from '../../pipeline/errors.ts';

/** What kafkajs hands to a codec and takes from it. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

type Transform = (input: Buffer) => Promise<Buffer> | Buffer;
interface Library {
  readonly compress: Transform;
  readonly decompress: Transform;
}

const gzipAsync = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);
const gunzipAsync = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip);

/** Work of the thread pool is handed over once for each chunk: one chunk costs a third of what sixteen do. */
const SMALLEST_CHUNK = 16_384;
const LARGEST_CHUNK = 8_388_608;
const chunkOf = (bytes: number): number => Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, bytes));

/** Level 1: about as small as zstd on flows, at 1.5 times the speed of the library's level 6. */
const gzip: Library = {
  compress: (buffer) => gzipAsync(buffer, { level: 1, memLevel: 9, chunkSize: chunkOf(buffer.length >> 1) }),
  decompress: (buffer) => gunzipAsync(buffer, { chunkSize: chunkOf(sizeWithin(buffer)) }),
};

/** How long the content is, by the last four bytes of RFC 1952. One byte more, so that the end is met in it. */
const sizeWithin = (gzipped: Buffer): number =>
  gzipped.length < 4 ? 0 : gzipped.readUInt32LE(gzipped.length - 4) + 1;

/** A codec whose library is loaded when the first batch needs it: most installations never meet one. */
function lazily(load: () => Promise<Library>): Library {
  let loaded: Promise<Library> | undefined;
  const library = (): Promise<Library> => (loaded ??= load());
  return {
    compress: async (buffer) => (await library()).compress(buffer),
    decompress: async (buffer) => (await library()).decompress(buffer),
  };
}

/**
 * Imports a package that is not among our dependencies. `retriable: false` makes kafkajs give up at once
 * instead of reading the same batch for ever.
 */
async function optional(codec: string, name: string): Promise<Record<string, unknown>> {
  try {
    const module = (await import(name)) as { default?: Record<string, unknown> };
    return { ...module.default, ...module };
  } catch (cause) {
    const error = new WeirError(
      'log_misconfigured',
      `a batch is compressed with ${codec}, for which the package '${name}' is needed: npm install ${name}`,
      { cause },
    );
    throw Object.assign(error, { retriable: false });
  }
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

/** Snappy as Java clients write it: a 16-byte header, then blocks with their length before them. */
async function unframeSnappy(input: Buffer, block: Transform): Promise<Buffer> {
  if (!input.subarray(0, 8).equals(XERIAL_MAGIC)) return block(input);
  const parts: Buffer[] = [];
  for (let at = 16; at + 4 <= input.length;) {
    const end = at + 4 + input.readInt32BE(at);
    parts.push(await block(input.subarray(at + 4, end)));
    at = end;
  }
  return Buffer.concat(parts);
}

async function snappy(): Promise<Library> {
  const { compress, uncompress } = (await optional('snappy', 'snappy')) as Record<string, Transform>;
  return { compress: compress!, decompress: (input) => unframeSnappy(input, uncompress!) };
}

async function lz4(): Promise<Library> {
  const { compressFrame, decompressFrame } = (await optional('lz4', 'lz4-napi')) as Record<string, Transform>;
  return { compress: compressFrame!, decompress: decompressFrame! };
}

async function zstd(): Promise<Library> {
  // node:zlib has it from 22.15 and 23.8 on.
  const native = zlib as unknown as Partial<Record<'zstdCompress' | 'zstdDecompress', typeof zlib.gunzip>>;
  if (native.zstdCompress && native.zstdDecompress) {
    return {
      compress: promisify<Buffer, Buffer>(native.zstdCompress),
      decompress: promisify<Buffer, Buffer>(native.zstdDecompress),
    };
  }
  const { compress, decompress } = (await optional('zstd', 'zstd-napi')) as Record<string, Transform>;
  return { compress: compress!, decompress: decompress! };
}

const { CompressionTypes } = kafkajs;
const libraries: Readonly<Record<number, Library>> = {
  [CompressionTypes.GZIP]: gzip,
  [CompressionTypes.Snappy]: lazily(snappy),
  [CompressionTypes.LZ4]: lazily(lz4),
  [CompressionTypes.ZSTD]: lazily(zstd),
};

/** Makes every compression readable. The table belongs to kafkajs and is one for the whole process. */
export function registerCodecs(): void {
  const codecs: Record<number, () => Codec> = kafkajs.CompressionCodecs;
  for (const [type, library] of Object.entries(libraries)) {
    const codec: Codec = {
      compress: async ({ buffer }) => library.compress(buffer),
      decompress: async (buffer) => library.decompress(buffer),
    };
    codecs[Number(type)] = () => codec;
  }
}

/** Records compressed as a batch of this type wants them; as they are when the type is none. */
export const compress = (type: number, records: Buffer): Promise<Buffer> | Buffer =>
  libraries[type]?.compress(records) ?? records;

export const compressionTypes = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const;
