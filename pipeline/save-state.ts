import { digest } from '../schema/ids.ts';
import type { Context } from './contracts.ts';
import type { Counters } from './counters.ts';
import type { CutHandle } from './cut.ts';
import { isRetryable, messageOf } from './errors.ts';
import type { LogBatch } from './log.ts';
import type { Manifest } from './manifest.ts';
import { inTurns, type SnapshotStore } from './snapshots.ts';

/** A group of lanes whose state is saved. */
export interface Saveable {
  readonly group: { cut(): CutHandle | Promise<CutHandle> };
  readonly number: number;
  /** The manifest this state was last committed or restored as. */
  manifest: Manifest | null;
  /** Newest batch of each feed: what a commit goes through. */
  readonly batches: readonly (LogBatch | undefined)[];
  /** Alerts and letters on their way: no cursor may pass what made them before they are durable. */
  readonly pending: ReadonlySet<Promise<unknown>>;
  snapshotting: boolean;
  snapshotMs: number;
  tookMs: number;
}

export interface SaveOptions<H extends Saveable> {
  readonly snapshots: SnapshotStore;
  readonly counters: Pick<Counters, 'failed'>;
  readonly context: Pick<Context, 'clock' | 'log'>;
  /** Whether this is still the state that flows are folded into. */
  readonly isCurrent: (held: H) => boolean;
  /** Tells of what was lost until now. */
  readonly reportLosses: (held: H) => Promise<void>;
}

/** Saves the state of a group beside the fold, which goes on between the slices of it. */
export function createSaver<H extends Saveable>(options: SaveOptions<H>): (held: H) => Promise<void> {
  const { snapshots, counters, context } = options;
  const { clock, log } = context;

  async function save(held: H): Promise<void> {
    const batches = [...held.batches];
    try {
      const reference = await saved(held, batches);
      if (reference !== null) await snapshots.named?.(held.number, reference);
    } catch (error) {
      // What fails on lanes that were taken away is given up: who has them now goes on at the last snapshot.
      if (batches.some((batch) => batch && !batch.isStale())) throw error;
      log.debug({ group: held.number, error: messageOf(error) }, 'state not written');
    }
  }

  /** Resolves with where the state lies once a cursor names it; null when none does. */
  async function saved(held: H, batches: Saveable['batches']): Promise<string | null> {
    held.snapshotting = true;
    const begunMs = clock.now();
    let cut: CutHandle | null = null;
    try {
      cut = await held.group.cut();
      const [reference] = await Promise.all([written(held.number, cut), options.reportLosses(held)]);
      // What was raised until the last of it was copied is in this state. What fails there is told where it was raised.
      const raised = await Promise.allSettled(held.pending);
      if (raised.some(({ status }) => status === 'rejected') || !options.isCurrent(held)) return null;
      if (reference === null) return null;
      const { resume } = cut;
      const sequence = (held.manifest?.sequence ?? 0) + 1;
      held.manifest = { id: digest(12, reference, sequence), sequence, reference, resume };
      const metadata = JSON.stringify(held.manifest);
      let isNamed = false;
      for (const [feed, batch] of batches.entries())
        if (batch && (await commit(batch, resume[feed]!, metadata))) isNamed = true;
      return isNamed ? reference : null;
    } finally {
      await cut?.end();
      held.snapshotting = false;
      held.snapshotMs = clock.now();
      held.tookMs = held.snapshotMs - begunMs;
    }
  }

  /** Where the state lies; null when it could not be written now: the cursor stays, and the next try writes it. */
  async function written(number: number, cut: CutHandle): Promise<string | null> {
    try {
      return await snapshots.write(number, inTurns(cut));
    } catch (error) {
      if (!isRetryable(error)) throw error;
      counters.failed(error);
      log.warn({ group: number, error: messageOf(error) }, 'state not written, trying again later');
      return null;
    }
  }

  /** A partition that was taken away is committed by who has it now, from the state it was given. */
  async function commit(batch: LogBatch, offset: number, metadata: string): Promise<boolean> {
    try {
      await batch.commit(offset, metadata);
      return true;
    } catch (error) {
      log.debug(
        { topic: batch.topic, partition: batch.partition, error: messageOf(error) },
        'cursor not moved',
      );
      return false;
    }
  }

  return save;
}
