import type { RecordKind, RecordTypes } from '../schema/records.ts';
import type { Context, Delivery, Sink } from './contracts.ts';
import type { Counters } from './counters.ts';
import { deadLetter, payloadOf, withDeadLetter, type DeadLetters } from './dead-letter.ts';
import { messageOf } from './errors.ts';
import { holdsRecord, topics, type Log, type LogBatch, type Topic } from './log.ts';
import { withRetry, type RetryOptions } from './retry.ts';
import { anySignal } from './signals.ts';

export interface DeliverOptions {
  readonly sink: Sink;
  readonly log: Log;
  /** Name of the cursor, such as `weir.sink.siem`. */
  readonly group: string;
  readonly topics: readonly Topic[];
  /** The record as this sink may see it; null when it may or wants not. */
  readonly view: <K extends RecordKind>(kind: K, record: RecordTypes[K]) => RecordTypes[K] | null;
  /** Whether the view passes on every record of a kind as it is: what is delivered as bytes is not decoded then. */
  readonly seesAll?: (kind: RecordKind) => boolean;
  /** Tenant whose records alone the view lets through, for what is refused of them. */
  readonly tenant?: string | null;
  readonly letters: DeadLetters;
  readonly counters: Counters;
  readonly retry?: RetryOptions;
  readonly startAt?: 'beginning' | 'end';
  /** Told of every failure, for `status`; the count is of failures in a row, 0 after a success. */
  readonly health?: (failuresInARow: number, error: unknown) => void;
}

const BATCH_DEFAULTS = { maxRecords: 1000, maxBytes: 5_000_000, maxWaitMs: 200 };

/** While a sink is slow, the log hears this often that the batch is still being worked on. */
const HEARTBEAT_MS = 3000;

/**
 * Entries of the log that may be held for one sink beside what it is being written. A batch is held whole as long as
 * one record of it is not written: a sink that wants one record in a thousand would hold the log in memory.
 */
const MAX_HELD_ENTRIES = 100_000;

/** A sink whose view fails on this many records in a row is wired wrongly; it is not the records. */
const MAX_FAILURES_IN_A_ROW = 1000;

/** A log batch on its way: done with when nothing of it is left to write. */
interface Tracked {
  readonly batch: LogBatch;
  readonly next: number;
  left: number;
}

/**
 * Carries records from the log to one sink, several writes at a time where the sink takes them, and moves the
 * cursor only over what is durable there. An outage is waited out; what is refused for good is dead-lettered.
 */
export async function deliver(
  options: DeliverOptions,
  context: Context,
  signals: { readonly drain: AbortSignal; readonly kill: AbortSignal },
): Promise<void> {
  const { counters } = options;
  const { log } = context;
  const component = `sink.${context.name}`;
  const limits = { ...BATCH_DEFAULTS, ...options.sink.batch };
  const maxInFlight = options.sink.batch?.maxInFlight ?? 1;
  const sink = withRetry(
    withDeadLetter(options.sink, {
      component,
      tenant: options.tenant ?? null,
      letters: options.letters,
      now: () => context.clock.now(),
      refused: (code, count) => counters.dropped(code, count),
    }),
    {
      clock: context.clock,
      ...(options.retry ? { retry: options.retry } : {}),
      failed(error, failuresInARow) {
        counters.failed(error);
        options.health?.(failuresInARow, error);
        if (failuresInARow === 1 || failuresInARow % 20 === 0)
          log.warn(
            { sink: context.name, failuresInARow, error: messageOf(error) },
            'sink write failed, trying again',
          );
      },
    },
  );

  const failure = new AbortController();
  const stopped = anySignal(signals.kill, failure.signal);
  const queues = new Map<string, Tracked[]>();
  let pending: { readonly item: Delivery; readonly bytes: number; readonly of: Tracked }[] = [];
  let pendingBytes = 0;
  let inFlight = 0;
  let timer: NodeJS.Timeout | null = null;
  let wake: (() => void)[] = [];
  /** Entries of the batches that are not done with. */
  let held = 0;
  const maxHeld = Math.max(MAX_HELD_ENTRIES, 2 * maxInFlight * limits.maxRecords);
  let failuresInARow = 0;
  let lastCommit: Promise<void> = Promise.resolve();

  const signalAll = (): void => {
    for (const go of wake.splice(0)) go();
  };
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      if (stopped.aborted) return resolve();
      wake.push(resolve);
    });
  stopped.addEventListener('abort', signalAll);

  function settle(place: string): void {
    const queue = queues.get(place)!;
    let done: Tracked | undefined;
    while (queue[0] && queue[0].left === 0) {
      done = queue.shift()!;
      held -= done.batch.entries.length;
    }
    if (!done) return;
    lastCommit = done.batch.commit(done.next).catch((error: unknown) => {
      // A partition that was taken away is somebody else's to deliver again.
      log.debug({ sink: context.name, error: messageOf(error) }, 'cursor not moved');
    });
  }

  function launch(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    let count = 0;
    let bytes = 0;
    for (; count < pending.length && count < limits.maxRecords; count++) {
      const more = pending[count]!.bytes;
      if (count > 0 && bytes + more > limits.maxBytes) break;
      bytes += more;
    }
    const taken = pending.splice(0, count);
    pendingBytes -= bytes;
    if (taken.length === 0) return;
    inFlight++;
    counters.inFlight(inFlight);
    const begunMs = context.clock.now();
    sink
      .write(
        taken.map(({ item }) => item),
        stopped,
      )
      .then(() => {
        counters.sent(taken.length);
        counters.tookMs(context.clock.now() - begunMs);
        options.health?.(0, null);
        const places = new Set<string>();
        for (const { item, of } of taken) {
          of.left--;
          places.add(`${item.topic}/${item.partition}`);
        }
        for (const place of places) settle(place);
      })
      .catch((error: unknown) => {
        if (!stopped.aborted) failure.abort(error);
      })
      .finally(() => {
        counters.inFlight(--inFlight);
        signalAll();
      });
  }

  /** A record of which it cannot be told what the sink may see is kept, and passed over. */
  async function keepUnseen(
    batch: LogBatch,
    entry: LogBatch['entries'][number],
    error: unknown,
  ): Promise<null> {
    if (++failuresInARow >= MAX_FAILURES_IN_A_ROW) throw error;
    counters.failed(error);
    const { kind } = topics[batch.topic];
    await options.letters.keep([
      deadLetter({
        component,
        kind,
        code: 'record_failed',
        reason: `the filter of ${context.name} failed on ${kind} ${entry.value!.id}: ${messageOf(error)}`,
        error,
        payload: payloadOf(entry.value),
        timeMs: context.clock.now(),
        topic: batch.topic,
        partition: batch.partition,
        offset: entry.offset,
      }),
    ]);
    return null;
  }

  /** What of an entry is for this sink; null when nothing is. */
  function itemOf(
    batch: LogBatch,
    entry: LogBatch['entries'][number],
    asStored: boolean,
  ): Delivery | null | Promise<null> {
    if (asStored && holdsRecord(entry) && entry.bytes !== null) return new StoredDelivery(batch, entry);
    const { value, offset } = entry;
    if (value === null) return null;
    const { topic, partition } = batch;
    const { kind } = topics[topic];
    let record: RecordTypes[RecordKind] | null;
    try {
      record = options.view(kind, value);
      failuresInARow = 0;
    } catch (error) {
      return keepUnseen(batch, entry, error);
    }
    if (record === null) return null;
    // What the sink may not see in full it must not be given as it lies in the log.
    const isWhole = record === value;
    if (isWhole && options.sink.reads === 'bytes') return new StoredDelivery(batch, entry);
    return { kind, record, topic, partition, offset, bytes: isWhole ? entry.bytes : null };
  }

  async function handle(batch: LogBatch): Promise<void> {
    const place = `${batch.topic}/${batch.partition}`;
    const last = batch.entries.at(-1);
    if (!last) return;
    // One more than it has, until all of it was looked at: a write that ends meanwhile must not settle it.
    const tracked: Tracked = { batch, next: last.offset + 1, left: 1 };
    const queue = queues.get(place) ?? [];
    queues.set(place, queue);
    // One batch that waits only for those before it stands for all such.
    const tail = queue.at(-1);
    if (tail && tail.left === 0) held -= queue.pop()!.batch.entries.length;
    queue.push(tracked);
    held += batch.entries.length;
    const kind = topics[batch.topic].kind;
    counters.received(batch.entries.reduce((count, entry) => (holdsRecord(entry) ? count + 1 : count), 0));
    const asStored = options.sink.reads === 'bytes' && options.seesAll?.(kind) === true;
    for (const entry of batch.entries) {
      if (entry.error !== undefined)
        await options.letters.keep([undecodable(component, batch, entry, context.clock.now())]);
      const made = itemOf(batch, entry, asStored);
      // Waiting for each of them would cost more than the rest of this loop.
      const item = made instanceof Promise ? await made : made;
      if (item === null) continue;
      const bytes = item.bytes?.length ?? 0;
      tracked.left++;
      pendingBytes += bytes;
      pending.push({ item, bytes, of: tracked });
    }
    if (--tracked.left === 0) settle(place);
    while (pending.length >= limits.maxRecords || pendingBytes >= limits.maxBytes || held > maxHeld) {
      if (inFlight < maxInFlight && pending.length > 0) launch();
      else {
        const pause = new AbortController();
        await Promise.race([changed(), context.clock.sleep(HEARTBEAT_MS, pause.signal)]);
        pause.abort();
        await batch.heartbeat();
      }
      if (stopped.aborted) throw failure.signal.reason ?? signals.kill.reason;
    }
    if (pending.length > 0) timer ??= setTimeout(onTimer, limits.maxWaitMs);
  }

  function onTimer(): void {
    timer = null;
    if (inFlight < maxInFlight) launch();
    else timer = setTimeout(onTimer, limits.maxWaitMs);
  }

  const consuming = anySignal(signals.drain, stopped);
  try {
    await new Promise<void>((resolve, reject) => {
      failure.signal.addEventListener('abort', () => reject(failure.signal.reason));
      options.log
        .consume(
          {
            group: options.group,
            topics: options.topics,
            handle,
            maxEntries: limits.maxRecords,
            ...(options.startAt ? { startAt: options.startAt } : {}),
          },
          consuming,
        )
        .then(resolve, reject);
    });
    while ((pending.length > 0 || inFlight > 0) && !stopped.aborted) {
      if (pending.length > 0 && inFlight < maxInFlight) launch();
      else await changed();
    }
    if (failure.signal.aborted) throw failure.signal.reason;
    await lastCommit;
  } finally {
    if (timer) clearTimeout(timer);
  }
}

/** A delivery that stays in the log's bytes: record and view of the bytes are made when they are asked for. */
class StoredDelivery implements Delivery {
  readonly kind: RecordKind;
  readonly topic: string;
  readonly partition: number;
  readonly #entry: LogBatch['entries'][number];
  constructor(batch: LogBatch, entry: LogBatch['entries'][number]) {
    this.kind = topics[batch.topic].kind;
    this.topic = batch.topic;
    this.partition = batch.partition;
    this.#entry = entry;
  }
  get bytes(): Uint8Array | null {
    return this.#entry.bytes;
  }
  get offset(): number {
    return this.#entry.offset;
  }
  get record(): RecordTypes[RecordKind] {
    return this.#entry.value!;
  }
}

/** A message that is no record of ours: kept as it was, with what was wrong. */
export function undecodable(
  component: string,
  batch: LogBatch,
  entry: LogBatch['entries'][number],
  timeMs: number,
): ReturnType<typeof deadLetter> {
  return deadLetter({
    component,
    kind: topics[batch.topic].kind,
    code: 'record_undecodable',
    reason: entry.error ?? 'not a record',
    payload: entry.bytes ?? '',
    timeMs,
    topic: batch.topic,
    partition: batch.partition,
    offset: entry.offset,
  });
}
