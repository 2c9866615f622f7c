import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PartialWriteError } from '../../pipeline/errors.ts';
import { options } from '../../store/options.ts';
import { pack } from '../../store/batch.ts';
import { createEngine } from '../../store/engine.ts';
import { ALL, collect, deliveries, plainFlows, temporaryDirectory, testStore } from './helpers.ts';

const T0 = Date.UTC(2026, 0, 1);

test('too little space left is disk_full, and nothing is half-written', async (t) => {
  const dir = temporaryDirectory(t);
  const flows = plainFlows(100, T0);
  const full = await testStore(t, { dir, reserveBytes: Number.MAX_SAFE_INTEGER });
  await assert.rejects(full.write(deliveries('flow', flows)), { code: 'disk_full', retryable: true });
  assert.equal(await full.count('', ALL), 0);
  await full.close();
  const store = await testStore(t, { dir });
  await store.write(deliveries('flow', flows));
  assert.equal(await store.count('', ALL), 100);
});

test('a write after a failed one is refused until that one was repeated', async (t) => {
  const dir = temporaryDirectory(t);
  const given = options.parse({ dir, commitMs: 10, reserveBytes: Number.MAX_SAFE_INTEGER, threads: 1 });
  const engine = createEngine(given);
  t.after(() => engine.close());
  await engine.open();
  const flows = plainFlows(30, T0);
  const first = () => pack(deliveries('flow', flows.slice(0, 10)), 'log');
  const second = () => pack(deliveries('flow', flows.slice(10), { offset: 10 }), 'log');
  const results = await Promise.allSettled([engine.write(first()), engine.write(second())]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['rejected', 'rejected'],
  );
  given.reserveBytes = 0;
  await assert.rejects(engine.write(second()), /repeated first/);
  await Promise.all([engine.write(first()), engine.write(second())]);
  assert.equal(engine.stats().writtenRows, 30);
});

test('a file that may not grow is disk_full too, and what was acknowledged before stays', async (t) => {
  const dir = temporaryDirectory(t);
  const limited = fileURLToPath(new URL('./limited.js', import.meta.url));
  // The limit is on the size of any file the process writes; the signal for it is ignored, as Node does.
  const child = spawn('/bin/sh', ['-c', `ulimit -f 3000; exec "${process.execPath}" "${limited}" "${dir}"`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, out);
  const { acknowledged, code: errorCode } = JSON.parse(out) as { acknowledged: number; code: string };
  assert.equal(errorCode, 'disk_full');
  const store = await testStore(t, { dir });
  assert.equal(await store.count('', ALL), acknowledged);
});

test('a record that cannot be read is refused alone', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const items = deliveries('flow', plainFlows(10, T0));
  items[3] = { ...items[3]!, bytes: items[3]!.bytes!.subarray(0, 60) };
  items[7] = { ...items[7]!, bytes: Buffer.from(items[7]!.bytes!).fill(0xff, 30) };
  await assert.rejects(store.write(items), (error) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, code, retryable }) => ({ index, code, retryable })),
      [3, 7].map((index) => ({ index, code: 'record_undecodable', retryable: false })),
    );
    return true;
  });
  const found = await collect(store.search('', ALL));
  assert.deepEqual(
    found.map((flow) => flow.position),
    [9, 8, 6, 5, 4, 2, 1, 0],
  );
});

test('bytes of another schema and records without bytes are encoded again', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const items = deliveries('flow', plainFlows(3, T0), { withBytes: false });
  items[1] = { ...items[1]!, bytes: Buffer.from([0, 0, 0, 0, 9, 1, 2, 3]) };
  items[2] = { ...items[2]!, bytes: Buffer.from([0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9]) };
  await store.write(items);
  assert.equal(await store.count('', ALL), 3);
});
