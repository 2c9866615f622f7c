import { WeirError } from '../../../pipeline/errors.ts';
import type { LaneGroupHandle } from '../../../pipeline/lane-group.ts';
import { localLayout, type GroupCallbacks, type LanePlan } from '../../../pipeline/lane-plan.ts';
import type { Learned } from '../../../pipeline/learned.ts';
import type { LogEntry } from '../../../pipeline/log.ts';
import { errorOf, startThread, type Thread } from '../../../pipeline/thread.ts';
import type { Flow } from '../../../schema/records.ts';
import { framesOf } from '../../../transport/local/frame.ts';
import type { PlanSource } from '../planned.ts';
import type { LanesData, Legacy, Methods, Sent, State } from './messages.ts';

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * All lanes of a process in a thread of their own, so that reading and judging go on at the same time. It is sent the
 * bytes of the log; what it learns of rules, it learns between the same entries as a lane in this thread would.
 */
export function lanesInThread({ detectors, schedule, lanes, maxWaiting, evicted }: PlanSource): LanePlan {
  const rules = schedule.newest().rules.map(({ rule }) => rule.definition);
  const thread = startThread<Methods>({
    file: WORKER,
    data: { detectors, rules, lanes, maxWaiting } satisfies LanesData,
    whose: "the detectors'",
  });
  schedule.listen((fromMs, changed) => {
    const definitions = changed.map(({ definition }) => definition);
    // Whoever asks next hears that the thread is gone.
    thread.call('rules', [fromMs, definitions]).catch(() => {});
  });
  return {
    ...localLayout,
    create: (_group, callbacks) => handleOf(thread, { ...callbacks, lanes, evicted }),
    end: () => thread.end(),
  };
}

interface HandleOptions extends GroupCallbacks, Pick<PlanSource, 'lanes' | 'evicted'> {}

function handleOf(thread: Thread<Methods>, options: HandleOptions): LaneGroupHandle {
  const lanes = Array.from({ length: options.lanes }, (_, lane) => lane);
  let state: State = { resume: [0], watermarkMs: -Infinity, inherited: null };
  // It is done before anything that is asked for later; when it fails, so does that.
  thread.call('create', []).catch(() => {});
  return {
    lanes,
    get resume() {
      return state.resume;
    },
    get watermarkMs() {
      return state.watermarkMs;
    },
    get inherited() {
      return state.inherited;
    },
    async take(feed, entries) {
      if (entries.length === 0) return [];
      const sent = sentOf(feed, entries);
      const memory = sent.frames.map(({ bytes }) => bytes.buffer);
      const taken = await thread.call('take', [sent], memory);
      state = taken;
      for (const { error, item, detector } of taken.failed) options.failed(errorOf(error), item, detector);
      for (const [role, endMs] of taken.late) options.late(role, endMs);
      for (const count of taken.overflowed) options.overflowed(count);
      for (const [detector, count] of taken.evicted) options.evicted(detector, count);
      return taken.alerts;
    },
    async cut() {
      const { resume } = await thread.call('cut', []);
      return { resume, next: () => thread.call('slice', []), end: () => thread.call('endCut', []) };
    },
    async restore(chunks) {
      const { fresh, ...after } = await thread.call('restore', [chunks]);
      state = after;
      return fresh;
    },
    async begin(offsets) {
      state = await thread.call('begin', [offsets]);
    },
    async inherit(learned, isNew) {
      const { takenUp, ...after } = await thread.call('inherit', [await legacyOf(learned, isNew, lanes)]);
      state = after;
      return takenUp;
    },
    status: () => thread.call('status', []),
  };
}

/** Copies: others read the same memory. */
const sentOf = (feed: number, entries: readonly LogEntry<Flow>[]): Sent => ({
  feed,
  frames: framesOf('flow', entries).map((frame) => ({ ...frame, bytes: new Uint8Array(frame.bytes) })),
});

async function legacyOf(learned: Learned, isNew: boolean, lanes: readonly number[]): Promise<Legacy> {
  const { id } = learned;
  try {
    const read = await Promise.all(lanes.map(async (lane) => [lane, await learned.read(lane)] as const));
    return { id, isNew, lanes: new Map(read) };
  } catch (error) {
    if (!(error instanceof WeirError && error.code === 'state_unusable')) throw error;
    return { id, isNew, lanes: error.message };
  }
}
