import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDedup } from '../../pipeline/dedup.ts';

const forever = { originTtlMs: 1e12, maxOrigins: 1000 };

const record = fc.record({ origin: fc.constantFrom('a', 'b', 'c'), raw: fc.nat(1), position: fc.nat(30) });

test('in each origin and raw partition a position is admitted once, and only above the highest', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 80 }), fc.nat(80), (records, restartAt) => {
      let dedup = createDedup(forever);
      const highest = new Map<string, number>();
      for (const [i, { origin, raw, position }] of records.entries()) {
        if (i === restartAt) {
          const state = dedup.save();
          dedup = createDedup(forever);
          dedup.load(structuredClone(state));
        }
        const key = `${origin} ${raw}`;
        const isNew = position > (highest.get(key) ?? -1);
        assert.equal(dedup.admit(origin, raw, position, i), isNew);
        if (isNew) highest.set(key, position);
      }
      assert.equal(dedup.size, highest.size);
    }),
  );
});

test('an origin is forgotten its time after its last record, and not while it is still heard', () => {
  const dedup = createDedup({ originTtlMs: 1000, maxOrigins: 10 });
  dedup.admit('gone', 0, 5, 10_000);
  for (let ms = 10_000; ms <= 12_000; ms += 100) dedup.admit('lively', 0, ms, ms);
  assert.equal(dedup.size, 1);
  assert.equal(dedup.admit('lively', 0, 12_000, 12_050), false);
  assert.equal(dedup.admit('gone', 0, 5, 12_100), true, 'a forgotten origin begins anew');
});

test('the number of origins is bounded: the longest known is given up', () => {
  const dedup = createDedup({ originTtlMs: 1e12, maxOrigins: 3 });
  for (const origin of ['a', 'b', 'c', 'd']) assert.equal(dedup.admit(origin, 0, 7, 1), true);
  assert.equal(dedup.size, 3);
  assert.equal(dedup.admit('d', 0, 7, 1), false);
  assert.equal(dedup.admit('c', 0, 7, 1), false);
});
