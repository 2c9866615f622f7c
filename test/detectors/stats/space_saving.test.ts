import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createSpaceSaving } from '../../../detectors/stats/space-saving.ts';
import { saved } from './table.ts';

const stream = fc.array(
  fc.tuple(
    fc.oneof({ weight: 3, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(200) }),
    fc.integer({ min: 1, max: 50 }),
  ),
  { maxLength: 400 },
);

test('every weight lies between what is told less its error and what is told, and no heavy one is missed', () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 1, max: 20 }), fc.nat(400), (list, capacity, restartAt) => {
      let heavy = createSpaceSaving('heavy', capacity);
      const truth = new Map<number, number>();
      for (const [i, [item, weight]] of list.entries()) {
        heavy.add(item, weight);
        truth.set(item, (truth.get(item) ?? 0) + weight);
        if (i === restartAt) {
          const state = saved(heavy.sections());
          heavy = createSpaceSaving('heavy', capacity);
          heavy.restore(state);
        }
      }
      const total = list.reduce((sum, [, weight]) => sum + weight, 0);
      assert.equal(heavy.total, total);
      assert.ok(heavy.size <= capacity);
      const told = heavy.top(capacity);
      for (const { item, weight, error } of told) {
        const real = truth.get(item) ?? 0;
        assert.ok(weight - error <= real && real <= weight, `${item}: ${weight - error} ${real} ${weight}`);
        assert.ok(error <= total / capacity);
      }
      for (const [item, real] of truth) if (real > total / capacity) assert.ok(heavy.get(item) !== null);
      assert.equal(
        told.reduce((sum, { weight }) => sum + weight, 0),
        total,
      );
    }),
  );
});

test('with room for all it is exact, and it names who gave way', () => {
  const heavy = createSpaceSaving('heavy', 3);
  for (const [item, weight] of [
    [1, 10],
    [2, 5],
    [3, 7],
    [1, 1],
  ] as const)
    assert.equal(heavy.add(item, weight), null);
  assert.deepEqual(heavy.top(2), [
    { item: 1, weight: 11, error: 0 },
    { item: 3, weight: 7, error: 0 },
  ]);
  assert.equal(heavy.add(4, 1), 2);
  assert.deepEqual(heavy.get(4), { item: 4, weight: 6, error: 5 });
  assert.equal(heavy.get(2), null);
});
