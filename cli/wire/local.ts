import { join } from 'node:path';
import { createEnricher, type Enricher } from '../../enricher/index.ts';
import { logDeadLetters, type DeadLetters } from '../../pipeline/dead-letter.ts';
import { localPlan } from '../../pipeline/lane-plan.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import { topics, type Topic } from '../../pipeline/log.ts';
import { fileAttempts, noAttempts } from '../../pipeline/quarantine.ts';
import { fileSnapshots, noSnapshots } from '../../pipeline/snapshots.ts';
import type { Sink } from '../../pipeline/contracts.ts';
import { createLocalLog, type LocalLog, type LocalLogOptions } from '../../transport/local/index.ts';
import type { ReaderQueue } from '../../transport/local/topic.ts';
import type { LetterBox } from '../../pipeline/letter-box.ts';
import type { Config, SinkConfig } from '../config/index.ts';
import { INCIDENTS_GROUP } from '../../incidents/run.ts';
import { createControl, followWith } from './control.ts';
import { incidentDesk, type IncidentDesk } from './decisions.ts';
import { detectorPump } from './detectors.ts';
import { incidentPump } from './incidents.ts';
import { lanesInThread } from './lanes/thread.ts';
import { learnedOfFiles } from './learned.ts';
import { wireLetters } from './letters.ts';
import { inThisThread } from './planned.ts';
import { contextOf, type Shared } from './process.ts';
import { rulesInForce } from './rules.ts';
import { sinkGroup, sinkPump, sinkTopics } from './sinks.ts';
import { sourcePumps, type SourcesOptions } from './sources.ts';
import { suppressionReview } from './suppression-review.ts';
import { suppressionsInForce } from './suppressions.ts';

/** A sink with its configuration, however it was made. */
export interface WiredSink {
  readonly config: SinkConfig;
  readonly sink: Sink;
}

/** All roles in one process, over one log: what `run` without Kafka and `replay` are made of. */
export interface LocalRuntime {
  readonly sources: readonly Pump[];
  /** Detectors and sinks: what reads the log. */
  readonly readers: readonly Pump[];
  readonly log: LocalLog;
  readonly enricher: Enricher;
  /** Takes what people decide about incidents; null in a replay. */
  readonly desk: IncidentDesk | null;
  readonly letters: LetterBox;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export interface LocalRuntimeOptions {
  readonly config: Config;
  readonly sinks: readonly WiredSink[];
  /** Null keeps nothing: no cursors, no snapshots, the log in memory. */
  readonly stateDir: string | null;
  readonly follow: boolean;
  readonly progress?: SourcesOptions['progress'];
  /** Told of the lanes, which are in this thread then. */
  readonly lanes?: (group: LaneGroup) => void;
  /** Reads the configuration's file again; without it rules and suppressions are those of the start. */
  readonly reread?: () => Config;
}

/** Where the log of one process lies. */
export const localLogDir = (stateDir: string): string => join(stateDir, 'log');

const DEAD_LETTER_GROUP = 'weir.deadletter';
/** Its cursor is never saved: changes are read from the beginning. */
const CONTROL_GROUP = 'weir.control';
/** One process hears of its own changes at once. */
const LEAD_MS = 2_000;

export async function localRuntime(options: LocalRuntimeOptions, shared: Shared): Promise<LocalRuntime> {
  const { config, stateDir } = options;
  const readers: Record<string, readonly Topic[]> = {
    'weir.detectors': ['enriched'],
    [INCIDENTS_GROUP]: ['alerts'],
  };
  for (const { config: sink } of options.sinks) readers[sinkGroup(sink.name)] = sinkTopics(sink);
  // Dead letters have no reader of their own: they stay until the disk share is used up.
  if (stateDir) {
    readers[DEAD_LETTER_GROUP] = ['deadletter'];
    readers[CONTROL_GROUP] = ['control'];
  }
  const maxBytes = Math.floor(config.state.maxBytes / 4);
  const queues = queuesOf(options.sinks);
  const log = createLocalLog(
    {
      directory: stateDir && localLogDir(stateDir),
      readers,
      maxBytes,
      segmentBytes: segmentBytesOf(
        Math.min(maxBytes, ...Object.values(queues).map((queue) => queue.maxBytes)),
      ),
      onFull: 'dropOldest',
      // Detection sets the pace: a slow sink reads what it is behind from disk.
      paces: (group) => group === 'weir.detectors',
      queues,
      dropped: droppedWarning(shared),
    },
    contextOf(shared, 'log'),
  );
  const letters: DeadLetters = stateDir ? logDeadLetters(log) : { keep: () => Promise.resolve() };
  const enricher = await createEnricher(config.enricher, shared);
  const openLetters = countOpen(log);
  const kept = shared.meter.gauge('dead_letters', 'Records kept in the dead letter of this process.');
  shared.board.put('deadLetters', 'kept', async () => {
    const open = await openLetters();
    kept.set(open);
    return { kept: open };
  });
  const control = stateDir ? createControl({ log, follow: followWith(log, CONTROL_GROUP) }, shared) : null;
  const { reread = null } = options;
  const rules = rulesInForce(
    {
      rules: config.rules,
      control,
      publishes: true,
      file: config.file,
      reread: reread && (() => reread().rules),
      leadMs: LEAD_MS,
    },
    shared,
  );
  const suppressions = suppressionsInForce(
    {
      suppressions: config.suppressions,
      control,
      file: config.file,
      reread: reread && (() => reread().suppressions),
      checkEveryMs: config.rules.keys.checkEvery,
      leadMs: LEAD_MS,
    },
    shared,
  );
  const review = suppressionReview({ schedule: suppressions.schedule, control, log }, shared);
  const desk =
    control && incidentDesk({ control, partitions: () => log.partitions('alerts'), leadMs: LEAD_MS }, shared);
  const learned = stateDir
    ? learnedOfFiles(stateDir, { lanes: config.lanes, everyMs: config.rules.keys.checkEvery }, shared)
    : null;
  const appended = new Map<string, number>();
  return {
    log,
    enricher,
    desk,
    sources: await sourcePumps(
      {
        sources: config.sources,
        log,
        letters,
        stage: enricher,
        topic: 'enriched',
        place: () => ({ key: null, partition: 0 }),
        stateDir,
        kafka: config.kafka,
        follow: options.follow,
        heartbeatMs: 2000,
        appended: (origin) => appended.get(origin),
        ...(options.progress ? { progress: options.progress } : {}),
      },
      shared,
    ),
    readers: [
      await detectorPump(
        {
          detectors: config.detectors,
          schedule: rules.schedule,
          lanes: config.lanes,
          maxWaiting: config.watermarks.maxWaiting,
          // What ends soon is done before a thread of its own had started.
          plan: stateDir === null || options.lanes ? inThisThread(localPlan, options.lanes) : lanesInThread,
          log,
          snapshots: stateDir ? fileSnapshots(`${stateDir}/snapshots`) : noSnapshots,
          attempts: stateDir ? fileAttempts(`${stateDir}/attempts`) : noAttempts,
          letters,
          marks: true,
          ...(learned ? { learned: () => learned.newest() } : {}),
          suppressedBy: (alert) => suppressions.schedule.suppressedBy(alert),
          snapshotEveryMs: stateDir ? 10_000 : Number.MAX_SAFE_INTEGER,
          notifyMaxAgeMs: stateDir ? config.notifyMaxAgeMs : null,
        },
        shared,
      ),
      incidentPump(
        {
          options: config.incidents,
          ...(desk ? { decisions: desk.decisions } : {}),
          held(streams) {
            desk?.held(streams);
            review.held(streams);
          },
          weekEnded: (partition, tally) => review.weekEnded(partition, tally),
          log,
          snapshots: stateDir ? fileSnapshots(`${stateDir}/incidents`) : noSnapshots,
          attempts: stateDir ? fileAttempts(`${stateDir}/attempts`) : noAttempts,
          letters,
          snapshotEveryMs: stateDir ? 10_000 : Number.MAX_SAFE_INTEGER,
        },
        shared,
      ),
      ...(control ? [control.pump] : []),
      ...(learned ? [learned.pump] : []),
      ...rules.pumps,
      ...suppressions.pumps,
      ...options.sinks.map(({ config: sink, sink: made }) =>
        sinkPump({ config: sink, sink: made, log, letters, kibana: config.kibana }, shared),
      ),
    ],
    letters: await wireLetters(
      {
        log,
        scan: async (visit) => {
          await log.scan('deadletter', 0, async (entries) => {
            for (const { value } of entries) if (value) await visit(value);
          });
        },
        sinks: options.sinks,
        flows: {
          sources: config.sources,
          topic: 'enriched',
          stage: enricher,
          place: () => ({ key: null, partition: 0 }),
        },
      },
      shared,
    ),
    async start(signal) {
      await log.start(signal);
      if (stateDir)
        for (const [origin, position] of await newestPositions(log)) appended.set(origin, position);
      await learned?.start();
      await control?.start(signal);
      await rules.start();
      await suppressions.start();
      await enricher.start(signal);
    },
    async stop() {
      await enricher.stop();
      await log.stop();
    },
  };
}

/** Letters less those that were delivered after all and what says so; only what is new is looked through. */
function countOpen(log: LocalLog): () => Promise<number> {
  let ended = 0;
  let next = 0;
  let turn: Promise<unknown> = Promise.resolve();
  return () => {
    const count = turn.then(async () => {
      next = await log.scan('deadletter', next, (entries) => {
        for (const { value } of entries) if (value?.replayedMs != null) ended++;
      });
      return Math.max(0, log.kept('deadletter') - 2 * ended);
    });
    turn = count.catch(() => {});
    return count;
  };
}

/** A file of the log is deleted whole: several of them fit into the smallest share. */
const segmentBytesOf = (shareBytes: number): number =>
  Math.max(64 * 1024, Math.min(64 * 1024 * 1024, Math.floor(shareBytes / 8)));

/** How much is kept for the sinks that say so. */
const queuesOf = (sinks: readonly WiredSink[]): Record<string, ReaderQueue> =>
  Object.fromEntries(
    sinks.flatMap(({ config: { name, queue } }) =>
      queue === null
        ? []
        : [[sinkGroup(name), { maxBytes: queue.maxBytes ?? Infinity, onFull: queue.onFull }]],
    ),
  );

const WARN_EVERY_MS = 30_000;

/** Says how much was dropped, for each reader at most twice a minute. */
function droppedWarning(shared: Shared): NonNullable<LocalLogOptions['dropped']> {
  const told = new Map<string, { ms: number; count: number }>();
  return ({ group, topic, count }) => {
    const key = `${group} ${topic}`;
    const before = told.get(key) ?? { ms: -Infinity, count: 0 };
    before.count += count;
    told.set(key, before);
    const nowMs = shared.clock.now();
    if (nowMs - before.ms < WARN_EVERY_MS) return;
    shared.log.error(
      { group, topic: topics[topic].name, count: before.count },
      'records dropped: the queue of this reader or the disk share is used up',
    );
    told.set(key, { ms: nowMs, count: 0 });
  };
}

/** Longer than a source's cursor can be behind what it has appended, which is saved about every second. */
const UNSAVED_MS = 10_000;

/**
 * How far each origin is in the log, from its last seconds. A process that was killed between an append and the
 * save of the cursor would otherwise append the same flows again, and a store would hold them twice.
 */
async function newestPositions(log: LocalLog): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  for (const count of [2_000, 20_000, 150_000]) {
    const entries = await log.newest('enriched', count);
    for (const { value } of entries)
      if (value && value.position > (positions.get(value.origin) ?? -1))
        positions.set(value.origin, value.position);
    const covered = (entries.at(-1)?.appendMs ?? 0) - (entries[0]?.appendMs ?? 0);
    if (entries.length < count || covered > UNSAVED_MS) break;
  }
  return positions;
}
