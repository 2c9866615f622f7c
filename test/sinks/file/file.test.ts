import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/file/index.ts';
import { options as schema } from '../../../sinks/file/options.ts';
import { fromJson } from '../../../sinks/records/json.ts';
import { sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { temporaryDirectory } from '../../helpers/directory.ts';

const never = new AbortController().signal;
const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

/** Every line of the file and of what it was rotated into, oldest first. */
function allLines(dir: string): string[] {
  const rotated = readdirSync(dir)
    .filter((name) => name.startsWith('out.jsonl.'))
    .sort();
  const texts = rotated.map((name) => {
    const bytes = readFileSync(join(dir, name));
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  });
  const live = join(dir, 'out.jsonl');
  return [...texts, existsSync(live) ? readFileSync(live, 'utf8') : ''].flatMap(linesOf);
}

sinkContract({
  name: 'file',
  deduplicates: false,
  create(t, context) {
    const dir = temporaryDirectory(t);
    const sink = create(schema.parse({ path: join(dir, 'sub', 'out.jsonl') }), context);
    return Promise.resolve({
      sink,
      delivered: () =>
        Promise.resolve(
          existsSync(join(dir, 'sub'))
            ? allLines(join(dir, 'sub')).map((line) => fromJson('flow', line).id)
            : [],
        ),
    });
  },
});

test('file: rotates by size, compresses, keeps the newest and loses no line', async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'out.jsonl');
  const clock = manualClock();
  const sink = create(schema.parse({ path, maxBytes: 20_000, keep: 1000 }), testContext({ clock }));
  await sink.start!(never);
  const written: string[] = [];
  for (let i = 0; i < 30; i++) {
    const items = someFlows(20);
    written.push(...items.map((item) => (item.record as { id: string }).id));
    await sink.write(items, never);
    await clock.tick(1000);
  }
  await sink.stop!(never);
  assert.deepEqual(
    allLines(dir).map((line) => fromJson('flow', line).id),
    written,
  );
  const rotated = readdirSync(dir).filter((name) => name !== 'out.jsonl');
  assert.ok(rotated.length > 5, rotated.join());
  assert.ok(
    rotated.every((name) => name.endsWith('.gz')),
    rotated.join(),
  );
  assert.ok(statSync(path).size <= 20_000);

  const second = create(schema.parse({ path, maxBytes: 20_000, keep: 2 }), testContext({ clock }));
  await second.start!(never);
  await second.stop!(never);
  const kept = readdirSync(dir).filter((name) => name !== 'out.jsonl');
  assert.deepEqual(kept.sort(), rotated.sort().slice(-2));
});

test('file: rotates by age', async (t) => {
  const dir = temporaryDirectory(t);
  const clock = manualClock();
  const sink = create(
    schema.parse({ path: join(dir, 'out.jsonl'), maxAgeMs: '1h', compress: false }),
    testContext({ clock }),
  );
  await sink.start!(never);
  await sink.write(someFlows(1), never);
  await clock.tick(3_599_000);
  await sink.write(someFlows(1), never);
  assert.deepEqual(readdirSync(dir), ['out.jsonl']);
  await clock.tick(2_000);
  await sink.write(someFlows(1), never);
  await sink.stop!(never);
  assert.equal(readdirSync(dir).length, 2);
  assert.equal(linesOf(readFileSync(join(dir, 'out.jsonl'), 'utf8')).length, 1);
});

test('file: a line that a crash cut is removed, whole ones stay', async (t) => {
  const dir = temporaryDirectory(t);
  const path = join(dir, 'out.jsonl');
  writeFileSync(path, '{"id":"a"}\n{"id":"b"}\n');
  appendFileSync(path, '{"id":"c","half":"' + 'x'.repeat(150_000));
  const sink = create(schema.parse({ path }), testContext());
  await sink.start!(never);
  assert.equal(readFileSync(path, 'utf8'), '{"id":"a"}\n{"id":"b"}\n');
  await sink.write(someFlows(1), never);
  await sink.stop!(never);
  assert.equal(linesOf(readFileSync(path, 'utf8')).length, 3);
});

test(
  'file: a full disk is a retryable error that leaves no half line',
  { skip: !existsSync('/dev/full') },
  async () => {
    const sink = create(schema.parse({ path: '/dev/full' }), testContext());
    await assert.rejects(sink.write(someFlows(2), never), (error: unknown) => {
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, 'disk_full');
      assert.equal(error.retryable, true);
      assert.match(error.message, /\/dev\/full/);
      return true;
    });
    await sink.stop!(never);
  },
);

test('file: a path that cannot be written is a configuration error at start', async (t) => {
  const dir = temporaryDirectory(t);
  const sink = create(schema.parse({ path: dir }), testContext());
  await assert.rejects(sink.start!(never), (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, 'sink_misconfigured');
    return true;
  });
});
