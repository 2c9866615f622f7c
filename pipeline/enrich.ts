import type { Flow } from '../schema/records.ts';
import type { Context, Stage } from './contracts.ts';
import type { Counters } from './counters.ts';
import { appendOrKeep, deadLetter, payloadOf, type DeadLetters } from './dead-letter.ts';
import { undecodable } from './deliver.ts';
import { messageOf } from './errors.ts';
import type { RuleLanes } from './lane-plan.ts';
import { topics, type Entry, type Log, type LogBatch } from './log.ts';
import { partitionOf } from './partition.ts';
import { perRecord } from './per-record.ts';
import { attempt, noAttempts, quarantined, type Attempts } from './quarantine.ts';
import { createWatermarks, watermarkDefaults, type WatermarkOptions, type Watermarks } from './watermarks.ts';

export interface EnrichOptions {
  readonly stage: Stage<Flow, Flow>;
  readonly log: Log;
  readonly letters: DeadLetters;
  readonly counters: Counters;
  /** What was being worked on when the process died; without it nothing is quarantined. */
  readonly attempts?: Attempts;
  readonly watermarks?: WatermarkOptions;
  /** Lanes of further copies, for the rules that group a flow by something else than a side. */
  readonly ruleLanes?: RuleLanes;
}

/** What is known of one input partition. */
interface Input {
  readonly watermarks: Watermarks;
  /** Append time of the first entry read. Until every active origin must have been heard of, no mark is made. */
  sinceMs: number;
  markedMs: number;
}

/**
 * From `weir.flows` to `weir.flows.enriched`, keyed by the initiator, and `weir.flows.rekeyed`, keyed by the
 * responder, with a copy more for each lane where rules look for it. Holds nothing back: the cursor moves when all
 * copies are durable.
 */
export async function enrich(options: EnrichOptions, context: Context, drain: AbortSignal): Promise<void> {
  const { log, counters } = options;
  const { clock } = context;
  const limits = options.watermarks ?? watermarkDefaults;
  const inputs = new Map<number, Input>();

  const apply = perRecord(options.stage);
  const to = {
    log,
    letters: options.letters,
    component: 'enricher',
    now: () => clock.now(),
    failed: (error: unknown) => counters.failed(error),
  };

  /** What the stage makes of a batch; a flow that it fails on is kept. */
  async function enriched(batch: LogBatch<'flows'>): Promise<readonly Flow[]> {
    const flows = batch.entries.flatMap((entry) => entry.value ?? []);
    const { items, failures } = await apply(flows, drain);
    if (failures.length > 0) {
      await options.letters.keep(
        failures.map(({ item, error }) => {
          counters.failed(error);
          return failed(batch, item, error, clock.now());
        }),
      );
    }
    return items;
  }

  function observe(batch: LogBatch<'flows'>): Input {
    let input = inputs.get(batch.partition);
    if (!input) {
      input = {
        watermarks: createWatermarks(limits),
        sinceMs: batch.entries[0]!.appendMs,
        markedMs: -Infinity,
      };
      inputs.set(batch.partition, input);
    }
    for (const entry of batch.entries) {
      if (entry.mark) input.watermarks.observe(entry.mark.input, entry.mark.watermarkMs, entry.appendMs);
      else if (entry.value && entry.clockMs !== null)
        input.watermarks.observe(entry.value.origin, entry.clockMs, entry.appendMs);
    }
    return input;
  }

  /** One per output partition: what comes later from this input is later than the watermark. */
  function marks(
    batch: LogBatch<'flows'>,
    topic: 'enriched' | 'rekeyed',
    watermarkMs: number,
  ): Entry<Flow>[] {
    const mark = {
      input: `${topics.flows.name}-${batch.partition}`,
      of: log.partitions('flows'),
      watermarkMs,
      final: false,
    };
    return Array.from({ length: log.partitions(topic) }, (_, partition) => ({
      partition,
      key: null,
      value: null,
      mark,
    }));
  }

  async function passOn(batch: LogBatch<'flows'>): Promise<void> {
    const begunMs = clock.now();
    const last = batch.entries.at(-1)!;
    counters.received(batch.entries.length);
    for (const entry of batch.entries)
      if (entry.error !== undefined) {
        counters.dropped('undecodable', 1);
        await options.letters.keep([undecodable('enricher', batch, entry, clock.now())]);
      }
    const good = await enriched(batch);
    const byInitiator: Entry<Flow>[] = [];
    const byResponder: Entry<Flow>[] = [];
    const lanes = log.partitions('enriched');
    for (const flow of good) {
      const initiator = flow.source.entity ?? flow.source.ip ?? '';
      const responder = flow.destination.entity ?? flow.destination.ip ?? '';
      byInitiator.push({
        partition: partitionOf(initiator, lanes),
        key: initiator,
        value: flow,
        raw: batch.partition,
      });
      byResponder.push({
        partition: partitionOf(responder, lanes),
        key: responder,
        value: flow,
        raw: batch.partition,
      });
      if (options.ruleLanes)
        for (const partition of options.ruleLanes(flow))
          byResponder.push({ partition, key: null, value: flow, raw: batch.partition, role: 'rule' });
    }
    // Nothing is known yet of whom a notice is about in each lane: all are told.
    for (const { notice } of batch.entries)
      if (notice)
        for (let partition = 0; partition < lanes; partition++)
          byInitiator.push({ partition, key: null, value: null, raw: batch.partition, notice });
    const input = observe(batch);
    const watermarkMs = input.watermarks.current();
    if (watermarkMs > input.markedMs && last.appendMs - input.sinceMs >= limits.inactiveMs) {
      input.markedMs = watermarkMs;
      byInitiator.push(...marks(batch, 'enriched', watermarkMs));
      byResponder.push(...marks(batch, 'rekeyed', watermarkMs));
    }
    await Promise.all([appendOrKeep(to, 'enriched', byInitiator), appendOrKeep(to, 'rekeyed', byResponder)]);
    counters.sent(good.length);
    counters.tookMs(clock.now() - begunMs);
  }

  async function handle(batch: LogBatch<'flows'>): Promise<void> {
    const last = batch.entries.at(-1);
    if (!last) return;
    await attempt(options.attempts ?? noAttempts, `${batch.topic}-${batch.partition}`, batch.entries, {
      take: (entries) => passOn({ ...batch, entries }),
      async poison(entry) {
        counters.dropped('quarantined', 1);
        await options.letters.keep([quarantined('enricher', batch, entry, clock.now())]);
      },
    });
    if (!batch.isStale()) await batch.commit(last.offset + 1);
  }

  await log.consume(
    {
      group: 'weir.enricher',
      topics: ['flows'],
      // Partitions that come back were read on by somebody else meanwhile: what was known of them is old.
      assigned: () => {
        inputs.clear();
        return Promise.resolve();
      },
      handle,
    },
    drain,
  );
}

const failed = (
  batch: LogBatch<'flows'>,
  flow: Flow,
  error: unknown,
  timeMs: number,
): ReturnType<typeof deadLetter> =>
  deadLetter({
    component: 'enricher',
    kind: 'flow',
    code: 'record_failed',
    reason: `enriching flow ${flow.id} failed: ${messageOf(error)}`,
    error,
    payload: payloadOf(flow),
    timeMs,
    topic: batch.topic,
    partition: batch.partition,
    offset: batch.entries.find(({ value }) => value?.id === flow.id)?.offset ?? -1,
  });
