import type { FlowHead } from '../schema/flow-decoder.ts';
import type { Alert, Flow } from '../schema/records.ts';
import type { LearningState, Role } from './contracts.ts';
import { WeirError } from './errors.ts';
import { createFeed, resumeOffset, type FeedState } from './feed.ts';
import { createLane, type Lane, type LaneDetector, type LaneOptions } from './lane.ts';
import { headOf, type LogEntry } from './log.ts';
import type { Notice } from './notice.ts';
import { restored, takeUp, withoutUnheard, type Inherited, type Learned, type TakenUp } from './learned.ts';
import { createSortBuffer, type Sortable } from './sort-buffer.ts';

/** Where an entry of a feed goes: lane number and role, once or more, in the order in which a lane folds them. */
export type Route = (
  feed: number,
  flow: Flow,
  entry: Pick<LogEntry<Flow>, 'role'>,
  to: (lane: number, role: Role) => void,
) => void;

export interface LaneGroupOptions {
  /** Lane numbers of this group: one over Kafka, all of them in one process. */
  readonly lanes: readonly number[];
  /** How many partitions feed it. */
  readonly feeds: number;
  readonly route: Route;
  readonly detectors: (lane: number) => readonly LaneDetector[];
  /** Most flows that may wait for the watermark; beyond it the oldest second is folded early. */
  readonly maxWaiting: number;
  /** Digest of what the state depends on; another one puts detectors back to learning. */
  readonly stateKey: string;
  readonly failed: LaneOptions['failed'];
  /** Something came too late; `endMs` is null for a notice. */
  readonly late: (role: Role | 'notice', endMs: number | null) => void;
  readonly overflowed: (count: number) => void;
}

type Eventually<T> = T | Promise<T>;

/**
 * The lanes that are snapshot together, with the partitions that feed them, as they are driven: they may be in a thread
 * of their own. What is asked of them is done in the order in which it is asked.
 */
export interface LaneGroupHandle {
  /** Lane numbers of this group. */
  readonly lanes: readonly number[];
  /** Folds what became due; the alerts are in an order that depends on the flows alone. */
  take(feed: number, entries: readonly LogEntry<Flow>[]): Eventually<Alert[]>;
  /** The whole state. Reading goes on at `resume[feed]` once it is restored. */
  snapshot(): Eventually<GroupSnapshot>;
  /** Returns the detectors that could not be restored and start learning again. */
  restore(chunks: readonly Uint8Array[]): Eventually<string[]>;
  /** Where to go on reading each feed. */
  readonly resume: readonly number[];
  /** Goes on at these offsets with an empty state. */
  begin(offsets: readonly number[]): Eventually<void>;
  /** Makes the detectors know what was learned of history, where they have learned nothing themselves. */
  inherit(learned: Learned, isNew: boolean): Promise<TakenUp>;
  /** What was learned of history and taken up here; travels in the snapshot. */
  readonly inherited: Pick<Inherited, 'id'> | null;
  readonly watermarkMs: number;
  /** For `status`: of each detector how many lanes are in which state, and the keys it holds in all of them. */
  status(): Eventually<readonly DetectorStatus[]>;
}

export interface GroupSnapshot {
  readonly chunks: readonly Uint8Array[];
  readonly resume: readonly number[];
}

export interface DetectorStatus {
  readonly name: string;
  readonly keys: number;
  readonly lanes: Readonly<Record<LearningState, number>>;
}

/** A lane group in this thread. */
export interface LaneGroup extends LaneGroupHandle {
  take(feed: number, entries: readonly LogEntry<Flow>[]): Alert[];
  snapshot(): GroupSnapshot;
  restore(chunks: readonly Uint8Array[]): string[];
  begin(offsets: readonly number[]): void;
  inherited: Inherited | null;
  status(): readonly DetectorStatus[];
  readonly waiting: number;
  readonly members: readonly { readonly lane: number; readonly state: Lane }[];
}

/** A flow or a notice that waits for the watermark, as the log holds it: bytes where it can. */
interface Waiting extends Sortable {
  readonly feed: number;
  readonly entry: LogEntry<Flow>;
}

const STATE_VERSION = 1;

interface Header {
  readonly version: number;
  readonly stateKey: string;
  readonly feeds: readonly FeedState[];
  readonly inherited?: Inherited | null;
  readonly lanes: readonly {
    readonly lane: number;
    /** Null before anything was folded. */
    readonly foldedMs: number | null;
    readonly detectors: readonly { readonly name: string; readonly chunks: number }[];
  }[];
}

/** What arrives in any order is folded in (time, id) order, each flow in the lanes it belongs to. */
export function createLaneGroup(options: LaneGroupOptions): LaneGroup {
  const feeds = Array.from({ length: options.feeds }, createFeed);
  const buffer = createSortBuffer<Waiting>();
  const members = options.lanes.map((lane) => ({
    lane,
    state: createLane({ detectors: options.detectors(lane), failed: options.failed }),
  }));
  const byNumber = new Map(members.map(({ lane, state }) => [lane, state]));
  let watermarkMs = -Infinity;
  /** Event time up to which everything was folded. */
  let foldedMs = -Infinity;

  function fold(
    feed: number,
    flow: Flow,
    role: LogEntry<Flow>['role'],
    isLate: boolean,
    alerts: Alert[],
  ): void {
    options.route(feed, flow, { role }, (number, as) => {
      const lane = byNumber.get(number);
      if (!lane) return;
      if (isLate) options.late(as, flow.endMs);
      lane.observe(flow, as, isLate, alerts);
    });
  }

  /** What is told, is told to every lane. */
  function tell(notice: Notice, isLate: boolean, alerts: Alert[]): void {
    if (isLate) options.late('notice', null);
    for (const { state } of members) state.tell(notice, isLate, alerts);
  }

  function wake({ entry, feed }: Waiting, alerts: Alert[]): void {
    if (entry.notice) return tell(entry.notice, false, alerts);
    fold(feed, entry.value!, entry.role, false, alerts);
    entry.forget?.();
  }

  /** Puts it in order; when too much waits, the oldest second is folded early. */
  function wait(item: Waiting, alerts: Alert[]): void {
    buffer.add(item);
    if (buffer.size <= options.maxWaiting) return;
    const { items, upToMs } = buffer.releaseOldest();
    options.overflowed(items.length);
    for (const early of items) wake(early, alerts);
    foldedMs = Math.max(foldedMs, upToMs);
  }

  /** Event time is capped at the time the log took the entry: a clock years ahead must not wait for years. */
  function offer(feed: number, entry: LogEntry<Flow>, head: FlowHead | null, alerts: Alert[]): void {
    const { notice, role } = entry;
    if (notice) {
      const timeMs = Math.min(notice.timeMs, entry.appendMs);
      if (timeMs <= foldedMs) return tell(notice, true, alerts);
      return wait({ timeMs, id: notice.record.id, tie: feed, entry, feed }, alerts);
    }
    if (!head) return;
    const timeMs = Math.min(head.endMs, entry.appendMs);
    if (timeMs <= foldedMs) return fold(feed, entry.value!, role, true, alerts);
    const { id } = head;
    // Objects of flows that wait cost the most: what they are made of stays in the log's bytes until it is their turn.
    entry.forget?.();
    // Copies of one flow have the same id: that of the initiator's side comes first, those for rules last.
    wait({ timeMs, id, tie: role ? feeds.length : feed, entry, feed }, alerts);
  }

  function advance(alerts: Alert[]): void {
    if (watermarkMs <= foldedMs) return;
    for (const item of buffer.release(watermarkMs)) wake(item, alerts);
    foldedMs = watermarkMs;
    for (const { state } of members) state.advance(watermarkMs, alerts);
  }

  const group: LaneGroup = {
    members,
    lanes: options.lanes,
    inherited: null,
    get watermarkMs() {
      return watermarkMs;
    },
    get waiting() {
      return buffer.size;
    },
    get resume() {
      return feeds.map((feed) => feed.resume);
    },
    inherit: (learned, isNew) => takeUp(group, isNew, learned),
    status: () => statusOf(members, watermarkMs),
    begin(offsets) {
      offsets.forEach((offset, i) => feeds[i]?.begin(offset));
    },
    take(number, entries) {
      const alerts: Alert[] = [];
      const feed = feeds[number]!;
      for (const entry of entries) {
        const head = headOf(entry);
        if (feed.admit(entry, head)) offer(number, entry, head, alerts);
      }
      watermarkMs = Math.max(watermarkMs, Math.min(...feeds.map((each) => each.watermarkMs())));
      advance(alerts);
      return group.inherited === null ? alerts : withoutUnheard(group.inherited, alerts);
    },
    snapshot() {
      const waiting: number[][] = feeds.map(() => []);
      for (const { feed, entry } of buffer.items()) waiting[feed]!.push(entry.offset);
      const states = feeds.map((feed, i) => feed.save(waiting[i]!));
      const body: Uint8Array[] = [];
      const header: Header = {
        version: STATE_VERSION,
        stateKey: options.stateKey,
        feeds: states,
        inherited: group.inherited,
        lanes: members.map(({ lane, state }) => ({
          lane,
          foldedMs: foldedMs === -Infinity ? null : foldedMs,
          detectors: state.detectors.map(({ name, detector }) => {
            const before = body.length;
            for (const chunk of detector.snapshot()) body.push(chunk);
            return { name, chunks: body.length - before };
          }),
        })),
      };
      return {
        chunks: [...split(Buffer.from(JSON.stringify(header))), ...body],
        resume: states.map(resumeOffset),
      };
    },
    restore(chunks) {
      const { header, rest } = join(chunks);
      if (header.version !== STATE_VERSION)
        throw new WeirError(
          'state_unusable',
          `state of version ${header.version}, expected ${STATE_VERSION}`,
        );
      header.feeds.forEach((state, i) => feeds[i]?.load(state));
      group.inherited = header.inherited ?? null;
      const fresh: string[] = [];
      let at = 0;
      for (const saved of header.lanes) {
        const lane = byNumber.get(saved.lane);
        foldedMs = Math.max(foldedMs, saved.foldedMs ?? -Infinity);
        for (const { name, chunks: count } of saved.detectors) {
          const mine = rest.slice(at, at + count);
          at += count;
          const member = lane?.detectors.find((each) => each.name === name);
          if (!member || header.stateKey !== options.stateKey || !restored(member.detector, mine))
            fresh.push(name);
        }
      }
      return fresh;
    },
  };
  return group;
}

function statusOf(members: LaneGroup['members'], watermarkMs: number): DetectorStatus[] {
  const found = new Map<string, { keys: number; lanes: Record<LearningState, number> }>();
  for (const { state: lane } of members)
    for (const { name, detector } of lane.detectors) {
      const { state, keys } = detector.status(Number.isFinite(watermarkMs) ? watermarkMs : undefined);
      const sum = found.get(name) ?? { keys: 0, lanes: { ready: 0, learning: 0, stale: 0 } };
      found.set(name, sum);
      sum.keys += keys;
      sum.lanes[state]++;
    }
  return [...found].map(([name, sum]) => ({ name, ...sum }));
}

const CHUNK_BYTES = 900_000;

/** The header, in as many chunks as it takes; the first four bytes of the first say how many. */
function* split(header: Buffer): Generator<Uint8Array> {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(Math.ceil(header.length / CHUNK_BYTES));
  for (let at = 0; at < header.length; at += CHUNK_BYTES) {
    const part = header.subarray(at, at + CHUNK_BYTES);
    yield at === 0 ? Buffer.concat([count, part]) : part;
  }
}

function join(chunks: readonly Uint8Array[]): { header: Header; rest: readonly Uint8Array[] } {
  const buffers = chunks.map((chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  const first = buffers[0];
  if (!first || first.length < 4) throw new WeirError('state_unusable', 'the snapshot is empty');
  const count = first.readUInt32LE(0);
  const text = Buffer.concat([first.subarray(4), ...buffers.slice(1, count)]).toString();
  return { header: JSON.parse(text) as Header, rest: buffers.slice(count) };
}
