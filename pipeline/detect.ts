import { digest } from '../schema/ids.ts';
import { newLoss, type Alert, type DeadLetter, type Flow } from '../schema/records.ts';
import type { Context } from './contracts.ts';
import type { Counters } from './counters.ts';
import { appendOrKeep, deadLetter, payloadOf, type DeadLetters } from './dead-letter.ts';
import { undecodable } from './deliver.ts';
import { messageOf } from './errors.ts';
import type { LaneGroupHandle } from './lane-group.ts';
import type { LanePlan } from './lane-plan.ts';
import type { Learned } from './learned.ts';
import type { Assignment, Entry, Log, LogBatch, LogEntry, Mark, Seek } from './log.ts';
import { newestManifest, type Manifest } from './manifest.ts';
import type { Notice } from './notice.ts';
import { partitionOf } from './partition.ts';
import { attempt, quarantined, type Attempts } from './quarantine.ts';
import { createSaver } from './save-state.ts';
import type { SnapshotStore } from './snapshots.ts';

type FlowTopic = LanePlan['topics'][number];

export interface DetectOptions {
  readonly plan: LanePlan;
  readonly log: Log;
  readonly snapshots: SnapshotStore;
  readonly attempts: Attempts;
  readonly letters: DeadLetters;
  readonly counters: Counters;
  /** At least this long between two snapshots of a group. */
  readonly snapshotEveryMs: number;
  /** Evidence older than this is stored as historical and notifies no one; null in a replay. */
  readonly notifyMaxAgeMs: number | null;
  readonly startAt?: 'beginning' | 'end';
  /** Says in every partition of alerts how far lanes have come, for who puts alerts of all lanes in order. */
  readonly marks?: boolean;
  /** Name of the suppression that hides an alert; null when none does. */
  readonly suppressedBy?: (alert: Alert) => string | null;
  /** What detectors learned of history, for lanes that have learned nothing yet; null while there is none. */
  readonly learned?: () => Learned | null;
  /** Told of every group that is held, for `status`. */
  readonly held?: (groups: ReadonlyMap<number, LaneGroupHandle>) => void;
}

interface Held {
  readonly group: LaneGroupHandle;
  readonly number: number;
  /** The manifest this state was last committed or restored as. */
  manifest: Manifest | null;
  /** Newest batch of each feed: what a commit goes through. */
  readonly batches: (LogBatch<FlowTopic> | undefined)[];
  readonly letters: DeadLetter[];
  /** Copies that came too late, by the side they were for. */
  late: Late;
  overflowed: number;
  /** Alerts and letters on their way: no cursor may pass what made them before they are durable. */
  readonly pending: Set<Promise<unknown>>;
  /** Event time last told to the readers of alerts, and when. */
  markedToMs: number;
  markedMs: number;
  snapshotting: boolean;
  /** Settles with the last snapshot. */
  saving: Promise<void>;
  snapshotMs: number;
  tookMs: number;
}

interface Late {
  source: number;
  destination: number;
  sinceMs: number;
  untilMs: number;
}

const noneLate = (): Late => ({ source: 0, destination: 0, sinceMs: Infinity, untilMs: -Infinity });

/** Folded without a pause. Lanes in another thread wait for the next of them until this one comes to it. */
const CHUNK_ENTRIES = 4000;
/** Marks in `alerts` come no closer than this. */
const MARK_EVERY_MS = 2000;

/**
 * Folds the flows of the lanes this process has. Order of what becomes durable: alerts, then the snapshot, then
 * the cursor that names it; so a crash repeats alerts with the same ids and never misses one.
 */
export async function detect(options: DetectOptions, context: Context, drain: AbortSignal): Promise<void> {
  const { plan, log, counters } = options;
  const { clock } = context;
  const groups = new Map<number, Held>();
  const to = {
    log,
    letters: options.letters,
    component: 'detectors',
    now: () => clock.now(),
    failed: (error: unknown) => counters.failed(error),
  };

  function create(number: number): Held {
    const letters: DeadLetter[] = [];
    const held: Held = {
      number,
      manifest: null,
      batches: [],
      letters,
      late: noneLate(),
      overflowed: 0,
      pending: new Set(),
      markedToMs: -Infinity,
      markedMs: -Infinity,
      snapshotting: false,
      saving: Promise.resolve(),
      snapshotMs: clock.now(),
      tookMs: 0,
      group: plan.create(number, {
        failed(error, item, detector) {
          counters.failed(error);
          letters.push(itemLetter(detector, item, error, clock.now()));
        },
        late(role, endMs) {
          counters.dropped(role === 'source' ? 'late' : `late_for_${role}`, 1);
          if (role === 'notice' || endMs === null) return;
          // Only some flows have copies for rules, and those are late with the others.
          if (role !== 'rule') held.late[role]++;
          held.late.sinceMs = Math.min(held.late.sinceMs, endMs);
          held.late.untilMs = Math.max(held.late.untilMs, endMs);
        },
        overflowed(count) {
          counters.dropped('released_early', count);
          held.overflowed += count;
        },
      }),
    };
    return held;
  }

  /** What a snapshot dies of ends the process, though no batch waits for it. */
  let broken: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => (broken = reject));

  const snapshot = createSaver({
    snapshots: options.snapshots,
    counters,
    context,
    isCurrent: (held: Held) => groups.get(held.number) === held,
    reportLosses,
  });

  async function assigned(partitions: readonly Assignment<FlowTopic>[]): Promise<Seek<FlowTopic>[]> {
    const seeks: Seek<FlowTopic>[] = [];
    const numbers = new Set(partitions.map(({ partition }) => plan.groupOf(partition)));
    for (const number of numbers) {
      const mine = partitions.filter(({ partition }) => plan.groupOf(partition) === number);
      const newest = newestManifest(mine);
      let held = groups.get(number);
      // What is in memory is right unless somebody else went on from there meanwhile.
      if (!held || held.manifest?.id !== newest?.id) {
        held = await restore(number, newest);
        groups.set(number, held);
        await inherit(held);
      }
      held.batches.length = 0;
      for (const { topic, partition } of mine) {
        const feed = plan.feedOf(topic);
        const offset = held.group.resume[feed];
        if (offset !== undefined && (newest || offset > 0)) seeks.push({ topic, partition, offset });
      }
    }
    options.held?.(new Map([...groups].map(([number, held]) => [number, held.group])));
    return seeks;
  }

  async function restore(number: number, manifest: Manifest | null): Promise<Held> {
    const held = create(number);
    if (!manifest) return held;
    try {
      const fresh = await held.group.restore(await options.snapshots.read(number, manifest.reference));
      if (fresh.length > 0)
        context.log.warn({ group: number, detectors: fresh }, 'detectors start learning again');
      held.manifest = manifest;
      return held;
    } catch (error) {
      context.log.warn(
        { group: number, error: messageOf(error) },
        'state set aside, detectors start learning again',
      );
      const empty = create(number);
      await empty.group.begin(manifest.resume);
      empty.manifest = manifest;
      return empty;
    }
  }

  /** Takes up what was learned of history since this state was made. */
  async function inherit(held: Held): Promise<void> {
    const learned = options.learned?.() ?? null;
    if (learned === null || held.group.inherited?.id === learned.id) return;
    // A snapshot must not hold some detectors from before and some from after.
    await held.saving;
    const lanes = held.group.lanes;
    const { names, closings, refused } = await held.group.inherit(learned, held.manifest === null);
    if (refused === null)
      context.log.info({ lanes, detectors: names }, 'detectors know what was learned of history');
    else context.log.warn({ lanes, error: refused }, 'what was learned of history set aside');
    if (closings.length > 0) await durable(held, raise(closings, null));
  }

  async function take(
    held: Held,
    batch: LogBatch<FlowTopic>,
    entries: readonly LogEntry<Flow>[],
  ): Promise<void> {
    const feed = plan.feedOf(batch.topic);
    for (let at = 0; at < entries.length; at += CHUNK_ENTRIES) {
      if (batch.isStale()) return;
      const begunMs = clock.now();
      const chunk = entries.length <= CHUNK_ENTRIES ? entries : entries.slice(at, at + CHUNK_ENTRIES);
      counters.received(chunk.length);
      for (const entry of chunk)
        if (entry.error !== undefined) held.letters.push(undecodable('detectors', batch, entry, clock.now()));
      await folded(held, feed, chunk);
      counters.tookMs(clock.now() - begunMs);
      await batch.heartbeat();
    }
  }

  /** Folds entries. Resolves when what came of it is durable; a snapshot that is asked for later waits for that. */
  async function folded(held: Held, feed: number, entries: readonly LogEntry<Flow>[]): Promise<void> {
    try {
      await durable(held, judged(held, feed, entries));
    } catch (error) {
      // The state is ahead of what is durable: whoever goes on begins at the last snapshot.
      if (groups.get(held.number) === held) groups.delete(held.number);
      throw error;
    }
  }

  async function judged(held: Held, feed: number, entries: readonly LogEntry<Flow>[]): Promise<void> {
    const alerts = await held.group.take(feed, entries);
    const letters = held.letters.splice(0);
    const mark = markOf(held, entries);
    await Promise.all([
      ...(alerts.length > 0 || mark ? [raise(alerts, mark)] : []),
      ...(letters.length > 0 ? [options.letters.keep(letters)] : []),
    ]);
  }

  async function durable(held: Held, work: Promise<unknown>): Promise<void> {
    held.pending.add(work);
    try {
      await work;
    } finally {
      held.pending.delete(work);
    }
  }

  /** What to tell of event time beside the alerts: now and then, and when nothing more will come. */
  function markOf(held: Held, entries: readonly LogEntry<Flow>[]): Mark | null {
    const { watermarkMs } = held.group;
    if (!options.marks || watermarkMs <= held.markedToMs) return null;
    const nowMs = clock.now();
    const isDue = nowMs - held.markedMs >= MARK_EVERY_MS || entries.some(({ mark }) => mark?.final);
    if (!isDue) return null;
    held.markedToMs = watermarkMs;
    held.markedMs = nowMs;
    return { input: `lanes-${held.number}`, of: plan.groups, watermarkMs, final: false };
  }

  async function raise(alerts: readonly Alert[], mark: Mark | null): Promise<void> {
    counters.sent(alerts.length);
    const nowMs = clock.now();
    const partitions = log.partitions('alerts');
    const entries: Entry<Alert>[] = alerts.map((alert) => {
      if (options.notifyMaxAgeMs !== null && nowMs - alert.lastMs > options.notifyMaxAgeMs)
        alert.historical = true;
      if (options.suppressedBy) alert.suppressedBy = options.suppressedBy(alert);
      return { partition: partitionOf(alert.entity.key, partitions), key: alert.entity.key, value: alert };
    });
    // After the alerts: what follows a mark in its partition is later than it says.
    if (mark)
      for (let partition = 0; partition < partitions; partition++)
        entries.push({ partition, key: null, value: null, mark });
    await appendOrKeep(to, 'alerts', entries);
  }

  async function reportLosses(held: Held): Promise<void> {
    const losses = lossesOf(held, clock.now());
    held.late = noneLate();
    held.overflowed = 0;
    if (losses.length > 0)
      await log.append(
        'losses',
        losses.map((loss) => ({ partition: 0, key: null, value: loss })),
      );
  }

  async function handle(batch: LogBatch<FlowTopic>): Promise<void> {
    const held = groups.get(plan.groupOf(batch.partition));
    if (!held || batch.isStale()) return;
    await inherit(held);
    held.batches[plan.feedOf(batch.topic)] = batch;
    await attempt(options.attempts, `${batch.topic}-${batch.partition}`, batch.entries, {
      take: (entries) => take(held, batch, entries),
      async poison(entry) {
        counters.dropped('quarantined', 1);
        await options.letters.keep([quarantined('detectors', batch, entry, clock.now())]);
      },
    });
    // A state that takes long to write is written less often: never more than a twentieth of the time.
    const dueMs = held.snapshotMs + Math.max(options.snapshotEveryMs, held.tookMs * 20);
    if (!batch.isStale() && !held.snapshotting && clock.now() >= dueMs)
      held.saving = snapshot(held).catch(broken);
  }

  const consumed = log.consume(
    {
      group: 'weir.detectors',
      topics: plan.topics,
      assigned,
      handle,
      maxEntries: CHUNK_ENTRIES,
      ...(options.startAt ? { startAt: options.startAt } : {}),
    },
    drain,
  );
  await Promise.race([consumed, failed]);
  for (const held of groups.values()) {
    if (!held.batches.some((batch) => batch && !batch.isStale())) continue;
    await Promise.race([held.saving, failed]);
    await snapshot(held);
  }
}

function itemLetter(detector: string, item: Flow | Notice, error: unknown, timeMs: number): DeadLetter {
  const [kind, record] = 'record' in item ? [item.kind, item.record] : (['flow', item] as const);
  return deadLetter({
    component: `detector.${detector}`,
    kind,
    code: 'record_failed',
    reason: `${detector} failed on ${kind.replace('_', ' ')} ${record.id}: ${messageOf(error)}`,
    error,
    payload: payloadOf(record),
    timeMs,
    origin: item.origin,
    ...('position' in item ? { position: item.position } : {}),
  });
}

function lossesOf(held: Held, nowMs: number): ReturnType<typeof newLoss>[] {
  const losses: ReturnType<typeof newLoss>[] = [];
  const where = `lanes ${held.group.lanes.join(', ')}`;
  // One process sees both copies of a flow late; over Kafka they are in different lanes.
  const count = Math.max(held.late.source, held.late.destination);
  if (count > 0) {
    const { sinceMs, untilMs } = held.late;
    const loss = newLoss({ id: digest(22, where, 'late', sinceMs, untilMs, count), where, sinceMs, untilMs });
    loss.why = 'late';
    loss.count = count;
    loss.detail = 'flows came after their time had been judged; they are stored and sent, but not judged';
    losses.push(loss);
  }
  if (held.overflowed > 0) {
    const loss = newLoss({ id: digest(22, where, 'early', nowMs), where, sinceMs: nowMs, untilMs: nowMs });
    loss.why = 'queue_overflow';
    loss.count = held.overflowed;
    loss.detail = 'more flows waited to be put in order than fit: the oldest were judged early';
    losses.push(loss);
  }
  return losses;
}
