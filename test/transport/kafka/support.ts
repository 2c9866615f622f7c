import { createKafkaLog, type KafkaLog, type KafkaLogUse } from '../../../transport/kafka/index.ts';
import { options as schema, type Options } from '../../../transport/kafka/options.ts';
import { setupTopics } from '../../../transport/kafka/setup.ts';
import type { Context } from '../../../pipeline/contracts.ts';
import { systemClock } from '../../../pipeline/clock.ts';
import type { Log, LogEntry, Topic, TopicRecord } from '../../../pipeline/log.ts';
import { noMeter } from '../../../pipeline/meter.ts';
import { silent } from '../../helpers/context.ts';
import type { KafkaService } from '../../services/kafka.ts';
import type { TestScope } from '../../services/process.ts';

const loud = process.env['WEIR_TEST_LOG'] !== undefined;
const say =
  (level: string) =>
  (fields: object, message: string): void => {
    console.error(level, message, JSON.stringify(fields));
  };

/** Quiet, unless WEIR_TEST_LOG is set. */
export const context = (name = 'test'): Context => ({
  name,
  cluster: 'test',
  meter: noMeter,
  clock: systemClock,
  log: loud ? { debug() {}, info: say('info'), warn: say('warn'), error: say('error') } : silent,
});

/** Options with short timeouts and topics of this test alone. */
export function optionsFor(brokers: readonly string[], own: object = {}): Options {
  return schema.parse({
    brokers,
    prefix: `t${Math.random().toString(36).slice(2, 8)}.`,
    lanes: 4,
    sessionTimeoutMs: 10_000,
    ...own,
  });
}

/** A started log on fresh topics, stopped after the test. */
export async function freshLog(
  t: Pick<TestScope, 'after'>,
  service: KafkaService,
  own: object = {},
): Promise<{ log: KafkaLog; options: Options }> {
  const options = optionsFor(service.brokers, own);
  await setupTopics({ ...options, brokers: service.plain, tls: false, sasl: undefined }, context().log, {
    dryRun: false,
  });
  return { log: await openLog(t, options), options };
}

/** Another process on the same topics. */
export async function openLog(
  t: Pick<TestScope, 'after'>,
  options: Options,
  use: KafkaLogUse = {},
): Promise<KafkaLog> {
  const log = createKafkaLog(options, context(), use);
  await log.start(new AbortController().signal);
  // The brokers are gone by now; kafkajs may go on looking for them.
  t.after(() => Promise.race([log.stop(), systemClock.sleep(5000)]));
  return log;
}

/** Reads with a fresh cursor until `enough` says so; commits everything. */
export async function collect<T extends Topic>(
  log: Log,
  options: { group: string; topics: readonly T[]; startAt?: 'beginning' | 'end' },
  enough: (entries: readonly Read<T>[]) => boolean,
): Promise<Read<T>[]> {
  const read: Read<T>[] = [];
  const abort = new AbortController();
  await log.consume(
    {
      ...options,
      async handle(batch) {
        for (const entry of batch.entries)
          read.push(Object.assign(entry, { topic: batch.topic, partition: batch.partition }));
        await batch.commit(batch.entries.at(-1)!.offset + 1);
        if (enough(read)) abort.abort();
      },
    },
    abort.signal,
  );
  return read;
}

export type Read<T extends Topic> = LogEntry<TopicRecord<T>> & {
  readonly topic: T;
  readonly partition: number;
};
