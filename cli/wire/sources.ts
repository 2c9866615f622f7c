import { join } from 'node:path';
import { inputs, type InputName } from '../../collector/inputs/registry.ts';
import type { InputContext } from '../../collector/inputs/context.ts';
import { sources, type SourceName } from '../../collector/registry.ts';
import { collect, type CollectOptions } from '../../pipeline/collect.ts';
import type { Input, LineDecoder, OriginContext, SourceType, Stage } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { fileCursors, memoryCursors } from '../../pipeline/cursors.ts';
import type { DeadLetters } from '../../pipeline/dead-letter.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import type { Log } from '../../pipeline/log.ts';
import type { Flow, Loss } from '../../schema/records.ts';
import type { Config, SourceConfig } from '../config/index.ts';
import { contextOf, type Shared } from './process.ts';

export interface SourcesOptions {
  readonly sources: readonly SourceConfig[];
  readonly log: Log;
  readonly letters: DeadLetters;
  readonly stage: Stage<Flow, Flow> | null;
  readonly topic: CollectOptions['topic'];
  readonly place: CollectOptions['place'];
  /** Where cursors are kept; null for a finite run that starts from nothing. */
  readonly stateDir: string | null;
  /** The kafka block, for inputs that read a topic and name no brokers of their own. */
  readonly kafka: Config['kafka'];
  /** False reads what is there and ends. */
  readonly follow: boolean;
  readonly heartbeatMs: number;
  readonly appended?: NonNullable<CollectOptions['appended']>;
  readonly progress?: CollectOptions['progress'];
}

const CURSOR_LIMITS = { ttlMs: 7 * 86_400_000, max: 100_000 };

/** One pump a source: its input, its decoder, its cursors. */
export async function sourcePumps(options: SourcesOptions, shared: Shared): Promise<Pump[]> {
  const marksOf = options.topic === 'enriched' ? options.sources.length : 0;
  const age = shared.meter.gauge(
    'source_lag_seconds',
    'Age of the newest event a source has given: grows while it is quiet or behind.',
    ['source'],
  );
  const lost = shared.meter.counter('source_lost_total', 'Records a source says it did not see, by reason.', [
    'source',
    'reason',
  ]);
  return Promise.all(
    options.sources.map(async (config) => {
      const type = await loadSource(config.type);
      const cursors = options.stateDir
        ? await fileCursors(join(options.stateDir, 'sources', `${config.name}.json`), CURSOR_LIMITS)
        : memoryCursors();
      const context = contextOf(shared, config.name, config.cluster);
      const input = await createInput(config.input, {
        ...context,
        follow: options.follow,
        known: () => cursors.entries(),
        stillThere: (origin) => cursors.keep(origin, shared.clock.now()),
        ...(options.kafka ? { kafka: options.kafka } : {}),
      });
      const counters = createCounters(shared.meter, 'source', config.name);
      let lastEventMs: number | null = null;
      let malformed = 0;
      const missed = { counted: 0, unknown: 0 };
      // Origins that have more than was read.
      const behind = new Set<string>();
      const log = tellingLosses(options.log, ({ count, why }) => {
        if (count === null) missed.unknown++;
        else missed.counted += count;
        lost.add(count ?? 1, { source: config.name, reason: why });
      });
      shared.board.put('sources', config.name, () => {
        const ageMs = lastEventMs === null ? null : Math.max(0, shared.clock.now() - lastEventMs);
        if (ageMs !== null) age.set(ageMs / 1000, { source: config.name });
        return {
          type: config.type,
          read: counters.totals.received,
          flows: counters.totals.sent,
          malformed,
          lost: missed.counted,
          lostUnknown: missed.unknown,
          lastEventMs,
          lagMs: behind.size === 0 ? 0 : ageMs,
          lastError: counters.totals.lastError,
        };
      });
      return {
        name: `source.${config.name}`,
        async run({ drain, kill }) {
          await input.start?.(drain);
          try {
            await collect(
              {
                source: config.name,
                input,
                decoder: (origin: OriginContext): LineDecoder => type.decoder(config.options, origin),
                timing: { disorderMs: config.disorderMs ?? type.disorderMs, deliveryMs: type.deliveryMs },
                node: config.node,
                cursors,
                stage: options.stage,
                log,
                topic: options.topic,
                place: options.place,
                follow: options.follow,
                marksOf,
                heartbeatMs: options.heartbeatMs,
                ...(options.appended ? { appended: options.appended } : {}),
                letters: options.letters,
                counters,
                progress(batch, flows, rejects, endMs) {
                  if (Number.isFinite(endMs)) lastEventMs = Math.max(lastEventMs ?? -Infinity, endMs);
                  malformed += rejects.length;
                  if (batch.atEnd || batch.final) behind.delete(batch.origin);
                  else behind.add(batch.origin);
                  options.progress?.(batch, flows, rejects, endMs);
                },
              },
              context,
              drain,
            );
          } finally {
            await input.stop?.(kill);
          }
        },
      } satisfies Pump;
    }),
  );
}

/** The log, with an ear for what a source says it did not see. */
const tellingLosses = (log: Log, heard: (loss: Loss) => void): Log => ({
  ...log,
  async append(topic, entries, unencodable) {
    await log.append(topic, entries, unencodable);
    if (topic === 'losses') for (const { value } of entries) if (value) heard(value as Loss);
  },
});

export async function loadSource(type: string): Promise<SourceType> {
  const module = await sources[type as SourceName].load();
  return module.source;
}

export async function createInput(config: SourceConfig['input'], context: InputContext): Promise<Input> {
  const module = await inputs[config.type as InputName].load();
  return (module.create as (options: unknown, context: InputContext) => Input)(config.options, context);
}
