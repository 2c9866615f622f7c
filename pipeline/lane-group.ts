import type { Alert, Flow } from '../schema/records.ts';
import type { Detector, Role } from './contracts.ts';
import { WeirError } from './errors.ts';
import { createFeed, resumeOffset, type FeedState } from './feed.ts';
import { createLane, type Lane, type LaneDetector, type LaneOptions } from './lane.ts';
import type { LogEntry } from './log.ts';
import { createRest } from './rest.ts';

/** Where an entry of a feed goes: lane number and role, once or more. */
export type Route = (
  feed: number,
  flow: Flow,
  to: (lane: number, role: Role) => void,
  entry: Pick<LogEntry<Flow>, 'role'>,
) => void;

export interface LaneGroupOptions {
  /** Lane numbers of this group: one over Kafka, all of them in one process. */
  readonly lanes: readonly number[];
  /** How many partitions feed it. */
  readonly feeds: number;
  readonly route: Route;
  readonly detectors: (lane: number) => readonly LaneDetector[];
  readonly maxWaiting: number;
  /** Digest of what the state depends on; another one puts detectors back to learning. */
  readonly stateKey: string;
  readonly failed: LaneOptions['failed'];
  readonly late: LaneOptions['late'];
  readonly overflowed: (count: number) => void;
}

/** The lanes that are snapshot together, with the partitions that feed them. */
export interface LaneGroup {
  /** Folds what became due; the alerts are in an order that depends on the flows alone, lane by lane. */
  take(feed: number, entries: readonly LogEntry<Flow>[]): Alert[];
  /** The whole state. Reading goes on at `resume[feed]` once it is restored. */
  snapshot(): { chunks: Uint8Array[]; resume: number[] };
  /** Returns the detectors that could not be restored and start learning again. */
  restore(chunks: readonly Uint8Array[]): string[];
  /** Where to go on reading each feed. */
  readonly resume: readonly number[];
  /** Goes on at these offsets with an empty state. */
  begin(offsets: readonly number[]): void;
  readonly watermarkMs: number;
  readonly waiting: number;
  readonly members: readonly { lane: number; state: Lane }[];
}

const STATE_VERSION = 1;

interface Header {
  readonly version: number;
  readonly stateKey: string;
  readonly feeds: readonly FeedState[];
  readonly lanes: readonly {
    readonly lane: number;
    /** Null before anything was folded. */
    readonly foldedMs: number | null;
    readonly detectors: readonly { readonly name: string; readonly chunks: number }[];
  }[];
}

export function createLaneGroup(options: LaneGroupOptions): LaneGroup {
  const feeds = Array.from({ length: options.feeds }, createFeed);
  const rest = createRest();
  const members = options.lanes.map((lane) => ({
    lane,
    state: createLane({
      rest,
      detectors: options.detectors(lane),
      maxWaiting: options.maxWaiting,
      failed: options.failed,
      late: options.late,
      overflowed: options.overflowed,
    }),
  }));
  const byNumber = new Map(members.map(({ lane, state }) => [lane, state]));
  let watermarkMs = -Infinity;

  const group: LaneGroup = {
    members,
    get watermarkMs() {
      return watermarkMs;
    },
    get waiting() {
      return members.reduce((sum, { state }) => sum + state.size, 0);
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
      for (const entry of entries) {
        if (!feed.admit(entry)) continue;
        const { notice, offset } = entry;
        if (notice) {
          const told = { notice, timeMs: Math.min(notice.timeMs, entry.appendMs), feed: number, offset };
          for (const { state } of members) state.tell(told, alerts);
          continue;
        }
        const flow = entry.value!;
        const timeMs = Math.min(flow.endMs, entry.appendMs);
        const to = (lane: number, role: Role): void =>
          byNumber.get(lane)?.offer({ flow, role, timeMs, feed: number, offset }, alerts);
        options.route(number, flow, to, entry);
      }
      watermarkMs = Math.max(watermarkMs, Math.min(...feeds.map((each) => each.watermarkMs())));
      if (watermarkMs > -Infinity) for (const { state } of members) state.advance(watermarkMs, alerts);
      return alerts;
    },
    snapshot() {
      const waiting: Set<number>[] = feeds.map(() => new Set());
      for (const { state } of members)
        for (const { feed, offset } of state.waiting()) waiting[feed]!.add(offset);
      const states = feeds.map((feed, i) => feed.save([...waiting[i]!]));
      const body: Uint8Array[] = [];
      const header: Header = {
        version: STATE_VERSION,
        stateKey: options.stateKey,
        feeds: states,
        lanes: members.map(({ lane, state }) => ({
          lane,
          foldedMs: state.foldedMs === -Infinity ? null : state.foldedMs,
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
      const fresh: string[] = [];
      let at = 0;
      for (const saved of header.lanes) {
        const lane = byNumber.get(saved.lane);
        if (lane) lane.foldedMs = saved.foldedMs ?? -Infinity;
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

/** False when the detector refuses the state as none of its own; it is as new then. */
function restored(detector: Detector, chunks: readonly Uint8Array[]): boolean {
  try {
    detector.restore(chunks);
    return true;
  } catch (error) {
    if (error instanceof WeirError && error.code === 'state_unusable') return false;
    throw error;
  }
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
