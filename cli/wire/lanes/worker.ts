import { workerData } from 'node:worker_threads';
import { createRoute } from '../../../detectors/rule/route.ts';
import { compileRule } from '../../../detectors/rule/rule.ts';
import { createSchedule } from '../../../detectors/rule/schedule.ts';
import { WeirError } from '../../../pipeline/errors.ts';
import type { Cut } from '../../../pipeline/cut.ts';
import type { LaneGroup } from '../../../pipeline/lane-group.ts';
import { localPlan } from '../../../pipeline/lane-plan.ts';
import type { LogEntry } from '../../../pipeline/log.ts';
import { answerCalls, handOver, plainError } from '../../../pipeline/thread.ts';
import { codecOf } from '../../../schema/codec.ts';
import type { Flow } from '../../../schema/records.ts';
import { decodeFrame } from '../../../transport/local/frame.ts';
import { plannedDetectors } from '../planned.ts';
import type { LanesData, Legacy, Methods, Sent, State, Taken } from './messages.ts';

/** The thread that holds the lanes of a process: it folds what it is sent and answers with what came of it. */
const { detectors, rules, lanes, maxWaiting } = workerData as LanesData;
const schedule = createSchedule(rules.map(compileRule));

type Told = { -readonly [K in 'failed' | 'late' | 'overflowed']: Taken[K][number][] };
const nothing = (): Told => ({ failed: [], late: [], overflowed: [] });
let told = nothing();
let evicted = new Map<string, number>();

const plan = localPlan({
  lanes,
  detectors: await plannedDetectors(detectors, schedule),
  ruleLanes: createRoute(schedule, lanes),
  maxWaiting,
  evicted: (detector, count) => void evicted.set(detector, (evicted.get(detector) ?? 0) + count),
});
const create = (): LaneGroup =>
  plan.create(0, {
    failed: (error, item, detector) => void told.failed.push({ error: plainError(error), item, detector }),
    late: (role, endMs) => void told.late.push([role, endMs]),
    overflowed: (count) => void told.overflowed.push(count),
  });
let group = create();
let cut: Cut | null = null;

const state = (): State => ({
  resume: group.resume,
  watermarkMs: group.watermarkMs,
  inherited: group.inherited && { id: group.inherited.id },
});

function take({ feed, frames }: Sent): Taken {
  const alerts = group.take(feed, frames.flatMap(entriesIn));
  const taken = { ...state(), ...told, alerts, evicted: [...evicted] };
  told = nothing();
  evicted = new Map();
  return taken;
}

function entriesIn({ bytes, first, last }: Sent['frames'][number]): LogEntry<Flow>[] {
  const entries = decodeFrame(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), codecOf('flow'));
  const isWhole = entries[0]?.offset === first && entries.at(-1)?.offset === last;
  return isWhole ? entries : entries.filter(({ offset }) => offset >= first && offset <= last);
}

const inherit = ({ id, isNew, lanes: learned }: Legacy) =>
  group.inherit(
    {
      id,
      read: async (lane) => {
        if (typeof learned === 'string') throw new WeirError('state_unusable', learned);
        return learned.get(lane) ?? [];
      },
    },
    isNew,
  );

answerCalls<Methods>({
  create() {
    group = create();
    cut = null;
    told = nothing();
    return state();
  },
  take,
  cut() {
    cut?.end();
    cut = group.cut();
    return { resume: cut.resume };
  },
  slice() {
    // Some are views of memory that is shared or used again.
    const copies = cut?.next()?.map((chunk) => new Uint8Array(chunk)) ?? null;
    return handOver(copies, copies?.map(({ buffer }) => buffer) ?? []);
  },
  endCut() {
    cut?.end();
    cut = null;
  },
  restore: (chunks) => ({ fresh: group.restore(chunks), ...state() }),
  begin(offsets) {
    group.begin(offsets);
    return state();
  },
  inherit: async (legacy) => ({ takenUp: await inherit(legacy), ...state() }),
  status: () => group.status(),
  rules(fromMs, definitions) {
    const compiled = definitions.map(compileRule);
    if (fromMs === null) schedule.begin(compiled);
    else schedule.add(fromMs, compiled);
  },
});
