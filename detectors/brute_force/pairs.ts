import type { Flow } from '../../schema/records.ts';
import { eventMs } from '../event-time.ts';
import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { sizeOf, UNSIZED } from './attempt.ts';
import { kinds } from './explain.ts';
import type { Options } from './options.ts';
import { createTally, WINDOW_MS, type Decision } from './tally.ts';

/** What a session must have beyond a multiple of the attempts. */
const SESSION_EXTRA_BYTES = 1_000;

/** Attempts of one source at one port of one host. */
export interface Pairs {
  readonly size: number;
  /** One more attempt; `tried` when it is not the first of its thirty minutes. */
  tryOnce(pair: Hash, flow: Flow): { readonly slot: number; readonly tried: boolean };
  attempts(slot: number): number;
  /** Whether the attempts are guessing, and by which of the two rules. */
  guessing(slot: number): Decision | null;
  /**
   * A session. Gives its attempts within the window when it follows them, is larger than they were, and is the first of its
   * pair: who was let in before is let in again without having guessed.
   */
  letIn(pair: Hash, flow: Flow): number | null;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export function createPairs(options: Options, maxKeys: number, evict: () => void): Pairs {
  const table = createKeyTable({ name: 'pair', maxKeys, evict });
  const tries = createTally(table);
  const lastMs = table.column('lastMs', Float64Array);
  const meanBytes = table.column('meanBytes', Float32Array);
  const sized = table.column('sized', Uint32Array);
  const wasLetIn = table.column('letIn', Uint8Array);

  /** Mean size of the attempts of a window, for what a success is compared with. */
  function countSize(slot: number, bytes: number, goesOn: boolean): void {
    if (!goesOn) {
      sized.at[slot] = 0;
      meanBytes.at[slot] = 0;
    }
    if (bytes === UNSIZED) return;
    sized.at[slot] = sized.at[slot]! + 1;
    meanBytes.at[slot] = meanBytes.at[slot]! + (bytes - meanBytes.at[slot]!) / sized.at[slot];
  }

  return {
    get size() {
      return table.size;
    },
    tryOnce(pair, flow) {
      const timeMs = eventMs(flow);
      const slot = table.claim(pair);
      const tried = tries.inThirty(slot) > 0 && timeMs - tries.sinceMs(slot) <= WINDOW_MS;
      tries.add(slot, timeMs);
      lastMs.at[slot] = timeMs;
      countSize(slot, sizeOf(flow), tried);
      return { slot, tried };
    },
    attempts: (slot) => tries.inThirty(slot),
    guessing(slot) {
      const usual = tries.usualInTen(slot);
      const fast = Math.max(options.attempts, options.usualFactor * usual);
      const slow = Math.max(options.attemptsSlow, 3 * options.usualFactor * usual);
      const base = { kind: kinds.guessing, sinceMs: tries.sinceMs(slot) };
      // Without sizes a login that worked looks like one that failed: then only the larger number proves something.
      if (sized.at[slot]! > 0 && tries.inTen(slot) >= fast) {
        return { ...base, observed: tries.inTen(slot), threshold: fast, usual };
      }
      if (tries.inThirty(slot) < slow) return null;
      return { ...base, observed: tries.inThirty(slot), threshold: slow, usual: 3 * usual };
    },
    letIn(pair, flow) {
      const slot = table.claim(pair);
      const before = wasLetIn.at[slot] === 1;
      wasLetIn.at[slot] = 1;
      if (before || sized.at[slot] === 0) return null;
      const least = options.successFactor * meanBytes.at[slot]! + SESSION_EXTRA_BYTES;
      const isLate = eventMs(flow) - lastMs.at[slot]! > options.successMs;
      return isLate || sizeOf(flow) < least ? null : tries.inThirty(slot);
    },
    sections: () => table.sections(),
    restore: (sections) => table.restore(sections),
  };
}
