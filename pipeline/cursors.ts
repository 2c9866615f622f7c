import type { OriginCursor } from './contracts.ts';
import { readJson, writeAtomically } from './files.ts';

/** How far each origin of a source is settled. In memory at once, on disk when `save` resolves. */
export interface Cursors {
  get(origin: string): OriginCursor | undefined;
  set(origin: string, cursor: OriginCursor, nowMs: number): void;
  /** The origin can still be read: it is not forgotten for another `ttlMs`. */
  keep(origin: string, nowMs: number): void;
  /** Writes when something changed since the last save; forgets origins not seen for `ttlMs`. */
  save(nowMs: number): Promise<void>;
  entries(): Iterable<readonly [origin: string, cursor: OriginCursor]>;
  readonly size: number;
}

interface Saved {
  version: 1;
  origins: Record<string, OriginCursor & { seenMs: number }>;
}

/** Cursors in memory alone, for finite runs that start from nothing. */
export function memoryCursors(): Cursors {
  const held = new Map<string, OriginCursor>();
  return {
    get: (origin) => held.get(origin),
    set: (origin, cursor) => void held.set(origin, cursor),
    keep: () => {},
    save: () => Promise.resolve(),
    entries: () => held,
    get size() {
      return held.size;
    },
  };
}

/** Cursors in one file, replaced whole. `ttlMs` (7 d) after an origin's last record it is forgotten. */
export async function fileCursors(path: string, options: { ttlMs: number; max: number }): Promise<Cursors> {
  const saved = (await readJson(path)) as Saved | undefined;
  const held = new Map(Object.entries(saved?.origins ?? {}));
  let dirty = false;
  const set = (origin: string, cursor: OriginCursor, nowMs: number): void => {
    held.delete(origin);
    held.set(origin, { ...cursor, seenMs: nowMs });
    dirty = true;
  };
  let last: Promise<void> = Promise.resolve();
  async function write(nowMs: number): Promise<void> {
    if (!dirty) return;
    for (const [origin, cursor] of held) {
      if (nowMs - cursor.seenMs <= options.ttlMs && held.size <= options.max) break;
      held.delete(origin);
    }
    dirty = false;
    try {
      await writeAtomically(
        path,
        JSON.stringify({ version: 1, origins: Object.fromEntries(held) } satisfies Saved),
      );
    } catch (error) {
      dirty = true;
      throw error;
    }
  }
  return {
    get: (origin) => held.get(origin),
    set,
    keep(origin, nowMs) {
      const cursor = held.get(origin);
      if (cursor) set(origin, cursor, nowMs);
    },
    save(nowMs) {
      // One write at a time: two would mix in the temporary file.
      const mine = last.catch(() => {}).then(() => write(nowMs));
      last = mine.catch(() => {});
      return mine;
    },
    entries: () => held,
    get size() {
      return held.size;
    },
  };
}
