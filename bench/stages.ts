import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { pairPlace } from '../cli/wire/place.ts';
import { create as createFileInput } from '../collector/inputs/file/index.ts';
import { options as fileInput } from '../collector/inputs/file/options.ts';
import { createEnricher } from '../enricher/index.ts';
import { options as enricherOptions } from '../enricher/options.ts';
import { systemClock } from '../pipeline/clock.ts';
import { collect } from '../pipeline/collect.ts';
import { memoryCursors } from '../pipeline/cursors.ts';
import { createCounters } from '../pipeline/counters.ts';
import { logDeadLetters } from '../pipeline/dead-letter.ts';
import { deliver } from '../pipeline/deliver.ts';
import { enrich } from '../pipeline/enrich.ts';
import type { Log } from '../pipeline/log.ts';
import { codecOf } from '../schema/codec.ts';
import type { Flow } from '../schema/records.ts';
import { create as createFileSink } from '../sinks/file/index.ts';
import { options as fileSink } from '../sinks/file/options.ts';
import { toJson } from '../sinks/records/json.ts';
import { lineBuffer } from '../sinks/records/line-buffer.ts';
import { createMeter } from '../telemetry/meter.ts';
import { kafka, type KafkaService } from '../test/services/kafka.ts';
import { createKafkaLog, type KafkaLog } from '../transport/kafka/index.ts';
import { options as schema } from '../transport/kafka/options.ts';
import { setupTopics } from '../transport/kafka/setup.ts';
import { createDecoderOf } from './decoder-of.ts';
import { writeLines } from './lines.ts';
import { isQuick, measureTogether, type BenchRow, type Work } from './measure.ts';

const LINES = isQuick ? 30_000 : 60_000;
const LANES = 4;
const LINES_A_SEND = 500;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const forever = new AbortController().signal;

/**
 * The stages over Kafka as their roles run them, against a real broker: a file of NetObserv lines to `weir.flows`,
 * from there to both copies, and out as Avro and as JSON. Beside them what kafkajs alone does with the same lines,
 * as JSON and without checking, keeping order or a cursor. Empty where there is no broker to be had.
 */
export async function bench(): Promise<BenchRow[]> {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ends.push(fn), skip: () => {} };
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-stages-'));
  try {
    const service = await kafka(scope);
    return service ? await rows(service, dir, (end) => ends.unshift(end)) : [];
  } finally {
    for (const end of ends) await end();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function rows(
  service: KafkaService,
  dir: string,
  after: (end: () => Promise<void>) => void,
): Promise<BenchRow[]> {
  const options = schema.parse({ brokers: service.brokers, prefix: 'bench.', lanes: LANES });
  await setupTopics(options, silent, { dryRun: false });
  await service.admin.createTopics({
    topics: [{ topic: 'bench.lines', numPartitions: LANES }],
    waitForLeaders: false,
  });
  const meter = createMeter();
  const context = { name: 'bench', cluster: 'bench', meter, clock: systemClock, log: silent };
  const log = createKafkaLog(options, context);
  await log.start(forever);
  after(() => log.stop());
  const producer = service.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  after(() => producer.disconnect());
  const path = join(dir, 'netobserv.jsonl');
  writeLines(path, 'netobserv', LINES);
  const enricher = await createEnricher(
    enricherOptions.parse({ networks: { internal: ['10.0.0.0/8'] } }),
    context,
  );
  await enricher.start(forever);
  after(() => enricher.stop());
  const letters = logDeadLetters(log);
  const decode = await createDecoderOf('netobserv');
  const place = pairPlace(log.partitions('flows'));

  const collected = (): Promise<void> =>
    collect(
      {
        source: 'bench',
        input: createFileInput(fileInput.parse({ path, startAt: 'beginning' }), {
          ...context,
          follow: false,
        }),
        decoder: () => decode,
        timing: { disorderMs: 0, deliveryMs: 0 },
        node: 'worker-1',
        cursors: memoryCursors(),
        stage: null,
        log,
        topic: 'flows',
        place,
        follow: false,
        marksOf: 0,
        heartbeatMs: 10_000,
        letters,
        counters: createCounters(meter, 'source', 'bench'),
      },
      context,
      forever,
    );

  const enriched = (): Promise<void> =>
    until((count, signal) =>
      enrich(
        {
          stage: enricher,
          log: counting(log, count),
          letters,
          counters: createCounters(meter, 'enricher', 'enricher'),
        },
        context,
        signal,
      ),
    );

  /** From `weir.flows`, enriched, to a file: `write` says as what. */
  const out = (name: string, write: (file: number, flows: readonly Flow[]) => void) => async () => {
    const file = openSync(join(dir, name), 'w');
    await until((count, signal) =>
      counting(log, count).consume(
        {
          group: `bench.${name}`,
          topics: ['flows'],
          async handle(batch) {
            const flows = batch.entries.flatMap(({ value }) => value ?? []);
            await enricher.apply(flows, signal);
            write(file, flows);
            await batch.commit(batch.entries.at(-1)!.offset + 1);
          },
        },
        signal,
      ),
    );
    closeSync(file);
  };
  const avro = codecOf('flow');
  const buffer = Buffer.allocUnsafe(4 << 20);
  const text = lineBuffer();
  const asAvro = out('flows.avro', (file, flows) => {
    let end = 0;
    for (const flow of flows) end = avro.encodeInto(buffer, end, flow);
    writeSync(file, buffer, 0, end);
  });
  const asJson = out('flows.jsonl', (file, flows) => {
    text.clear();
    for (const flow of flows) text.add(`${toJson('flow', flow)}\n`);
    writeSync(file, text.bytes());
  });
  const delivered = async (): Promise<void> => {
    const sink = createFileSink(fileSink.parse({ path: join(dir, 'sink.jsonl') }), context);
    await sink.start?.(forever);
    await until((count, signal) =>
      deliver(
        {
          sink,
          log: counting(log, count),
          group: 'bench.sink',
          topics: ['enriched'],
          view: (_kind, record) => record,
          letters,
          counters: createCounters(meter, 'sink', 'bench'),
        },
        context,
        { drain: signal, kill: forever },
      ),
    );
    await sink.stop?.(forever);
  };

  const sending = 'stages: JSON lines parsed, sent by kafkajs (floor)';
  const reading = 'stages: JSON read by kafkajs, parsed, written as JSON (floor)';
  const work: Work[] = [
    { name: sending, run: () => sendLines(producer, path) },
    { name: 'stages: NetObserv file to weir.flows, one copy', floor: sending, run: collected },
    { name: 'stages: weir.flows to enriched and rekeyed', floor: sending, run: enriched },
    { name: reading, run: () => readLines(service.kafka, join(dir, 'floor.jsonl')) },
    { name: 'stages: weir.flows, enriched, written as Avro', floor: reading, run: asAvro },
    { name: 'stages: weir.flows, enriched, written as JSON', floor: reading, run: asJson },
    { name: 'stages: weir.flows.enriched to the file sink', floor: reading, run: delivered },
  ];
  return measureTogether(work, 'flows', LINES);
}

/** Runs until as many flows were handed out as there are lines, and all of them are done with. */
async function until(
  run: (count: (entries: number) => void, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  let seen = 0;
  await run((entries) => {
    if ((seen += entries) >= LINES) abort.abort();
  }, abort.signal);
}

/** The same log, that tells how many flows were handled. */
const counting = (log: KafkaLog, count: (entries: number) => void): Log => ({
  ...log,
  consume: (wanted, signal) =>
    log.consume(
      {
        ...wanted,
        async handle(batch) {
          await wanted.handle(batch);
          let flows = 0;
          for (const { value } of batch.entries) if (value !== null) flows++;
          count(flows);
        },
      },
      signal,
    ),
});

async function sendLines(producer: kafkajs.Producer, path: string): Promise<void> {
  const lines = readFileSync(path, 'latin1').split('\n').slice(0, LINES);
  const send = async (partition: number, some: readonly string[]): Promise<void> => {
    if (some.length === 0) return;
    const messages = some.map((line) => {
      const { SrcAddr, DstAddr } = JSON.parse(line) as { SrcAddr: string; DstAddr: string };
      return { partition, key: `${SrcAddr} ${DstAddr}`, value: line };
    });
    const compression = kafkajs.CompressionTypes.GZIP;
    await producer.send({ topic: 'bench.lines', acks: -1, compression, messages });
  };
  for (let at = 0; at < LINES; at += LANES * LINES_A_SEND) {
    const sends = Array.from({ length: LANES }, (_, partition) => {
      const from = at + partition * LINES_A_SEND;
      return send(partition, lines.slice(from, from + LINES_A_SEND));
    });
    await Promise.all(sends);
  }
}

async function readLines(client: kafkajs.Kafka, path: string): Promise<void> {
  const file = openSync(path, 'w');
  const consumer = client.consumer({ groupId: 'bench.floor', maxWaitTimeInMs: 200 });
  let seen = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: ['bench.lines'], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        async eachBatch(payload) {
          const { batch } = payload;
          let text = '';
          for (const { value } of batch.messages)
            text += `${JSON.stringify(JSON.parse(value!.toString()))}\n`;
          writeSync(file, text);
          const { topic, partition } = batch;
          const last = batch.lastOffset();
          payload.resolveOffset(last);
          await consumer.commitOffsets([{ topic, partition, offset: String(Number(last) + 1) }]);
          await payload.heartbeat();
          if ((seen += batch.messages.length) >= LINES) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  closeSync(file);
}
