import type { Alert, Flow } from '../schema/records.ts';
import type { Role } from './contracts.ts';
import { WeirError } from './errors.ts';
import { createFeed, resumeOffset, type FeedState } from './feed.ts';
import { createLane, type Lane, type LaneDetector, type LaneOptions } from './lane.ts';
import type { LogEntry } from './log.ts';
import type { Notice } from './notice.ts';
import { restored, withoutUnheard, type Inherited } from './learned.ts';
import { createRest } from './rest.ts';
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
  /** Digest of how keys are spread over lanes; another one puts every detector back to learning. */
  readonly stateKey: string;
  readonly failed: LaneOptions['failed'];
  readonly late: (item: Flow | Notice, role: Role | 'notice') => void;
  readonly overflowed: (count: number) => void;
}

/**
 * The lanes that are snapshot together, with the partitions that feed them. What arrives in any order is folded in
 * (time, id) order, each flow in the lanes it belongs to.
 */
export interface LaneGroup {
  /** Folds what became due; the alerts are in an order that depends on the flows alone. */
  take(feed: number, entries: readonly LogEntry<Flow>[]): Alert[];
  /** The whole state. Reading goes on at `resume[feed]` once it is restored. */
  snapshot(): { chunks: Uint8Array[]; resume: number[] };
  /** Returns the detectors that start learning: those that are new, and those whose options or state are others. */
  restore(chunks: readonly Uint8Array[]): string[];
  /** Where to go on reading each feed. */
  readonly resume: readonly number[];
  /** Goes on at these offsets with an empty state. */
  begin(offsets: readonly number[]): void;
  /** What was learned of history and taken up here; travels in the snapshot. */
  inherited: Inherited | null;
  readonly watermarkMs: number;
  readonly waiting: number;
  readonly members: readonly { lane: number; state: Lane }[];
}

/** A flow that waits for the watermark. */
interface WaitingFlow extends Sortable {
  /** Where it rests. */
  readonly slot: number;
  readonly role: LogEntry<Flow>['role'];
}

/** Notices are few: each waits as it is. */
interface WaitingNotice extends Sortable {
  readonly notice: Notice;
  readonly feed: number;
  readonly offset: number;
}
type Waiting = WaitingFlow | WaitingNotice;

const STATE_VERSION = 1;

/** The state of a detector is its own: what others are configured beside it, or how, makes no difference to it. */
interface SavedDetector {
  readonly name: string;
  /** Digest of the options that it learned with. */
  readonly contentVersion: string | null;
  readonly chunks: number;
}

interface Header {
  readonly version: number;
  readonly stateKey: string;
  readonly feeds: readonly FeedState[];
  readonly inherited?: Inherited | null;
  readonly lanes: readonly {
    readonly lane: number;
    /** Null before anything was folded. */
    readonly foldedMs: number | null;
    readonly detectors: readonly SavedDetector[];
  }[];
}

export function createLaneGroup(options: LaneGroupOptions): LaneGroup {
  const feeds = Array.from({ length: options.feeds }, createFeed);
  const rest = createRest();
  const buffer = createSortBuffer<Waiting>();
  const members = options.lanes.map((lane) => ({
    lane,
    state: createLane({ detectors: options.detectors(lane), failed: options.failed }),
  }));
  const byNumber = new Map(members.map(({ lane, state }) => [lane, state]));
  let watermarkMs = -Infinity;
  /** Event time up to which everything was folded. */
  let foldedMs = -Infinity;

  function fold(feed: number, flow: Flow, role: WaitingFlow['role'], isLate: boolean, alerts: Alert[]): void {
    options.route(feed, flow, { role }, (number, as) => {
      const lane = byNumber.get(number);
      if (!lane) return;
      if (isLate) options.late(flow, as);
      lane.observe(flow, as, isLate, alerts);
    });
  }

  /** What is told, is told to every lane. */
  function tell(notice: Notice, isLate: boolean, alerts: Alert[]): void {
    if (isLate) options.late(notice, 'notice');
    for (const { state } of members) state.tell(notice, isLate, alerts);
  }

  function wake(item: Waiting, alerts: Alert[]): void {
    if ('notice' in item) return tell(item.notice, false, alerts);
    const feed = rest.feedOf(item.slot);
    fold(feed, rest.wake(item.slot), item.role, false, alerts);
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
  function offer(feed: number, entry: LogEntry<Flow>, alerts: Alert[]): void {
    const { notice, role, offset } = entry;
    const flow = entry.value;
    if (notice) {
      const timeMs = Math.min(notice.timeMs, entry.appendMs);
      if (timeMs <= foldedMs) return tell(notice, true, alerts);
      return wait({ timeMs, id: notice.record.id, tie: feed, notice, feed, offset }, alerts);
    }
    if (!flow) return;
    const timeMs = Math.min(flow.endMs, entry.appendMs);
    if (timeMs <= foldedMs) return fold(feed, flow, role, true, alerts);
    const slot = rest.put(flow, feed, offset);
    // Copies of one flow have the same id: that of the initiator's side comes first, those for rules last.
    wait({ timeMs, id: flow.id, tie: role ? feeds.length : feed, slot, role }, alerts);
  }

  function advance(alerts: Alert[]): void {
    if (watermarkMs <= foldedMs) return;
    for (const item of buffer.release(watermarkMs)) wake(item, alerts);
    foldedMs = watermarkMs;
    for (const { state } of members) state.advance(watermarkMs, alerts);
  }

  const group: LaneGroup = {
    members,
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
    begin(offsets) {
      offsets.forEach((offset, i) => feeds[i]?.begin(offset));
    },
    take(number, entries) {
      const alerts: Alert[] = [];
      const feed = feeds[number]!;
      for (const entry of entries) if (feed.admit(entry)) offer(number, entry, alerts);
      watermarkMs = Math.max(watermarkMs, Math.min(...feeds.map((each) => each.watermarkMs())));
      advance(alerts);
      return group.inherited === null ? alerts : withoutUnheard(group.inherited, alerts);
    },
    snapshot() {
      const waiting: number[][] = feeds.map(() => []);
      for (const item of buffer.items())
        if ('notice' in item) waiting[item.feed]!.push(item.offset);
        else waiting[rest.feedOf(item.slot)]!.push(rest.offsetOf(item.slot));
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
          detectors: state.detectors.map(({ name, contentVersion = null, detector }): SavedDetector => {
            const before = body.length;
            for (const chunk of detector.snapshot()) body.push(chunk);
            return { name, contentVersion, chunks: body.length - before };
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
      const known = new Set<LaneDetector>();
      let at = 0;
      for (const saved of header.lanes) {
        const lane = byNumber.get(saved.lane);
        foldedMs = Math.max(foldedMs, saved.foldedMs ?? -Infinity);
        for (const { name, contentVersion, chunks: count } of saved.detectors) {
          const mine = rest.slice(at, at + count);
          at += count;
          const member = lane?.detectors.find((each) => each.name === name);
          if (!member || header.stateKey !== options.stateKey) continue;
          if (contentVersion !== (member.contentVersion ?? null)) continue;
          if (restored(member.detector, mine)) known.add(member);
        }
      }
      const fresh = members.flatMap(({ state }) => state.detectors.filter((each) => !known.has(each)));
      return [...new Set(fresh.map(({ name }) => name))];
    },
  };
  return group;
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
