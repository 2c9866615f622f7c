import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createCache, type CacheEntry } from '../../enricher/cache.ts';

/** Two generations, plainly: `key in cluster` to the entry. */
function plainCache(half: number) {
  let young = new Map<string, CacheEntry>();
  let old = new Map<string, CacheEntry>();
  return {
    /** The entry that is to be given, or null where it is a new one; `took` is told of it. */
    expected: (name: string) => young.get(name) ?? old.get(name) ?? null,
    took(name: string, entry: CacheEntry) {
      if (young.has(name)) return;
      if (young.size >= half) [old, young] = [young, new Map<string, CacheEntry>()];
      old.delete(name);
      young.set(name, entry);
    },
    /** An entry of the old generation that would be given up by the turn it is asked in. */
    isLost: (name: string) => young.size >= half && !young.has(name),
    size: () => young.size + old.size,
  };
}

const keys = fc.constantFrom(
  ...Array.from({ length: 12 }, (_, i) => `10.0.0.${i}`),
  '255.255.255.255',
  '0.0.0.0',
  '128.0.0.1',
  '10.0.0.01',
  '010.0.0.1',
  '10.0.0',
  '::1',
  'fd00::1',
  '',
);

test('an address has one entry in each cluster, until it was not asked for while many others were', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), keys), { maxLength: 200 }),
      fc.integer({ min: 1, max: 8 }),
      (asked, half) => {
        let given = 0;
        const cache = createCache(2 * half, (count) => (given += count));
        const plain = plainCache(half);
        const all = new Set<CacheEntry>();
        for (const [cluster, key] of asked) {
          const name = `${key} in ${cluster}`;
          const expected = plain.isLost(name) ? null : plain.expected(name);
          const entry = cache.entry(cluster, key);
          assert.equal(entry.key, key);
          if (expected !== null) assert.equal(entry, expected);
          else if (!plain.isLost(name)) assert.ok(!all.has(entry));
          all.add(entry);
          plain.took(name, entry);
          assert.equal(cache.size(), plain.size());
          assert.ok(cache.size() <= 2 * half);
        }
        assert.ok(given <= asked.length);
        cache.clear();
        assert.equal(cache.size(), 0);
        for (const [cluster, key] of asked) assert.ok(!all.has(cache.entry(cluster, key)));
      },
    ),
    { numRuns: 100 },
  );
});
