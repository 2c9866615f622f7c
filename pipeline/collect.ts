import type { Flow } from '../schema/records.ts';
import type { Context, Input, LineBatch, LineDecoder, OriginContext, Reject, Stage } from './contracts.ts';
import type { Counters } from './counters.ts';
import type { Cursors } from './cursors.ts';
import { appendOrKeep, type DeadLetters } from './dead-letter.ts';
import { Decoded, lettersOf } from './decoded.ts';
import { isRetryable, messageOf, WeirError } from './errors.ts';
import type { Entry, Log, Mark } from './log.ts';
import { createReports, noticeOfChange, noticeOfLoss, type Notice } from './notice.ts';
import { originClock, type OriginClock } from './origin-clock.ts';
import { partitionOf } from './partition.ts';
import { perRecord } from './per-record.ts';
import { createWatermarks, watermarkDefaults } from './watermarks.ts';
import { anySignal } from './signals.ts';

export interface CollectOptions {
  readonly source: string;
  readonly input: Input;
  readonly decoder: (context: OriginContext) => LineDecoder;
  readonly timing: { readonly disorderMs: number; readonly deliveryMs: number };
  /** Node of the configuration; null when it gives none. */
  readonly node: string | null;
  readonly cursors: Cursors;
  /** Runs in this process before the log, where there is no separate enricher. */
  readonly stage: Stage<Flow, Flow> | null;
  readonly log: Log;
  /** `flows` over Kafka, `enriched` in one process. */
  readonly topic: 'flows' | 'enriched';
  /** Key and partition of a flow; null key where the log has one partition. */
  readonly place: (flow: Flow) => { readonly key: string | null; readonly partition: number };
  /** The input goes on for ever; false when it ends by itself. */
  readonly follow: boolean;
  /** How many sources write marks into this log; 0 when the marks are made by a later stage. */
  readonly marksOf: number;
  /** How often a quiet origin says how far event time has come. */
  readonly heartbeatMs: number;
  /**
   * Greatest position of an origin that the log holds already, where it can tell. After a crash the cursor may be
   * behind: what is there is not appended a second time.
   */
  readonly appended?: (origin: string) => number | undefined;
  readonly letters: DeadLetters;
  readonly counters: Counters;
  readonly saveEveryMs?: number;
  /** Told what was read, and the latest event time of its origin so far; for progress. */
  readonly progress?: (
    batch: LineBatch,
    flows: readonly Flow[],
    rejects: readonly Reject[],
    endMs: number,
  ) => void;
}

/** One origin while it is read. */
interface Origin {
  readonly decoder: LineDecoder;
  readonly place: string;
  readonly clock: OriginClock;
  readonly report: ReturnType<typeof createReports>;
  endMs: number;
  /** When it was last read to its end; null while there is more. */
  atEndMs: number | null;
  /** When an earlier run had read it to its end; null once this run has read from it. */
  restedMs: number | null;
  /** The decoder keeps lines back that are not flows yet. */
  holding: boolean;
  /** Position after the last line read. */
  next: number;
}

const SAVE_EVERY_MS = 1000;
/** Told so often that a checkpoint cannot be written. */
const WARN_EVERY_MS = 30_000;
/** Appends under way at once; their order is kept by the log. */
const MAX_APPENDS = 4;
/** A decoder that fails on this many records in a row is broken, not the records. */
const MAX_FAILURES_IN_A_ROW = 1000;
/** An input that has given nothing for this long has nothing to give, and holds nothing up. */
const FIRST_BATCH_MS = 30_000;

/**
 * Reads an input to the log: decode, enrich where there is no separate enricher, append, and only then move the
 * origin's cursor. Ends when the input ends or `drain` is aborted; rejects on what redelivery must mend.
 */
export async function collect(options: CollectOptions, context: Context, drain: AbortSignal): Promise<void> {
  const { log, counters, cursors } = options;
  const { clock } = context;
  const origins = new Map<string, Origin>();
  // What is finite is waited for to its end, however far apart its parts are.
  const watermarks = createWatermarks(
    options.follow ? watermarkDefaults : { ...watermarkDefaults, inactiveMs: Infinity, maxHoldMs: Infinity },
  );
  const settling: Promise<void>[] = [];
  const component = `source.${options.source}`;
  let failuresInARow = 0;
  const startedMs = clock.now();
  let savedMs = startedMs;
  let warnedMs = -Infinity;
  const apply = options.stage && perRecord(options.stage);
  const broken = new AbortController();
  const to = {
    log,
    letters: options.letters,
    component,
    now: () => clock.now(),
    failed: (error: unknown) => counters.failed(error),
  };

  /** Ends the reading: what could not be appended or settled is redelivered, and nothing may overtake it. */
  const fail = (error: unknown): void => broken.abort(error);

  // What was read before goes on where it stood: until it is heard of again, the others do not run ahead of it.
  const awaited = new Set<string>();
  if (options.follow) for (const [name, { ended }] of cursors.entries()) if (!ended) awaited.add(name);
  function watermark(nowMs: number): number {
    const isEarly = awaited.size > 0 && nowMs - startedMs < FIRST_BATCH_MS;
    return isEarly ? -Infinity : watermarks.current();
  }

  function originOf(batch: LineBatch): Origin {
    let origin = origins.get(batch.origin);
    if (origin) return origin;
    awaited.delete(batch.origin);
    const decoder = options.decoder({
      origin: batch.origin,
      place: batch.place,
      cluster: context.cluster,
      node: options.node,
      state: cursors.get(batch.origin)?.state,
      receivedMs: () => clock.now(),
    });
    origin = {
      decoder,
      place: batch.place,
      clock: originClock(cursors.get(batch.origin)?.startMs),
      report: createReports(),
      endMs: -Infinity,
      atEndMs: null,
      restedMs: cursors.get(batch.origin)?.atEndMs ?? null,
      holding: false,
      next: 0,
    };
    origins.set(batch.origin, origin);
    return origin;
  }

  /** Pure; a throw belongs to the line it was thrown on. */
  function decode(batch: LineBatch, origin: Origin): Decoded {
    const out = new Decoded();
    out.rejects.push(...batch.rejects);
    out.losses.push(...batch.losses);
    for (const line of batch.lines) {
      try {
        origin.decoder.decode(line, out);
        failuresInARow = 0;
      } catch (error) {
        if (++failuresInARow >= MAX_FAILURES_IN_A_ROW) throw error;
        out.failures.push({ error, position: line.position, payload: line.text });
      }
    }
    if (batch.atEnd || batch.final) origin.decoder.atEnd?.(clock.now(), batch.final, out);
    // Taken now: by the time the append resolves, the decoder is further on.
    out.held = origin.decoder.checkpoint?.();
    origin.holding = out.held?.position !== undefined;
    return out;
  }

  async function settle(
    batch: LineBatch,
    origin: Origin,
    out: Decoded,
    appended: Promise<void>,
  ): Promise<void> {
    const nowMs = clock.now();
    const { held } = out;
    const letters = lettersOf(out, { component, origin: batch.origin, place: origin.place, nowMs });
    await appended;
    if (letters.length > 0) await options.letters.keep(letters);
    if (out.losses.length > 0)
      await log.append(
        'losses',
        out.losses.map((loss) => ({ partition: 0, key: loss.origin, value: loss })),
      );
    if (out.changes.length > 0)
      await log.append(
        'policyChanges',
        out.changes.map((change) => ({ partition: 0, key: change.namespace, value: change })),
      );
    counters.sent(out.flows.length - out.stageFailures.length);
    if (out.skipped > 0) counters.dropped('not_a_flow', out.skipped);
    for (const reject of out.rejects) counters.dropped(reject.code, 1);
    for (const { error } of [...out.failures, ...out.stageFailures]) counters.failed(error);
    cursors.set(
      batch.origin,
      {
        position: held?.position ?? batch.next,
        ...(held?.state === undefined ? {} : { state: held.state }),
        ...(out.startMs > -Infinity ? { startMs: out.startMs } : {}),
        ...(out.atEndMs === null ? {} : { atEndMs: out.atEndMs }),
        ...(batch.hints === undefined ? {} : { hints: batch.hints }),
        ...(batch.final ? { ended: true } : {}),
      },
      nowMs,
    );
    if (nowMs - savedMs >= (options.saveEveryMs ?? SAVE_EVERY_MS)) {
      savedMs = nowMs;
      await checkpoint(nowMs);
    }
  }

  /** A full disk stops no reading: what is not written is written by a later try, or read again after a crash. */
  async function checkpoint(nowMs: number): Promise<void> {
    try {
      await cursors.save(nowMs);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      counters.failed(error);
      if (nowMs - warnedMs < WARN_EVERY_MS) return;
      warnedMs = nowMs;
      context.log.warn(
        { source: options.source, error: messageOf(error) },
        'checkpoint not written, trying again',
      );
    }
  }

  async function entriesOf(batch: LineBatch, origin: Origin, out: Decoded): Promise<Entry<Flow>[]> {
    const { flows } = out;
    const { items: enriched, failures } = apply ? await apply(flows, drain) : { items: flows, failures: [] };
    for (const { item, error } of failures) out.stageFailures.push({ flow: item, error });
    const nowMs = clock.now();
    const entries: Entry<Flow>[] = [];
    const there = options.appended?.(batch.origin) ?? -1;
    const notices = noticesOf(out, batch.origin, nowMs);
    for (const flow of enriched) {
      const report = origin.report(flow, nowMs);
      if (report !== null) notices.push(report);
      origin.clock.observe(flow, nowMs);
      if (flow.endMs > origin.endMs) origin.endMs = flow.endMs;
      if (flow.position <= there) continue;
      const { key, partition } = options.place(flow);
      const clockMs = origin.clock.current() - options.timing.disorderMs;
      entries.push(
        clockMs > -Infinity ? { partition, key, value: flow, clockMs } : { partition, key, value: flow },
      );
    }
    for (const notice of notices) {
      const { kind, record, origin: told } = notice;
      // What tells of changes alone holds event time back as flows do.
      if (kind === 'policy_change')
        origin.clock.observe({ cluster: record.cluster, node: told, startMs: record.timeMs }, nowMs);
      const partition = partitionOf(record.id, log.partitions(options.topic));
      entries.push({ partition, key: null, value: null, notice });
    }
    // Lines end a quiet time, also where they are the last there are for now.
    const quietSinceMs = batch.lines.length === 0 ? (origin.atEndMs ?? origin.restedMs ?? nowMs) : nowMs;
    origin.atEndMs = batch.atEnd ? quietSinceMs : null;
    origin.restedMs = null;
    origin.next = batch.next;
    if (batch.atEnd) origin.clock.rest(nowMs);
    const startMs = origin.clock.current();
    if (startMs > -Infinity) watermarks.observe(batch.origin, startMs - options.timing.disorderMs, nowMs);
    if (batch.final) watermarks.end(batch.origin, origin.endMs);
    if (options.marksOf > 0) entries.push(...markEntries(options, watermark(nowMs), watermarks.ended()));
    return entries;
  }

  async function take(batch: LineBatch): Promise<void> {
    // Nothing may overtake what could not be appended.
    broken.signal.throwIfAborted();
    const begunMs = clock.now();
    const origin = originOf(batch);
    counters.received(batch.lines.length + batch.rejects.length);
    const out = decode(batch, origin);
    const entries = await entriesOf(batch, origin, out);
    options.progress?.(batch, out.flows, out.rejects, origin.endMs);
    broken.signal.throwIfAborted();
    out.startMs = origin.clock.current();
    out.atEndMs = origin.atEndMs;
    const appended = entries.length > 0 ? appendOrKeep(to, options.topic, entries) : Promise.resolve();
    appended.catch(fail);
    // Settled in order, so that a cursor never passes what is not in the log yet.
    const settled = (settling.at(-1) ?? Promise.resolve()).then(() => settle(batch, origin, out, appended));
    settled.catch(fail);
    settling.push(settled);
    counters.inFlight(settling.length);
    if (settling.length >= MAX_APPENDS) await settling.shift();
    counters.tookMs(clock.now() - begunMs);
    if (batch.final) origins.delete(batch.origin);
  }

  /** One batch at a time, whoever brings it: positions of an origin must reach the log in order. */
  let taking = Promise.resolve();
  const takeInTurn = (batch: LineBatch): Promise<void> => (taking = taking.then(() => take(batch)));

  /** A source that waits for its first flow holds nothing up; one that is still reading does. */
  function quietWatermark(nowMs: number): number {
    if (watermarks.origins > 0 || !options.follow) return watermark(nowMs);
    if (origins.size === 0 && nowMs - startedMs < FIRST_BATCH_MS) return -Infinity;
    for (const origin of origins.values()) if (origin.atEndMs === null) return -Infinity;
    return nowMs - options.timing.deliveryMs - options.timing.disorderMs;
  }

  /**
   * A quiet origin's clock goes on with the time since it was read to its end, less what its writer takes to
   * deliver, so that the last flows of a quiet night are judged in that night.
   */
  async function beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(options.heartbeatMs, signal);
      if (signal.aborted) return;
      for (const [name, origin] of origins)
        if (origin.holding && origin.atEndMs !== null) await takeInTurn(nothingNew(name, origin));
      const nowMs = clock.now();
      const clocks: Entry<Flow>[] = [];
      for (const [name, origin] of origins) {
        const startMs = origin.clock.current();
        if (startMs === -Infinity) continue;
        // One that is not at its end still says how far it is: its flows may all be in other partitions.
        const isQuiet = origin.atEndMs !== null && !origin.holding;
        const quietMs = isQuiet ? Math.max(0, nowMs - origin.atEndMs! - options.timing.deliveryMs) : 0;
        const clockMs = startMs - options.timing.disorderMs + quietMs;
        watermarks.observe(name, clockMs, nowMs);
        if (options.marksOf === 0) clocks.push(...clockEntries(log.partitions(options.topic), name, clockMs));
      }
      const entries =
        options.marksOf > 0 ? markEntries(options, quietWatermark(nowMs), watermarks.ended()) : clocks;
      if (broken.signal.aborted) return;
      if (entries.length > 0) await log.append(options.topic, entries);
    }
  }

  const ended = new AbortController();
  const beats = beat(anySignal(drain, ended.signal)).catch(fail);
  try {
    try {
      const reading = anySignal(drain, broken.signal);
      for await (const batch of options.input.read((origin) => cursors.get(origin), reading))
        await takeInTurn(batch);
      for (const settled of settling) await settled;
      broken.signal.throwIfAborted();
    } catch (error) {
      // Whoever stops while the log is full leaves the rest to the next start.
      if (!drain.aborted || !isFull(error)) throw error;
    }
    if (options.marksOf > 0 && !drain.aborted) {
      const endMs = watermarks.origins === 0 ? clock.now() : watermarks.finish();
      await log.append(options.topic, markEntries(options, endMs, true));
    }
  } finally {
    ended.abort();
    await beats;
    await checkpoint(clock.now());
  }
}

const noticesOf = ({ changes, losses }: Decoded, origin: string, readMs: number): Notice[] => [
  ...changes.map((change) => noticeOfChange(change, origin, readMs)),
  ...losses.map((loss) => noticeOfLoss(loss, origin, readMs)),
];

const isFull = (error: unknown): boolean =>
  error instanceof WeirError && (error.code === 'log_full' || error.code === 'disk_full');

/** Lets a decoder close what time alone closes. */
const nothingNew = (name: string, origin: Origin): LineBatch => ({
  origin: name,
  place: origin.place,
  lines: [],
  rejects: [],
  losses: [],
  next: origin.next,
  atEnd: true,
  final: false,
});

/** An origin's clock, told to every partition its flows may be in. */
const clockEntries = (partitions: number, input: string, watermarkMs: number): Entry<Flow>[] =>
  Array.from({ length: partitions }, (_, partition) => ({
    partition,
    key: null,
    value: null,
    mark: { input, of: 0, watermarkMs, final: false },
  }));

/** How far the source has come; nothing while it cannot say. */
function markEntries(options: CollectOptions, watermarkMs: number, final: boolean): Entry<Flow>[] {
  if (watermarkMs === -Infinity) return [];
  const mark: Mark = { input: options.source, of: options.marksOf, watermarkMs, final };
  return [{ partition: 0, key: null, value: null, mark }];
}
