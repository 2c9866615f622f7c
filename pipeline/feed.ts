import { createDedup, dedupDefaults, type Dedup, type DedupState } from './dedup.ts';
import { headOf, type LogEntry, type Mark } from './log.ts';
import type { FlowHead } from '../schema/flow-decoder.ts';
import type { Flow } from '../schema/records.ts';

/**
 * One partition as a lane sees it: which records are new, how far event time has come in it, and which of the
 * records before `readTo` still waited when the last snapshot was taken.
 */
export interface Feed {
  /** Where to go on reading: at the first entry that is still to be read again, else after the last one taken. */
  readonly resume: number;
  /** Goes on at an offset without a state of its own. */
  begin(offset: number): void;
  /** True when the entry's flow or notice is to be offered to its lanes. */
  admit(entry: LogEntry<Flow>, head?: FlowHead | null): boolean;
  /** Least watermark of the inputs that go on; -Infinity until all of them were heard of. */
  watermarkMs(): number;
  save(waiting: readonly number[]): FeedState;
  load(state: FeedState): void;
}

export interface FeedState {
  readonly readTo: number;
  /** Offsets below `readTo` to be read again, ascending, each as the difference to the one before. */
  readonly waiting: readonly number[];
  readonly marks: readonly Mark[];
  readonly dedup: DedupState;
  /** Notices by id; absent in a state that was saved before there were any. */
  readonly notices?: DedupState;
}

/** Notices have no position of their own: so many of them are recognised when they are delivered again. */
const MAX_NOTICES = 10_000;

export function createFeed(): Feed {
  const dedup: Dedup = createDedup();
  const notices: Dedup = createDedup({ ...dedupDefaults, maxOrigins: MAX_NOTICES });
  const marks = new Map<string, Mark>();
  let again = new Set<number>();
  /** An input that the configuration no longer has would hold event time up for ever. */
  const forgetRemoved = (of: number): void => {
    for (const input of marks.keys()) {
      if (marks.size <= Math.max(1, of)) return;
      marks.delete(input);
    }
  };
  let readTo = 0;
  return {
    get resume() {
      return Math.min(readTo, ...first(again));
    },
    begin(offset) {
      readTo = offset;
    },
    admit(entry, head = headOf(entry)) {
      if (entry.offset < readTo) return again.delete(entry.offset);
      // What is still missing of them is no longer in the log.
      again.clear();
      readTo = entry.offset + 1;
      if (entry.mark) {
        const known = marks.get(entry.mark.input);
        if (!known || entry.mark.watermarkMs >= known.watermarkMs) {
          // Set anew, so that the order is that in which they were last heard of.
          marks.delete(entry.mark.input);
          marks.set(entry.mark.input, entry.mark);
          forgetRemoved(entry.mark.of);
        }
        return false;
      }
      if (entry.notice) {
        const { kind, record } = entry.notice;
        // Told twice it says the same.
        if (kind === 'report') return true;
        return notices.admit(`${kind} ${record.id}`, entry.raw, 0, entry.appendMs);
      }
      if (head === null) return false;
      const { origin, position } = head;
      // A lane may get a copy for a rule beside that of a side: each kind has an order of its own.
      return dedup.admit(
        entry.role ? `${entry.role}:${origin}` : origin,
        entry.raw,
        position,
        entry.appendMs,
      );
    },
    watermarkMs() {
      // What waited when the state was saved comes first, whatever the other partition of the lane says.
      if (again.size > 0) return -Infinity;
      let least = Infinity;
      let endedMs = -Infinity;
      let expected = 1;
      for (const mark of marks.values()) {
        expected = mark.of;
        if (mark.final) endedMs = Math.max(endedMs, mark.watermarkMs);
        else if (mark.watermarkMs < least) least = mark.watermarkMs;
      }
      if (marks.size < expected) return -Infinity;
      return least === Infinity ? endedMs : least;
    },
    save(waiting) {
      // Hundreds of thousands of them: sorted as numbers, without a call for each comparison.
      const sorted = new Float64Array(waiting.length + again.size);
      sorted.set(waiting);
      let end = waiting.length;
      for (const offset of again) sorted[end++] = offset;
      sorted.sort();
      const differences: number[] = [];
      for (let i = 0, before = 0; i < end; i++) {
        const offset = sorted[i]!;
        if (i > 0 && offset === before) continue;
        differences.push(offset - before);
        before = offset;
      }
      return {
        readTo,
        waiting: differences,
        marks: [...marks.values()],
        dedup: dedup.save(),
        notices: notices.save(),
      };
    },
    load(state) {
      readTo = state.readTo;
      let offset = 0;
      again = new Set(state.waiting.map((difference) => (offset += difference)));
      marks.clear();
      for (const mark of state.marks) marks.set(mark.input, mark);
      dedup.load(state.dedup);
      notices.load(state.notices ?? []);
    },
  };
}

/** The first element; sets of offsets are made in ascending order and only ever lose elements. */
function* first(offsets: ReadonlySet<number>): Generator<number> {
  for (const offset of offsets) {
    yield offset;
    return;
  }
}

/** Offset to go on reading from: the first that still waited, else where reading stopped. */
export const resumeOffset = (state: FeedState): number => state.waiting[0] ?? state.readTo;
