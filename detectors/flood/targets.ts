import type { Hash } from '../hash.ts';
import { createKeyTable } from '../key-table.ts';
import { createLearning } from '../learning.ts';
import { createDistinctCounter } from '../stats/distinct.ts';
import { createSeasonalQuantiles } from '../stats/seasonal-quantiles.ts';

export const WINDOW_MS = 10_000;
/** What a busy window is, as a share of the least count that can make an alert: others need no quantiles. */
const BUSY_SHARE = 0.1;
/** What is usual is what 99 of 100 busy windows of that hour stay below. */
const QUANTILE = 0.99;
/** Busy destinations are few; each takes 1.6 kB. */
const BUSY_OF = 64;
/** The sources of few connections need no count, which is what nearly all windows have. */
const SOURCES_FROM = 10;
/** A flood that lasts that long is how it is from now on. */
const ACCEPT_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export interface Usual {
  readonly connections: number;
  readonly sources: number;
}

/** What comes to each destination in the present window of ten seconds, beside what is usual for it. */
export interface Targets {
  readonly size: number;
  /** Takes connections of one source; the slot of the target. */
  add(
    target: Hash,
    came: {
      readonly units: number;
      readonly unanswered: boolean;
      /** Asked for from the `SOURCES_FROM`-th connection of a window on. */
      readonly source: () => Hash;
      readonly timeMs: number;
    },
  ): number;
  connections(slot: number): number;
  unanswered(slot: number): number;
  sources(slot: number): number;
  /** Event time at which the present window had its first flow. */
  sinceMs(slot: number): number;
  /** Says that the present window is one of a flood: it is not learned. */
  flooded(slot: number, timeMs: number): void;
  /** Whether the present window or the one before was of a flood. */
  isFlooded(slot: number): boolean;
  usual(target: Hash, timeMs: number): Usual;
  ageMs(slot: number, timeMs: number): number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface TargetsOptions {
  readonly maxKeys: number;
  readonly evicted: (count: number) => void;
  readonly learnMs: number;
  readonly staleMs: number;
  /** Least number of connections in a window that can make an alert. */
  readonly connections: number;
}

const NOTHING: Usual = { connections: 0, sources: 0 };

/**
 * Windows begin every ten seconds of event time. 87 bytes a destination; its quantiles by the hour of the week only when
 * it was ever busy, since the thresholds have a floor. Busy windows alone are learned, which makes what is usual rather too high
 * than too low; those of a flood are not, until it has lasted for a day.
 */
export function createTargets(options: TargetsOptions): Targets {
  const { maxKeys, evicted } = options;
  const targets = createLearning({
    name: 'target',
    maxKeys,
    learnMs: options.learnMs,
    saturateMs: Number.POSITIVE_INFINITY,
    saturateFlows: 0,
    staleMs: options.staleMs,
    evict(slot) {
      sources.clear(slot);
      evicted(1);
    },
  });
  const windows = targets.table.column('window', Float64Array);
  /** Event time of the first flow of the window. */
  const sinceMs = targets.table.column('sinceMs', Float64Array);
  const counts = targets.table.column('count', Float32Array);
  const unanswered = targets.table.column('unanswered', Float32Array);
  /** Last window of a flood, and when it began. */
  const floodWindow = targets.table.column('floodWindow', Float64Array);
  const floodMs = targets.table.column('floodMs', Float64Array);
  const sources = createDistinctCounter(targets.table, 'sources', {
    maxBytes: Math.max(65_536, maxKeys * 32),
    full: () => evicted(1),
  });
  const busy = createKeyTable({
    name: 'busy',
    maxKeys: Math.max(8, Math.floor(maxKeys / BUSY_OF)),
    evict: () => evicted(1),
  });
  const usualConnections = createSeasonalQuantiles(busy, 'connections');
  const usualSources = createSeasonalQuantiles(busy, 'sources');
  const busyCount = options.connections * BUSY_SHARE;

  /** Takes a window that ended into what is usual. */
  function learn(target: Hash, slot: number): void {
    const count = counts.at[slot]!;
    if (count < busyCount) return;
    const beganMs = windows.at[slot]! * WINDOW_MS;
    if (floodWindow.at[slot] === windows.at[slot] && beganMs - floodMs.at[slot]! < ACCEPT_MS) return;
    const at = busy.claim(target);
    usualConnections.add(at, count, beganMs);
    usualSources.add(at, sources.count(slot), beganMs);
  }

  return {
    get size() {
      return targets.table.size + busy.size;
    },
    add(target, { units, unanswered: isUnanswered, source, timeMs }) {
      const slot = targets.meet(target, timeMs);
      const window = Math.floor(timeMs / WINDOW_MS);
      const isNew = counts.at[slot] === 0;
      if (isNew || window > windows.at[slot]!) {
        if (!isNew) learn(target, slot);
        if (counts.at[slot]! >= SOURCES_FROM) sources.clear(slot);
        windows.at[slot] = window;
        sinceMs.at[slot] = timeMs;
        counts.at[slot] = 0;
        unanswered.at[slot] = 0;
      }
      counts.at[slot] = counts.at[slot]! + units;
      if (isUnanswered) unanswered.at[slot] = unanswered.at[slot]! + units;
      if (counts.at[slot] >= SOURCES_FROM) sources.add(slot, source());
      return slot;
    },
    connections: (slot) => counts.at[slot]!,
    unanswered: (slot) => unanswered.at[slot]!,
    sources: (slot) => Math.min(sources.count(slot), Math.ceil(counts.at[slot]!)),
    sinceMs: (slot) => sinceMs.at[slot]!,
    flooded(slot, timeMs) {
      const window = windows.at[slot]!;
      if ((window - floodWindow.at[slot]!) * WINDOW_MS > HOUR_MS) floodMs.at[slot] = timeMs;
      floodWindow.at[slot] = window;
    },
    isFlooded: (slot) => floodWindow.at[slot] !== 0 && windows.at[slot]! - floodWindow.at[slot]! <= 1,
    usual(target, timeMs) {
      const at = busy.find(target);
      if (at === -1) return NOTHING;
      return {
        connections: usualConnections.quantile(at, timeMs, QUANTILE),
        sources: usualSources.quantile(at, timeMs, QUANTILE),
      };
    },
    ageMs: (slot, timeMs) => targets.ageMs(slot, timeMs),
    *sections() {
      yield* targets.sections();
      yield* sources.sections();
      yield* busy.sections();
      yield* usualConnections.sections();
      yield* usualSources.sections();
    },
    restore(sections) {
      targets.restore(sections);
      sources.restore(sections);
      busy.restore(sections);
      usualConnections.restore(sections);
      usualSources.restore(sections);
    },
  };
}
