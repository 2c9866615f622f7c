import { mkdir, readFile, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { WeirError, messageOf } from './errors.ts';
import { diskError, writeAtomically } from './files.ts';
import type { CutHandle } from './cut.ts';

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The chunks of a snapshot under way. Between its slices others have their turn, whatever they are written to. */
export async function* inTurns(cut: Pick<CutHandle, 'next'>): AsyncGenerator<Uint8Array> {
  for (let slice = await cut.next(); slice !== null; slice = await cut.next()) {
    yield* slice;
    await setImmediate();
  }
}

/** Where the state of lanes is kept. A snapshot is a function of the log up to the offsets it names. */
export interface SnapshotStore {
  /**
   * Resolves with a reference of at most 1 kB once the chunks (at most 1 MB each) are durable. Takes them one by one,
   * so that not all need be in memory at once.
   */
  write(lane: number, chunks: Chunks): Promise<string>;
  /** Rejects when the snapshot is gone or damaged. */
  read(lane: number, reference: string): Promise<Uint8Array[]>;
  /** A cursor that is durable names this snapshot now: those before it are not needed any more. */
  named?(lane: number, reference: string): Promise<void>;
}

/** Snapshots as files, each replaced whole. Kept are the one a cursor names, the one before it, and what came after. */
export function fileSnapshots(directory: string): SnapshotStore {
  let sequence: number | null = null;
  return {
    async write(lane, chunks) {
      sequence ??= await greatestSequence(directory).catch((error: unknown) => {
        throw diskError(error, `cannot read ${directory}`);
      });
      const name = `lane-${lane}-${++sequence}.snapshot`;
      await writeAtomically(join(directory, name), pieces(chunks));
      await pruneUnnamed(directory, `lane-${lane}-`);
      return name;
    },
    async named(lane, reference) {
      const older = (await snapshotsOf(directory, `lane-${lane}-`)).filter((name) => name < reference);
      for (const name of older.slice(0, -1)) await unlink(join(directory, name)).catch(() => {});
    },
    async read(_lane, reference) {
      let content: Buffer;
      try {
        content = await readFile(join(directory, reference));
      } catch (error) {
        throw new WeirError('state_unusable', `snapshot ${reference} cannot be read: ${messageOf(error)}`, {
          cause: error,
        });
      }
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < content.length;) {
        const end = at + 4 > content.length ? Infinity : at + 4 + content.readUInt32LE(at);
        if (end > content.length) throw new WeirError('state_unusable', `snapshot ${reference} is cut short`);
        chunks.push(content.subarray(at + 4, end));
        at = end;
      }
      return chunks;
    },
  };
}

/** Each write costs a turn, and all that is folded meanwhile. */
const WRITE_BYTES = 16_000_000;

/** Each chunk after its length, in pieces that are worth a write. */
async function* pieces(chunks: Chunks): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(chunk.length);
    parts.push(length, chunk);
    bytes += 4 + chunk.length;
    if (bytes < WRITE_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

/** Names count up from the greatest there is, whatever the clock says: the newest must sort last. */
async function greatestSequence(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true });
  const found = (await readdir(directory)).map((name) => Number(/-(\d+)\.snapshot$/.exec(name)?.[1] ?? 0));
  return Math.max(Date.now(), ...found);
}

/** Cursors cannot be saved, perhaps for days: of what none of them names the newest are enough, and the oldest. */
const MOST = 8;

async function pruneUnnamed(directory: string, prefix: string): Promise<void> {
  const names = await snapshotsOf(directory, prefix);
  for (const name of names.slice(2, 2 - MOST)) await unlink(join(directory, name)).catch(() => {});
}

/** Snapshots of a lane, oldest first. */
async function snapshotsOf(directory: string, prefix: string): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  return (await readdir(directory)).filter((n) => n.startsWith(prefix) && n.endsWith('.snapshot')).sort();
}

/** Snapshots that are never needed again: for finite runs. */
export const noSnapshots: SnapshotStore = {
  write: () => Promise.resolve('none'),
  read: () => Promise.reject(new WeirError('state_unusable', 'this run keeps no snapshots')),
};
