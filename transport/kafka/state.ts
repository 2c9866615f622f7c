import { createHash, randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import type { Logger } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { SnapshotStore } from '../../pipeline/snapshots.ts';
import { headerOf } from './framing.ts';
import type { RangeReader } from './reader.ts';

/** One message holds at most so much of a chunk: the brokers' default limit is 1 MiB with everything. */
const PIECE_BYTES = 900_000;

/** Where a snapshot lies: short names, for it travels in the metadata of a commit. */
interface Reference {
  /** Identity, in the headers of each piece. */
  readonly id: string;
  /** Partition, first offset, and the offset after the last. */
  readonly p: number;
  readonly from: number;
  readonly to: number;
  /** Number of chunks, and the first 16 hexadecimal digits of SHA-256 over all of them. */
  readonly n: number;
  readonly sha: string;
}

/**
 * Snapshots as messages of the state topic, lane k in partition k. A snapshot of which a piece is missing,
 * doubled by a repeated send or damaged is put together right or refused; it is never returned in part.
 */
export function kafkaSnapshots(parts: {
  readonly topic: string;
  readonly reader: Pick<RangeReader, 'bounds' | 'read'>;
  readonly send: (topic: string, partition: number, messages: Message[]) => Promise<bigint>;
  readonly log: Logger;
}): SnapshotStore {
  const { topic, reader, send } = parts;
  return {
    async write(lane, chunks) {
      const id = randomUUID();
      const sha = createHash('sha256');
      let from = -1;
      let to = -1;
      let n = 0;
      for await (const chunk of chunks) {
        const index = n++;
        sha.update(chunk);
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        // An empty chunk is a chunk too.
        for (let at = 0, piece = 0; at === 0 || at < bytes.length; at += PIECE_BYTES, piece++) {
          const value = bytes.subarray(at, at + PIECE_BYTES);
          const last = at + PIECE_BYTES >= bytes.length;
          const headers = { id, at: `${index}.${piece}${last ? '.' : ''}` };
          const offset = Number(await send(topic, lane, [{ partition: lane, key: id, value, headers }]));
          if (from < 0) from = offset;
          to = offset + 1;
        }
      }
      const reference: Reference = {
        id,
        p: lane,
        from,
        to,
        n,
        sha: sha.digest('hex').slice(0, 16),
      };
      return JSON.stringify(reference);
    },
    async read(_lane, text) {
      const reference = parse(text);
      const { id, p: partition, from, to } = reference;
      const pieces = new Map<string, Buffer>();
      try {
        const { first } = await reader.bounds(topic, partition);
        if (reference.n > 0 && first > from)
          throw new Error(`retention has deleted its beginning, ${first} is the first`);
        for await (const message of reader.read({ topic, partition, from, to })) {
          const at = headerOf(message.headers, 'at');
          // A send that was repeated left its piece twice; other snapshots' pieces may lie between.
          if (headerOf(message.headers, 'id') === id && at !== null)
            pieces.set(at, message.value ?? Buffer.alloc(0));
        }
        return assemble(reference, pieces);
      } catch (cause) {
        const where = `${topic}-${partition} at ${from} to ${to}`;
        throw new WeirError(
          'state_unusable',
          `snapshot ${id} in ${where} cannot be read: ${messageOf(cause)}`,
          { cause },
        );
      }
    },
  };
}

function parse(text: string): Reference {
  try {
    const value = JSON.parse(text) as Partial<Reference>;
    const numbers = [value.p, value.from, value.to, value.n];
    if (typeof value.id === 'string' && numbers.every(Number.isSafeInteger)) return value as Reference;
  } catch {
    // Told below.
  }
  throw new WeirError('state_unusable', `${text.slice(0, 200)} is not a reference to a snapshot in Kafka`);
}

function assemble({ n, sha }: Reference, pieces: ReadonlyMap<string, Buffer>): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const hash = createHash('sha256');
  for (let index = 0; index < n; index++) {
    const parts: Buffer[] = [];
    for (let piece = 0; ; piece++) {
      const last = pieces.get(`${index}.${piece}.`);
      const part = last ?? pieces.get(`${index}.${piece}`);
      if (!part) throw new Error(`piece ${piece} of chunk ${index} is missing`);
      parts.push(part);
      if (last) break;
    }
    const chunk = Buffer.concat(parts);
    hash.update(chunk);
    chunks.push(chunk);
  }
  const found = hash.digest('hex').slice(0, 16);
  if (found !== sha) throw new Error(`its digest is ${found}, expected ${sha}`);
  return chunks;
}
