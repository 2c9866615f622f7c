import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createSortBuffer, type Sortable } from '../../pipeline/sort-buffer.ts';

const inOrder = (a: Sortable, b: Sortable): number =>
  a.timeMs - b.timeMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : a.tie - b.tie);

const item = fc.record({
  timeMs: fc.integer({ min: -3000, max: 12_000 }),
  id: fc.constantFrom('a', 'b', 'c', 'd'),
  tie: fc.nat(1),
});

type Step = { add: Sortable } | { releaseMs: number } | { oldest: true };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: item.map((add) => ({ add })) },
  { weight: 2, arbitrary: fc.integer({ min: -4000, max: 13_000 }).map((releaseMs) => ({ releaseMs })) },
  { weight: 1, arbitrary: fc.constant({ oldest: true as const }) },
);

test('however adding and releasing alternate, what is released is what a sorted list would release', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const buffer = createSortBuffer<Sortable>();
      let held: Sortable[] = [];
      for (const each of steps) {
        if ('add' in each) {
          buffer.add(each.add);
          held.push(each.add);
          continue;
        }
        if ('oldest' in each && held.length === 0) continue;
        const { items, upToMs } =
          'oldest' in each
            ? buffer.releaseOldest()
            : { items: buffer.release(each.releaseMs), upToMs: each.releaseMs };
        const due = held.filter(({ timeMs }) => timeMs <= upToMs).sort(inOrder);
        assert.deepEqual(items, due);
        held = held.filter(({ timeMs }) => timeMs > upToMs);
        assert.equal(buffer.size, held.length);
      }
      assert.deepEqual([...buffer.items()].sort(inOrder), [...held].sort(inOrder));
      assert.deepEqual(buffer.release(Infinity), held.sort(inOrder));
    }),
  );
});

test('the oldest bucket is released whole, and never comes out empty', () => {
  const buffer = createSortBuffer<Sortable>();
  for (const timeMs of [5200, 1900, 1100, 2000]) buffer.add({ timeMs, id: 'a', tie: 0 });
  const { items, upToMs } = buffer.releaseOldest();
  assert.deepEqual(
    items.map(({ timeMs }) => timeMs),
    [1100, 1900],
  );
  assert.equal(upToMs, 1999);
  assert.equal(buffer.size, 2);
});
