import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { messageOf, WeirError, type Refusal } from '../pipeline/errors.ts';
import { codecOf } from '../schema/codec.ts';
import type { Packed } from './batch.ts';
import type { Engine } from './engine-contract.ts';
import { storeError } from './errors.ts';
import { eventRow } from './events.ts';
import { createHolds } from './holds.ts';
import { dimensionNames, dimensions, type DimensionName } from './layout.ts';
import type { Options } from './options.ts';
import {
  attachSlice,
  createSlice,
  cursorKey,
  isWritable,
  listSlices,
  readCursors,
  removeFiles,
  sizeOf,
  type Cursor,
  type Slice,
} from './slice.ts';
import { appendLoad, createStager, type Stager } from './staging.ts';

interface Waiter {
  readonly refusals: readonly Refusal[];
  readonly places: readonly string[];
  readonly firstOffsets: readonly number[];
  resolve(refusals: readonly Refusal[]): void;
  reject(error: Error): void;
}

const IDLE_MS = 200;
const MAX_DICTIONARY_BYTES = 96 * 1024 ** 2;
const MAX_DICTIONARY_IDS = 1_000_000;

export function createEngine(options: Options, now: () => number = Date.now): Engine {
  const temporary = join(options.dir, 'tmp');
  let instance: DuckDBInstance;
  let writer: DuckDBConnection;
  let slices: Slice[] = [];
  let active: Slice;
  let cursors = new Map<string, Cursor>();
  let stager: Stager;
  let written: Record<DimensionName, number>;
  let waiters: Waiter[] = [];
  let firstMs: NodeJS.Timeout | null = null;
  let idle: NodeJS.Timeout | null = null;
  let hourly: NodeJS.Timeout | null = null;
  /** Set while nothing may be staged: a slice is exchanged or the database opened again. */
  let gate: Promise<void> | null = null;
  let committing: Promise<void> | null = null;
  const holds = createHolds(now);
  const counts = { writtenRows: 0, skippedRows: 0, commits: 0, removedSlices: 0 };
  let isClosed = false;
  let isOpen = false;

  async function openDatabase(): Promise<void> {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    rmSync(temporary, { recursive: true, force: true });
    instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(options.memoryBytes / 1024 ** 2)}MB`,
      threads: String(options.threads),
      temp_directory: temporary,
    });
    isOpen = true;
    writer = await instance.connect();
    slices = [];
    for (const { path, createdMs } of listSlices(options.dir)) {
      const slice = await attachSlice(writer, path, createdMs);
      if (slice) slices.push(slice);
      else removeFiles(path);
    }
    const last = slices.at(-1);
    cursors = last ? await readCursors(writer, last) : new Map();
    if (last && (await isWritable(writer, last))) await resume(last);
    else await begin();
  }

  /** Goes on in a slice: its dictionaries come back from the file. */
  async function resume(slice: Slice): Promise<void> {
    active = slice;
    const ids = await writer.runAndReadAll(`SELECT coalesce(max(id), 0) FROM ${slice.catalog}.ids`);
    stager = createStager(Number(ids.getRows()[0]![0]) + 1);
    written = noneWritten();
    for (const name of dimensionNames) {
      const rows = await writer.stream(
        `SELECT body FROM ${slice.catalog}.${dimensions[name].table} ORDER BY id`,
      );
      for await (const chunk of rows) {
        for (const value of chunk.getColumnValues(0)) {
          const { bytes } = value as { bytes: Uint8Array };
          stager.dictionaries[name].load(bytes);
        }
      }
      written[name] = stager.dictionaries[name].size;
    }
  }

  async function begin(): Promise<void> {
    const createdMs = Math.max(now(), (slices.at(-1)?.createdMs ?? 0) + 1);
    active = await createSlice(writer, options.dir, createdMs, cursors);
    slices.push(active);
    stager = createStager(1);
    written = noneWritten();
  }

  /** Runs alone: no write is staged and no commit runs meanwhile. */
  async function alone(work: () => Promise<void>): Promise<void> {
    while (gate) await gate;
    const run = work();
    gate = run.then(
      () => undefined,
      () => undefined,
    );
    try {
      await run;
    } finally {
      gate = null;
      if (waiters.length > 0) arm();
    }
  }

  /** Resolves when neither a commit nor other exclusive work runs. */
  async function quiet(): Promise<void> {
    while (gate ?? committing) await (gate ?? committing);
  }
  /** `alone`, from outside of a commit: nothing may be detached in the middle of a transaction. */
  async function exclusive(work: () => Promise<void>): Promise<void> {
    // Not by way of `quiet`: between its end and what awaits it, a commit could begin.
    while (gate ?? committing) await (gate ?? committing);
    await alone(work);
  }
  /** Commits until nothing waits. */
  async function settle(): Promise<void> {
    for (;;) {
      await quiet();
      if (waiters.length === 0) return;
      kick();
    }
  }

  function checkSpace(): void {
    if (options.reserveBytes === 0) return;
    const { bavail, bsize } = statfsSync(options.dir);
    if (bavail * bsize < options.reserveBytes) {
      throw new WeirError(
        'disk_full',
        `${options.dir} has ${bavail * bsize} bytes left; the store keeps ${options.reserveBytes} free`,
      );
    }
  }

  function kick(): void {
    if (firstMs) clearTimeout(firstMs);
    if (idle) clearTimeout(idle);
    firstMs = idle = null;
    if (committing || gate || waiters.length === 0) return;
    committing = commit().finally(() => {
      committing = null;
      if (stager.rows >= options.commitRows) kick();
      else if (waiters.length > 0) arm();
    });
  }

  function arm(): void {
    firstMs ??= setTimeout(kick, options.commitMs);
    if (idle) idle.refresh();
    else idle = setTimeout(kick, Math.min(IDLE_MS, options.commitMs));
  }

  async function commit(): Promise<void> {
    const taken = waiters;
    waiters = [];
    if (!stager.hasWork) {
      for (const waiter of taken) waiter.resolve(waiter.refusals);
      return;
    }
    const load = stager.take();
    const into = active;
    try {
      checkSpace();
      await writer.run('BEGIN');
      await appendLoad(writer, into.catalog, load, stager.dictionaries, written);
      await writer.run('COMMIT');
    } catch (cause) {
      await fail(storeError(cause, options.dir), taken);
      return;
    }
    written = { ...load.upTo };
    counts.writtenRows += load.rows + load.events.length;
    counts.commits++;
    for (const waiter of taken) waiter.resolve(waiter.refusals);
    if (needsRoll()) await alone(rollNow);
  }

  /**
   * Nothing since the last commit is kept: everything under way is rejected, and the database is opened again,
   * which brings dictionaries and cursors back to what is on disk.
   */
  async function fail(error: Error, taken: readonly Waiter[]): Promise<void> {
    await alone(async () => {
      const all = [...taken, ...waiters];
      waiters = [];
      try {
        await closeDatabase();
        await openDatabase();
      } finally {
        for (const waiter of all) {
          holds.add(waiter.places, waiter.firstOffsets);
          waiter.reject(error);
        }
      }
    });
  }

  const needsRoll = (): boolean =>
    now() - active.createdMs >= options.sliceHours * 3_600_000 ||
    sizeOf(active) >= options.maxBytes / 20 ||
    dimensionNames.some(
      (name) =>
        stager.dictionaries[name].bytes > MAX_DICTIONARY_BYTES ||
        stager.dictionaries[name].size > MAX_DICTIONARY_IDS,
    );

  async function rollNow(): Promise<void> {
    if (stager.hasWork) return;
    const sealed = active;
    const sealedMs = now();
    await writer.run(`INSERT INTO ${sealed.catalog}.meta VALUES ('sealedMs', '${sealedMs}')`);
    sealed.sealedMs = sealedMs;
    await writer.run(`CHECKPOINT ${sealed.catalog}`).catch(() => undefined);
    await begin();
    await retain();
  }

  async function retain(): Promise<void> {
    let bytes = slices.reduce((sum, slice) => sum + sizeOf(slice), 0);
    const oldest = now() - options.maxAgeDays * 86_400_000;
    for (const slice of slices.filter((slice) => slice !== active && !slice.doomed)) {
      const tooOld = (slice.sealedMs ?? slice.createdMs) < oldest;
      if (!tooOld && bytes <= options.maxBytes) break;
      bytes -= sizeOf(slice);
      slice.doomed = true;
      if (slice.readers === 0) await remove(slice);
    }
  }

  /** Begun by the first write: who only reads a store may not know how long its writer means to keep it. */
  function beginRetention(): void {
    if (hourly) return;
    const run = (): void => void exclusive(retain).catch(() => undefined);
    hourly = setInterval(run, 3_600_000);
    hourly.unref();
    run();
  }

  async function remove(slice: Slice): Promise<void> {
    slices = slices.filter((other) => other !== slice);
    await writer.run(`DETACH ${slice.catalog}`);
    removeFiles(slice.path);
    counts.removedSlices++;
  }

  async function closeDatabase(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    try {
      await writer.run('ROLLBACK').catch(() => undefined);
      writer.closeSync();
    } finally {
      instance.closeSync();
    }
  }

  function stage(packed: Packed, refusals: Refusal[]): void {
    const { bytes, ends, offsets, place, places, log } = packed;
    const keys = places.map((at) => (log === null ? null : cursorKey(log, at.topic, at.partition)));
    const next = keys.map((key) => (key === null ? -1 : (cursors.get(key)?.next ?? -1)));
    let from = 0;
    for (let i = 0; i < ends.length; i++) {
      const to = ends[i]!;
      const p = place[i]!;
      const { kind } = places[p]!;
      if (offsets[i]! < next[p]!) {
        counts.skippedRows++;
      } else {
        try {
          if (kind === 'flow') stager.addFlow(bytes, from, to);
          else stager.addEvent(eventRow(kind, Buffer.from(bytes.subarray(from, to)), codecOf(kind)));
        } catch (error) {
          refusals.push({ index: i, retryable: false, code: 'record_undecodable', reason: messageOf(error) });
        }
        if (keys[p] !== null) next[p] = offsets[i]! + 1;
      }
      from = to;
    }
    for (const [p, key] of keys.entries()) {
      if (key === null || next[p] === (cursors.get(key)?.next ?? -1)) continue;
      const cursor = { log: log!, topic: places[p]!.topic, partition: places[p]!.partition, next: next[p]! };
      cursors.set(key, cursor);
      stager.setCursor(key, cursor);
    }
  }

  /** The first offset of each place in a write. */
  function firstOffsets(packed: Packed): number[] {
    const first = packed.places.map(() => Infinity);
    for (const [i, p] of packed.place.entries()) first[p] = Math.min(first[p]!, packed.offsets[i]!);
    return first;
  }

  return {
    async open() {
      try {
        await openDatabase();
      } catch (cause) {
        throw storeError(cause, options.dir);
      }
    },
    async write(packed, staged) {
      while (gate) await gate;
      if (isClosed) throw new WeirError('sink_unavailable', `the store in ${options.dir} is closed`);
      beginRetention();
      const names =
        packed.log === null ? [] : packed.places.map((p) => cursorKey(packed.log!, p.topic, p.partition));
      const first = firstOffsets(packed);
      holds.pass(names, first);
      return new Promise((resolve, reject) => {
        const refusals: Refusal[] = [];
        stage(packed, refusals);
        staged?.();
        waiters.push({ refusals, places: names, firstOffsets: first, resolve, reject });
        if (stager.rows >= options.commitRows) kick();
        else arm();
      });
    },
    async view() {
      while (gate) await gate;
      if (!isOpen) throw new WeirError('not_connected', `the store in ${options.dir} is not open`);
      const from = instance;
      const connection = await from.connect();
      const seen = slices.filter((slice) => !slice.doomed);
      for (const slice of seen) slice.readers++;
      return {
        connection,
        connect: () => from.connect(),
        slices: seen,
        async release() {
          connection.closeSync();
          for (const slice of seen) slice.readers--;
          for (const slice of seen) {
            if (slice.doomed && slice.readers === 0 && slices.includes(slice))
              await exclusive(() => remove(slice));
          }
        },
      };
    },
    retain: () => exclusive(retain),
    async roll() {
      await settle();
      await exclusive(rollNow);
    },
    stats: () => ({
      slices: slices.length,
      bytes: slices.reduce((sum, slice) => sum + sizeOf(slice), 0),
      oldestMs: slices[0]?.createdMs ?? null,
      ...counts,
    }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await settle();
      if (hourly) clearInterval(hourly);
      await exclusive(closeDatabase);
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

const noneWritten = (): Record<DimensionName, number> => ({
  context: 0,
  reason: 0,
  endpoint: 0,
  service: 0,
  policies: 0,
  request: 0,
});
