/** What suppressions hid in a week of event time, in one partition of alerts. */
export interface Tally {
  /** Event time at which the week began: a Monday, 00:00 UTC. */
  readonly weekMs: number;
  /** Event time from which on it was counted; later than the beginning in the first week. */
  readonly sinceMs: number;
  /** Revisions of alerts by the name of the suppression. */
  readonly hidden: Readonly<Record<string, number>>;
}

/** Counts by week. The event time of what it is told never goes back. */
export interface Tallies {
  count(name: string): void;
  /** Event time has come to `timeMs`; the week that ended meanwhile, if one did. */
  pass(timeMs: number): Tally | null;
  /** The week so far; null before there was any event time. */
  now(): Tally | null;
  load(saved: Tally | null): void;
}

export const WEEK_MS = 7 * 86_400_000;
/** 1970-01-05, a Monday. */
const FIRST_MONDAY_MS = 4 * 86_400_000;
/** Names come from the configuration; those that were taken out again give way no earlier than the week ends. */
const MAX_NAMES = 10_000;

export const weekOf = (timeMs: number): number =>
  FIRST_MONDAY_MS + Math.floor((timeMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS;

export function createTallies(): Tallies {
  let week: { weekMs: number; sinceMs: number } | null = null;
  let hidden = new Map<string, number>();
  const now = (): Tally | null => week && { ...week, hidden: Object.fromEntries(hidden) };
  return {
    count(name) {
      const known = hidden.get(name);
      if (known !== undefined || hidden.size < MAX_NAMES) hidden.set(name, (known ?? 0) + 1);
    },
    pass(timeMs) {
      if (!Number.isFinite(timeMs)) return null;
      const weekMs = weekOf(timeMs);
      if (week !== null && weekMs <= week.weekMs) return null;
      const ended = now();
      const isNext = week !== null && weekMs === week.weekMs + WEEK_MS;
      week = { weekMs, sinceMs: isNext ? weekMs : timeMs };
      // What was hidden before there was any event time belongs to the first week.
      if (ended !== null) hidden = new Map();
      return ended;
    },
    now,
    load(saved) {
      week = saved && { weekMs: saved.weekMs, sinceMs: saved.sinceMs };
      hidden = new Map(Object.entries(saved?.hidden ?? {}));
    },
  };
}
