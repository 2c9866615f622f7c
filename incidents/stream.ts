import { WeirError } from '../pipeline/errors.ts';
import type { LogEntry, Mark } from '../pipeline/log.ts';
import { createSortBuffer } from '../pipeline/sort-buffer.ts';
import type { Alert, Incident } from '../schema/records.ts';
import { createIncidentBook, type IncidentBookOptions } from './book.ts';
import type { Decision, Decisions } from './decisions.ts';
import { findingOf, type Finding } from './finding.ts';
import { createTallies, type Tally } from './tally.ts';

/** One partition of alerts: what lanes wrote in any order is joined in the order of event time. */
export interface IncidentStream {
  /** Joins what became due. */
  take(entries: readonly LogEntry<Alert>[]): Incident[];
  /** The whole state, and the offset to go on reading at. */
  snapshot(): { chunks: Uint8Array[]; resume: number };
  /** Throws `state_unusable` when the chunks hold no state of this version. */
  restore(chunks: readonly Uint8Array[]): void;
  /** Offset to go on reading at. */
  readonly resume: number;
  readonly open: number;
  /** Whether an incident is open here. */
  has(id: string): boolean;
  readonly waiting: number;
  readonly joinedToMs: number;
  /** Weeks that ended since it was asked last. */
  reviewed(): Tally[];
  /** What suppressions hid this week; null before there was any event time. */
  readonly tally: Tally | null;
}

export interface IncidentStreamOptions extends IncidentBookOptions {
  /** Most alerts that wait for slower lanes. */
  readonly maxWaiting: number;
  /** What came after its time had been joined; it is joined at once. */
  readonly late: (count: number) => void;
  readonly overflowed: (count: number) => void;
  /** What people decide about incidents; none where nobody can, as in a replay. */
  readonly decisions?: Decisions;
}

const VERSION = 1;
const CHUNK_BYTES = 900_000;
/** Newest revisions remembered, so that what a lane raises again after a crash counts once. */
const MAX_SEEN = 20_000;

/** What holds at one time: alerts that close come after the others, as lanes raise them, and then what people decide. */
type Waiting = {
  readonly timeMs: number;
  readonly id: string;
  readonly tie: number;
} & ({ readonly finding: Finding } | { readonly decision: Decision });

interface Saved {
  readonly version: number;
  readonly readTo: number;
  /** Null before the first mark of every lane. */
  readonly joinedToMs: number | null;
  readonly marks: readonly Mark[];
  readonly seen: readonly (readonly [string, number])[];
  readonly waiting: readonly Finding[];
  readonly incidents: readonly unknown[];
  readonly tally?: Tally | null;
}

export function createIncidentStream(options: IncidentStreamOptions): IncidentStream {
  const book = createIncidentBook(options);
  let buffer = createSortBuffer<Waiting>();
  const marks = new Map<string, Mark>();
  const seen = new Map<string, number>();
  let readTo = 0;
  let joinedToMs = -Infinity;
  let heard = 0;

  const wait = (finding: Finding): void => {
    const { timeMs, id, revision } = finding;
    buffer.add({ timeMs, id: `${finding.closes ? 1 : 0}${id}`, tie: revision, finding });
  };

  const tallies = createTallies();
  let ended: Tally[] = [];

  /** Event time has come so far: a week may be over. */
  function pass(timeMs: number): void {
    const tally = tallies.pass(timeMs);
    if (tally !== null) ended.push(tally);
  }

  function join(finding: Finding, out: Incident[]): void {
    pass(Math.max(finding.timeMs, joinedToMs));
    if (finding.suppressedBy) tallies.count(finding.suppressedBy);
    book.join(finding, out);
  }

  const settle = (item: Waiting, out: Incident[]): void =>
    'finding' in item ? join(item.finding, out) : book.decide(item.decision, out);

  /** Takes up what was decided since it looked last; what is too late for its time holds at once. */
  function listen(out: Incident[]): void {
    if (options.decisions === undefined) return;
    const { decisions, count } = options.decisions.since(heard);
    heard = count;
    for (const decision of decisions) {
      const { timeMs, id } = decision;
      if (timeMs <= joinedToMs) book.decide(decision, out);
      else buffer.add({ timeMs, id: `2${id}`, tie: 0, decision });
    }
  }

  /** False for a revision that was there before. */
  function isNew({ id, revision }: Finding): boolean {
    if ((seen.get(id) ?? -1) >= revision) return false;
    seen.delete(id);
    seen.set(id, revision);
    if (seen.size > MAX_SEEN)
      for (const oldest of seen.keys()) {
        seen.delete(oldest);
        break;
      }
    return true;
  }

  function offer(finding: Finding, out: Incident[]): void {
    if (!isNew(finding)) return;
    if (finding.timeMs < joinedToMs) {
      options.late(1);
      return join(finding, out);
    }
    wait(finding);
    if (buffer.size <= options.maxWaiting) return;
    const { items, upToMs } = buffer.releaseOldest();
    options.overflowed(items.length);
    for (const item of items) settle(item, out);
    joinedToMs = Math.max(joinedToMs, upToMs);
  }

  function heed(mark: Mark): void {
    const known = marks.get(mark.input);
    if (known && known.watermarkMs > mark.watermarkMs) return;
    marks.delete(mark.input);
    marks.set(mark.input, mark);
    // Another number of lanes would hold time up for ever.
    for (const input of marks.keys()) {
      if (marks.size <= Math.max(1, mark.of)) break;
      marks.delete(input);
    }
  }

  /** Event time that every lane has passed; -Infinity until all were heard of. */
  function watermark(): number {
    let least = Infinity;
    let of = 1;
    for (const mark of marks.values()) {
      of = mark.of;
      least = Math.min(least, mark.watermarkMs);
    }
    return marks.size < of ? -Infinity : least;
  }

  function release(out: Incident[]): void {
    const watermarkMs = watermark();
    if (watermarkMs <= joinedToMs) return;
    for (const item of buffer.release(watermarkMs)) settle(item, out);
    book.closeDue(watermarkMs, out);
    joinedToMs = watermarkMs;
    pass(watermarkMs);
  }

  return {
    get resume() {
      return readTo;
    },
    get open() {
      return book.size;
    },
    has: (id) => book.has(id),
    reviewed: () => ended.splice(0),
    get tally() {
      return tallies.now();
    },
    get waiting() {
      return buffer.size;
    },
    get joinedToMs() {
      return joinedToMs;
    },
    take(entries) {
      const out: Incident[] = [];
      listen(out);
      for (const { offset, value, mark, appendMs } of entries) {
        if (offset < readTo) continue;
        readTo = offset + 1;
        if (value !== null) offer(findingOf(value, appendMs), out);
        else if (mark !== null) {
          heed(mark);
          release(out);
        }
      }
      return out;
    },
    snapshot() {
      const state: Saved = {
        version: VERSION,
        readTo,
        joinedToMs: Number.isFinite(joinedToMs) ? joinedToMs : null,
        marks: [...marks.values()],
        seen: [...seen],
        // Decisions are read from the log again.
        waiting: [...buffer.items()].flatMap((item) => ('finding' in item ? item.finding : [])),
        incidents: book.save(),
        tally: tallies.now(),
      };
      const bytes = Buffer.from(JSON.stringify(state));
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
        chunks.push(bytes.subarray(at, at + CHUNK_BYTES));
      return { chunks, resume: readTo };
    },
    restore(chunks) {
      const state = parsed(chunks);
      readTo = state.readTo;
      joinedToMs = state.joinedToMs ?? -Infinity;
      marks.clear();
      for (const mark of state.marks) marks.set(mark.input, mark);
      seen.clear();
      for (const [id, revision] of state.seen) seen.set(id, revision);
      buffer = createSortBuffer();
      heard = 0;
      for (const finding of state.waiting) wait(finding);
      book.load(state.incidents);
      tallies.load(state.tally ?? null);
      ended = [];
    },
  };
}

function parsed(chunks: readonly Uint8Array[]): Saved {
  let state: Saved;
  try {
    state = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Saved;
  } catch (cause) {
    throw new WeirError('state_unusable', 'the state of incidents is damaged', { cause });
  }
  if (state.version !== VERSION)
    throw new WeirError(
      'state_unusable',
      `state of incidents of version ${state.version}, expected ${VERSION}`,
    );
  return state;
}
