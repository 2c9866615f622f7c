import { closeSync, constants, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import type { DeadLetter } from '../schema/records.ts';
import { deadLetter, payloadOf } from './dead-letter.ts';
import { diskError } from './files.ts';
import { topics, type LogBatch } from './log.ts';

/**
 * Remembers what was being worked on when the process died. The first death at a place is a crash like any
 * other; after the second the batch is taken record by record; a record that is there at the third is poison.
 */
export interface Attempts {
  /** Deaths so far within [first, last] of this partition. */
  begin(place: string, first: number, last: number): number;
  done(place: string): void;
}

interface Trying {
  readonly first: number;
  readonly last: number;
  readonly deaths: number;
}

/** Files that are kept open; of places beyond these each file is made and removed for every batch. */
const MAX_OPEN = 64;
/** Every state of a file is this long, so that each takes the whole place of the one before. */
const STATE_BYTES = 80;

/**
 * Kept in one small file per place, written in place and without syncing: it must survive the process, not the
 * machine. Throws `disk_full` or `state_unusable` when the directory cannot be made.
 */
export function fileAttempts(directory: string): Attempts {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw diskError(error, `cannot make ${directory}`);
  }
  const pathOf = (place: string): string => `${directory}/${place.replaceAll(/[^\w.-]/g, '_')}.trying`;
  const found = new Map<string, Trying | null>();
  const open = new Map<string, number>();
  /** Places whose files were removed, and not made again since. */
  const removed = new Set<string>();

  function write(place: string, state: Trying | null): void {
    let file = open.get(place);
    if (file === undefined) {
      mkdirSync(directory, { recursive: true });
      // Not emptied: what is there says who died until it is written over.
      file = openSync(pathOf(place), constants.O_WRONLY | constants.O_CREAT, 0o600);
      removed.delete(place);
    }
    try {
      writeSync(file, JSON.stringify(state).padEnd(STATE_BYTES), 0);
    } finally {
      if (open.size < MAX_OPEN) open.set(place, file);
      else if (!open.has(place)) closeSync(file);
    }
  }

  return {
    begin(place, first, last) {
      if (!found.has(place)) found.set(place, readTrying(pathOf(place)));
      const before = found.get(place);
      // What was reached before the crash is tried again; anything further on is new ground.
      const deaths = before && first <= before.last && last >= before.first ? before.deaths + 1 : 0;
      if (before && first > before.last) found.set(place, null);
      try {
        write(place, { first, last, deaths });
      } catch {
        // A full disk stops no work; all that is lost is the count of deaths.
      }
      return deaths;
    },
    done(place) {
      if (removed.has(place)) return;
      try {
        if (open.has(place)) write(place, null);
        else {
          removed.add(place);
          unlinkSync(pathOf(place));
        }
      } catch {
        // Already gone: there is nothing to remember.
      }
    },
  };
}

function readTrying(path: string): Trying | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Trying | null;
  } catch {
    return null;
  }
}

/** For runs that are not restarted. */
export const noAttempts: Attempts = { begin: () => 0, done: () => {} };

/**
 * Works through entries: all at once as a rule, one by one where a crash must be narrowed down, and without the
 * one that was being worked on at three deaths.
 */
export async function attempt<E extends { readonly offset: number }>(
  attempts: Attempts,
  place: string,
  entries: readonly E[],
  work: {
    readonly take: (entries: readonly E[]) => Promise<void>;
    readonly poison: (entry: E) => Promise<void>;
  },
): Promise<void> {
  const first = entries[0]?.offset;
  if (first === undefined) return;
  const deaths = attempts.begin(place, first, entries.at(-1)!.offset);
  if (deaths < 2) await work.take(entries);
  else
    for (const entry of entries) {
      if (attempts.begin(`${place}.single`, entry.offset, entry.offset) >= 1) await work.poison(entry);
      else await work.take([entry]);
    }
  attempts.done(`${place}.single`);
  attempts.done(place);
}

/** The record that the process died on three times, as it was. */
export function quarantined(
  component: string,
  batch: LogBatch,
  entry: LogBatch['entries'][number],
  timeMs: number,
): DeadLetter {
  return deadLetter({
    component,
    kind: topics[batch.topic].kind,
    code: 'quarantined',
    reason: `the process died three times at ${batch.topic} ${batch.partition} offset ${entry.offset}`,
    payload: payloadOf(entry.value),
    timeMs,
    topic: batch.topic,
    partition: batch.partition,
    offset: entry.offset,
  });
}
