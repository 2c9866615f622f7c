import type { Alert, Flow } from '../schema/records.ts';
import { createAhead, type Segment } from './ahead.ts';
import type { Role } from './contracts.ts';
import { createCut, type Cut, type OpenCut } from './cut.ts';
import { createFeed, resumeOffset } from './feed.ts';
import { headerChunks, readState } from './group-state.ts';
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
  /** Digest of what the state depends on; another one puts detectors back to learning. */
  readonly stateKey: string;
  /** A slice of a snapshot ends with the detector whose copying took it so long, in milliseconds. */
  readonly sliceMs?: number;
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
  /** Begins to copy the state as of now, a slice at a time; the fold may go on in between. */
  cut(): Cut;
  /** The whole state at once. Reading goes on at `resume[feed]` once it is restored. */
  snapshot(): { chunks: Uint8Array[]; resume: number[] };
  /** Returns the detectors that could not be restored and start learning again. */
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

const SLICE_MS = 20;

export function createLaneGroup(options: LaneGroupOptions): LaneGroup {
  const feeds = Array.from({ length: options.feeds }, createFeed);
  const rest = createRest();
  const buffer = createSortBuffer<Waiting>();
  let detectorCount = 0;
  const members = options.lanes.map((lane) => {
    const state = createLane({ detectors: options.detectors(lane), failed: options.failed });
    const firstDetector = detectorCount;
    detectorCount += state.detectors.length;
    return { lane, state, firstDetector };
  });
  const byNumber = new Map(members.map((member) => [member.lane, member]));
  const ahead = createAhead();
  /** Per snapshot under way, what was folded since it began. */
  const cuts = new Set<OpenCut>();
  let watermarkMs = -Infinity;
  /** Event time up to which everything was folded. */
  let foldedMs = -Infinity;
  /** Event time that detectors were told of before the state was restored that is read again. */
  let aheadMs = -Infinity;

  const entryOf = (feed: number, offset: number): number => offset * feeds.length + feed;

  /** Whom of a lane's detectors to pass over; undefined, as nearly always, when none. */
  const holdersOf = (entry: number, firstDetector: number): ((detector: number) => boolean) | undefined =>
    ahead.isEmpty ? undefined : (detector) => ahead.has(entry, firstDetector + detector);

  function wasFolded(entry: number): void {
    if (!ahead.isEmpty) ahead.settle(entry);
    for (const open of cuts) open.folded(entry);
  }

  function fold({ feed, offset, role, isLate }: Folded, flow: Flow, alerts: Alert[]): void {
    const entry = entryOf(feed, offset);
    options.route(feed, flow, { role }, (number, as) => {
      const member = byNumber.get(number);
      if (!member) return;
      if (isLate) options.late(flow, as);
      member.state.observe(flow, as, isLate, alerts, holdersOf(entry, member.firstDetector));
    });
    wasFolded(entry);
  }

  /** What is told, is told to every lane. */
  function tell({ feed, offset, isLate }: Omit<Folded, 'role'>, notice: Notice, alerts: Alert[]): void {
    const entry = entryOf(feed, offset);
    if (isLate) options.late(notice, 'notice');
    for (const { state, firstDetector } of members)
      state.tell(notice, isLate, alerts, holdersOf(entry, firstDetector));
    wasFolded(entry);
  }

  function wake(item: Waiting, alerts: Alert[]): void {
    if ('notice' in item) return tell({ ...item, isLate: false }, item.notice, alerts);
    const { slot, role } = item;
    const place = { feed: rest.feedOf(slot), offset: rest.offsetOf(slot), role, isLate: false };
    fold(place, rest.wake(slot), alerts);
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
      if (timeMs <= foldedMs) return tell({ feed, offset, isLate: true }, notice, alerts);
      return wait({ timeMs, id: notice.record.id, tie: feed, notice, feed, offset }, alerts);
    }
    if (!flow) return;
    const timeMs = Math.min(flow.endMs, entry.appendMs);
    if (timeMs <= foldedMs) return fold({ feed, offset, role, isLate: true }, flow, alerts);
    const slot = rest.put(flow, feed, offset);
    // Copies of one flow have the same id: that of the initiator's side comes first, those for rules last.
    wait({ timeMs, id: flow.id, tie: role ? feeds.length : feed, slot, role }, alerts);
  }

  function advance(alerts: Alert[]): void {
    if (watermarkMs <= foldedMs) return;
    for (const item of buffer.release(watermarkMs)) wake(item, alerts);
    foldedMs = watermarkMs;
    // Time never goes back for a detector; that it is not told of each step changes nothing.
    if (watermarkMs >= aheadMs) for (const { state } of members) state.advance(watermarkMs, alerts);
  }

  /** What is held ahead of what comes again: it waits, or was not read yet. */
  function aheadOf(waiting: readonly (readonly number[])[]): Segment[] {
    if (ahead.isEmpty) return [];
    const waits = waiting.map((offsets) => new Set(offsets));
    return ahead.save((entry) => {
      const feed = entry % feeds.length;
      const offset = (entry - feed) / feeds.length;
      return offset >= feeds[feed]!.resume || waits[feed]!.has(offset);
    });
  }

  function cut(): Cut {
    const waiting: number[][] = feeds.map(() => []);
    for (const item of buffer.items())
      if ('notice' in item) waiting[item.feed]!.push(item.offset);
      else waiting[rest.feedOf(item.slot)]!.push(rest.offsetOf(item.slot));
    const states = feeds.map((feed, i) => feed.save(waiting[i]!));
    const resume = states.map(resumeOffset);
    const saved = aheadOf(waiting);
    const inherited = group.inherited === null ? null : { ...group.inherited };
    const foldedToMs = finiteOrNull(foldedMs);
    const begun = createCut({
      resume,
      detectors: members.flatMap(({ state }) => state.detectors.map(({ detector }) => detector)),
      sliceMs: options.sliceMs ?? SLICE_MS,
      ending: (chunks, folded) =>
        headerChunks({
          stateKey: options.stateKey,
          feeds: states,
          inherited,
          ahead: folded.entries.length === 0 ? saved : [...saved, folded],
          aheadMs: finiteOrNull(Math.max(foldedMs, aheadMs)),
          lanes: members.map(({ lane, state, firstDetector }) => ({
            lane,
            foldedMs: foldedToMs,
            detectors: state.detectors.map(({ name }, i) => ({ name, chunks: chunks[firstDetector + i]! })),
          })),
        }),
      ended: (over) => cuts.delete(over),
    });
    cuts.add(begun);
    return begun;
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
      for (const open of cuts) open.keepUp();
      return group.inherited === null ? alerts : withoutUnheard(group.inherited, alerts);
    },
    cut,
    snapshot() {
      const whole = cut();
      const chunks: Uint8Array[] = [];
      for (let slice = whole.next(); slice !== null; slice = whole.next()) chunks.push(...slice);
      return { chunks, resume: whole.resume };
    },
    restore(chunks) {
      const { header, rest } = readState(chunks);
      header.feeds.forEach((state, i) => feeds[i]?.load(state));
      group.inherited = header.inherited ?? null;
      const fresh: string[] = [];
      /** Of the detectors in the state, in its order, which of this group each is. */
      const numbers: (number | null)[] = [];
      let at = 0;
      for (const saved of header.lanes) {
        const held = byNumber.get(saved.lane);
        foldedMs = Math.max(foldedMs, saved.foldedMs ?? -Infinity);
        for (const { name, chunks: count } of saved.detectors) {
          const mine = rest.slice(at, at + count);
          at += count;
          const number = held?.state.detectors.findIndex((each) => each.name === name) ?? -1;
          const member = held?.state.detectors[number];
          const isRestored =
            member && header.stateKey === options.stateKey && restored(member.detector, mine);
          if (!isRestored) fresh.push(name);
          numbers.push(isRestored ? held.firstDetector + number : null);
        }
      }
      ahead.load(header.ahead, numbers);
      aheadMs = header.aheadMs ?? -Infinity;
      return fresh;
    },
  };
  return group;
}

/** What is known of an entry as it is folded. */
interface Folded {
  readonly feed: number;
  readonly offset: number;
  readonly role: WaitingFlow['role'];
  readonly isLate: boolean;
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
