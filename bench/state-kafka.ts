import { randomBytes } from 'node:crypto';
import { systemClock } from '../pipeline/clock.ts';
import { noMeter } from '../pipeline/meter.ts';
import { createKafkaLog } from '../transport/kafka/index.ts';
import { options as schema } from '../transport/kafka/options.ts';
import { setupTopics } from '../transport/kafka/setup.ts';
import { kafka } from '../test/services/kafka.ts';
import { isQuick, type BenchRow } from './measure.ts';

const CHUNKS = isQuick ? 50 : 500;
const CHUNK_BYTES = 999_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A state of 500 MB that does not compress, written to a real broker and read back. Empty where there is none. */
export async function overKafka(): Promise<BenchRow[]> {
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (fn: () => void | Promise<void>) => void ends.push(fn), skip: () => {} };
  try {
    const service = await kafka(scope);
    if (!service) return [];
    const options = schema.parse({ brokers: service.brokers, prefix: 'bench.', lanes: 1 });
    await setupTopics(options, silent, { dryRun: false });
    const log = createKafkaLog(options, {
      name: 'bench',
      cluster: 'bench',
      meter: noMeter,
      clock: systemClock,
      log: silent,
    });
    await log.start(new AbortController().signal);
    ends.unshift(() => log.stop());
    const chunks = Array.from({ length: CHUNKS }, () => randomBytes(CHUNK_BYTES));
    const megabytes = (CHUNKS * CHUNK_BYTES) / 1e6;
    const timed = async (name: string, work: () => Promise<unknown>): Promise<BenchRow> => {
      const cpu = process.cpuUsage();
      const began = performance.now();
      await work();
      const seconds = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(cpu);
      return {
        name,
        unit: 'MB',
        perSecond: megabytes / seconds,
        cpuSecondsPerMillion: (user + system) / megabytes,
        note: `${megabytes} MB in ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU`,
      };
    };
    let reference = '';
    return [
      await timed('state: written to Kafka', async () => (reference = await log.snapshots.write(0, chunks))),
      await timed('state: read from Kafka', () => log.snapshots.read(0, reference)),
    ];
  } finally {
    for (const end of ends) await end();
  }
}
