import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Entry, Log, LogBatch, LogEntry } from '../../../pipeline/log.ts';
import { schemas, type Flow } from '../../../schema/records.ts';
import avro from 'avsc';
import { codecOf } from '../../../schema/codec.ts';
import { encodeFrame } from '../../../transport/local/frame.ts';
import { openSegments } from '../../../transport/local/segments.ts';
import { createLocalLog, type LocalLogOptions } from '../../../transport/local/index.ts';
import { testContext } from '../../helpers/context.ts';
import { temporaryDirectory } from '../../helpers/directory.ts';
import { aFlow } from '../../helpers/flows.ts';

const forever = new AbortController().signal;

const entriesOf = (from: number, count: number): Entry<Flow>[] =>
  Array.from({ length: count }, (_, i) => ({
    partition: 0,
    key: null,
    value: aFlow({ position: from + i }),
  }));

async function open(t: TestContext, options: Partial<LocalLogOptions>): Promise<Log> {
  const log = createLocalLog(
    { directory: null, readers: { a: ['enriched'] }, maxBytes: 1e9, onFull: 'block', ...options },
    testContext(),
  );
  await log.start(forever);
  t.after(() => log.stop());
  return log;
}

/** Reads until `count` records were seen, committing after each batch when asked to. */
async function readSome(
  log: Log,
  group: string,
  count: number,
  options: { commit: boolean; maxEntries?: number } = { commit: false },
): Promise<LogEntry<Flow>[]> {
  const seen: LogEntry<Flow>[] = [];
  const stop = new AbortController();
  await log.consume(
    {
      group,
      topics: ['enriched'],
      ...(options.maxEntries ? { maxEntries: options.maxEntries } : {}),
      handle(batch: LogBatch<'enriched'>) {
        seen.push(...batch.entries);
        if (options.commit) void batch.commit(batch.entries.at(-1)!.offset + 1);
        if (seen.length >= count) stop.abort();
        return Promise.resolve();
      },
    },
    stop.signal,
  );
  return seen;
}

test('what was appended is read in order, from memory and from disk', async (t) => {
  const directory = temporaryDirectory(t);
  for (const where of [null, directory]) {
    const log = await open(t, { directory: where, readers: { a: ['enriched'], b: ['enriched'] } });
    await log.append('enriched', entriesOf(0, 10));
    await log.append('enriched', entriesOf(10, 5));
    for (const group of ['a', 'b']) {
      const seen = await readSome(log, group, 15);
      assert.deepEqual(
        seen.map((entry) => entry.value!.position),
        Array.from({ length: 15 }, (_, i) => i),
      );
      assert.deepEqual(
        seen.map((entry) => entry.offset),
        Array.from({ length: 15 }, (_, i) => i),
      );
    }
    await log.stop();
  }
});

test('after a restart a reader goes on at its cursor, and reads whole records back from disk', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await open(t, { directory });
  await first.append('enriched', entriesOf(0, 100));
  await readSome(first, 'a', 40, { commit: true, maxEntries: 40 });
  await first.stop();
  const second = await open(t, { directory });
  const seen = await readSome(second, 'a', 60);
  assert.equal(seen[0]!.value!.position, 40);
  assert.equal(seen.length, 60);
  assert.deepEqual({ ...seen[0]!.value!.source }, { ...aFlow({ position: 40 }).source });
  assert.ok(seen[0]!.bytes!.length > 50);
});

test('a frame that a crash left half written is cut off; what was acknowledged stays', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await open(t, { directory });
  await first.append('enriched', entriesOf(0, 20));
  await first.stop();
  const segment = join(
    directory,
    'weir.flows.enriched',
    readdirSync(join(directory, 'weir.flows.enriched'))[0]!,
  );
  const whole = statSync(segment).size;
  appendFileSync(segment, readFileSync(segment).subarray(0, whole - 7));
  const second = await open(t, { directory });
  assert.equal(statSync(segment).size, whole);
  await second.append('enriched', entriesOf(20, 5));
  const seen = await readSome(second, 'a', 25);
  assert.deepEqual(seen.map((entry) => entry.value!.position).slice(18, 22), [18, 19, 20, 21]);
});

test('a flipped bit ends the segment there and is told', async (t) => {
  const directory = temporaryDirectory(t);
  const first = await open(t, { directory });
  await first.append('enriched', entriesOf(0, 3));
  await first.append('enriched', entriesOf(3, 3));
  await first.stop();
  const segment = join(
    directory,
    'weir.flows.enriched',
    readdirSync(join(directory, 'weir.flows.enriched'))[0]!,
  );
  const content = readFileSync(segment);
  content[content.length - 3]! ^= 1;
  writeFileSync(segment, content);
  const second = await open(t, { directory });
  assert.equal((await readSome(second, 'a', 3)).length, 3);
});

test('a reader that stands still holds nobody up and loses nothing', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await open(t, {
    directory,
    readers: { quick: ['enriched'], dead: ['enriched'] },
    tailEntries: 50,
    segmentBytes: 20_000,
  });
  const stop = new AbortController();
  let quick = 0;
  const reading = log.consume(
    {
      group: 'quick',
      topics: ['enriched'],
      async handle(batch) {
        quick += batch.entries.length;
        await batch.commit(batch.entries.at(-1)!.offset + 1);
        if (quick === 500) stop.abort();
      },
    },
    stop.signal,
  );
  for (let at = 0; at < 500; at += 25) await log.append('enriched', entriesOf(at, 25));
  await reading;
  assert.equal(quick, 500);
  assert.equal(await log.lag('dead', ['enriched']), 500);
  assert.equal((await readSome(log, 'dead', 500)).length, 500);
});

test('segments that every reader has committed are deleted', async (t) => {
  const directory = temporaryDirectory(t);
  const log = await open(t, { directory, segmentBytes: 5000, maxBytes: 20_000 });
  for (let at = 0; at < 1000; at += 20) {
    await log.append('enriched', entriesOf(at, 20));
    await readSome(log, 'a', 20, { commit: true });
  }
  const files = readdirSync(join(directory, 'weir.flows.enriched'));
  assert.ok(files.length < 8, `${files.length} segments are left`);
});

test('a full disk share leaves the slowest reader behind and says how much it missed', async (t) => {
  const directory = temporaryDirectory(t);
  const dropped: number[] = [];
  const log = await open(t, {
    directory,
    segmentBytes: 5000,
    maxBytes: 20_000,
    onFull: 'dropOldest',
    tailEntries: 10_000,
    dropped: ({ count }) => dropped.push(count),
  });
  for (let at = 0; at < 1000; at += 20) await log.append('enriched', entriesOf(at, 20));
  const missed = dropped.reduce((a, b) => a + b, 0);
  assert.ok(missed > 0);
  const seen = await readSome(log, 'a', 1000 - missed);
  assert.equal(seen[0]!.value!.position, missed);
});

test('in memory alone an append waits for the slowest reader', async (t) => {
  const log = await open(t, { tailEntries: 10 });
  await log.append('enriched', entriesOf(0, 10));
  let appended = false;
  const waiting = log.append('enriched', entriesOf(10, 1)).then(() => (appended = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(appended, false);
  await readSome(log, 'a', 10);
  await waiting;
  assert.equal(appended, true);
});

test('a record that does not fit its schema is named and nothing is stored', async (t) => {
  const log = await open(t, { directory: temporaryDirectory(t) });
  const bad = aFlow();
  bad.startMs = Number.NaN;
  await assert.rejects(
    log.append('enriched', [{ partition: 0, key: null, value: bad }]),
    /record_unencodable|does not fit its schema/,
  );
  await log.append('enriched', entriesOf(0, 1));
  assert.equal((await readSome(log, 'a', 1)).length, 1);
});

test('what an older version left in the log is read with its schema, and goes on in a segment of its own', async (t) => {
  const directory = temporaryDirectory(t);
  const before = await open(t, { directory });
  await before.append('enriched', entriesOf(0, 3));
  await before.stop();
  // The older version: flows had no `inventoryStale`, its last field.
  const older = JSON.parse(schemas.flow) as { fields: { name: string }[] };
  older.fields.pop();
  const type = avro.Type.forSchema(older as unknown as avro.Schema, { wrapUnions: 'never' });
  const topic = join(directory, 'weir.flows.enriched');
  const segments = await openSegments({ directory: topic, schema: 'a1', segmentBytes: 1e6, damaged() {} });
  writeFileSync(join(topic, 'schema-a1.avsc'), JSON.stringify(older));
  const codec = codecOf('flow');
  const frame = encodeFrame(
    { ...codec, encodeInto: (buffer, offset, flow) => offset + type.toBuffer(flow).copy(buffer, offset) },
    entriesOf(3, 2),
    { firstOffset: 3, appendMs: 1 },
  );
  await segments.append([frame.bytes]);
  await segments.close();

  const log = await open(t, { directory });
  await log.append('enriched', entriesOf(5, 1));
  const seen = await readSome(log, 'a', 6);
  assert.equal(
    JSON.stringify(seen.map(({ value }) => codec.decode(codec.encode(value!)))),
    JSON.stringify(entriesOf(0, 6).map(({ value }) => codec.decode(codec.encode(value!)))),
  );
  assert.deepEqual(
    seen.map(({ bytes }) => bytes === null),
    [false, false, false, true, true, false],
    'bytes of another schema are given to nobody',
  );
});

test('segments whose schema is gone are refused by name', async (t) => {
  const directory = temporaryDirectory(t);
  const topic = join(directory, 'weir.flows.enriched');
  const segments = await openSegments({ directory: topic, schema: 'b2', segmentBytes: 1e6, damaged() {} });
  const frame = encodeFrame(codecOf('flow'), entriesOf(0, 1), { firstOffset: 0, appendMs: 1 });
  await segments.append([frame.bytes]);
  await segments.close();
  const log = await open(t, { directory });
  await assert.rejects(readSome(log, 'a', 1), /schema-b2\.avsc: segments of this schema cannot be read/);
});
