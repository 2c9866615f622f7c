import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type {
  Assignment,
  ConsumeOptions,
  Entry,
  Log,
  LogBatch,
  LogEntry,
  Mark,
  Seek,
  Topic,
} from '../../pipeline/log.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';

type Value = RecordTypes[RecordKind];

export interface Commit {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string | null;
}

/** A log whose other side is the test: it says what is read, and sees what is written and committed. */
export interface FakeLog extends Log {
  /** Everything appended, in order. */
  readonly appended: { readonly topic: Topic; readonly entry: Entry<Value> }[];
  readonly commits: Commit[];
  /** Values appended to a topic. */
  values<T extends Value = Value>(topic: Topic): T[];
  marks(topic: Topic): Mark[];
  /** Resolves once somebody consumes. */
  consumed(): Promise<void>;
  /** What a rebalance tells the consumer. Resolves with where it wants to start. */
  assign(partitions: readonly Assignment[]): Promise<readonly Seek[]>;
  /** Gives the consumer a batch and resolves once it is handled. */
  give(entries: readonly LogEntry<Value>[], place?: GivenPlace): Promise<void>;
  /** Called before each append; what it throws the append is rejected with, what it awaits delays it. */
  onAppend: (topic: Topic, entries: readonly Entry<Value>[]) => void | Promise<void>;
  /** What cannot be encoded: the reason; null when it can. */
  unencodable: (value: Value) => string | null;
  /** Called before each commit. */
  onCommit: (commit: Commit) => void | Promise<void>;
}

export interface GivenPlace {
  readonly topic?: Topic;
  readonly partition?: number;
  readonly isStale?: () => boolean;
  readonly heartbeat?: () => Promise<void>;
}

export function fakeLog(partitions = 1): FakeLog {
  const appended: FakeLog['appended'] = [];
  let consumer: ConsumeOptions<Topic> | null = null;
  let fail: (error: unknown) => void = () => {};
  let begun: () => void;
  const consuming = new Promise<void>((resolve) => (begun = resolve));
  const of = (topic: Topic): Entry<Value>[] =>
    appended.filter((each) => each.topic === topic).map(({ entry }) => entry);
  const log: FakeLog = {
    appended,
    commits: [],
    onAppend: () => {},
    unencodable: () => null,
    onCommit: () => {},
    values: <T extends Value>(topic: Topic) =>
      of(topic).flatMap(({ value }) => (value === null ? [] : [value as T])),
    marks: (topic) => of(topic).flatMap(({ mark }) => mark ?? []),
    consumed: () => consuming,
    async assign(assigned) {
      await consuming;
      return (await consumer!.assigned?.(assigned)) ?? [];
    },
    async give(entries, place = {}) {
      await consuming;
      const { topic = 'enriched', partition = 0 } = place;
      const batch: LogBatch = {
        topic,
        partition,
        entries,
        end: (entries.at(-1)?.offset ?? -1) + 1,
        async commit(offset, metadata) {
          const commit = { topic, partition, offset, metadata: metadata ?? null };
          await log.onCommit(commit);
          log.commits.push(commit);
        },
        heartbeat: place.heartbeat ?? (() => Promise.resolve()),
        isStale: place.isStale ?? (() => false),
      };
      try {
        await consumer!.handle(batch);
      } catch (error) {
        // What fails on a partition that was taken away is given up, as over Kafka.
        if (!place.isStale?.()) fail(error);
      }
    },
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    partitions: () => partitions,
    async append(topic, entries, unencodable) {
      await log.onAppend(topic, entries);
      for (const [i, entry] of entries.entries()) {
        const reason = entry.value && log.unencodable(entry.value);
        if (!reason) appended.push({ topic, entry });
        else if (unencodable) unencodable(i, new WeirError('record_unencodable', reason));
        else throw new WeirError('record_unencodable', reason);
      }
    },
    async consume(options, signal) {
      consumer = options as unknown as ConsumeOptions<Topic>;
      const failed = new Promise<never>((_resolve, reject) => (fail = reject));
      begun();
      if (!signal.aborted) await Promise.race([once(signal, 'abort'), failed]);
    },
    lag: () => Promise.resolve(0),
  };
  return log;
}

/** A snapshot is made beside the fold: resolves once one that what is done gives rise to was committed. */
export async function untilSaved(log: FakeLog, done: Promise<unknown>): Promise<void> {
  const before = log.commits.length;
  await done;
  while (log.commits.length === before) await setImmediate();
  // Each partition of the lane is committed, one after the other.
  await setImmediate();
}

/** What is read at one offset. */
export function logEntry<T>(offset: number, parts: Partial<LogEntry<T>> = {}): LogEntry<T> {
  return {
    offset,
    value: null,
    mark: null,
    raw: 0,
    clockMs: null,
    appendMs: 1_700_000_000_000,
    bytes: null,
    ...parts,
  };
}

export const markAt = (watermarkMs: number, parts: Partial<Mark> = {}): Mark => ({
  input: 'in',
  of: 1,
  watermarkMs,
  final: false,
  ...parts,
});
