import { createCounters } from '../../pipeline/counters.ts';
import type { Context, Sink } from '../../pipeline/contracts.ts';
import type { DeadLetters } from '../../pipeline/dead-letter.ts';
import { deliver, type DeliverOptions } from '../../pipeline/deliver.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { beat } from '../../pipeline/heartbeat.ts';
import type { Pump } from '../../pipeline/lifecycle.ts';
import type { Log, Topic } from '../../pipeline/log.ts';
import { pauseMs } from '../../pipeline/retry.ts';
import { anySignal } from '../../pipeline/signals.ts';
import { tenantView } from '../../pipeline/tenant.ts';
import { compileQuery } from '../../query/index.ts';
import type { Alert, RecordKind, RecordTypes } from '../../schema/records.ts';
import { sinks } from '../../sinks/registry.ts';
import type { Config, SinkConfig } from '../config/index.ts';
import { withKibanaLinks } from './kibana.ts';
import { contextOf, type Shared } from './process.ts';

/** The topic each kind of record is delivered from. */
const topicOf: Readonly<Partial<Record<RecordKind, Topic>>> = {
  flow: 'enriched',
  alert: 'alerts',
  incident: 'incidents',
  policy_change: 'policyChanges',
  loss: 'losses',
  access: 'access',
};

export const sinkGroup = (name: string): string => `weir.sink.${name}`;

export const sinkTopics = (config: Pick<SinkConfig, 'records'>): Topic[] =>
  Object.keys(config.records).flatMap((kind) => topicOf[kind as RecordKind] ?? []);

export async function createSink(config: SinkConfig, context: Context): Promise<Sink> {
  const module = await sinks[config.type as keyof typeof sinks].load();
  return (module.create as (options: unknown, context: Context) => Sink)(config.options, {
    ...context,
    tenant: config.tenant,
  });
}

/** What a sink is shown: the kinds and records it asked for, as its tenant may see them. */
export function viewOf(config: Pick<SinkConfig, 'type' | 'records' | 'tenant'>): DeliverOptions['view'] {
  const wanted = new Map<RecordKind, ((record: never) => boolean) | null>();
  for (const [kind, { where }] of Object.entries(config.records))
    wanted.set(kind as RecordKind, where === null ? null : compileQuery(kind as RecordKind, where));
  const { notifies, live } =
    (sinks as Readonly<Record<string, { notifies?: true; live?: true }>>)[config.type] ?? {};
  return <K extends RecordKind>(kind: K, record: RecordTypes[K]): RecordTypes[K] | null => {
    const where = wanted.get(kind);
    if (where === undefined) return null;
    if (kind === 'alert') {
      const { suppressedBy, historical } = record as Alert;
      if ((notifies && suppressedBy !== null) || (live && historical)) return null;
    }
    const seen = config.tenant === null ? record : tenantView(kind, record, config.tenant);
    return seen === null || (where !== null && !where(seen as never)) ? null : seen;
  };
}

/** Whether `viewOf` shows a sink every record of a kind as it is. What becomes of alerts depends on each. */
export const seesAll =
  ({ records, tenant }: Pick<SinkConfig, 'records' | 'tenant'>): NonNullable<DeliverOptions['seesAll']> =>
  (kind) =>
    kind !== 'alert' &&
    tenant === null &&
    (records as Partial<Record<RecordKind, { where: string | null }>>)[kind]?.where === null;

export interface SinkPumpOptions {
  readonly config: SinkConfig;
  readonly sink: Sink;
  readonly log: Log;
  readonly letters: DeadLetters;
  /** Where links in alerts lead; null where nowhere. */
  readonly kibana: Config['kibana'];
  readonly startAt?: 'beginning' | 'end';
}

/**
 * The pump of one sink. A far side that is not there yet is waited for: a sink that cannot start holds up
 * nothing but its own backlog.
 */
export function sinkPump(options: SinkPumpOptions, shared: Shared): Pump {
  const { config, sink, log } = options;
  const context = contextOf(shared, config.name);
  const counters = createCounters(shared.meter, 'sink', config.name);
  const group = sinkGroup(config.name);
  const topics = sinkTopics(config);
  let health = 'starting';
  const lag = shared.meter.gauge('sink_lag_records', 'Records in the log that a sink has not settled.', [
    'sink',
  ]);
  shared.board.put('sinks', config.name, async () => {
    const backlog = await log.lag(group, topics);
    lag.set(backlog, { sink: config.name });
    const oldestMs = backlog > 0 ? ((await log.oldestMs?.(group, topics)) ?? null) : null;
    const { sent, dropped, lastError } = counters.totals;
    return {
      type: config.type,
      health,
      sent,
      backlog,
      oldestMs,
      refused: dropped,
      lastError: health === 'ok' ? null : lastError,
    };
  });

  async function start(signal: AbortSignal): Promise<boolean> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await sink.start?.(signal);
        return true;
      } catch (error) {
        counters.failed(error);
        health = 'down';
        if (failures === 0 || failures % 20 === 0)
          shared.log.warn({ sink: config.name, error: messageOf(error) }, 'sink cannot start, trying again');
        await shared.clock.sleep(pauseMs(failures), signal);
      }
    }
    return false;
  }

  return {
    name: `sink.${config.name}`,
    async run(signals) {
      if (!(await start(signals.drain))) return;
      health = 'ok';
      const ended = new AbortController();
      const beating =
        config.heartbeatMs === null
          ? Promise.resolve()
          : beat(
              {
                sink,
                name: config.name,
                cluster: shared.cluster,
                tenant: config.tenant,
                everyMs: config.heartbeatMs,
                clock: shared.clock,
                summary: async () => {
                  const { sent, dropped } = counters.totals;
                  const waiting = await log.lag(group, topics);
                  return `Weir is alive: ${sent} records sent, ${waiting} waiting, ${dropped} refused since its start.`;
                },
                failed(error) {
                  counters.failed(error);
                  shared.log.warn({ sink: config.name, error: messageOf(error) }, 'heartbeat not delivered');
                },
              },
              anySignal(signals.drain, ended.signal),
            );
      try {
        await deliver(
          {
            sink,
            log,
            group,
            topics,
            view: withKibanaLinks(viewOf(config), options.kibana, config.tenant),
            seesAll: seesAll(config),
            tenant: config.tenant,
            letters: options.letters,
            counters,
            health: (failuresInARow) => (health = failuresInARow === 0 ? 'ok' : 'failing'),
            ...(options.startAt ? { startAt: options.startAt } : {}),
          },
          context,
          signals,
        );
      } finally {
        ended.abort();
        await beating;
        await sink.stop?.(signals.kill);
      }
    },
  };
}
