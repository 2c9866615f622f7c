import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import {
  topics,
  type Entry,
  type LogBatch,
  type Mark,
  type Topic,
  type TopicRecord,
} from '../../../pipeline/log.ts';
import { noticeOfLoss } from '../../../pipeline/notice.ts';
import { codecOf } from '../../../schema/codec.ts';
import { newLoss, schemas, type Flow, type RecordKind, type RecordTypes } from '../../../schema/records.ts';
import { aFlow, T0 } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { collect, freshLog, openLog } from './support.ts';

const encoded = <K extends RecordKind>(kind: K, record: RecordTypes[K]): string =>
  codecOf(kind).encode(record).toString('base64');

/** Any record of a kind that its schema allows. */
function anyRecord<T extends Topic>(topic: T): TopicRecord<T> {
  const type = avro.Type.forSchema(JSON.parse(schemas[topics[topic].kind]) as avro.Schema, {
    wrapUnions: 'never',
  });
  return (type as unknown as { random(): TopicRecord<T> }).random();
}

for (const version of ['4.1.1', '3.9.2'] as const) {
  test(`kafka ${version}`, { timeout: 110_000 }, async (t) => {
    const service = await kafka(t, { version });
    if (!service) return;
    const { log } = await freshLog(t, service);

    await t.test('append, consume, commit, and go on where it stopped', async () => {
      const lanes = log.partitions('enriched');
      assert.equal(lanes, 4);
      const entries: Entry<Flow>[] = Array.from({ length: 500 }, (_, i) => ({
        partition: i % lanes,
        key: `k${i}`,
        value: aFlow({ position: i, startMs: T0 + i }),
        raw: i % 3,
        clockMs: T0 + i,
        ...(i % 5 === 0 ? { role: 'rule' as const } : {}),
      }));
      await log.append('enriched', entries);
      assert.equal(await log.lag('g', ['enriched']), 500);
      const seen: number[] = [];
      const abort = new AbortController();
      await log.consume(
        {
          group: 'g',
          topics: ['enriched'],
          maxEntries: 50,
          async handle(batch) {
            assert.ok(batch.entries.length <= 50);
            for (const entry of batch.entries) {
              const i = entry.value!.position;
              seen.push(i);
              assert.equal(JSON.stringify(entry.value), JSON.stringify(entries[i]!.value));
              assert.equal(entry.raw, i % 3);
              assert.equal(entry.clockMs, T0 + i);
              assert.equal(entry.role, i % 5 === 0 ? 'rule' : undefined);
              assert.ok(entry.appendMs > T0 && entry.bytes!.length > 10);
            }
            const last = batch.entries.at(-1)!.offset;
            assert.equal(batch.end, 125);
            await batch.commit(last + 1, `m${batch.partition}`);
            if (seen.length === 500) abort.abort();
          },
        },
        abort.signal,
      );
      assert.deepEqual(
        seen.toSorted((a, b) => a - b),
        entries.map((_, i) => i),
      );
      assert.equal(await log.lag('g', ['enriched']), 0);
      const again = new AbortController();
      const cursors: string[] = [];
      await log.consume(
        {
          group: 'g',
          topics: ['enriched'],
          assigned(partitions) {
            cursors.push(...partitions.map((p) => `${p.partition} ${p.offset} ${p.metadata}`));
            again.abort();
            return Promise.resolve();
          },
          handle: () => Promise.reject(new Error('nothing is left')),
        },
        again.signal,
      );
      assert.deepEqual(cursors.toSorted(), ['0 125 m0', '1 125 m1', '2 125 m2', '3 125 m3']);
    });

    await t.test('every kind of record comes back as it was', async () => {
      for (const topic of Object.keys(topics) as Topic[]) {
        if (topic === 'enriched') continue;
        const records = Array.from({ length: 20 }, () => anyRecord(topic));
        await log.append(
          topic,
          records.map((value, i) => ({ partition: 0, key: `k${i}`, value })),
        );
        const read = await collect(
          log,
          { group: `kinds.${topic}`, topics: [topic] },
          (all) => all.length === 20,
        );
        const { kind } = topics[topic];
        assert.deepEqual(
          read.map((entry) => encoded(kind, entry.value!)),
          records.map((record) => encoded(kind, record)),
        );
      }
    });

    await t.test('snapshots in the state topic', async () => {
      const chunks = [1_000_000, 0, 17, 2_500_000].map((bytes, i) => Buffer.alloc(bytes, i + 1));
      const reference = await log.snapshots.write(2, chunks);
      const other = await log.snapshots.write(2, [Buffer.from('another')]);
      assert.ok(Buffer.byteLength(reference) <= 1_000);
      const beganMs = Date.now();
      const back = await log.snapshots.read(2, reference);
      assert.ok(Date.now() - beganMs < 2_000);
      assert.deepEqual(
        back.map((b) => Buffer.from(b).equals(chunks[back.indexOf(b)]!)),
        [true, true, true, true],
      );
      assert.equal(Buffer.from((await log.snapshots.read(2, other))[0]!).toString(), 'another');
      const damaged = JSON.stringify({ ...(JSON.parse(reference) as object), n: 5 });
      await assert.rejects(log.snapshots.read(2, damaged), {
        code: 'state_unusable',
        message: /chunk 4 is missing/,
      });
      await assert.rejects(log.snapshots.read(2, 'lane-2.snapshot'), { code: 'state_unusable' });
    });
  });
}

test('what lies beside records', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t);
  if (!service) return;

  await t.test('marks keep their place, and compacted topics hold none', async (t) => {
    const { log } = await freshLog(t, service);
    const mark: Mark = { input: 'weir.flows-3', of: 4, watermarkMs: T0, final: false };
    await log.append('enriched', [
      { partition: 1, key: null, value: aFlow({ position: 1 }) },
      { partition: 1, key: null, value: null, mark },
      { partition: 1, key: null, value: aFlow({ position: 2 }) },
      { partition: 1, key: null, value: null, mark: { ...mark, final: true }, raw: 3, clockMs: T0 },
    ]);
    const read = await collect(log, { group: 'marks', topics: ['enriched'] }, (all) => all.length === 4);
    assert.deepEqual(
      read.map((e) => [e.value?.position ?? null, e.mark?.final ?? null, e.raw, e.clockMs]),
      [
        [1, null, 0, null],
        [null, false, 0, null],
        [2, null, 0, null],
        [null, true, 3, T0],
      ],
    );
    assert.deepEqual(read[1]!.mark, mark);
    await log.append('inventory', [
      { partition: 0, key: 'a', value: anyRecord('inventory') },
      { partition: 0, key: null, value: null, mark },
      { partition: 0, key: 'a', value: null },
    ]);
    const inventory = await collect(
      log,
      { group: 'marks.i', topics: ['inventory'] },
      (all) => all.length === 2,
    );
    assert.deepEqual(
      inventory.map((e) => [e.value !== null, e.mark, e.error]),
      [
        [true, null, undefined],
        [false, null, undefined],
      ],
    );
  });

  await t.test('notices keep their place among the records', async (t) => {
    const { log } = await freshLog(t, service);
    const loss = newLoss({ id: 'l1', where: 'source.test', sinceMs: T0, untilMs: T0 });
    const notice = noticeOfLoss(loss, 'file:a', T0);
    await log.append('enriched', [
      { partition: 1, key: null, value: aFlow({ position: 1 }) },
      { partition: 1, key: null, value: null, raw: 2, notice },
      { partition: 1, key: null, value: aFlow({ position: 2 }) },
    ]);
    const read = await collect(log, { group: 'notices', topics: ['enriched'] }, (all) => all.length === 3);
    assert.deepEqual(
      read.map((e) => [e.value?.position ?? null, e.notice, e.raw]),
      [
        [1, undefined, 0],
        [null, notice, 2],
        [2, undefined, 0],
      ],
    );
  });

  await t.test('a message that is none of ours is handed over with the reason', async (t) => {
    const { log, options } = await freshLog(t, service);
    await log.append('enriched', [{ partition: 0, key: null, value: aFlow({ position: 1 }) }]);
    const good = codecOf('flow');
    const prefix = Buffer.concat([Buffer.from([0xc3, 0x01]), good.fingerprint]);
    const producer = service.kafka.producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    const poison = ['not avro', Buffer.concat([prefix, Buffer.from([0xff, 0xff])]), prefix, Buffer.alloc(0)];
    await producer.send({
      topic: `${options.prefix}weir.flows.enriched`,
      messages: [
        ...poison.map((value) => ({ partition: 0, value })),
        { partition: 0, value: null, headers: { 'weir-mark': '{"input":7}' } },
      ],
    });
    await log.append('enriched', [{ partition: 0, key: null, value: aFlow({ position: 2 }) }]);
    const read = await collect(log, { group: 'poison', topics: ['enriched'] }, (all) => all.length === 7);
    assert.deepEqual(
      read.map((e) => [e.value?.position ?? null, e.error !== undefined, e.mark]),
      [
        [1, false, null],
        [null, true, null],
        [null, true, null],
        [null, true, null],
        [null, true, null],
        [null, true, null],
        [2, false, null],
      ],
    );
    assert.equal(Buffer.from(read[1]!.bytes!).toString(), 'not avro');
    assert.match(read[1]!.error!, /neither .* nor Confluent framing/);
  });

  await t.test('a record that cannot be encoded stops nothing but itself', async (t) => {
    const { log } = await freshLog(t, service);
    const bad = aFlow({ position: 7 });
    (bad as { startMs: unknown }).startMs = 'yesterday';
    const before = { partition: 0, key: null, value: aFlow({ position: 1 }) };
    await assert.rejects(log.append('enriched', [before, { partition: 0, key: null, value: bad }]), {
      code: 'record_unencodable',
      message: new RegExp(`flow ${bad.id} does not fit its schema`),
    });
    assert.equal(await log.lag('none', ['enriched']), 0);
    const large = aFlow({ position: 8 });
    large.verdictRaw = 'x'.repeat(1_000_000);
    await assert.rejects(log.append('enriched', [{ partition: 0, key: null, value: large }]), {
      code: 'record_unencodable',
      message: /is 1000\d\d\d bytes long, more than kafka.maxBatchBytes \(900000\)/,
    });
    await log.append('enriched', [before]);
    assert.equal(await log.lag('none', ['enriched']), 1);
  });

  await t.test('assigned may start elsewhere; startAt end skips what was there', async (t) => {
    const { log } = await freshLog(t, service);
    const entries = Array.from({ length: 10 }, (_, i) => ({
      partition: 3,
      key: null,
      value: aFlow({ position: i }),
    }));
    await log.append('enriched', entries);
    const abort = new AbortController();
    const read: number[] = [];
    await log.consume(
      {
        group: 'seek',
        topics: ['enriched'],
        assigned: (partitions) => {
          assert.equal(partitions.length, 4);
          assert.ok(partitions.every((p) => p.offset === null && p.metadata === null));
          return Promise.resolve([{ topic: 'enriched', partition: 3, offset: 6 }]);
        },
        handle(batch) {
          read.push(...batch.entries.map((e) => e.value!.position));
          if (read.includes(9)) abort.abort();
          return Promise.resolve();
        },
      },
      abort.signal,
    );
    assert.deepEqual(read, [6, 7, 8, 9]);

    const late = new AbortController();
    const fresh: number[] = [];
    const joined = new Promise<void>((resolve) => {
      void log
        .consume(
          {
            group: 'late',
            topics: ['enriched'],
            startAt: 'end',
            handle(batch) {
              fresh.push(...batch.entries.map((e) => e.value!.position));
              late.abort();
              return Promise.resolve();
            },
          },
          late.signal,
        )
        .then(resolve);
    });
    while ((await log.lag('late', ['enriched'])) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    await log.append('enriched', [{ partition: 3, key: null, value: aFlow({ position: 10 }) }]);
    await joined;
    assert.deepEqual(fresh, [10]);
  });

  await t.test('what was on its way when consume ended can still be committed', async (t) => {
    const { log, options } = await freshLog(t, service);
    await log.append('enriched', [{ partition: 0, key: null, value: aFlow({}) }]);
    const abort = new AbortController();
    const held: LogBatch[] = [];
    const hold = (batch: LogBatch): Promise<void> => {
      held.push(batch);
      abort.abort();
      return Promise.resolve();
    };
    await log.consume({ group: 'linger', topics: ['enriched'], handle: hold }, abort.signal);
    assert.equal(held[0]!.isStale(), false);
    await held[0]!.commit(1);
    assert.equal(await log.lag('linger', ['enriched']), 0);
    await log.stop();
    assert.equal(held[0]!.isStale(), true);
    await assert.rejects(held[0]!.commit(1), { code: 'log_unavailable', message: /was taken away/ });
    const again = await openLog(t, options);
    const next = new AbortController();
    const cursors: (number | null)[] = [];
    await again.consume(
      {
        group: 'linger',
        topics: ['enriched'],
        assigned: (partitions) => {
          cursors.push(...partitions.filter((p) => p.partition === 0).map((p) => p.offset));
          return Promise.resolve(next.abort());
        },
        handle: () => Promise.reject(new Error('nothing is left')),
      },
      next.signal,
    );
    assert.deepEqual(cursors, [1]);
  });

  await t.test(
    'metadata of a cursor is bounded, and a failing handler ends consume with its error',
    async (t) => {
      const { log } = await freshLog(t, service);
      await log.append('enriched', [{ partition: 0, key: null, value: aFlow({}) }]);
      const consumeWith = (handle: Parameters<typeof log.consume<'enriched'>>[0]['handle']): Promise<void> =>
        log.consume({ group: 'bounds', topics: ['enriched'], handle }, new AbortController().signal);
      await assert.rejects(
        consumeWith((batch) => batch.commit(1, 'x'.repeat(4_097))),
        { code: 'state_unusable', message: /is 4097 bytes, at most 4096 are kept/ },
      );
      const own = new TypeError('of ours');
      await assert.rejects(
        consumeWith(() => Promise.reject(own)),
        (error) => error === own,
      );
      await assert.rejects(
        consumeWith(async (batch) => {
          await batch.commit(1, 'y'.repeat(4_096));
          throw own;
        }),
        (error) => error === own,
      );
      assert.equal(await log.lag('bounds', ['enriched']), 0);
    },
  );
});
