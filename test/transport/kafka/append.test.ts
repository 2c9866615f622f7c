import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message, RecordMetadata } from 'kafkajs';
import { deadLetter, logDeadLetters } from '../../../pipeline/dead-letter.ts';
import type { Entry, Log } from '../../../pipeline/log.ts';
import { codecOf } from '../../../schema/codec.ts';
import type { Flow } from '../../../schema/records.ts';
import { appender, type Appender } from '../../../transport/kafka/append.ts';
import { options as schema } from '../../../transport/kafka/options.ts';
import type { Producer } from '../../../transport/kafka/producer.ts';
import type { SchemaDirectory } from '../../../transport/kafka/schemas.ts';
import { topicSettings } from '../../../transport/kafka/topics.ts';
import { testContext } from '../../helpers/context.ts';
import { aFlow } from '../../helpers/flows.ts';

interface Sent {
  readonly topic: string;
  readonly messages: readonly Message[];
}

/** An appender on a producer that answers as told, and what it was given. */
function withProducer(
  answer: (sent: Sent, call: number) => Promise<RecordMetadata[]> | RecordMetadata[],
  own = {},
) {
  const options = schema.parse({ brokers: ['k:9092'], ...own });
  const calls: Sent[] = [];
  const producer: Producer = {
    connect: () => Promise.resolve(),
    send({ topic, messages }) {
      calls.push({ topic, messages });
      return Promise.resolve(answer({ topic, messages }, calls.length));
    },
    disconnect: () => Promise.resolve(),
  };
  const log: Appender = appender({
    producer,
    options,
    settings: topicSettings(options),
    schemas: () => ({ prefixOf: () => Promise.resolve(Buffer.alloc(10)) }) as unknown as SchemaDirectory,
    codec: codecOf,
    context: testContext({
      clock: { now: () => 0, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    }),
  });
  return { log, calls };
}

const acknowledged = ({ topic, messages }: Sent): RecordMetadata[] => [
  { topicName: topic, partition: messages[0]!.partition!, errorCode: 0, baseOffset: '7' },
];
const entry = (partition: number, position: number): Entry<Flow> => ({
  partition,
  key: null,
  value: aFlow({ position }),
});

describe('append', () => {
  test('what is too large for a request is told and left out; the others are sent', async () => {
    const { log, calls } = withProducer(acknowledged, { maxBatchBytes: 10_000 });
    const refused = { ...entry(0, 1), key: 'x'.repeat(20_000) };
    const told: number[] = [];
    await log.append('enriched', [entry(0, 0), refused, entry(0, 2)], (index, error) => {
      assert.match(error.message, /more than kafka.maxBatchBytes/);
      told.push(index);
    });
    assert.deepEqual(told, [1]);
    assert.equal(calls.flatMap(({ messages }) => messages).length, 2);
    await assert.rejects(log.append('enriched', [refused]), { code: 'record_unencodable' });
  });

  test('a dead letter of a line as long as may be fits, with less of the line', async () => {
    const { log, calls } = withProducer(acknowledged, { maxBatchBytes: 100_000 });
    const payload = 'y'.repeat(1_500_000);
    const failure = {
      component: 'source.x',
      kind: 'line',
      code: 'line_malformed',
      timeMs: 0,
      payload,
    } as const;
    const letter = deadLetter({ ...failure, reason: `not JSON: ${payload}`, origin: 'a', position: 7 });
    const small = deadLetter({ ...failure, payload: 'short', reason: 'not JSON', origin: 'a', position: 8 });
    await logDeadLetters(log as unknown as Log).keep([letter, small]);
    const kept = calls.flatMap(({ messages }) =>
      messages.map(({ value }) => codecOf('dead_letter').decode((value as Buffer).subarray(10))),
    );
    assert.deepEqual(new Set(kept.map(({ position }) => position)), new Set([7, 8]));
    const lengths = kept.map((each) => each.payload.length);
    assert.ok(Math.max(...lengths) > 50_000 && Math.max(...lengths) < 100_000, lengths.join(' '));
  });

  test('one partition per send, in order, one in flight for each', async () => {
    const open = new Map<number, number>();
    const { log, calls } = withProducer(async (sent) => {
      const partition = sent.messages[0]!.partition!;
      assert.ok(sent.messages.every((m) => m.partition === partition));
      open.set(partition, (open.get(partition) ?? 0) + 1);
      assert.equal(open.get(partition), 1);
      await new Promise((resolve) => setImmediate(resolve));
      open.set(partition, 0);
      return acknowledged(sent);
    });
    const appends = Array.from({ length: 30 }, (_, i) =>
      log.append('enriched', [entry(0, i), entry(1, i), entry(0, 100 + i)]),
    );
    await Promise.all(appends);
    const values = calls
      .filter((c) => c.messages[0]!.partition === 0)
      .flatMap((c) => c.messages)
      .map((m) => codecOf('flow').decode((m.value as Buffer).subarray(10)).position);
    // The slabs may have been used again by now, so only the count is certain here.
    assert.equal(values.length, 60);
    assert.ok(calls.length < 60, 'what waited was sent together');
  });

  test('an answer without the partition is no answer: the same is sent again', async () => {
    const bytes: string[] = [];
    const { log, calls } = withProducer((sent, call) => {
      bytes.push(sent.messages.map((m) => (m.value as Buffer).toString('hex')).join());
      if (call === 1) return [];
      if (call === 2) return [{ topicName: sent.topic, partition: 5, errorCode: 0 }];
      return acknowledged(sent);
    });
    await log.append('enriched', [entry(0, 1), entry(0, 2)]);
    assert.equal(calls.length, 3);
    assert.equal(new Set(bytes).size, 1);
  });

  test('a refusal is believed after a few tries, and names what to do', async () => {
    const { log, calls } = withProducer(() =>
      Promise.reject(
        Object.assign(new Error('Not authorized to access topics'), { type: 'TOPIC_AUTHORIZATION_FAILED' }),
      ),
    );
    await assert.rejects(log.append('alerts', [{ partition: 0, key: null, value: null }]), {
      code: 'log_misconfigured',
      message: /^append to weir\.alerts-0: the broker refused: Not authorized .*weir setup kafka/,
    });
    assert.equal(calls.length, 3);
  });

  test('an outage is waited out until stop', async () => {
    const { log, calls } = withProducer(() => Promise.reject(new Error('connection lost')));
    const append = assert.rejects(log.append('enriched', [entry(0, 1)]), { code: 'log_unavailable' });
    while (calls.length < 20) await new Promise((resolve) => setImmediate(resolve));
    await log.stop();
    await append;
    await assert.rejects(log.append('enriched', [entry(0, 1)]), { code: 'log_unavailable' });
  });

  test('a request stays below the bound', async () => {
    const { log, calls } = withProducer(acknowledged, { maxBatchBytes: 10_000 });
    await log.append(
      'enriched',
      Array.from({ length: 200 }, (_, i) => entry(0, i)),
    );
    for (const { messages } of calls) {
      assert.ok(messages.reduce((sum, m) => sum + (m.value as Buffer).length, 0) < 10_000);
    }
    assert.equal(
      calls.reduce((sum, c) => sum + c.messages.length, 0),
      200,
    );
  });
});
