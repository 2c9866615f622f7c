import type { Incident } from '../schema/records.ts';
import type { Context } from '../pipeline/contracts.ts';
import type { Counters } from '../pipeline/counters.ts';
import { appendOrKeep, type DeadLetters } from '../pipeline/dead-letter.ts';
import { undecodable } from '../pipeline/deliver.ts';
import { isRetryable, messageOf } from '../pipeline/errors.ts';
import type { Assignment, Log, LogBatch, Seek } from '../pipeline/log.ts';
import { partitionOf } from '../pipeline/partition.ts';
import { attempt, quarantined, type Attempts } from '../pipeline/quarantine.ts';
import type { SnapshotStore } from '../pipeline/snapshots.ts';
import type { Decisions } from './decisions.ts';
import { createIncidentStream, type IncidentStream } from './stream.ts';
import type { Options } from './options.ts';
import type { Tally } from './tally.ts';

/** Begins with the name that the role's right to consume is granted for. */
export const INCIDENTS_GROUP = 'weir.detectors.incidents';

export interface IncidentsOptions {
  readonly options: Options;
  readonly log: Log;
  readonly snapshots: SnapshotStore;
  readonly attempts: Attempts;
  readonly letters: DeadLetters;
  readonly counters: Counters;
  /** At least this long between two snapshots of a partition. */
  readonly snapshotEveryMs: number;
  /** What people decide about incidents. */
  readonly decisions?: Decisions;
  /** Told of a week that ended in a partition; resolves when that is known for good. */
  readonly weekEnded?: (partition: number, tally: Tally) => Promise<void>;
  /** Told of every partition that is held, after each batch. */
  readonly held?: (streams: readonly IncidentStream[]) => void;
}

interface Held {
  readonly stream: IncidentStream;
  reference: string | null;
  savedTo: number;
  savedMs: number;
}

/**
 * Joins the alerts of the partitions this process has. Incidents are acknowledged, then the state is written, then the
 * cursor that names it; so a crash repeats revisions of the same id and number and never misses one.
 */
export async function joinIncidents(
  {
    options,
    log,
    snapshots,
    attempts,
    letters,
    counters,
    snapshotEveryMs,
    decisions,
    weekEnded,
    held,
  }: IncidentsOptions,
  context: Context,
  drain: AbortSignal,
): Promise<void> {
  const { clock } = context;
  const partitions = new Map<number, Held>();
  const batches = new Map<number, LogBatch<'alerts'>>();
  const share = (total: number): number => Math.ceil(total / log.partitions('alerts'));
  const to = {
    log,
    letters,
    component: 'incidents',
    now: () => clock.now(),
    failed: (error: unknown) => counters.failed(error),
  };

  const create = (): Held => ({
    reference: null,
    savedTo: -1,
    savedMs: clock.now(),
    stream: createIncidentStream({
      options,
      ...(decisions ? { decisions } : {}),
      maxIncidents: share(options.maxIncidents),
      maxWaiting: share(options.maxWaiting),
      evicted: (count) => counters.dropped('closed_early', count),
      late: (count) => counters.dropped('late', count),
      overflowed: (count) => counters.dropped('released_early', count),
    }),
  });

  async function assigned(now: readonly Assignment<'alerts'>[]): Promise<Seek<'alerts'>[]> {
    const seeks: Seek<'alerts'>[] = [];
    for (const { topic, partition, offset, metadata } of now) {
      const reference = metadata || null;
      const known = partitions.get(partition);
      // What is in memory is right unless somebody else went on from there meanwhile.
      if (!known || known.reference !== reference)
        partitions.set(partition, await restored(partition, reference));
      const { resume } = partitions.get(partition)!.stream;
      if (resume > 0 && resume !== offset) seeks.push({ topic, partition, offset: resume });
    }
    return seeks;
  }

  async function restored(partition: number, reference: string | null): Promise<Held> {
    const fresh = create();
    if (reference === null) return fresh;
    try {
      fresh.stream.restore(await snapshots.read(partition, reference));
      fresh.reference = reference;
      return fresh;
    } catch (error) {
      context.log.warn(
        { partition, error: messageOf(error) },
        'state of incidents set aside, open ones are begun anew',
      );
      return { ...create(), reference };
    }
  }

  async function take(
    one: Held,
    batch: LogBatch<'alerts'>,
    entries: LogBatch<'alerts'>['entries'],
  ): Promise<void> {
    if (batch.isStale()) return;
    const begunMs = clock.now();
    counters.received(entries.length);
    const bad = entries.filter(({ error }) => error !== undefined);
    try {
      const incidents = one.stream.take(entries);
      if (bad.length > 0)
        await letters.keep(bad.map((entry) => undecodable('incidents', batch, entry, clock.now())));
      if (incidents.length > 0) await tell(incidents);
      for (const tally of one.stream.reviewed()) await weekEnded?.(batch.partition, tally);
    } catch (error) {
      // The state is ahead of what is durable: whoever goes on begins at the last snapshot.
      partitions.delete(batch.partition);
      throw error;
    }
    counters.tookMs(clock.now() - begunMs);
    await batch.heartbeat();
  }

  async function tell(incidents: readonly Incident[]): Promise<void> {
    counters.sent(incidents.length);
    const count = log.partitions('incidents');
    await appendOrKeep(
      to,
      'incidents',
      incidents.map((value) => ({
        partition: partitionOf(value.entity.key, count),
        key: value.entity.key,
        value,
      })),
    );
  }

  async function save(one: Held, batch: LogBatch<'alerts'>): Promise<void> {
    const { chunks, resume } = one.stream.snapshot();
    one.savedMs = clock.now();
    if (resume === one.savedTo) return;
    try {
      const reference = await snapshots.write(batch.partition, chunks);
      one.reference = reference;
      await batch.commit(resume, reference);
      one.savedTo = resume;
      await snapshots.named?.(batch.partition, reference);
    } catch (error) {
      // Taken away meanwhile, or not to be written now: the cursor stays, and the next try writes it.
      if (!batch.isStale() && !isRetryable(error)) throw error;
      counters.failed(error);
      context.log.debug({ partition: batch.partition, error: messageOf(error) }, 'cursor not moved');
    }
  }

  await log.consume(
    {
      group: INCIDENTS_GROUP,
      topics: ['alerts'],
      assigned,
      async handle(batch) {
        const one = partitions.get(batch.partition);
        if (!one || batch.isStale()) return;
        batches.set(batch.partition, batch);
        await attempt(attempts, `incidents-${batch.partition}`, batch.entries, {
          take: (entries) => take(one, batch, entries),
          async poison(entry) {
            counters.dropped('quarantined', 1);
            await letters.keep([quarantined('incidents', batch, entry, clock.now())]);
          },
        });
        held?.([...partitions.values()].map(({ stream }) => stream));
        if (!batch.isStale() && clock.now() >= one.savedMs + snapshotEveryMs) await save(one, batch);
      },
    },
    drain,
  );
  for (const [partition, one] of partitions) {
    const batch = batches.get(partition);
    if (batch && !batch.isStale()) await save(one, batch);
  }
}
