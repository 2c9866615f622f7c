import type { DeadLetter } from '../schema/records.ts';
import { newDeadLetter } from '../schema/records.ts';
import { messageOf } from './errors.ts';

/** Goes through all dead letters that are kept, oldest first; resolves at their present end. */
export type LetterScan = (visit: (letter: DeadLetter) => void | Promise<void>) => Promise<void>;

/** Where a letter can be delivered after all. */
export interface LetterTarget {
  /** For each letter null when it is delivered, else why not. A rejection is about all of them. */
  deliver(letters: readonly DeadLetter[], signal: AbortSignal): Promise<readonly (string | null)[]>;
}

/** Why a letter has no target in this process. */
export interface NoTarget {
  readonly problem: string;
  /** Another process may have it. */
  readonly isElsewhere: boolean;
}

/** What became of a letter. What was not delivered is still there. */
export interface Replayed {
  readonly id: string;
  readonly component: string;
  readonly kind: string;
  /** Null when it was delivered. */
  readonly problem: string | null;
  /** Only another process can have its target. */
  readonly isElsewhere: boolean;
}

export interface LetterQuery {
  readonly where: (letter: DeadLetter) => boolean;
  readonly limit: number;
}

export interface LetterBox {
  /** The newest that are not delivered yet, oldest first. */
  list(query: LetterQuery): Promise<readonly DeadLetter[]>;
  /** Delivers the oldest first. One replay at a time: no letter is taken by two. */
  replay(query: LetterQuery, told: (outcome: Replayed) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/** Letters in one write. */
const MAX_BATCH = 100;
/** Deliveries that are remembered; the letters of older ones may be shown, and delivered, again. */
const MAX_ENDED = 1_000_000;

/**
 * The dead letter is a log, from which nothing can be taken: a letter that was delivered is ended by a record of the same id
 * that is appended after the delivery. So a crash in between leaves it there, and it is delivered again.
 */
export function letterBox(options: {
  readonly scan: LetterScan;
  readonly append: (endings: readonly DeadLetter[]) => Promise<void>;
  readonly targetOf: (letter: DeadLetter) => LetterTarget | NoTarget;
  readonly now: () => number;
}): LetterBox {
  let turn: Promise<unknown> = Promise.resolve();

  /** The place, in the order of a scan, at which each id was last ended. */
  async function endings(): Promise<ReadonlyMap<string, number>> {
    const ended = new Map<string, number>();
    let at = 0;
    await options.scan(({ id, replayedMs }) => {
      const place = at++;
      if (replayedMs === null) return;
      ended.set(id, place);
      const oldest = ended.keys().next().value;
      if (ended.size > MAX_ENDED && oldest !== undefined) ended.delete(oldest);
    });
    return ended;
  }

  async function eachOpen(
    where: LetterQuery['where'],
    visit: (letter: DeadLetter) => void | Promise<void>,
  ): Promise<void> {
    const ended = await endings();
    let at = 0;
    await options.scan(async (letter) => {
      const place = at++;
      if (letter.replayedMs !== null || place < (ended.get(letter.id) ?? -1) || !where(letter)) return;
      await visit(letter);
    });
  }

  async function replay(
    { where, limit }: LetterQuery,
    told: (outcome: Replayed) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const taken = new Set<string>();
    /** Those that are not for this process leave room for those that are. */
    const passed = new Set<string>();
    let batch: DeadLetter[] = [];
    let target: LetterTarget | null = null;

    async function flush(): Promise<void> {
      const letters = batch;
      batch = [];
      if (letters.length === 0 || target === null) return;
      let problems: readonly (string | null)[];
      try {
        problems = await target.deliver(letters, signal);
      } catch (error) {
        problems = letters.map(() => messageOf(error));
      }
      const delivered = letters.filter((_, i) => problems[i] === null);
      if (delivered.length > 0)
        await options.append(delivered.map((letter) => ending(letter, options.now())));
      for (const [i, { id, component, kind }] of letters.entries())
        await told({ id, component, kind, problem: problems[i] ?? null, isElsewhere: false });
    }

    await eachOpen(where, async (letter) => {
      const { id, component, kind } = letter;
      if (signal.aborted) return;
      const found = options.targetOf(letter);
      const room = 'isElsewhere' in found && found.isElsewhere ? passed : taken;
      if (room.size >= limit || room.has(id)) return;
      room.add(id);
      if (found !== target || batch.length >= MAX_BATCH) await flush();
      if ('problem' in found) {
        target = null;
        await told({ id, component, kind, ...found });
        return;
      }
      target = found;
      batch.push(letter);
    });
    await flush();
  }

  return {
    async list({ where, limit }) {
      // The newest occurrence of an id stands for all of them.
      const newest = new Map<string, DeadLetter>();
      await eachOpen(where, (letter) => {
        newest.delete(letter.id);
        newest.set(letter.id, letter);
        const oldest = newest.keys().next().value;
        if (newest.size > limit && oldest !== undefined) newest.delete(oldest);
      });
      return [...newest.values()];
    },
    replay(query, told, signal) {
      const mine = turn.then(() => replay(query, told, signal));
      turn = mine.catch(() => {});
      return mine;
    },
  };
}

function ending(letter: DeadLetter, nowMs: number): DeadLetter {
  const { id, component, kind, code, tenant } = letter;
  return {
    ...newDeadLetter({
      id,
      timeMs: nowMs,
      component,
      kind,
      code,
      reason: 'delivered',
      payload: Buffer.alloc(0),
    }),
    tenant,
    replayedMs: nowMs,
  };
}
