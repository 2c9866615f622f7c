import type { FlowHead } from '../schema/flow-decoder.ts';
import type { Alert, Flow } from '../schema/records.ts';
import { createAhead, type Segment } from './ahead.ts';
import type { LearningState, Role } from './contracts.ts';
import { createCut, type Cut, type CutHandle, type OpenCut } from './cut.ts';
import { createFeed, resumeOffset } from './feed.ts';
import { headerChunks, readState } from './group-state.ts';
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
  /** Digest of how keys are spread over lanes; another one puts every detector back to learning. */
  readonly stateKey: string;
  /** A slice of a snapshot ends with the detector whose copying took it so long, in milliseconds. */
  readonly sliceMs?: number;
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
  /** Begins to copy the state as of now, a slice at a time; the fold may go on in between. */
  cut(): Eventually<CutHandle>;
  /** Returns the detectors that start learning: those that are new, and those whose options or state are others. */
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
  cut(): Cut;
  /** The whole state at once. Reading goes on at `resume[feed]` once it is restored. */
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

const SLICE_MS = 20;

/** What arrives in any order is folded in (time, id) order, each flow in the lanes it belongs to. */
export function createLaneGroup(options: LaneGroupOptions): LaneGroup {
  const feeds = Array.from({ length: options.feeds }, createFeed);
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
      if (isLate) options.late(as, flow.endMs);
      member.state.observe(flow, as, isLate, alerts, holdersOf(entry, member.firstDetector));
    });
    wasFolded(entry);
  }

  /** What is told, is told to every lane. */
  function tell({ feed, offset, isLate }: Omit<Folded, 'role'>, notice: Notice, alerts: Alert[]): void {
    const entry = entryOf(feed, offset);
    if (isLate) options.late('notice', null);
    for (const { state, firstDetector } of members)
      state.tell(notice, isLate, alerts, holdersOf(entry, firstDetector));
    wasFolded(entry);
  }

  function wake({ entry, feed }: Waiting, alerts: Alert[]): void {
    const { notice, offset, role } = entry;
    if (notice) return tell({ feed, offset, isLate: false }, notice, alerts);
    fold({ feed, offset, role, isLate: false }, entry.value!, alerts);
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
    const { notice, role, offset } = entry;
    if (notice) {
      const timeMs = Math.min(notice.timeMs, entry.appendMs);
      if (timeMs <= foldedMs) return tell({ feed, offset, isLate: true }, notice, alerts);
      return wait({ timeMs, id: notice.record.id, tie: feed, entry, feed }, alerts);
    }
    if (!head) return;
    const timeMs = Math.min(head.endMs, entry.appendMs);
    if (timeMs <= foldedMs) return fold({ feed, offset, role, isLate: true }, entry.value!, alerts);
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
    for (const { feed, entry } of buffer.items()) waiting[feed]!.push(entry.offset);
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
            detectors: state.detectors.map(({ name, contentVersion = null }, i) => ({
              name,
              contentVersion,
              chunks: chunks[firstDetector + i]!,
            })),
          })),
        }),
      ended: (over) => cuts.delete(over),
    });
    cuts.add(begun);
    return begun;
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
      const known = new Set<LaneDetector>();
      /** Of the detectors in the state, in its order, which of this group each is. */
      const numbers: (number | null)[] = [];
      let at = 0;
      for (const saved of header.lanes) {
        const held = byNumber.get(saved.lane);
        foldedMs = Math.max(foldedMs, saved.foldedMs ?? -Infinity);
        for (const { name, contentVersion, chunks: count } of saved.detectors) {
          const mine = rest.slice(at, at + count);
          at += count;
          const number = held?.state.detectors.findIndex((each) => each.name === name) ?? -1;
          const member = held?.state.detectors[number];
          const isRestored =
            member &&
            header.stateKey === options.stateKey &&
            contentVersion === (member.contentVersion ?? null) &&
            restored(member.detector, mine);
          if (isRestored) known.add(member);
          numbers.push(isRestored ? held.firstDetector + number : null);
        }
      }
      ahead.load(header.ahead, numbers);
      aheadMs = header.aheadMs ?? -Infinity;
      const fresh = members.flatMap(({ state }) => state.detectors.filter((each) => !known.has(each)));
      return [...new Set(fresh.map(({ name }) => name))];
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

/** What is known of an entry as it is folded. */
interface Folded {
  readonly feed: number;
  readonly offset: number;
  readonly role: LogEntry<Flow>['role'];
  readonly isLate: boolean;
}

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
