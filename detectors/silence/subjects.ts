import type { FlowSummary } from '../../schema/records.ts';
import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import type { Names } from './names.ts';

/** Whom to name when a subject is silent; held only of those that would be missed. */
export interface Profile extends Names {
  /** In the alert book. */
  readonly handle: number;
  /** Slots of the node and of the source that report it; -1 where there is none. */
  node: number;
  source: number;
  /** One of its last flows, where it has any. */
  flow: FlowSummary | null;
}

/** How silent somebody may be, by its history. */
export interface History {
  readonly lastMs: number;
  readonly longestMs: number;
  readonly thresholdMs: number;
  readonly perHour: number;
  readonly historyMs: number;
}

/** Those of one kind that report, and when they last did. */
export interface Subjects {
  readonly size: number;
  /** Slots of those that would be missed, and whom to name. */
  readonly profiles: ReadonlyMap<number, Profile>;
  /** Slot of who reports at a time. Times before its last one say nothing new. */
  meet(key: Hash, timeMs: number): number;
  /** Slot of who was met before; -1 when it was not. */
  find(key: Hash): number;
  /** Whether, as of the last `meet`, it had been given up as silent; and how long it had been away. */
  readonly isBack: boolean;
  /** Whether it was the first of its minute. */
  readonly isNewMinute: boolean;
  readonly awayMs: number;
  /** Whether there is history enough to miss it. */
  isReady(slot: number): boolean;
  /** Keeps whom to name, unless there are too many. */
  watch(slot: number, profile: Profile): void;
  /** Forgets who was reported by a node or source whose slot is another's now. */
  forget(by: 'node' | 'source', slot: number): void;
  historyOf(slot: number): History;
  lastMs(slot: number): number;
  /** Since when it has reported without a pause. */
  sinceMs(slot: number): number;
  /** It is silent: told once, and whom to name is forgotten. */
  giveUp(slot: number): void;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface SubjectsOptions {
  readonly name: string;
  readonly maxKeys: number;
  /** Most of them that are watched. */
  readonly maxWatched: number;
  readonly leastMs: number;
  /** What is longer is a pause. */
  readonly pauseMs: number;
  readonly gapFactor: number;
  readonly leastExpected: number;
  readonly leastRecords: number;
  readonly learnMs: number;
  /** Who was away for longer begins anew. */
  readonly staleMs: number;
  readonly evicted: (slot: number) => void;
  readonly turnedAway: () => void;
}

const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
export const minuteOf = (timeMs: number): number => Math.floor(timeMs / MINUTE_MS);

/** About 60 bytes a key; a few hundred more while it is watched. */
export function createSubjects(options: SubjectsOptions): Subjects {
  const { name, maxKeys } = options;
  const profiles = new Map<number, Profile>();
  const table = createKeyTable({
    name,
    maxKeys,
    evict(slot) {
      profiles.delete(slot);
      options.evicted(slot);
    },
  });
  const firstMs = table.column('firstMs', Float64Array);
  const sinceMs = table.column('sinceMs', Float64Array);
  const lastMs = table.column('lastMs', Float64Array);
  const longestMs = table.column('longestMs', Float64Array);
  const records = table.column('records', Uint32Array);
  const silent = table.column('silent', Uint8Array);
  /** So that each is counted once. */
  const turnedAway = table.column('turnedAway', Uint8Array);
  let isBack = false;
  let isNewMinute = true;
  let awayMs = 0;

  function begin(slot: number, timeMs: number): void {
    firstMs.at[slot] = timeMs;
    sinceMs.at[slot] = timeMs;
    lastMs.at[slot] = timeMs;
    longestMs.at[slot] = 0;
    records.at[slot] = 1;
    profiles.delete(slot);
  }

  return {
    get size() {
      return table.size;
    },
    get isNewMinute() {
      return isNewMinute;
    },
    get isBack() {
      return isBack;
    },
    get awayMs() {
      return awayMs;
    },
    profiles,
    find: (key) => table.find(key),
    meet(key, timeMs) {
      isBack = false;
      isNewMinute = true;
      let slot = table.find(key);
      if (slot === -1) {
        begin((slot = table.claim(key)), timeMs);
        return slot;
      }
      awayMs = timeMs - lastMs.at[slot]!;
      if (awayMs < 0) return slot;
      isNewMinute = awayMs >= MINUTE_MS || minuteOf(timeMs) !== minuteOf(lastMs.at[slot]!);
      isBack = silent.at[slot] === 1;
      silent.at[slot] = 0;
      if (awayMs > options.staleMs) {
        begin(slot, timeMs);
        return slot;
      }
      // A silence that was told of is no pause to get used to.
      if (!isBack && awayMs > longestMs.at[slot]!) longestMs.at[slot] = awayMs;
      if (awayMs > options.pauseMs) sinceMs.at[slot] = timeMs;
      lastMs.at[slot] = timeMs;
      records.at[slot] = records.at[slot]! + 1;
      return slot;
    },
    isReady: (slot) =>
      records.at[slot]! >= options.leastRecords && lastMs.at[slot]! - firstMs.at[slot]! >= options.learnMs,
    watch(slot, profile) {
      if (profiles.size < options.maxWatched) profiles.set(slot, profile);
      else {
        if (turnedAway.at[slot] === 0) options.turnedAway();
        turnedAway.at[slot] = 1;
      }
    },
    forget(by, slot) {
      for (const [own, profile] of profiles) if (profile[by] === slot) profiles.delete(own);
    },
    historyOf(slot) {
      const historyMs = lastMs.at[slot]! - firstMs.at[slot]!;
      const meanMs = historyMs / Math.max(1, records.at[slot]! - 1);
      return {
        lastMs: lastMs.at[slot]!,
        longestMs: longestMs.at[slot]!,
        thresholdMs: Math.max(
          options.leastMs,
          options.gapFactor * longestMs.at[slot]!,
          options.leastExpected * meanMs,
        ),
        perHour: meanMs > 0 ? HOUR_MS / meanMs : 0,
        historyMs,
      };
    },
    lastMs: (slot) => lastMs.at[slot]!,
    sinceMs: (slot) => sinceMs.at[slot]!,
    giveUp(slot) {
      silent.at[slot] = 1;
      profiles.delete(slot);
    },
    *sections() {
      yield* table.sections();
      yield [`${name}.profiles`, Buffer.from(JSON.stringify([...profiles]))];
    },
    restore(sections) {
      table.restore(sections);
      profiles.clear();
      const bytes = sections.get(`${name}.profiles`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as [number, Profile][]) : [];
      for (const [slot, profile] of saved) profiles.set(slot, profile);
    },
  };
}
