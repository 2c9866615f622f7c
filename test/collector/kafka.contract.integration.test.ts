import { after, before } from 'node:test';
import { create } from '../../collector/inputs/kafka/index.ts';
import { options } from '../../collector/inputs/kafka/options.ts';
import { sourceContract } from '../contracts/sourceContract.ts';
import { testContext } from '../helpers/context.ts';
import { kafka, type KafkaService } from '../services/kafka.ts';

/** One broker for all tests of the file; null when there is none. */
let service: KafkaService | null = null;
let missing = 'Kafka was not started';
const cleanUps: (() => void | Promise<void>)[] = [];
let topics = 0;

before(async () => {
  service = await kafka({
    after: (fn) => void cleanUps.push(fn),
    skip: (reason) => (missing = reason ?? missing),
  });
});
after(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

sourceContract({
  name: 'kafka',
  lines: Array.from({ length: 1500 }, (_, i) => `line ${i} ${'x'.repeat(i % 90)}`),
  async holding(t, lines) {
    if (!service) {
      t.skip(missing);
      return null;
    }
    const { brokers, admin } = service;
    const topic = `contract-${process.pid}-${topics++}`;
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const producer = service.kafka.producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    await producer.send({ topic, messages: lines.map((value) => ({ partition: 0, value })) });
    return {
      open: () =>
        create(options.parse({ topic, brokers }), { ...testContext({ name: topic }), follow: false }),
    };
  },
});
