import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createInventory } from '../../enricher/inventory/index.ts';
import { allTime } from '../../enricher/inventory/timeline.ts';
import { newInventory, type Inventory } from '../../schema/records.ts';

const pod = (
  uid: string,
  ip: string | null,
  validFromMs: number,
  validToMs: number | null = null,
  name = uid,
): Inventory => {
  const record = newInventory({ id: `Pod/${uid}`, cluster: 'c', kind: 'Pod', uid, name, validFromMs });
  record.validToMs = validToMs;
  record.namespace = 'a';
  if (ip !== null) record.ips = [ip];
  return record;
};
const limits = { historyMs: 1_000, maxVersions: 8 };

test('what is missing from the next complete list ended then, and is forgotten after historyMs', () => {
  const inventory = createInventory(limits);
  const at = (timeMs: number) => inventory.endpointAt('c', null, '10.0.0.1', timeMs)?.name ?? null;
  inventory.replace('c', [pod('one', '10.0.0.1', 0)], 100);
  inventory.replace('c', [pod('two', '10.0.0.1', 250)], 300);
  assert.deepEqual([at(-1), at(0), at(249), at(250), at(400)], [null, 'one', 'one', 'two', 'two']);
  inventory.replace('c', [pod('two', '10.0.0.1', 250)], 1_300);
  assert.equal(at(100), 'one', 'still within historyMs');
  inventory.replace('c', [pod('two', '10.0.0.1', 250)], 1_301);
  assert.deepEqual([at(100), at(400)], [null, 'two']);
  assert.deepEqual(inventory.counts(), { objects: 1, versions: 1, evicted: 1 });
});

test('a change of an object is a version from then on; an address or an end learned late holds at once', () => {
  const inventory = createInventory(limits);
  const labelled = (label: string, ip: string | null = '10.0.0.1', endMs: number | null = null) => ({
    ...pod('one', ip, 0, endMs),
    labels: { v: label },
  });
  const label = (timeMs: number) =>
    inventory.endpointAt('c', null, '10.0.0.1', timeMs)?.labels?.['v'] ?? null;
  inventory.replace('c', [labelled('1', null)], 100);
  assert.equal(label(50), null);
  inventory.replace('c', [labelled('1')], 200);
  assert.equal(label(50), '1');
  inventory.replace('c', [labelled('2')], 300);
  assert.deepEqual([label(299), label(300)], ['1', '2']);
  inventory.replace('c', [labelled('2', '10.0.0.1', 350)], 400);
  assert.deepEqual([label(299), label(349), label(350)], ['1', '2', null]);
});

test('the versions of one address are bounded, the newest kept', () => {
  const inventory = createInventory({ historyMs: 1e9, maxVersions: 8 });
  inventory.replace(
    'c',
    Array.from({ length: 50 }, (_, i) => pod(`p${i}`, '10.0.0.1', i * 10, i * 10 + 5)),
    1_000,
  );
  assert.equal(inventory.endpointAt('c', null, '10.0.0.1', 490)?.name, 'p49');
  assert.equal(inventory.endpointAt('c', null, '10.0.0.1', 420)?.name, 'p42');
  assert.equal(inventory.endpointAt('c', null, '10.0.0.1', 410), null);
  assert.equal(inventory.counts().evicted, 42);
});

test('at any time the holder is the one that began last, and the answer holds in all of its window', () => {
  const span = fc.record({ from: fc.nat(50), length: fc.option(fc.nat(30), { nil: null }) });
  fc.assert(
    fc.property(fc.array(span, { maxLength: 8 }), fc.nat(90), (spans, timeMs) => {
      const inventory = createInventory({ historyMs: 1e9, maxVersions: 100 });
      const pods = spans.map((s, i) =>
        pod(`p${i}`, '10.0.0.1', s.from, s.length === null ? null : s.from + s.length),
      );
      inventory.replace('c', pods, 1_000);
      const view = inventory.cluster('c')!;
      const held = (at: number) => pods.filter((p) => p.validFromMs <= at && at < (p.validToMs ?? Infinity));
      const window = allTime();
      const found = view.at(null, '10.0.0.1', timeMs, window)[0]?.record ?? null;
      assert.equal(
        found?.validFromMs ?? null,
        held(timeMs).reduce<number | null>((max, p) => Math.max(max ?? -1, p.validFromMs), null),
      );
      assert.ok(window.fromMs <= timeMs && timeMs < window.toMs);
      for (let at = 0; at < 90; at++) {
        if (at < window.fromMs || at >= window.toMs) continue;
        assert.equal(view.at(null, '10.0.0.1', at, allTime())[0]?.record ?? null, found);
      }
    }),
  );
});

test('clusters with the same addresses and names stay apart', () => {
  const inventory = createInventory(limits);
  inventory.replace('one', [pod('x', '10.0.0.1', 0)], 1);
  inventory.replace('two', [pod('y', '10.0.0.1', 0)], 1);
  assert.equal(inventory.endpointAt('one', null, '10.0.0.1', 5)?.name, 'x');
  assert.equal(inventory.endpointAt('two', null, '10.0.0.1', 5)?.name, 'y');
  assert.equal(inventory.endpointAt('three', null, '10.0.0.1', 5), null);
});
