import { join } from 'node:path';
import { createRoute } from '../../detectors/rule/route.ts';
import { createEnricher, type Enricher } from '../../enricher/index.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { logDeadLetters } from '../../pipeline/dead-letter.ts';
import { enrich } from '../../pipeline/enrich.ts';
import { partitionedPlan } from '../../pipeline/lane-plan.ts';
import type { LetterBox } from '../../pipeline/letter-box.ts';
import { runPumps, type Pump } from '../../pipeline/lifecycle.ts';
import type { Topic } from '../../pipeline/log.ts';
import { fileAttempts } from '../../pipeline/quarantine.ts';
import { watermarkDefaults } from '../../pipeline/watermarks.ts';
import { groupPrefix } from '../../transport/kafka/acls.ts';
import { createKafkaLog } from '../../transport/kafka/index.ts';
import { createLookout } from '../api/server.ts';
import type { Config, Role } from '../config/index.ts';
import { serve, wireSinks, type DaemonOptions } from './daemon.ts';
import { createControl } from './control.ts';
import { incidentDesk, type IncidentDesk } from './decisions.ts';
import { detectorPump } from './detectors.ts';
import { incidentPump } from './incidents.ts';
import { learnedOfControl } from './learned.ts';
import { topicScan, wireLetters } from './letters.ts';
import type { WiredSink } from './local.ts';
import { pairPlace } from './place.ts';
import { inThisThread } from './planned.ts';
import { contextOf } from './process.ts';
import { rulesInForce } from './rules.ts';
import { sinkPump, sinkTopics } from './sinks.ts';
import { sourcePumps } from './sources.ts';
import { socketPath, takeStateDir } from './state.ts';
import { suppressionReview, type SuppressionReview } from './suppression-review.ts';
import { suppressionsInForce, type SuppressionsInForce } from './suppressions.ts';

export interface KafkaDaemonOptions extends DaemonOptions {
  /** Null runs all of them in this process. */
  readonly role: Role | null;
}

const GRACE_MS = 25_000;
/** Long enough for every process to hear of a change before it is in force. */
const LEAD_MS = 15_000;

/** One role, or all of them, over Kafka: the stages are the same, only what joins them is another. */
export async function runOverKafka(options: KafkaDaemonOptions): Promise<void> {
  const { config, shared, role } = options;
  const stateDir = join(config.state.dir, role ?? 'all');
  const release = await takeStateDir(stateDir, config.lanes);
  try {
    const log = createKafkaLog(config.kafka!, contextOf(shared, role ?? 'weir'), {
      topics: topicsOf(config, role),
    });
    await log.start(options.stop);
    try {
      const letters = logDeadLetters(log);
      const attempts = fileAttempts(`${stateDir}/attempts`);
      const lookout = createLookout();
      const runs = (each: Role): boolean => role === null || role === each;
      const pumps: Pump[] = [];
      // Rules decide in the enricher which further copies of a flow there are, and in the detectors what they mean.
      const { reread = null } = options;
      const control =
        runs('enricher') || runs('detectors')
          ? createControl(
              {
                log,
                follow: (take, caughtUp, signal) => log.follow('control', { take, caughtUp }, signal),
              },
              shared,
            )
          : null;
      const rules = rulesInForce(
        {
          rules: config.rules,
          control,
          publishes: runs('detectors'),
          file: config.file,
          reread: reread && (() => reread().rules),
          leadMs: LEAD_MS,
        },
        shared,
      );
      let desk: IncidentDesk | null = null;
      let suppressions: SuppressionsInForce | null = null;
      let review: SuppressionReview | null = null;
      if (control && runs('detectors')) {
        desk = incidentDesk({ control, partitions: () => log.partitions('alerts'), leadMs: LEAD_MS }, shared);
        suppressions = suppressionsInForce(
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
        review = suppressionReview({ schedule: suppressions.schedule, control, log }, shared);
      }
      const learned =
        control && runs('detectors')
          ? learnedOfControl(control, { lanes: config.lanes, snapshots: log.snapshots }, shared)
          : null;
      await control?.start(options.stop);
      if (control) await rules.start();
      await suppressions?.start();
      pumps.push(...(control ? [control.pump] : []), ...rules.pumps, ...(suppressions?.pumps ?? []));
      let enricher: Enricher | null = null;
      let store: Awaited<ReturnType<typeof wireSinks>>['store'] = null;
      if (runs('collector'))
        pumps.push(
          ...(await sourcePumps(
            {
              sources: config.sources,
              log,
              letters,
              stage: null,
              topic: 'flows',
              place: pairPlace(log.partitions('flows')),
              stateDir,
              kafka: config.kafka,
              follow: true,
              heartbeatMs: heartbeatMs(config, log.partitions('flows')),
              progress(_batch, flows) {
                if (lookout.watched) for (const flow of flows) lookout.show({ flow });
              },
            },
            shared,
          )),
        );
      if (runs('enricher')) {
        enricher = await createEnricher(config.enricher, shared);
        const stage = enricher;
        await stage.start(options.stop);
        const counters = createCounters(shared.meter, 'enricher', 'enricher');
        const ruleLanes = createRoute(rules.schedule, log.partitions('rekeyed'));
        const watermarks = {
          ...watermarkDefaults,
          inactiveMs: config.watermarks.inactiveAfter,
          maxHoldMs: config.watermarks.maxHold,
        };
        pumps.push({
          name: 'enricher',
          run: ({ drain }) =>
            enrich(
              { stage, log, letters, counters, attempts, watermarks, ruleLanes },
              contextOf(shared, 'enricher'),
              drain,
            ),
        });
      }
      if (runs('detectors'))
        pumps.push(
          await detectorPump(
            {
              detectors: config.detectors,
              schedule: rules.schedule,
              lanes: config.lanes,
              maxWaiting: config.watermarks.maxWaiting,
              plan: inThisThread(partitionedPlan),
              log,
              snapshots: log.snapshots,
              attempts,
              letters,
              marks: true,
              learned: () => learned!.newest(),
              suppressedBy: (alert) => suppressions!.schedule.suppressedBy(alert),
              snapshotEveryMs: 10_000,
              notifyMaxAgeMs: config.notifyMaxAgeMs,
            },
            shared,
          ),
          incidentPump(
            {
              options: config.incidents,
              decisions: desk!.decisions,
              held(streams) {
                desk!.held(streams);
                review!.held(streams);
              },
              weekEnded: (partition, tally) => review!.weekEnded(partition, tally),
              log,
              snapshots: log.snapshots,
              attempts,
              letters,
              snapshotEveryMs: 10_000,
            },
            shared,
          ),
        );
      let box: LetterBox | null = null;
      let wired: readonly WiredSink[] = [];
      if (runs('sinks')) {
        const made = await wireSinks(config, shared);
        store = made.store;
        wired = made.sinks;
        for (const { config: sink, sink: one } of wired)
          pumps.push(sinkPump({ config: sink, sink: one, log, letters, kibana: config.kibana }, shared));
      }
      // Each delivers what it has the rights for: sinks what they refused, collectors what the enricher reads.
      if (runs('sinks') || runs('collector'))
        box = await wireLetters(
          {
            log,
            scan: topicScan(log, letterGroupPrefix(runs('sinks') ? 'sinks' : 'collector'), shared),
            sinks: wired,
            flows: runs('collector')
              ? {
                  sources: config.sources,
                  topic: 'flows',
                  stage: null,
                  place: pairPlace(log.partitions('flows')),
                }
              : null,
          },
          shared,
        );
      const socket = socketPath(stateDir, role === null ? (config.listen.api?.unix ?? null) : null);
      await serve(
        options,
        { lookout, store, log, desk, unready: () => log.unready(), letters: box, socket },
        () =>
          runPumps(pumps, { stop: options.stop, graceMs: GRACE_MS, clock: shared.clock, log: shared.log }),
      );
      await enricher?.stop();
    } finally {
      await log.stop();
    }
  } finally {
    release();
  }
}

/** Groups that read the dead letter once: of one role, so that its rights cover them. */
const letterGroupPrefix = (role: 'collector' | 'sinks'): string => `${groupPrefix(role)}deadletter.`;

/** At most 1,000 heartbeats a second reach the topic, and none comes oftener than every 2 s. */
const heartbeatMs = (config: Config, partitions: number): number =>
  Math.max(2000, config.sources.length * partitions);

/** A role is refused what it does not use. */
function topicsOf(config: Config, role: Role | null): Topic[] {
  const always: Topic[] = ['deadletter', 'losses', 'access'];
  const byRole: Readonly<Record<Role, readonly Topic[]>> = {
    collector: ['flows', 'policyChanges'],
    enricher: ['flows', 'enriched', 'rekeyed', 'control'],
    detectors: ['enriched', 'rekeyed', 'alerts', 'incidents', 'control'],
    sinks: config.sinks.flatMap(sinkTopics),
  };
  const used = role === null ? Object.values(byRole).flat() : byRole[role];
  return [...new Set([...always, ...used])];
}
