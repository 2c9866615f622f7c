import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, constantFrom, integer, property, record } from 'fast-check';
import {
  addNumber,
  addText,
  finishHash,
  handleOf,
  newHash,
  startHash,
  startInCluster,
  type Hash,
} from '../../detectors/hash.ts';
import { createKeyTable } from '../../detectors/key-table.ts';
import { createRecentSet } from '../../detectors/recent-set.ts';
import { fromChunks, toChunks } from '../../detectors/snapshot.ts';
import {
  createContactRing,
  FAILED,
  RING_CAPACITY,
  TRANSPORT,
} from '../../detectors/port_scan/contact-ring.ts';

function hashOf(...parts: readonly (string | number)[]): Hash {
  const hash = newHash();
  startHash(hash);
  for (const part of parts) {
    if (typeof part === 'string') addText(hash, part);
    else addNumber(hash, part);
  }
  finishHash(hash);
  return hash;
}

const saved = (sections: Iterable<readonly [string, Uint8Array]>): Map<string, Uint8Array> =>
  fromChunks('test', 1, [...toChunks('test', 1, sections)]);

test('hash: half a million addresses and ports meet nowhere, in 53 bits or in 32', () => {
  const handles = new Set<number>();
  const low = new Map<number, number>();
  const count = 500_000;
  for (let i = 0; i < count; i++) {
    const hash = hashOf('prod', `ip/10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 443);
    handles.add(handleOf(hash));
    low.set(hash.lo & 0xffff, (low.get(hash.lo & 0xffff) ?? 0) + 1);
  }
  assert.equal(handles.size, count);
  // 65,536 cells of 7.6 on average: even, as far as a table's index goes.
  assert.ok(low.size > 65_000 && Math.max(...low.values()) < 40);
});

test('hash: parts are delimited and in order', () => {
  const all = [
    hashOf('ab', 'c'),
    hashOf('a', 'bc'),
    hashOf('abc'),
    hashOf('abc', ''),
    hashOf('c', 'ab'),
    hashOf('abc', 1),
    hashOf('abc', 2),
  ];
  assert.equal(new Set(all.map((hash) => `${hash.hi} ${hash.lo}`)).size, all.length);
});

test('hash: a cluster is hashed once, whichever comes between', () => {
  for (const cluster of ['a', 'a', 'b', 'a', '', 'b']) {
    const hash = newHash();
    startInCluster(hash, cluster);
    addText(hash, 'x');
    finishHash(hash);
    assert.deepEqual(hash, hashOf(cluster, 'x'));
  }
});

test('key table: below the cap it is a map, whatever is asked in whatever order', () => {
  const step = record({
    key: integer({ min: 0, max: 400 }),
    add: integer({ min: 1, max: 9 }),
    cut: constantFrom(0, 0, 0, 0, 1),
  });
  assertProperty(
    property(array(step, { maxLength: 800 }), (steps) => {
      const make = () => {
        const table = createKeyTable({ name: 't', maxKeys: 1_000, evict: () => assert.fail() });
        return { table, sum: table.column('sum', Float64Array) };
      };
      let { table, sum } = make();
      const model = new Map<number, number>();
      for (const { key, add, cut } of steps) {
        const slot = table.claim(hashOf('k', key));
        sum.at[slot] = sum.at[slot]! + add;
        model.set(key, (model.get(key) ?? 0) + add);
        if (cut === 0) continue;
        const next = make();
        next.table.restore(saved(table.sections()));
        ({ table, sum } = next);
      }
      assert.equal(table.size, model.size);
      for (const [key, total] of model) assert.equal(sum.at[table.find(hashOf('k', key))], total);
      assert.equal(table.find(hashOf('never', 1)), -1);
    }),
    { numRuns: 40 },
  );
});

test('key table: at the cap somebody not used for long gives way, the rest stays findable', () => {
  let evicted = 0;
  const table = createKeyTable({ name: 't', maxKeys: 100, evict: () => evicted++ });
  const mark = table.column('mark', Uint32Array);
  for (let i = 0; i < 10_000; i++) {
    mark.at[table.claim(hashOf('k', i))] = i;
    mark.at[table.claim(hashOf('favourite'))] = 7;
    assert.ok(table.size <= 100);
    const slot = table.find(hashOf('k', i));
    assert.equal(mark.at[slot], i);
  }
  assert.equal(mark.at[table.find(hashOf('favourite'))], 7);
  assert.equal(evicted, 10_001 - 100);
});

test('recent set: holds at least as long as it says, at most twice as long', () => {
  const set = createRecentSet({ name: 's', maxKeys: 1_000, keepMs: 100, evicted: () => assert.fail() });
  assert.equal(set.add(hashOf('a'), 0), true);
  assert.equal(set.add(hashOf('b'), 0), true);
  assert.equal(set.add(hashOf('a'), 99), false);
  assert.equal(set.meet(hashOf('a'), 100), true);
  assert.equal(set.meet(hashOf('a'), 199), true);
  assert.equal(set.meet(hashOf('b'), 200), false);
  assert.equal(set.meet(hashOf('a'), 299), true);
  assert.equal(set.meet(hashOf('a'), 1_000), false);
});

test('recent set: with room for all it is a set; when full it gives up the older and counts it', () => {
  let evicted = 0;
  let set = createRecentSet({
    name: 's',
    maxKeys: 1_000,
    keepMs: 1e9,
    evicted: (count) => (evicted += count),
  });
  for (let i = 0; i < 2_000; i++) {
    assert.equal(set.add(hashOf(i), i), true);
    if (i % 333 !== 0) continue;
    const sections = saved(set.sections());
    set = createRecentSet({ name: 's', maxKeys: 1_000, keepMs: 1e9, evicted: (count) => (evicted += count) });
    set.restore(sections);
  }
  for (let i = 1_000; i < 2_000; i++) assert.equal(set.add(hashOf(i), 2_000), false, `${i}`);
  assert.equal(set.add(hashOf(-1), 2_000), true);
  assert.ok(set.size <= 2_000);
  assert.equal(evicted, 1_000);
});

test('contact ring: keeps the newest, in order, through every growth', () => {
  const ring = createContactRing();
  for (let i = 0; i < 500; i++) {
    ring.add(1_000 + i, i * 3, i % 65_536, i % 12);
    assert.equal(ring.length, Math.min(i + 1, RING_CAPACITY));
    for (const age of [0, ring.length >> 1, ring.length - 1]) {
      const was = i - age;
      assert.deepEqual(
        [ring.timeMs(age), ring.host(age), ring.port(age), ring.kind(age)],
        [1_000 + was, was * 3, was % 65_536, was % 12],
      );
    }
  }
});

test('contact ring: what it counts over all is what a look at each contact counts', () => {
  const contact = record({
    host: integer({ min: 1, max: 3 }),
    port: constantFrom(22, 80, 65_535),
    kind: integer({ min: 0, max: 31 }),
  });
  assertProperty(
    property(
      array(contact, { minLength: 1, maxLength: 300 }),
      integer({ min: 0, max: 299 }),
      (made, clearAt) => {
        const ring = createContactRing();
        for (const [i, { host, port, kind }] of made.entries()) {
          if (i === clearAt) ring.clear();
          ring.add(i, host, port, kind);
        }
        const ages = Array.from({ length: ring.length }, (_, age) => age);
        const hasFailed = (age: number): boolean =>
          (ring.kind(age) & FAILED) !== 0 &&
          ring.port(age) === ring.port(0) &&
          (ring.kind(age) & TRANSPORT) === (ring.kind(0) & TRANSPORT);
        assert.equal(ring.withHost(), ages.filter((age) => ring.host(age) === ring.host(0)).length);
        assert.equal(ring.failedOnPort(), ages.filter(hasFailed).length);
      },
    ),
  );
});

test('hash: a text that is remembered is hashed as one that is not, whatever was hashed in between', () => {
  const plain = (texts: readonly string[]): readonly number[] => {
    let hi = 0xdeadbeef | 0;
    let lo = 0x41c6ce57 | 0;
    for (const text of texts) {
      for (const unit of Buffer.from(text, 'latin1')) {
        hi = Math.imul(hi ^ unit, 0x9e3779b1);
        lo = Math.imul(lo ^ unit, 0x5f356495);
      }
      [hi, lo] = [
        Math.imul(hi ^ 0x1ffff ^ (lo >>> 15), 0x9e3779b1),
        Math.imul(lo ^ 0x1ffff ^ (hi >>> 13), 0x5f356495),
      ];
    }
    return [hi, lo];
  };
  // Alike in length, in the middle and at the end, as names of one namespace are: they meet in one place.
  const name = constantFrom(
    'prod/shop/Deployment/a-x',
    'prod/shop/Deployment/b-x',
    'prod/ship/Deployment/a-x',
    'db',
  );
  assertProperty(
    property(array(array(name, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 60 }), (flows) => {
      for (const texts of flows) {
        const hash = newHash();
        startHash(hash);
        for (const text of texts) addText(hash, text);
        assert.deepEqual([hash.hi, hash.lo], plain(texts));
      }
    }),
  );
});
