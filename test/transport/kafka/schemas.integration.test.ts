import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import avro from 'avsc';
import { codecOf, type Codec } from '../../../schema/codec.ts';
import { fingerprint64 } from '../../../schema/fingerprint.ts';
import { newLoss, schemas, type Loss, type RecordKind } from '../../../schema/records.ts';
import type { CodecOf } from '../../../transport/kafka/schemas.ts';
import { kafka } from '../../services/kafka.ts';
import { until } from '../../services/process.ts';
import { collect, freshLog, openLog } from './support.ts';

interface Field {
  readonly name: string;
  readonly type: unknown;
  readonly default?: unknown;
}

/** The schema of losses as a later version might have it: a field more, and a reason nobody knew. */
function laterSchema(field: string): string {
  const schema = JSON.parse(schemas.loss) as { fields: Field[] };
  const why = schema.fields.find((f) => f.name === 'why')!;
  const reasons = why.type as { symbols: string[] };
  reasons.symbols.push('solar_flare');
  schema.fields.push({ name: field, type: ['null', 'string'], default: null });
  return JSON.stringify(schema);
}

/** Codecs of a version of Weir whose losses have that schema. */
function versionWith(text: string): CodecOf {
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema, { wrapUnions: 'never' });
  const own = {
    kind: 'loss',
    schema: text,
    fingerprint: fingerprint64(JSON.stringify(type.schema())),
    encode: (record: Loss) => type.toBuffer(record),
    encodeInto: (buffer: Buffer, offset: number, record: Loss) =>
      (type as unknown as { encode(value: unknown, buffer: Buffer, at: number): number }).encode(
        record,
        buffer,
        offset,
      ),
    decode: (bytes: Buffer) => type.fromBuffer(bytes) as Loss,
    decoderFor(writer: string) {
      const resolver = type.createResolver(
        avro.Type.forSchema(JSON.parse(writer) as avro.Schema, { wrapUnions: 'never' }),
      );
      return (bytes: Buffer) => type.fromBuffer(bytes, resolver) as Loss;
    },
  };
  return <K extends RecordKind>(kind: K) => (kind === 'loss' ? own : codecOf(kind)) as unknown as Codec<K>;
}

const lossOf = (id: string, more: object = {}): Loss =>
  Object.assign(newLoss({ id, where: 'here', sinceMs: 1, untilMs: 2 }), more);

test('schemas over Kafka', { timeout: 110_000 }, async (t) => {
  const service = await kafka(t);
  if (!service) return;

  await t.test(
    'a rolling upgrade without a registry: old and new read each other, nothing is lost',
    async (t) => {
      const { log: old, options } = await freshLog(t, service);
      const later = await openLog(t, options, { codec: versionWith(laterSchema('orbit')) });
      const put = (log: typeof old, id: string, more: object = {}): Promise<void> =>
        log.append('losses', [{ partition: 0, key: null, value: lossOf(id, more) }]);
      await put(old, 'a', { why: 'sequence_gap' });
      await put(later, 'b', { why: 'solar_flare', orbit: 'low' });
      await put(old, 'c', { why: 'late' });
      await put(later, 'd', { why: 'sequence_gap', orbit: 'high' });
      const [byOld, byNew] = await Promise.all(
        [old, later].map((log, i) =>
          collect(log, { group: `upgrade${i}`, topics: ['losses'] }, (all) => all.length === 4),
        ),
      );
      const told = (entries: typeof byOld): unknown[] =>
        entries!.map(({ value }) => [value!.id, value!.why, (value as { orbit?: string | null }).orbit]);
      assert.deepEqual(told(byOld), [
        ['a', 'sequence_gap', undefined],
        ['b', 'other', undefined],
        ['c', 'late', undefined],
        ['d', 'sequence_gap', undefined],
      ]);
      assert.deepEqual(told(byNew), [
        ['a', 'sequence_gap', null],
        ['b', 'solar_flare', 'low'],
        ['c', 'late', null],
        ['d', 'sequence_gap', 'high'],
      ]);
    },
  );

  await t.test('a record whose schema nobody published waits, and what follows it too', async (t) => {
    const { log, options } = await freshLog(t, service);
    const codec = versionWith(laterSchema('moon'))('loss');
    const prefix = Buffer.concat([Buffer.from([0xc3, 0x01]), codec.fingerprint]);
    const producer = service.kafka.producer();
    await producer.connect();
    t.after(() => producer.disconnect());
    await log.append('losses', [{ partition: 0, key: null, value: lossOf('before') }]);
    const value = Buffer.concat([prefix, codec.encode(lossOf('strange'))]);
    await producer.send({ topic: `${options.prefix}weir.losses`, messages: [{ partition: 0, value }] });
    await log.append('losses', [{ partition: 0, key: null, value: lossOf('after') }]);
    const read: string[] = [];
    const abort = new AbortController();
    const done = log.consume(
      {
        group: 'waits',
        topics: ['losses'],
        async handle(batch) {
          for (const { value } of batch.entries) read.push(value!.id);
          await batch.commit(batch.entries.at(-1)!.offset + 1);
          if (read.length === 3) abort.abort();
        },
      },
      abort.signal,
    );
    await until('the first record', () => read.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.deepEqual(read, ['before']);
    assert.equal(await log.lag('waits', ['losses']), 2);
    const key = codec.fingerprint.toString('hex');
    await producer.send({
      topic: `${options.prefix}weir.schemas`,
      messages: [{ partition: 0, key, value: codec.schema }],
    });
    await done;
    assert.deepEqual(read, ['before', 'strange', 'after']);
  });

  await t.test('Confluent framing, with the schemas of a registry', async (t) => {
    const stored = new Map<number, string>();
    const asked: string[] = [];
    const registry = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.method === 'POST') {
          const { schema } = JSON.parse(Buffer.concat(chunks).toString()) as { schema: string };
          const known = [...stored].find(([, text]) => text === schema)?.[0];
          const id = known ?? stored.size + 41;
          stored.set(id, schema);
          return response.end(JSON.stringify({ id }));
        }
        const schema = stored.get(Number(request.url!.split('/').at(-1)));
        if (schema === undefined) response.statusCode = 404;
        return response.end(JSON.stringify(schema === undefined ? { error_code: 40_403 } : { schema }));
      });
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    t.after(() => new Promise((resolve) => registry.close(resolve)));
    const schemaRegistry = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
    const { log, options } = await freshLog(t, service, { schemaRegistry });
    const later = await openLog(t, options, { codec: versionWith(laterSchema('orbit')) });
    const plain = await openLog(t, { ...options, schemaRegistry: undefined });
    await log.append('losses', [{ partition: 0, key: null, value: lossOf('a') }]);
    await later.append('losses', [{ partition: 0, key: null, value: lossOf('b', { why: 'solar_flare' }) }]);
    await plain.append('losses', [{ partition: 0, key: null, value: lossOf('c') }]);
    const read = await collect(log, { group: 'registry', topics: ['losses'] }, (all) => all.length === 3);
    assert.deepEqual(
      read.map((e) => [e.value!.id, e.value!.why, e.bytes![0]]),
      [
        ['a', 'other', 0],
        ['b', 'other', 0],
        ['c', 'other', 0xc3],
      ],
    );
    assert.equal(Buffer.from(read[0]!.bytes!).readUInt32BE(1), 41);
    const subject = `/subjects/${encodeURIComponent(`${options.prefix}weir.losses-value`)}/versions`;
    assert.equal(asked.filter((line) => line === `POST ${subject}`).length, 2);
  });
});
