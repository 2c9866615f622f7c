/**
 * Recognises redelivery exactly and without a time horizon: positions of an origin strictly increase, and order
 * within (origin, raw partition) is kept by every stage, so a position at or below the highest seen was seen.
 */
export interface Dedup {
  /** True when the record is new. */
  admit(origin: string, raw: number, position: number, appendMs: number): boolean;
  save(): DedupState;
  load(state: DedupState): void;
  readonly size: number;
}

export type DedupState = readonly (readonly [key: string, position: number, appendMs: number])[];

export interface DedupOptions {
  /** An origin is forgotten this long after its last record, by append time. */
  readonly originTtlMs: number;
  readonly maxOrigins: number;
}

export const dedupDefaults: DedupOptions = { originTtlMs: 7 * 86_400_000, maxOrigins: 200_000 };

export function createDedup(options: DedupOptions = dedupDefaults): Dedup {
  const highest = new Map<string, { position: number; appendMs: number }>();
  let sweptMs = 0;
  // Neighbouring records mostly share an origin: remembering the last one saves the look-up.
  let lastOrigin = '';
  let lastRaw = -1;
  let last: { position: number; appendMs: number } | undefined;
  function sweep(nowMs: number): void {
    sweptMs = nowMs;
    for (const [key, value] of highest) if (nowMs - value.appendMs > options.originTtlMs) highest.delete(key);
    last = undefined;
  }
  return {
    admit(origin, raw, position, appendMs) {
      if (appendMs - sweptMs > options.originTtlMs / 10) sweep(appendMs);
      if (!last || lastRaw !== raw || lastOrigin !== origin) {
        const key = `${raw}/${origin}`;
        last = highest.get(key);
        if (!last) {
          if (highest.size >= options.maxOrigins) highest.delete(highest.keys().next().value!);
          highest.set(key, (last = { position: -1, appendMs }));
        }
        lastOrigin = origin;
        lastRaw = raw;
      }
      if (position <= last.position) return false;
      last.position = position;
      last.appendMs = appendMs;
      return true;
    },
    save: () => [...highest].map(([key, value]) => [key, value.position, value.appendMs] as const),
    load(state) {
      last = undefined;
      highest.clear();
      for (const [key, position, appendMs] of state) highest.set(key, { position, appendMs });
    },
    get size() {
      return highest.size;
    },
  };
}
