import type { Hash } from './hash.ts';
import { createKeyTable, type KeyTable } from './key-table.ts';

/**
 * How far the learning of one key has come. `saturated` is ready before its time, because nothing new was seen of it for
 * half of the time it was seen at all.
 */
export type LearningState = 'learning' | 'saturated' | 'ready';

/** What is normal for each key is learned from its own first flows; a key is judged when it is ready. */
export interface Learning {
  /** For more columns; they are declared before the first key. */
  readonly table: KeyTable;
  /** Slot of a key that was seen. One not seen before, or not for `staleMs`, begins to learn. */
  meet(key: Hash, timeMs: number): number;
  /** Judges how far the key had come before something new was met, and takes it into account. */
  meetNew(slot: number, timeMs: number): LearningState;
  /** Whether any key has learned; `stale` when none was seen for `staleMs`. Goes through all keys. */
  state(atMs?: number): 'learning' | 'ready' | 'stale';
  /** History of a key has passed, whether or not it was seen here. */
  learned(key: Hash, fromMs: number, toMs: number): void;
  /** How long the key has been seen. */
  ageMs(slot: number, timeMs: number): number;
  /** Keys that were ready or saturated when last judged. */
  readonly ready: number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface LearningOptions {
  /** Prefix of the snapshot sections. */
  readonly name: string;
  readonly maxKeys: number;
  /** A key is ready this long after it was first seen. */
  readonly learnMs: number;
  /** Least age at which a key may be saturated; Infinity when it may not. */
  readonly saturateMs: number;
  /** Least flows of a saturated key. */
  readonly saturateFlows: number;
  /** A key not seen for this long begins anew. */
  readonly staleMs: number;
  /** Called with the slot of a key that gives way: when it is seen again it begins anew. */
  readonly evict: (slot: number) => void;
}

const CODES = { learning: 0, saturated: 1, ready: 2 } as const;

/** 37 bytes a key. What was judged ready stays so until the key is stale, or one burst would be its own excuse. */
export function createLearning(options: LearningOptions): Learning {
  const { learnMs, saturateMs, saturateFlows, staleMs } = options;
  let ready = 0;
  const table = createKeyTable({
    name: options.name,
    maxKeys: options.maxKeys,
    evict(slot) {
      if (state.at[slot] !== CODES.learning) ready--;
      options.evict(slot);
    },
  });
  const firstMs = table.column('firstMs', Float64Array);
  const lastMs = table.column('lastMs', Float64Array);
  const newMs = table.column('newMs', Float64Array);
  const flows = table.column('flows', Uint32Array);
  const state = table.column('state', Uint8Array);

  function begin(slot: number, timeMs: number): void {
    if (state.at[slot] !== CODES.learning) ready--;
    firstMs.at[slot] = timeMs;
    newMs.at[slot] = timeMs;
    flows.at[slot] = 0;
    state.at[slot] = CODES.learning;
  }

  return {
    table,
    get ready() {
      return ready;
    },
    meet(key, timeMs) {
      let slot = table.find(key);
      if (slot === -1) {
        slot = table.claim(key);
        begin(slot, timeMs);
      } else if (timeMs - lastMs.at[slot]! > staleMs) {
        begin(slot, timeMs);
      }
      lastMs.at[slot] = timeMs;
      flows.at[slot] = flows.at[slot]! + 1;
      return slot;
    },
    meetNew(slot, timeMs) {
      const age = timeMs - firstMs.at[slot]!;
      const was = state.at[slot]!;
      let code = was;
      if (age >= learnMs) code = CODES.ready;
      else if (was === CODES.learning && age >= saturateMs && flows.at[slot]! >= saturateFlows) {
        if (timeMs - newMs.at[slot]! >= age / 2) code = CODES.saturated;
      }
      if (was === CODES.learning && code !== CODES.learning) ready++;
      state.at[slot] = code;
      newMs.at[slot] = timeMs;
      return code === CODES.ready ? 'ready' : code === CODES.saturated ? 'saturated' : 'learning';
    },
    state(atMs = -Infinity) {
      let newestMs = -Infinity;
      for (let slot = 0; slot < table.size; slot++) {
        const hasLearned =
          state.at[slot] !== CODES.learning || lastMs.at[slot]! - firstMs.at[slot]! >= learnMs;
        if (hasLearned) newestMs = Math.max(newestMs, lastMs.at[slot]!);
      }
      if (newestMs === -Infinity) return 'learning';
      return atMs - newestMs > staleMs ? 'stale' : 'ready';
    },
    learned(key, fromMs, toMs) {
      const known = table.find(key);
      const slot = known === -1 ? table.claim(key) : known;
      if (known === -1) begin(slot, fromMs);
      firstMs.at[slot] = Math.min(firstMs.at[slot]!, fromMs);
      lastMs.at[slot] = known === -1 ? toMs : Math.max(lastMs.at[slot]!, toMs);
    },
    ageMs: (slot, timeMs) => timeMs - firstMs.at[slot]!,
    *sections() {
      yield* table.sections();
    },
    restore(sections) {
      table.restore(sections);
      ready = 0;
      for (let slot = 0; slot < table.size; slot++) if (state.at[slot] !== CODES.learning) ready++;
    },
  };
}
