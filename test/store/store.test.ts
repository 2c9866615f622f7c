import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compileQuery } from '../../query/evaluate.ts';
import { print } from '../../query/print.ts';
import { flowQueries, flows } from '../query/arbitraries.ts';
import { codecOf } from '../../schema/codec.ts';
import { ALL, collect, deliveries, plainFlows, temporaryDirectory, testStore } from './helpers.ts';

const byId = <T extends { id: string }>(a: T, b: T): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const T0 = Date.UTC(2026, 0, 1);

test('what was written is what is read back, field by field', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const samples = [...fc.sample(flows, { numRuns: 500, seed: 7 }), ...plainFlows(50, T0)];
  await store.write(deliveries('flow', samples));
  const read = await collect(store.search('', ALL));
  assert.equal(read.length, samples.length);
  // Through the codec, so that both have plain prototypes and the same key order.
  const codec = codecOf('flow');
  const normal = samples.map((flow) => codec.decode(codec.encode(flow))).sort(byId);
  assert.deepEqual(read.sort(byId), normal);
});

test('SQL and evaluation agree on random queries and flows', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const samples = fc.sample(flows, { numRuns: 300, seed: 11 });
  await store.write(deliveries('flow', samples));
  for (const node of fc.sample(flowQueries, { numRuns: 250, seed: 13 })) {
    const query = print(node);
    const predicate = compileQuery('flow', query);
    const expected = samples
      .filter(predicate)
      .map((flow) => flow.id)
      .sort();
    const found = (await collect(store.search(query, ALL))).map((flow) => flow.id).sort();
    assert.deepEqual(found, expected, query);
    assert.equal(await store.count(query, ALL), expected.length, query);
  }
});

test('newest first, by overlap, limited, and on either side', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const written = plainFlows(5000, T0);
  await store.write(deliveries('flow', written));
  const latest = await collect(store.search('', ALL, { limit: 10 }));
  assert.deepEqual(
    latest.map((flow) => flow.position),
    [4999, 4998, 4997, 4996, 4995, 4994, 4993, 4992, 4991, 4990],
  );
  const at = T0 + 100_000 - 200;
  assert.deepEqual(
    (await collect(store.search('', { fromMs: at, toMs: at }))).map((flow) => flow.position),
    [100],
  );
  const between = await collect(store.search('verdict : deny', { fromMs: T0, toMs: T0 + 30_000 }));
  assert.deepEqual(
    between.map((flow) => flow.position),
    [30, 27, 24, 21, 18, 15, 12, 9, 6, 3, 0],
  );
  for (const [party, count] of [
    ['10.0.0.7', 1],
    ['10.0.0.0/24', 256],
    ['fd00::/8', 5000],
    ['web-3', 714],
    ['shop/web-3', 357],
    ['nobody', 0],
  ] as const) {
    assert.equal((await collect(store.search('', ALL, { talkedTo: party }))).length, count, party);
  }
  const byIdentity = await collect(store.search(`id : ${written[42]!.id}`, ALL));
  assert.deepEqual(
    byIdentity.map((flow) => flow.position),
    [42],
  );
  assert.throws(() => store.search('sourc.ip : *', ALL), { code: 'query_invalid' });
  assert.throws(() => store.search('', ALL, { talkedTo: 'a/b/c' }), { code: 'query_invalid' });
});

test('redelivery doubles nothing, also after opening again and in a new slice', async (t) => {
  const dir = temporaryDirectory(t);
  const first = await testStore(t, { dir });
  const written = plainFlows(100, T0);
  await first.write(deliveries('flow', written.slice(0, 60)));
  await first.write(deliveries('flow', written.slice(40), { offset: 40 }));
  await first.roll();
  await first.write(deliveries('flow', written.slice(90), { offset: 90 }));
  await first.close();
  const second = await testStore(t, { dir });
  await second.write(deliveries('flow', written));
  await second.write(deliveries('flow', written.slice(0, 5), { partition: 1 }));
  const found = await collect(second.search('', ALL));
  assert.equal(found.length, 105);
  assert.equal(new Set(found.map((flow) => flow.id)).size, 100);
  assert.equal((await second.stats()).slices, 2);
});

test('flows of several slices come merged in order, and dimensions go on after opening again', async (t) => {
  const dir = temporaryDirectory(t);
  let offset = 0;
  const written = plainFlows(6000, T0);
  for (let part = 0; part < 3; part++) {
    const store = await testStore(t, { dir });
    // Every third flow goes to each slice, so that the slices overlap.
    const own = written.filter((_, i) => i % 3 === part);
    await store.write(deliveries('flow', own.slice(0, 1000), { offset }));
    offset += 1000;
    await store.close();
    const again = await testStore(t, { dir });
    await again.write(deliveries('flow', own.slice(1000), { offset }));
    offset += own.length - 1000;
    await again.roll();
    await again.close();
  }
  const store = await testStore(t, { dir });
  const found = await collect(store.search('', ALL));
  assert.deepEqual(
    found.map((flow) => flow.position),
    written.map((flow) => flow.position).reverse(),
  );
  assert.deepEqual(found.at(-1), codecOf('flow').decode(codecOf('flow').encode(written[0]!)));
});

test('retention removes the oldest slices and the footer says so', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t), maxBytes: 6_000_000 });
  let offset = 0;
  for (let i = 0; i < 8; i++) {
    await store.write(deliveries('flow', plainFlows(2000, T0 + i * 10_000_000, offset), { offset }));
    offset += 2000;
    await store.roll();
  }
  const stats = await store.stats();
  assert.ok(stats.removedSlices > 0, JSON.stringify(stats));
  assert.ok(stats.bytes <= 6_000_000 + 2_000_000, JSON.stringify(stats));
  const footer = await store.footer({ fromMs: T0, toMs: null });
  assert.equal(footer.beginsBeforeStore, true);
  assert.ok(footer.oldestMs! > T0);
});
