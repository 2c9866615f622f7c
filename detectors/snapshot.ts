import { WeirError } from '../pipeline/errors.ts';

/** Upper bound on one chunk, header included. */
const CHUNK_BYTES = 1_000_000;
const HEADER_BYTES = 512;

interface Header {
  readonly detector: string;
  readonly version: number;
  readonly name: string;
}

/**
 * Cuts named sections into chunks of at most 1 MB. A chunk is the length of its header in 4 bytes, the header in
 * JSON, then the bytes; a section longer than a chunk goes on in the next ones.
 */
export function* toChunks(
  detector: string,
  version: number,
  sections: Iterable<readonly [string, Uint8Array]>,
): Generator<Uint8Array> {
  for (const [name, bytes] of sections) {
    const header = Buffer.from(JSON.stringify({ detector, version, name } satisfies Header));
    let from = 0;
    do {
      const part = bytes.subarray(from, from + CHUNK_BYTES - HEADER_BYTES);
      const chunk = Buffer.allocUnsafe(4 + header.length + part.length);
      chunk.writeUInt32LE(header.length, 0);
      header.copy(chunk, 4);
      chunk.set(part, 4 + header.length);
      yield chunk;
      from += part.length;
    } while (from < bytes.length);
  }
}

/** The reverse of `toChunks`. Throws `state_unusable` when the chunks are of another detector or state version. */
export function fromChunks(
  detector: string,
  version: number,
  chunks: Iterable<Uint8Array>,
): Map<string, Uint8Array> {
  const parts = new Map<string, Uint8Array[]>();
  for (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const headerBytes = buffer.readUInt32LE(0);
    const header = JSON.parse(buffer.toString('utf8', 4, 4 + headerBytes)) as Header;
    if (header.detector !== detector || header.version !== version) {
      const found = `${header.detector} version ${header.version}`;
      throw new WeirError(
        'state_unusable',
        `snapshot holds the state of ${found}, expected ${detector} version ${version}`,
      );
    }
    const held = parts.get(header.name);
    const part = buffer.subarray(4 + headerBytes);
    if (held) held.push(part);
    else parts.set(header.name, [part]);
  }
  return new Map(
    [...parts].map(([name, list]) => [name, list.length === 1 ? list[0]! : Buffer.concat(list)]),
  );
}

type Section = readonly [string, Uint8Array];

/** Something a detector holds that knows its own sections: a table, a set, a book of alerts. */
export type Part = { restore(sections: ReadonlyMap<string, Uint8Array>): void } & (
  | { sections(): Iterable<Section> }
  | { section(): Section }
);

/** Snapshot and restore of a detector whose whole state is its parts. */
export function stateOf(
  detector: string,
  version: number,
  parts: readonly Part[],
): { snapshot(): Iterable<Uint8Array>; restore(chunks: Iterable<Uint8Array>): void } {
  function* sections(): Generator<Section> {
    for (const part of parts) {
      if ('sections' in part) yield* part.sections();
      else yield part.section();
    }
  }
  return {
    snapshot: () => toChunks(detector, version, sections()),
    restore(chunks) {
      const saved = fromChunks(detector, version, chunks);
      for (const part of parts) part.restore(saved);
    },
  };
}
