import type { Attack } from '../../schema/records.ts';

/** New edges of one source within a window, before they weigh enough. */
export interface Pending {
  sinceMs: number;
  weight: number;
  /** What the source usually adds in a window, as of its beginning. */
  expected: number;
  count: number;
  entersScope: boolean;
  edges: string[];
  ports: number[];
  attack: Attack[];
}

/** Pending windows by the handle of their source, oldest first; bounded. */
export interface PendingWindows {
  readonly size: number;
  /** The window a new edge at `timeMs` falls into; a new one, with what `begin` gives as expected, when there is none. */
  at(handle: number, timeMs: number, begin: () => number): Pending;
  delete(handle: number): void;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface PendingOptions {
  readonly name: string;
  readonly windowMs: number;
  readonly max: number;
  /** Called for each window given up because the cap was reached before it had passed. */
  readonly evicted: (count: number) => void;
}

export function createPendingWindows({ name, windowMs, max, evicted }: PendingOptions): PendingWindows {
  const windows = new Map<number, Pending>();
  return {
    get size() {
      return windows.size;
    },
    at(handle, timeMs, begin) {
      const held = windows.get(handle);
      if (held !== undefined && timeMs - held.sinceMs <= windowMs) return held;
      windows.delete(handle);
      for (const [oldest, { sinceMs }] of windows) {
        const isOver = timeMs - sinceMs > windowMs;
        if (!isOver && windows.size < max) break;
        windows.delete(oldest);
        if (!isOver) evicted(1);
      }
      const fresh = {
        sinceMs: timeMs,
        weight: 0,
        expected: begin(),
        count: 0,
        entersScope: false,
        edges: [],
        ports: [],
        attack: [],
      };
      windows.set(handle, fresh);
      return fresh;
    },
    delete(handle) {
      windows.delete(handle);
    },
    section: () => [`${name}.windows`, Buffer.from(JSON.stringify([...windows]))],
    restore(sections) {
      windows.clear();
      const bytes = sections.get(`${name}.windows`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [number, Pending][]) : [];
      for (const [handle, window] of saved) windows.set(handle, window);
    },
  };
}
