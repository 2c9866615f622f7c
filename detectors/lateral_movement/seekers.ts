import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createRecentSet } from '../recent-set.ts';

const SCAN_WINDOW_MS = 600_000;

/** Sources that fail at many places: what a scan leaves behind. */
export interface Seekers {
  readonly size: number;
  /** One failed contact of a source with a (host, port); counted once within the window. */
  fail(source: Hash, contact: Hash, timeMs: number): void;
  /** Whether the contact was counted already: most failures are repeated. */
  isKnown(contact: Hash, timeMs: number): boolean;
  /** Distinct places at which the source failed, in its last scan within `withinMs`; 0 when there was none. */
  scanned(source: Hash, timeMs: number, withinMs: number): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface SeekersOptions {
  readonly maxKeys: number;
  /** Places within ten minutes that make a scan. */
  readonly scanFailed: number;
  readonly evicted: (count: number) => void;
}

export function createSeekers({ maxKeys, scanFailed, evicted }: SeekersOptions): Seekers {
  const failed = createRecentSet({ name: 'failed', maxKeys, keepMs: SCAN_WINDOW_MS, evicted });
  const table = createKeyTable({ name: 'seeker', maxKeys, evict: () => evicted(1) });
  const sinceMs = table.column('sinceMs', Float64Array);
  const failures = table.column('failures', Uint16Array);
  const scanMs = table.column('scanMs', Float64Array);
  const scanned = table.column('scanned', Uint16Array);

  return {
    get size() {
      return failed.size + table.size;
    },
    isKnown: (contact, timeMs) => failed.meet(contact, timeMs),
    fail(source, contact, timeMs) {
      failed.add(contact, timeMs);
      const slot = table.claim(source);
      if (timeMs - sinceMs.at[slot]! > SCAN_WINDOW_MS) {
        sinceMs.at[slot] = timeMs;
        failures.at[slot] = 0;
      }
      failures.at[slot] = Math.min(failures.at[slot]! + 1, 65_535);
      if (failures.at[slot] < scanFailed) return;
      scanMs.at[slot] = timeMs;
      scanned.at[slot] = failures.at[slot]!;
    },
    scanned(source, timeMs, withinMs) {
      const slot = table.find(source);
      if (slot === -1 || scanMs.at[slot] === 0 || timeMs - scanMs.at[slot]! > withinMs) return 0;
      return scanned.at[slot]!;
    },
    *sections() {
      yield* failed.sections();
      yield* table.sections();
    },
    restore(sections) {
      failed.restore(sections);
      table.restore(sections);
    },
  };
}
