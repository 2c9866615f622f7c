import type { Admin, Batch, Consumer, EachBatchPayload } from 'kafkajs';
import type { Input, LineBatch } from '../../../pipeline/contracts.ts';
import { messageOf, WeirError } from '../../../pipeline/errors.ts';
import { parseDuration } from '../../../pipeline/units.ts';
import { digest } from '../../../schema/ids.ts';
import { newLoss, type Loss } from '../../../schema/records.ts';
import { kafkaClient } from '../../../transport/kafka/client.ts';
import { registerCodecs } from '../../../transport/kafka/codecs.ts';
import type { From } from '../file/claims.ts';
import type { InputContext } from '../context.ts';
import { collectLines, type LineCollector } from '../lines/collect.ts';
import { connectionOf } from './connection.ts';
import { handoff } from './handoff.ts';
import type { Options } from './options.ts';

/** A partition that this consumer was given. */
interface Owned {
  readonly origin: string;
  readonly partition: number;
  readonly lines: LineCollector;
  /** Offset after the last message that was handed over. */
  next: number;
  /** Read up to the end there was. */
  atEnd: boolean;
  final: boolean;
  lastBatchMs: number;
}

/**
 * Lines from the messages of a topic. The group deals the partitions; where a partition is begun is said by
 * the cursor the caller holds, by what the group last committed where that is further, else by `startAt`.
 * What is settled is committed to the group as well, for the member that a partition goes to next.
 */
export function create(options: Options, context: InputContext): Input {
  registerCodecs();
  const { clock, follow, log } = context;
  const { topic } = options;
  const connection = connectionOf(options, context.kafka, context.name);
  const kafka = kafkaClient(connection, log);
  const groupId = options.group ?? `weir.source.${context.name}`;
  const replaced = context.meter.counter('input_lines_replaced', 'Lines with bytes that are no UTF-8.');
  const batches = handoff<LineBatch>();
  const owned = new Map<number, Owned>();
  let admin: Admin | undefined;
  let consumer: Consumer | undefined;

  const originOf = (partition: number): string => `${topic}-${partition}`;

  const own = (partition: number, next: number): Owned => {
    const lines = collectLines({
      wrapper: options.wrapper,
      maxLineBytes: options.maxLineBytes,
      place: () => `${topic}-${partition}`,
      replaced: () => replaced.add(1),
    });
    const made = {
      origin: originOf(partition),
      partition,
      lines,
      next,
      atEnd: false,
      final: false,
      lastBatchMs: clock.now(),
    };
    owned.set(partition, made);
    return made;
  };

  const batchOf = (
    part: Owned,
    state: { atEnd: boolean; final: boolean; losses?: readonly Loss[] },
  ): LineBatch => {
    if (state.final) part.lines.end();
    const { lines, rejects } = part.lines.take();
    part.lastBatchMs = clock.now();
    part.atEnd = state.atEnd;
    part.final = state.final;
    const { origin, next } = part;
    return {
      origin,
      place: `topic ${topic}, partition ${part.partition}`,
      lines,
      rejects,
      losses: state.losses ?? [],
      next: part.lines.heldFrom() ?? next,
      atEnd: state.atEnd,
      final: state.final,
    };
  };

  function gapLoss(part: Owned, to: number): Loss {
    const nowMs = clock.now();
    const id = digest(22, 'kafka', part.origin, part.next);
    const loss = newLoss({ id, where: `source.${context.name}`, sinceMs: nowMs, untilMs: nowMs });
    loss.origin = part.origin;
    loss.why = 'retention';
    loss.count = to - part.next;
    loss.fromPosition = part.next;
    loss.toPosition = to - 1;
    loss.detail = `topic ${topic}, partition ${part.partition}: offsets ${part.next} to ${to - 1} were deleted before they were read`;
    return loss;
  }

  /** Messages whose offsets retention passed, as against offsets that never held one (transactions, compaction). */
  async function deletedBefore(partition: number, offset: number): Promise<boolean> {
    const offsets = await admin!.fetchTopicOffsets(topic);
    const low = Number(offsets.find((entry) => entry.partition === partition)?.low ?? 0);
    return low >= offset;
  }

  /** Offsets to begin at, for partitions that no one has read. */
  async function firstOffsets(): Promise<Map<number, number>> {
    if (follow && options.startAt !== 'end' && options.startAt !== 'beginning') {
      const since = clock.now() - (parseDuration(options.startAt) ?? 0);
      const found = await admin!.fetchTopicOffsetsByTimestamp(topic, since);
      return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
    }
    const found = await admin!.fetchTopicOffsets(topic);
    const fromEnd = follow && options.startAt === 'end';
    return new Map(found.map(({ partition, low, high }) => [partition, Number(fromEnd ? high : low)]));
  }

  async function assigned(partitions: readonly number[], from: From): Promise<void> {
    for (const partition of owned.keys()) if (!partitions.includes(partition)) owned.delete(partition);
    const first = await firstOffsets();
    const offsets = await admin!.fetchTopicOffsets(topic);
    const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    const committed = new Map<number, number>();
    if (follow) {
      const [entry] = await admin!.fetchOffsets({ groupId, topics: [topic] });
      for (const { partition, offset } of entry?.partitions ?? []) committed.set(partition, Number(offset));
    }
    for (const partition of partitions) {
      const mine = from(originOf(partition))?.position ?? -1;
      const known = Math.max(mine, committed.get(partition) ?? -1, owned.get(partition)?.next ?? -1);
      const start = known >= 0 ? known : (first.get(partition) ?? 0);
      // Said to be read to its end at once, so that where it was begun is known although nothing came yet.
      own(partition, start).atEnd = start >= (ends.get(partition) ?? 0);
      consumer!.seek({ topic, partition, offset: String(start) });
    }
    log.info({ topic, partitions }, 'partitions assigned');
  }

  function take(part: Owned, batch: Batch): void {
    for (const { offset, value } of batch.messages) {
      const position = Number(offset);
      if (position < part.next) continue;
      part.next = position + 1;
      if (value === null) continue;
      let end = value.length;
      while (end > 0 && (value[end - 1] === 10 || value[end - 1] === 13)) end--;
      if (end === 0) continue;
      if (end > options.maxLineBytes)
        part.lines.tooLong(position, end, value.toString('utf8', 0, options.maxLineBytes));
      else {
        const text = value.toString('utf8', 0, end);
        part.lines.line(position, text, !text.includes('\uFFFD'));
      }
    }
  }

  async function handle(payload: EachBatchPayload, from: From): Promise<void> {
    const { batch } = payload;
    const part = owned.get(batch.partition);
    if (!part || payload.isStale() || !payload.isRunning()) return;
    const first = Number(batch.firstOffset() ?? part.next);
    const losses =
      first > part.next && (await deletedBefore(batch.partition, first)) ? [gapLoss(part, first)] : [];
    take(part, batch);
    part.next = Math.max(part.next, Number(batch.lastOffset()) + 1);
    const atEnd = part.next >= Number(batch.highWatermark);
    let done = false;
    const handed = batches.put(batchOf(part, { atEnd, final: false, losses })).then(() => (done = true));
    // The one that pulls may be held up for as long as it likes: the group is told that we are alive.
    const waiting = new AbortController();
    while (!done && payload.isRunning() && !payload.isStale()) {
      await Promise.race([handed, clock.sleep(2000, waiting.signal)]);
      await payload.heartbeat();
    }
    waiting.abort();
    const settled = from(part.origin)?.position;
    if (follow && settled !== undefined && owned.get(batch.partition) === part && !payload.isStale()) {
      await payload.commitOffsetsIfNecessary({
        topics: [{ topic, partitions: [{ partition: batch.partition, offset: String(settled) }] }],
      });
    }
  }

  async function connect(from: From): Promise<Map<number, number>> {
    admin = kafka.admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    const made = kafka.consumer({
      groupId: follow ? groupId : `${groupId}.once.${process.pid}.${clock.now()}`,
      sessionTimeout: options.sessionTimeoutMs,
      maxWaitTimeInMs: 200,
      allowAutoTopicCreation: false,
    });
    consumer = made;
    made.on(made.events.GROUP_JOIN, ({ payload }) => {
      void assigned(payload.memberAssignment[topic] ?? [], from).catch((error: unknown) =>
        batches.close(error),
      );
    });
    made.on(made.events.CRASH, ({ payload }) => {
      if (!payload.restart)
        batches.close(
          new WeirError('origin_unreadable', `topic ${topic}: ${payload.error.message}`, {
            cause: payload.error,
          }),
        );
    });
    await made.connect();
    await made.subscribe({ topics: [topic], fromBeginning: true });
    await made.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 1,
      eachBatchAutoResolve: true,
      eachBatch: (payload) => handle(payload, from),
    });
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  async function disconnect(): Promise<void> {
    batches.close();
    const [closing, asking] = [consumer, admin];
    consumer = undefined;
    admin = undefined;
    await closing
      ?.disconnect()
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'consumer did not leave'));
    await asking
      ?.disconnect()
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'admin client did not close'));
  }

  async function* read(from: From, signal: AbortSignal): AsyncGenerator<LineBatch, void, undefined> {
    const stop = (): void => batches.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const ends = await connect(from).catch((error: unknown) => {
        throw new WeirError(
          'origin_unreadable',
          `topic ${topic} at ${connection.brokers.join(', ')}: ${messageOf(error)}`,
          { cause: error },
        );
      });
      const finished = new Set<number>();
      while (!signal.aborted) {
        const batch = await batches.take((idle) => clock.sleep(options.heartbeatInterval, idle));
        if (batch === undefined) return;
        if (batch) yield batch;
        for (const part of owned.values()) {
          if (follow) {
            if (part.atEnd && clock.now() - part.lastBatchMs >= options.heartbeatInterval)
              yield batchOf(part, { atEnd: true, final: false });
          } else if (!part.final && part.next >= (ends.get(part.partition) ?? 0)) {
            finished.add(part.partition);
            yield batchOf(part, { atEnd: true, final: true });
          }
        }
        if (!follow && [...ends.keys()].every((partition) => finished.has(partition))) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await disconnect();
    }
  }

  return {
    async start() {
      const probe = kafka.admin();
      try {
        await probe.connect();
        await probe.fetchTopicOffsets(topic);
      } catch (error) {
        throw new WeirError(
          'origin_unreadable',
          `topic ${topic} at ${connection.brokers.join(', ')}: ${messageOf(error)}`,
          { cause: error },
        );
      } finally {
        await probe.disconnect();
      }
    },
    read,
    stop: disconnect,
  };
}
