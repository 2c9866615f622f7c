import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../pipeline/contracts.ts';
import { readJson, writeAtomically } from '../../pipeline/files.ts';
import type {
  ConsumeOptions,
  Log,
  LogBatch,
  LogEntry,
  Topic,
  TopicKind,
  TopicRecord,
} from '../../pipeline/log.ts';
import { topics } from '../../pipeline/log.ts';
import { openSegments } from './segments.ts';
import {
  createLocalTopic,
  type LocalTopic,
  type LocalTopicOptions,
  type Reader,
  type ReaderQueue,
} from './topic.ts';
import { openWriters } from './writers.ts';
import { codecOf } from '../../schema/codec.ts';
import { anySignal } from '../../pipeline/signals.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { newLoss, type Loss } from '../../schema/records.ts';
import { digest } from '../../schema/ids.ts';

export interface LocalLogOptions {
  /** Where segments and cursors lie; null keeps everything in memory, for finite runs. */
  readonly directory: string | null;
  /**
   * Who reads which topic. A topic keeps what one of its readers has not committed; a topic without readers is
   * not kept at all.
   */
  readonly readers: Readonly<Record<string, readonly Topic[]>>;
  /** Disk share of each topic. */
  readonly maxBytes: number;
  /** What a used-up disk share does to a reader that has no queue of its own in `queues`. */
  readonly onFull: ReaderQueue['onFull'];
  /** How much is kept for a reader, by its name. */
  readonly queues?: Readonly<Record<string, ReaderQueue>>;
  readonly tailEntries?: number;
  /** Whose pace appends keep to, where entries are on disk; everybody's by default. */
  readonly paces?: (group: string) => boolean;
  readonly segmentBytes?: number;
  /** A reader was left behind because its queue or the disk share was used up; a Loss says so as well. */
  readonly dropped?: (loss: { group: string; topic: Topic; count: number }) => void;
}

export interface LocalLog extends Log {
  /** Entries of a topic that are still there. */
  kept(topic: Topic): number;
  /** The newest of them, oldest first, at most `count`. */
  newest<T extends Topic>(topic: T, count: number): Promise<readonly LogEntry<TopicRecord<T>>[]>;
  /** Goes through what is there from an offset on, in pieces; tells where the next time may begin. */
  scan<T extends Topic>(
    topic: T,
    from: number,
    visit: (entries: readonly LogEntry<TopicRecord<T>>[]) => void | Promise<void>,
  ): Promise<number>;
  /** Resolves once every reader was given everything there is and is done handling it; for finite runs. */
  drained(): Promise<void>;
}

interface Cursor {
  readonly offset: number;
  readonly metadata: string | null;
}

/** What readers missed, until it is told. */
interface Missed {
  readonly group: string;
  readonly topic: Topic;
  readonly from: number;
  to: number;
  count: number;
  readonly sinceMs: number;
}

const SAVE_EVERY_MS = 200;
const TELL_EVERY_MS = 30_000;
/** Entries that one who goes through a topic holds. */
const SCANNED_AT_ONCE = 500;

/**
 * The log of one process: every topic has one partition. With a directory it survives a crash at any moment;
 * appends resolve once they are on stable storage, and readers that fall behind read from disk.
 */
export function createLocalLog(options: LocalLogOptions, context: Context): LocalLog {
  const opened = new Map<Topic, LocalTopic<Topic>>();
  const readers = new Map<string, Reader>();
  const cursors = new Map<string, Cursor>();
  const cursorFile = options.directory && join(options.directory, 'cursors.json');
  const wanted = new Set(Object.values(options.readers).flat());
  const missed = new Map<string, Missed>();
  let saving: Promise<void> | null = null;
  let lastWrite: Promise<void> = Promise.resolve();
  let toldMs = -Infinity;
  const dropped = context.meter.counter(
    'log_dropped_total',
    'Records a reader of the local log never got because its queue or the disk share was used up.',
    ['group', 'topic'],
  );
  const waits = context.meter.counter(
    'log_waits_total',
    'Seconds in which an append to the local log waited.',
  );

  const topicOf = <T extends Topic>(topic: T): LocalTopic<T> => {
    const found = opened.get(topic);
    if (!found) throw new Error(`topic ${topic} has no readers or the log is not started`);
    return found as unknown as LocalTopic<T>;
  };
  const readerKey = (group: string, topic: Topic): string => `${group}/${topic}`;

  function toldRarely(tell: () => void): void {
    const nowMs = context.clock.now();
    if (nowMs - toldMs < TELL_EVERY_MS) return;
    toldMs = nowMs;
    tell();
  }

  /** Commits that come close together share one write. What was missed is told before a cursor passes it. */
  function save(): Promise<void> {
    if (!cursorFile) return Promise.resolve();
    saving ??= context.clock
      .sleep(SAVE_EVERY_MS)
      .then(() => {
        saving = null;
        // One write at a time: two would mix in the temporary file.
        lastWrite = lastWrite.catch(() => {}).then(() => writeCursors(cursorFile));
        return lastWrite;
      })
      .catch((error: unknown) => {
        toldRarely(() => context.log.error({ error: messageOf(error) }, 'cursors could not be saved'));
        throw error;
      });
    return saving;
  }

  async function writeCursors(path: string): Promise<void> {
    await tellMissed();
    await writeAtomically(path, JSON.stringify(Object.fromEntries(cursors)));
  }

  async function onDisk<T extends Topic>(topic: T, parent: string): Promise<LocalTopicOptions<T>['disk']> {
    const { name, kind } = topics[topic];
    const directory = join(parent, name);
    const writers = await openWriters(directory, codecOf(kind as TopicKind<T>));
    const segments = await openSegments({
      directory,
      segmentBytes: options.segmentBytes ?? 64 * 1024 * 1024,
      schema: writers.own,
      damaged: (path, bytes) => context.log.warn({ path, bytes }, 'cut a damaged end off a segment'),
    });
    return { segments, writers };
  }

  function leftBehind(group: string, topic: Topic, from: number, to: number): void {
    const key = readerKey(group, topic);
    const before = missed.get(key);
    if (before) {
      before.to = to;
      before.count += to - from;
    } else missed.set(key, { group, topic, from, to, count: to - from, sinceMs: context.clock.now() });
    const cursor = cursors.get(key);
    if (cursor && cursor.offset < to) cursors.set(key, { ...cursor, offset: to });
    dropped.add(to - from, { group, topic });
    options.dropped?.({ group, topic, count: to - from });
    save().catch(() => {});
  }

  async function tellMissed(): Promise<void> {
    const all = [...missed.values()];
    missed.clear();
    if (all.length === 0 || !wanted.has('losses')) return;
    const nowMs = context.clock.now();
    const losses = all.map((each) => lossOf(each, context.cluster, nowMs));
    await topicOf('losses').append(
      losses.map((value) => ({ partition: 0, key: null, value })),
      { evenIfFull: true },
    );
  }

  async function consumeTopic<T extends Topic>(
    topic: T,
    consumption: ConsumeOptions<T>,
    reader: Reader,
    signal: AbortSignal,
  ): Promise<void> {
    const from = topicOf(topic);
    for (;;) {
      const entries = await from.next(reader, consumption.maxEntries ?? 2000, signal);
      if (!entries || signal.aborted) return;
      const key = readerKey(consumption.group, topic);
      const batch: LogBatch<T> = {
        topic,
        partition: 0,
        entries,
        end: from.end,
        commit(offset, metadata) {
          // Left behind meanwhile, it goes on there; what the metadata names is the newest all the same.
          const furthest = Math.max(offset, reader.committed);
          cursors.set(key, { offset: furthest, metadata: metadata ?? null });
          reader.committed = furthest;
          from.moved(reader);
          return save();
        },
        heartbeat: () => Promise.resolve(),
        isStale: () => false,
      };
      reader.position = entries.at(-1)!.offset + 1;
      await consumption.handle(batch);
      reader.handled = reader.position;
      from.moved(reader);
    }
  }

  async function scan<T extends Topic>(
    topic: T,
    begin: number,
    visit: (entries: readonly LogEntry<TopicRecord<T>>[]) => void | Promise<void>,
  ): Promise<number> {
    if (!opened.has(topic)) return begin;
    const from = topicOf(topic);
    // What comes meanwhile is for the next time.
    const { end } = from;
    const at = Math.max(from.first, begin);
    const queue = { maxBytes: Infinity, onFull: 'dropOldest' } as const;
    const reader = { group: '', queue, position: at, handled: at, committed: at, movedMs: -Infinity };
    while (reader.position < end) {
      const entries = await from.next(reader, SCANNED_AT_ONCE, new AbortController().signal);
      if (!entries) break;
      await visit(entries);
      reader.position = entries.at(-1)!.offset + 1;
    }
    return reader.position;
  }

  return {
    async start(signal) {
      const saved = cursorFile
        ? ((await readJson(cursorFile)) as Record<string, Cursor> | undefined)
        : undefined;
      for (const [key, cursor] of Object.entries(saved ?? {})) cursors.set(key, cursor);
      for (const topic of wanted) {
        opened.set(
          topic,
          createLocalTopic(topic, {
            disk: options.directory === null ? null : await onDisk(topic, options.directory),
            clock: context.clock,
            tailEntries: options.tailEntries ?? 32_768,
            maxBytes: options.maxBytes,
            stopping: signal,
            paces: options.paces ?? (() => true),
            dropped: (group, from, to) => leftBehind(group, topic, from, to),
            waits(reason) {
              waits.add(1);
              toldRarely(() =>
                context.log.warn({ topic: topics[topic].name, reason }, 'waiting until there is room'),
              );
            },
          }),
        );
      }
      for (const [group, read] of Object.entries(options.readers))
        for (const topic of read) {
          const key = readerKey(group, topic);
          const cursor = cursors.get(key)?.offset;
          const offset = Math.max(cursor ?? 0, topicOf(topic).first);
          // Left behind, and the process died before it could say so.
          if (cursor !== undefined && cursor < offset) leftBehind(group, topic, cursor, offset);
          const queue = options.queues?.[group] ?? { maxBytes: Infinity, onFull: options.onFull };
          const at = { position: offset, handled: offset, committed: offset };
          const reader: Reader = { group, queue, ...at, movedMs: -Infinity };
          readers.set(key, reader);
          topicOf(topic).addReader(reader);
        }
    },
    async stop() {
      if (missed.size > 0 && opened.size > 0) await tellMissed().catch(() => {});
      await saving?.catch(() => {});
      for (const topic of opened.values()) await topic.close();
      opened.clear();
    },
    kept(topic) {
      const found = opened.get(topic);
      return found ? found.end - found.first : 0;
    },
    async newest(topic, count) {
      if (!opened.has(topic)) return [];
      const found: LogEntry<TopicRecord<typeof topic>>[] = [];
      await scan(topic, topicOf(topic).end - count, (entries) => void found.push(...entries));
      return found;
    },
    scan,
    partitions: () => 1,
    async append(topic, entries, unencodable) {
      if (!wanted.has(topic)) return;
      await topicOf(topic).append(entries, { unencodable });
    },
    async consume(consumption, signal) {
      const failed = new AbortController();
      const either = anySignal(signal, failed.signal);
      const mine = consumption.topics.map((topic) => {
        const reader = readers.get(readerKey(consumption.group, topic));
        if (!reader) throw new Error(`${consumption.group} is not a reader of ${topic}`);
        if (!cursors.has(readerKey(consumption.group, topic)) && consumption.startAt === 'end')
          reader.committed = topicOf(topic).end;
        reader.position = reader.handled = reader.committed;
        return { topic, reader };
      });
      const seeks = await consumption.assigned?.(
        mine.map(({ topic }) => {
          const cursor = cursors.get(readerKey(consumption.group, topic));
          return { topic, partition: 0, offset: cursor?.offset ?? null, metadata: cursor?.metadata ?? null };
        }),
      );
      for (const seek of seeks ?? []) {
        const reader = readers.get(readerKey(consumption.group, seek.topic))!;
        reader.position = reader.handled = seek.offset;
      }
      await Promise.all(
        mine.map(({ topic, reader }) =>
          consumeTopic(topic, consumption, reader, either).catch((error: unknown) => {
            failed.abort();
            throw error;
          }),
        ),
      );
    },
    async drained() {
      const behind = (): boolean =>
        Object.entries(options.readers).some(([group, read]) =>
          read.some((topic) => readers.get(readerKey(group, topic))!.handled < topicOf(topic).end),
        );
      while (behind()) await context.clock.sleep(10);
    },
    async oldestMs(group, of) {
      let oldest: number | null = null;
      for (const topic of of) {
        const reader = readers.get(readerKey(group, topic));
        const appendMs = reader ? await topicOf(topic).appendMsAt(reader.committed) : null;
        if (appendMs !== null) oldest = Math.min(oldest ?? Infinity, appendMs);
      }
      return oldest;
    },
    lag(group, of) {
      let lag = 0;
      for (const topic of of) {
        const reader = readers.get(readerKey(group, topic));
        if (reader) lag += Math.max(0, topicOf(topic).end - reader.committed);
      }
      return Promise.resolve(lag);
    },
  };
}

/** Names the log in `directory` for as long as that lives: its offsets mean nothing in another one. */
export async function localLogId(directory: string): Promise<string> {
  const path = join(directory, 'id');
  const found = await readFile(path, 'utf8').catch(() => '');
  if (/^[\w-]{16,}$/.test(found)) return found;
  const made = randomBytes(16).toString('base64url');
  await writeAtomically(path, made);
  return made;
}

function lossOf(missed: Missed, cluster: string, nowMs: number): Loss {
  const { group, topic, from, to, count, sinceMs } = missed;
  const where = `${group} of ${topics[topic].name}`;
  const loss = newLoss({ id: digest(22, where, from, to, sinceMs), where, sinceMs, untilMs: nowMs });
  loss.why = 'queue_overflow';
  loss.cluster = cluster;
  loss.count = count;
  loss.fromPosition = from;
  loss.toPosition = to - 1;
  loss.detail = `${group} was too far behind: its queue or the disk share was used up, and the oldest ${count} records were dropped`;
  return loss;
}
