/** Plain things by handle, held for a short time; names and lists that numbers in a table cannot hold. */
export interface ShortMemory<T extends { readonly sinceMs: number }> {
  readonly size: number;
  /** Undefined when there is none, or it is older than `keepMs`. */
  get(handle: number, timeMs: number): T | undefined;
  /** Replaces what was held; the thing may be changed afterwards, but for its time. */
  set(handle: number, thing: T): T;
  delete(handle: number): void;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface ShortMemoryOptions {
  /** Prefix of the snapshot section. */
  readonly name: string;
  readonly keepMs: number;
  readonly max: number;
  /** Called for each thing given up before its time because the cap was reached. */
  readonly evicted: (count: number) => void;
}

/** What is set last is youngest: times never decrease, so the oldest is always the first. */
export function createShortMemory<T extends { readonly sinceMs: number }>({
  name,
  keepMs,
  max,
  evicted,
}: ShortMemoryOptions): ShortMemory<T> {
  const held = new Map<number, T>();
  return {
    get size() {
      return held.size;
    },
    get(handle, timeMs) {
      const thing = held.get(handle);
      return thing !== undefined && timeMs - thing.sinceMs <= keepMs ? thing : undefined;
    },
    set(handle, thing) {
      held.delete(handle);
      for (const [oldest, { sinceMs }] of held) {
        const isOver = thing.sinceMs - sinceMs > keepMs;
        if (!isOver && held.size < max) break;
        held.delete(oldest);
        if (!isOver) evicted(1);
      }
      held.set(handle, thing);
      return thing;
    },
    delete(handle) {
      held.delete(handle);
    },
    section: () => [`${name}.memory`, Buffer.from(JSON.stringify([...held]))],
    restore(sections) {
      held.clear();
      const bytes = sections.get(`${name}.memory`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [number, T][]) : [];
      for (const [handle, thing] of saved) held.set(handle, thing);
    },
  };
}
