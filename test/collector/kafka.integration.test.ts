import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { create } from '../../collector/inputs/kafka/index.ts';
import { options } from '../../collector/inputs/kafka/options.ts';
import type { LineBatch, OriginCursor } from '../../pipeline/contracts.ts';
import { testContext } from '../helpers/context.ts';
import { kafka } from '../services/kafka.ts';

const texts = (batches: readonly LineBatch[]): string[] =>
  batches.flatMap((batch) => batch.lines.map((line) => line.text));

test('lines of a topic', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const { brokers } = service;
  const producer = service.kafka.producer();
  await producer.connect();
  t.after(() => producer.disconnect());
  const send = (topic: string, partition: number, values: readonly (string | null)[]) =>
    producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
  const numbered = (from: number, to: number, prefix = 'line'): string[] =>
    Array.from({ length: to - from }, (_, i) => `${prefix} ${from + i}`);
  const once = async (
    topic: string,
    more: object = {},
    from: (origin: string) => OriginCursor | undefined = () => undefined,
  ): Promise<LineBatch[]> => {
    const input = create(options.parse({ topic, brokers, ...more }), {
      ...testContext({ name: 'once' }),
      follow: false,
    });
    const batches: LineBatch[] = [];
    for await (const batch of input.read(from, new AbortController().signal)) batches.push(batch);
    return batches;
  };

  /** Reads on in the background; every batch that is asked for after is settled, as the collector does it. */
  function following(t: TestContext, topic: string, cursors: Map<string, OriginCursor>, more: object = {}) {
    const abort = new AbortController();
    const batches: LineBatch[] = [];
    const input = create(options.parse({ topic, brokers, sessionTimeoutMs: 6000, ...more }), {
      ...testContext({ name: topic }),
      follow: true,
    });
    const done = (async () => {
      for await (const batch of input.read((origin) => cursors.get(origin), abort.signal)) {
        batches.push(batch);
        cursors.set(batch.origin, { position: batch.next });
      }
    })();
    const stop = async (): Promise<void> => {
      abort.abort();
      await done;
    };
    // With the subtest, while the broker is there to be told.
    t.after(stop);
    return {
      batches,
      stop,
      async until(holds: () => boolean): Promise<void> {
        const deadline = Date.now() + 40_000;
        while (!holds() && Date.now() < deadline)
          await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 50))]);
        assert.ok(holds(), `not reached with ${texts(batches).length} lines`);
      },
    };
  }

  await t.test('once: every partition to its end, in order, from any cursor', async () => {
    await service.admin.createTopics({ topics: [{ topic: 'plain', numPartitions: 3 }] });
    await send('plain', 0, [...numbered(0, 500), null, '']);
    await send('plain', 1, numbered(500, 600));
    const batches = await once('plain');
    assert.deepEqual(texts(batches).sort(), numbered(0, 600).sort());
    assert.deepEqual(
      batches
        .filter((batch) => batch.final)
        .map((batch) => `${batch.origin} ${batch.next}`)
        .sort((a, b) => a.localeCompare(b)),
      ['plain-0 502', 'plain-1 100', 'plain-2 0'],
    );
    const rest = await once('plain', {}, (origin) =>
      origin === 'plain-0' ? { position: 450 } : origin === 'plain-1' ? { position: 99 } : undefined,
    );
    assert.deepEqual(texts(rest).sort(), [...numbered(450, 500), 'line 599'].sort());
  });

  await t.test('the log forwarder’s JSON gives node, cluster and time', async () => {
    await service.admin.createTopics({ topics: [{ topic: 'audit', numPartitions: 1 }] });
    await send('audit', 0, [
      '{"message":"a","hostname":"n","openshift":{"cluster_id":"c"},"@timestamp":"2024-06-10T16:28:38.293Z"}',
      'no json',
    ]);
    const batches = await once('audit', { wrapper: 'openshift-logging' });
    assert.deepEqual(
      batches.flatMap((batch) => batch.lines),
      [{ position: 0, text: 'a', timeMs: Date.parse('2024-06-10T16:28:38.293Z'), node: 'n', cluster: 'c' }],
    );
    assert.deepEqual(
      batches.flatMap((batch) => batch.rejects).map(({ position, code }) => [position, code]),
      [[1, 'line_malformed']],
    );
  });

  await t.test('followed: begun at the end, gone on from the cursor, shared by the group', async (t) => {
    await service.admin.createTopics({ topics: [{ topic: 'live', numPartitions: 4 }] });
    await send('live', 0, numbered(0, 10, 'old'));
    const mine = new Map<string, OriginCursor>();
    const first = following(t, 'live', mine);
    await first.until(() => mine.size === 4);
    await send('live', 0, numbered(0, 20));
    await send('live', 3, numbered(20, 30));
    await first.until(() => texts(first.batches).length >= 30);
    assert.deepEqual(
      texts(first.batches).filter((text) => text.startsWith('old')),
      [],
    );
    const other = new Map<string, OriginCursor>();
    const second = following(t, 'live', other);
    await second.until(() => other.size > 0);
    for (const partition of [0, 1, 2, 3])
      await send('live', partition, numbered(100 + partition * 10, 110 + partition * 10));
    const all = (): Set<string> => new Set([...texts(first.batches), ...texts(second.batches)]);
    await second.until(() => all().size === 70);
    assert.equal(all().size, 70);
    await first.stop();
    await send('live', 0, numbered(900, 910));
    await second.until(
      () => texts(second.batches).filter((text) => text.startsWith('line 90')).length === 10,
    );
    assert.deepEqual(
      [...all()].filter((text) => text.startsWith('old')),
      [],
    );
  });

  await t.test('what retention deleted before it was read is a loss', async () => {
    await service.admin.createTopics({ topics: [{ topic: 'short', numPartitions: 1 }] });
    await send('short', 0, numbered(0, 10));
    // The client learns of the topic by asking for it, and deletes nothing of what it does not know.
    await service.admin.fetchTopicOffsets('short');
    await service.admin.deleteTopicRecords({ topic: 'short', partitions: [{ partition: 0, offset: '6' }] });
    const batches = await once('short', {}, () => ({ position: 2 }));
    assert.deepEqual(texts(batches), numbered(6, 10));
    const [loss] = batches.flatMap((batch) => batch.losses);
    assert.deepEqual([loss?.why, loss?.fromPosition, loss?.toPosition, loss?.count], ['retention', 2, 5, 4]);
  });

  await t.test('a topic or broker that is not there is said', async () => {
    const broken = (more: object) =>
      create(options.parse({ topic: 'nowhere', brokers, ...more }), { ...testContext(), follow: true });
    await assert.rejects(broken({}).start!(new AbortController().signal), {
      code: 'origin_unreadable',
      message: /topic nowhere at /,
    });
  });
});
