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
const gunzipAsync = promisify<Buffer, Buffer>(zlib.gunzip);

/** Level 1: about as small as zstd on flows, at 1.5 times the speed of the library's level 6. */
const gzip: Codec = {
  compress: ({ buffer }) => gzipAsync(buffer, { level: 1 }),
  decompress: (buffer) => gunzipAsync(buffer),
};

/** A codec whose library is loaded when the first batch needs it: most installations never meet one. */
function lazily(load: () => Promise<Library>): Codec {
  let loaded: Promise<Library> | undefined;
  const library = (): Promise<Library> => (loaded ??= load());
  return {
    compress: async ({ buffer }) => (await library()).compress(buffer),
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

/** Makes every compression readable. The table belongs to kafkajs and is one for the whole process. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const codecs: Record<number, () => Codec> = CompressionCodecs;
  const made = {
    [CompressionTypes.GZIP]: gzip,
    [CompressionTypes.Snappy]: lazily(snappy),
    [CompressionTypes.LZ4]: lazily(lz4),
    [CompressionTypes.ZSTD]: lazily(zstd),
  };
  for (const [type, codec] of Object.entries(made)) codecs[Number(type)] = () => codec;
}

export const compressionTypes = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
} as const;
