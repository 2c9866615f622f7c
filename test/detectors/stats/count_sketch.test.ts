import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addNumber, finishHash, newHash, startHash, type Hash } from '../../../detectors/hash.ts';
import { createCountSketch } from '../../../detectors/stats/count-sketch.ts';

function keyOf(i: number): Hash {
  const hash = newHash();
  startHash(hash);
  addNumber(hash, i);
  finishHash(hash);
  return hash;
}

test('count sketch: never too seldom, rarely too often, as long as it says', () => {
  const KEYS = 50_000;
  const sketch = createCountSketch({ name: 'x', keys: KEYS });
  for (let round = 0; round < 5; round++) {
    let over = 0;
    for (let i = 0; i < KEYS; i++) {
      const before = sketch.add(keyOf(i));
      assert.ok(before >= Math.min(round, 3), `${before} before the ${round}th time`);
      if (before > Math.min(round, 3)) over++;
    }
    assert.ok(over < KEYS * 0.2, `${over} too often`);
  }
});

test('count sketch: what was met before twice as many others is forgotten', () => {
  const sketch = createCountSketch({ name: 'x', keys: 1_000 });
  sketch.add(keyOf(0));
  sketch.add(keyOf(0));
  // Some of them share their counters, and are not counted as keys of their own.
  for (let i = 1; i < 4_000; i++) sketch.add(keyOf(i));
  const found = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => sketch.add(keyOf(i * 1_000_000 + 0)));
  assert.ok(found[0]! <= 1, `${found[0]} times`);
});

test('count sketch: goes on from its snapshot, and of another size it begins anew', () => {
  const sketch = createCountSketch({ name: 'x', keys: 1_000 });
  for (let i = 0; i < 1_500; i++) sketch.add(keyOf(i % 900));
  const saved = new Map(sketch.sections());
  const again = createCountSketch({ name: 'x', keys: 1_000 });
  again.restore(saved);
  for (let i = 0; i < 3_000; i++) assert.equal(again.add(keyOf(i % 1_100)), sketch.add(keyOf(i % 1_100)));
  const other = createCountSketch({ name: 'x', keys: 5_000 });
  other.restore(saved);
  assert.equal(other.add(keyOf(1)), 0);
});
