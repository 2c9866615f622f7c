import kafkajs from 'kafkajs';
import { systemClock } from '../pipeline/clock.ts';
import type { Context } from '../pipeline/contracts.ts';
import { noMeter } from '../pipeline/meter.ts';
import { codecOf } from '../schema/codec.ts';
import type { Flow } from '../schema/records.ts';
import { createKafkaLog, type KafkaLog } from '../transport/kafka/index.ts';
import { options as schema } from '../transport/kafka/options.ts';
import { setupTopics } from '../transport/kafka/setup.ts';
import { kafka, type KafkaService } from '../test/services/kafka.ts';
import { clusterFlows } from './flows.ts';
import { measure, type BenchRow } from './measure.ts';

const RECORDS = 40_000;
const LANES = 4;
const PER_PARTITION = 500;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const context: Context = { name: 'bench', cluster: 'bench', meter: noMeter, clock: systemClock, log: silent };

/**
 * The hop over Kafka, both ways, beside what kafkajs alone does with the same records in the same batches: it
 * encodes and decodes too, but neither checks, repeats, keeps order nor knows about schemas. Empty where there is
 * no broker to be had.
 */
export async function bench(): Promise<BenchRow[]> {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ends.push(fn), skip: () => {} };
  try {
    const service = await kafka(scope);
    return service ? await rows(service, (end) => ends.unshift(end)) : [];
  } finally {
    for (const end of ends) await end();
  }
}

async function rows(service: KafkaService, after: (end: () => Promise<void>) => void): Promise<BenchRow[]> {
  const options = schema.parse({ brokers: service.brokers, prefix: 'bench.', lanes: LANES });
  await setupTopics(options, silent, { dryRun: false });
  const log = createKafkaLog(options, context);
  await log.start(new AbortController().signal);
  after(() => log.stop());
  const producer = service.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  after(() => producer.disconnect());
  const flows = clusterFlows()(0, RECORDS);

  const rawAppend = await measure({ name: 'kafkajs send', unit: 'flows' }, RECORDS, () =>
    appendWith(
      (lane, some) =>
        producer.send({
          topic: 'bench.weir.flows.rekeyed',
          acks: -1,
          compression: kafkajs.CompressionTypes.GZIP,
          messages: some.map((flow) => ({ partition: lane, key: flow.source.entity, value: encode(flow) })),
        }),
      flows,
    ),
  );
  const ownAppend = await measure(
    { name: 'kafka append', unit: 'flows', floor: rawAppend.name },
    RECORDS,
    () =>
      appendWith(
        (partition, some) =>
          log.append(
            'enriched',
            some.map((value) => ({ partition, key: value.source.entity, value })),
          ),
        flows,
      ),
  );
  let group = 0;
  const total = RECORDS * 4;
  const rawConsume = await measure({ name: 'kafkajs eachBatch', unit: 'flows' }, total, () =>
    consumeRaw(service.kafka, `raw${++group}`, total),
  );
  const ownConsume = await measure(
    { name: 'kafka consume', unit: 'flows', floor: rawConsume.name },
    total,
    () => consumeOwn(log, `own${++group}`, total),
  );
  return [rawAppend, ownAppend, rawConsume, ownConsume];
}

/** kafkajs has gzip level 6 of its own; the process has one table of codecs, so both sides use level 1 here. */
const { fingerprint } = codecOf('flow');
const prefix = Buffer.concat([Buffer.from([0xc3, 0x01]), fingerprint]);
const encode = (flow: Flow): Buffer => Buffer.concat([prefix, codecOf('flow').encode(flow)]);

/** One batch of each partition at a time. */
async function appendWith(
  send: (partition: number, flows: readonly Flow[]) => Promise<unknown>,
  flows: readonly Flow[],
): Promise<void> {
  for (let at = 0; at < flows.length; at += LANES * PER_PARTITION) {
    await Promise.all(
      Array.from({ length: LANES }, (_, lane) => {
        const from = at + lane * PER_PARTITION;
        return send(lane, flows.slice(from, from + PER_PARTITION));
      }),
    );
  }
}

async function consumeRaw(client: kafkajs.Kafka, groupId: string, count: number): Promise<void> {
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 200 });
  const codec = codecOf('flow');
  let seen = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: ['bench.weir.flows.rekeyed'], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        async eachBatch(payload) {
          const { batch } = payload;
          // Together, as whoever works on a batch has them.
          const records = batch.messages.map(({ value }) => codec.decode(value!.subarray(prefix.length)));
          const { topic, partition } = batch;
          const last = batch.lastOffset();
          payload.resolveOffset(last);
          await consumer.commitOffsets([{ topic, partition, offset: String(Number(last) + 1) }]);
          await payload.heartbeat();
          if ((seen += records.length) >= count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
}

async function consumeOwn(log: KafkaLog, group: string, count: number): Promise<void> {
  const abort = new AbortController();
  let seen = 0;
  await log.consume(
    {
      group,
      topics: ['enriched'],
      async handle(batch) {
        await batch.commit(batch.entries.at(-1)!.offset + 1);
        if ((seen += batch.entries.length) >= count) abort.abort();
      },
    },
    abort.signal,
  );
}
