import type { Clock } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import type { Entry, LogEntry, Topic, TopicKind, TopicRecord, Unencodable } from '../../pipeline/log.ts';
import { topics } from '../../pipeline/log.ts';
import { codecOf } from '../../schema/codec.ts';
import { decodeFrame, encodeFrame, encodeSome, type Frame } from './frame.ts';
import type { Segments } from './segments.ts';
import type { Writers } from './writers.ts';

/** How much of a topic is kept for one reader, and what is done when that is used up. */
export interface ReaderQueue {
  /** Bytes on disk between what it is done with and the end; Infinity leaves only the share of the topic. */
  readonly maxBytes: number;
  /** `block` waits for the reader and so holds up whoever appends, `dropOldest` leaves it behind. */
  readonly onFull: 'block' | 'dropOldest';
}

/** A consumer of one topic: what it has read, and what it is done with. */
export interface Reader {
  readonly group: string;
  readonly queue: ReaderQueue;
  /** Next offset it will be given. */
  position: number;
  /** Offset after the last entry whose handling has ended. */
  handled: number;
  /** Everything before is done with for good. */
  committed: number;
  /** When it last moved. One that stands still is left behind, never waited for. */
  movedMs: number;
}

export interface AppendOptions {
  /** Waits for no reader, and overtakes appends that do: for the few records that tell of what was dropped. */
  readonly evenIfFull?: boolean;
  /** See `Log.append`. */
  readonly unencodable?: Unencodable | undefined;
}

export interface LocalTopic<T extends Topic> {
  readonly end: number;
  readonly first: number;
  /**
   * Resolves once the entries are on stable storage. A full disk is waited out, and so is a reader that blocks;
   * rejects with `disk_full` or `log_full` when the process is told to stop meanwhile.
   */
  append(entries: readonly Entry<TopicRecord<T>>[], how?: AppendOptions): Promise<void>;
  /** Entries from the reader's position on; waits for the first one. Null once the signal is aborted. */
  next(
    reader: Reader,
    maxEntries: number,
    signal: AbortSignal,
  ): Promise<readonly LogEntry<TopicRecord<T>>[] | null>;
  /** When the entry at `offset` was appended; null at the end. */
  appendMsAt(offset: number): Promise<number | null>;
  addReader(reader: Reader): void;
  /** A reader moved or committed: frees what no reader needs any more. */
  moved(reader: Reader): void;
  close(): Promise<void>;
}

export interface LocalTopicOptions<T extends Topic> {
  readonly clock: Clock;
  /** Null keeps the topic in memory alone: appends then wait for the slowest reader. */
  readonly disk: { readonly segments: Segments; readonly writers: Writers<TopicKind<T>> } | null;
  /** Entries kept in memory for readers at the head; a moving reader is waited for beyond that. */
  readonly tailEntries: number;
  readonly maxBytes: number;
  /** Aborted when nothing is to be waited for any more. */
  readonly stopping: AbortSignal;
  /** Whether a moving reader of this group is waited for; on disk the others are left to read from there. */
  readonly paces: (group: string) => boolean;
  readonly dropped: (group: string, from: number, to: number) => void;
  /** An append waits: for the disk, or for the reader that blocks. Told once a second while it lasts. */
  readonly waits: (reason: string) => void;
}

/** How often a full disk is tried again. */
const DISK_RETRY_MS = 1000;

/** A reader that has not moved for this long holds nothing up (only where entries are on disk). */
const STANDSTILL_MS = 5000;

export function createLocalTopic<T extends Topic>(topic: T, options: LocalTopicOptions<T>): LocalTopic<T> {
  type Record = TopicRecord<T>;
  const { clock } = options;
  const segments = options.disk?.segments ?? null;
  const codec = codecOf(topics[topic].kind as TopicKind<T>);
  const tail: LogEntry<Record>[][] = [];
  let tailCount = 0;
  /** Entries before it are kept without their values. */
  let forgotten = 0;
  let end = segments?.end ?? 0;
  let reserved = end;
  const readers: Reader[] = [];
  let wake: (() => void)[] = [];
  let queue: { frame: Frame<Record>; done: () => void; failed: (error: unknown) => void }[] = [];
  let flushing: Promise<void> | null = null;
  let closed = false;
  let turn: Promise<void> = Promise.resolve();

  function signalAll(): void {
    const waiting = wake;
    wake = [];
    for (const go of waiting) go();
  }
  const changed = (): Promise<void> => new Promise((resolve) => wake.push(resolve));

  function publish(entries: LogEntry<Record>[]): void {
    tail.push(entries);
    tailCount += entries.length;
    end = entries.at(-1)!.offset + 1;
    trimTail();
    signalAll();
  }

  /** In memory alone, what a reader has not read yet must stay; on disk it can be read again. */
  function trimTail(): void {
    const needed = segments ? Infinity : Math.min(...readers.map((r) => r.position), end);
    while (tail.length > 0) {
      const oldest = tail[0]!;
      const over = tailCount > options.tailEntries && tail.length > 1;
      const read = !segments && oldest.at(-1)!.offset < needed;
      if (!(segments ? over : read)) return;
      tail.shift();
      tailCount -= oldest.length;
    }
  }

  /** What all readers at the head are done with is kept as bytes alone: objects that live long cost the most. */
  function forgetRead(): void {
    const first = tail[0]?.[0]?.offset ?? end;
    let handled = end;
    for (const reader of readers)
      if (reader.position >= first && reader.handled < handled) handled = reader.handled;
    for (const entries of tail) {
      if (entries.at(-1)!.offset >= handled) return;
      if (entries[0]!.offset < forgotten) continue;
      for (const entry of entries) entry.forget?.();
      forgotten = entries.at(-1)!.offset + 1;
    }
  }

  async function room(): Promise<void> {
    let toldMs = -Infinity;
    while (!closed) {
      const nowMs = clock.now();
      const waitedFor = readers.filter(
        (r) => !segments || (options.paces(r.group) && nowMs - r.movedMs < STANDSTILL_MS),
      );
      const slowest = Math.min(...waitedFor.map((r) => r.position), end);
      const blocking = segments === null ? null : await makeRoom(segments);
      if (reserved - slowest < options.tailEntries && !blocking) return;
      if (blocking) {
        const full = `the queue of ${blocking.group} is full, and it is configured to block`;
        if (options.stopping.aborted) throw new WeirError('log_full', full);
        if (nowMs - toldMs >= 1000) {
          toldMs = nowMs;
          options.waits(full);
        }
      }
      const pause = new AbortController();
      await Promise.race([changed(), clock.sleep(500, pause.signal)]);
      pause.abort();
    }
  }

  /** Frees what can be freed. The reader that only waiting helps against; null when there is room. */
  async function makeRoom(disk: Segments): Promise<Reader | null> {
    if (disk.bytes > options.maxBytes) await release(disk);
    let left = false;
    for (const reader of readers) {
      if (reader.queue.maxBytes === Infinity || disk.bytesFrom(reader.committed) <= reader.queue.maxBytes)
        continue;
      if (reader.queue.onFull === 'block') return reader;
      left = leaveBehind(reader, disk);
    }
    if (left) await release(disk);
    if (disk.bytes <= options.maxBytes) return null;
    const slowest = readers.reduce((a, b) => (b.committed < a.committed ? b : a), readers[0]!);
    if (!slowest || slowest.committed >= disk.end) return null;
    if (slowest.queue.onFull === 'block') return slowest;
    leaveBehind(slowest, disk);
    await release(disk);
    return null;
  }

  /** Takes the oldest quarter from a reader that is too far behind. */
  function leaveBehind(reader: Reader, disk: Segments): boolean {
    const from = reader.committed;
    const to = Math.min(disk.end, from + Math.ceil((disk.end - from) / 4));
    options.dropped(reader.group, from, to);
    reader.committed = to;
    reader.position = Math.max(reader.position, to);
    return true;
  }

  const release = (disk: Segments): Promise<void> =>
    disk.dropBefore(Math.min(...readers.map((r) => r.committed), end));

  async function flush(disk: Segments): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        await appendOnceThereIsSpace(disk, batch);
      } catch (error) {
        // Offsets were given out in order: all that follows fails too, and is appended again by its caller.
        const failed = [...batch, ...queue];
        queue = [];
        reserved = end;
        for (const each of failed) each.failed(error);
        return;
      }
      for (const each of batch) {
        publish(each.frame.entries);
        each.done();
      }
    }
  }

  async function appendOnceThereIsSpace(disk: Segments, batch: typeof queue): Promise<void> {
    for (;;)
      try {
        return await disk.append(batch.map(({ frame }) => frame.bytes));
      } catch (error) {
        const full = error instanceof WeirError && error.code === 'disk_full';
        if (!full || closed || options.stopping.aborted) throw error;
        options.waits(messageOf(error));
        await clock.sleep(DISK_RETRY_MS, options.stopping);
      }
  }

  return {
    get end() {
      return end;
    },
    get first() {
      return segments?.first ?? tail[0]?.[0]?.offset ?? end;
    },
    async appendMsAt(offset) {
      if (offset >= end) return null;
      const entries = await entriesAt(offset);
      return (entries.find((entry) => entry.offset >= offset) ?? entries.at(-1))?.appendMs ?? null;
    },
    addReader(reader) {
      readers.push(reader);
    },
    moved(reader) {
      reader.movedMs = clock.now();
      if (segments) forgetRead();
      else trimTail();
      signalAll();
    },
    async append(entries, { evenIfFull = false, unencodable } = {}) {
      if (entries.length === 0) return;
      if (!evenIfFull) {
        // One after the other: who waits for room must not be overtaken by who finds it.
        const mine = turn.then(room);
        turn = mine.catch(() => {});
        await mine;
      }
      const place = { firstOffset: reserved, appendMs: clock.now() };
      const frame = unencodable
        ? encodeSome(codec, entries, place, unencodable)
        : encodeFrame(codec, entries, place);
      if (frame.entries.length === 0) return;
      reserved += frame.entries.length;
      if (!segments) return publish(frame.entries);
      await new Promise<void>((done, failed) => {
        queue.push({ frame, done, failed });
        flushing ??= flush(segments).finally(() => (flushing = null));
      });
    },
    async next(reader, maxEntries, signal) {
      const abort = (): void => signalAll();
      signal.addEventListener('abort', abort);
      try {
        while (!signal.aborted && !closed) {
          if (reader.position < end) {
            const entries = await entriesAt(reader.position);
            const from = entries.findIndex((entry) => entry.offset >= reader.position);
            if (from >= 0) return withFollowing(from === 0 ? entries : entries.slice(from), maxEntries);
            reader.position = (entries.at(-1)?.offset ?? reader.position) + 1;
          } else await changed();
        }
        return null;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    async close() {
      closed = true;
      signalAll();
      await flushing;
      await segments?.close();
    },
  };

  /** With what follows in memory, as far as it fits: a reader that is behind is given more at once. */
  function withFollowing(entries: readonly LogEntry<Record>[], most: number): readonly LogEntry<Record>[] {
    if (entries.length >= most) return entries.length === most ? entries : entries.slice(0, most);
    const next = entries.at(-1)!.offset + 1;
    let i = tail.length;
    while (i > 0 && tail[i - 1]![0]!.offset >= next) i--;
    if (tail[i]?.[0]?.offset !== next) return entries;
    const all = [...entries];
    for (; i < tail.length && all.length + tail[i]!.length <= most; i++) all.push(...tail[i]!);
    return all;
  }

  async function entriesAt(offset: number): Promise<readonly LogEntry<Record>[]> {
    const first = tail[0]?.[0];
    if (first && offset >= first.offset) {
      for (let i = tail.length - 1; i >= 0; i--) if (tail[i]![0]!.offset <= offset) return tail[i]!;
    }
    const frame = await options.disk?.segments.read(offset);
    if (!frame) return tail[0] ?? [];
    const { bytes, schema } = frame;
    const { own, decoder } = options.disk!.writers;
    return decodeFrame(bytes, codec, schema === own ? undefined : await decoder(schema));
  }
}
