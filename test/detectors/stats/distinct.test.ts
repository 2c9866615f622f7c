import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDistinctCounter, EXACT_LIMIT } from '../../../detectors/stats/distinct.ts';
import { hashOf, saved, textTable } from './table.ts';

const roomy = { maxBytes: 64_000_000, full: () => assert.fail('there is room') };

test('counts are exact up to the limit and within 10 % above it', () => {
  const table = textTable();
  const distinct = createDistinctCounter(table, 'hosts', roomy);
  const slot = table.slot('a');
  for (let i = 1; i <= 200_000; i++) {
    distinct.add(slot, hashOf(`thing ${i}`));
    if (i <= EXACT_LIMIT) assert.equal(distinct.count(slot), i);
    else if (i % 997 === 0)
      assert.ok(Math.abs(distinct.count(slot) / i - 1) < 0.1, `${distinct.count(slot)} of ${i}`);
  }
  assert.equal(distinct.isExact(slot), false);
});

test('the standard error of the sketch is about 3.3 %', () => {
  const table = textTable();
  const distinct = createDistinctCounter(table, 'hosts', roomy);
  const errors: number[] = [];
  for (let key = 0; key < 100; key++) {
    const slot = table.slot(`key ${key}`);
    for (let i = 0; i < 1500; i++) distinct.add(slot, hashOf(`${key} ${i}`));
    errors.push(distinct.count(slot) / 1500 - 1);
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const deviation = Math.sqrt(errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / errors.length);
  assert.ok(Math.abs(mean) < 0.01, `bias ${mean}`);
  assert.ok(deviation < 0.045, `deviation ${deviation}`);
});

test('each key counts what a set of its own would, through clearing, eviction and a restart', () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), key: fc.nat(12), thing: fc.nat(150) }),
    fc.record({ kind: fc.constant('clear' as const), key: fc.nat(12), thing: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 1500 }), fc.nat(1500), (commands, restartAt) => {
      const model = new Map<number, Set<number>>();
      const keyOfSlot = new Map<number, number>();
      const evict = (slot: number): void => {
        distinct.clear(slot);
        model.delete(keyOfSlot.get(slot)!);
      };
      let table = textTable(8, evict);
      let distinct = createDistinctCounter(table, 'hosts', roomy);
      for (const [i, { kind, key, thing }] of commands.entries()) {
        const slot = table.slot(`key ${key}`);
        keyOfSlot.set(slot, key);
        const set = model.get(key) ?? new Set();
        model.set(key, set);
        if (kind === 'clear') {
          distinct.clear(slot);
          set.clear();
        } else {
          assert.equal(distinct.add(slot, hashOf(`thing ${thing}`)), !set.has(thing));
          set.add(thing);
        }
        assert.equal(distinct.count(slot), set.size);
        if (i === restartAt) {
          const state = saved(table.sections(), distinct.sections());
          table = textTable(8, evict);
          distinct = createDistinctCounter(table, 'hosts', roomy);
          table.restore(state);
          distinct.restore(state);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('memory is bounded: a full arena keeps what was counted and says so', () => {
  const table = textTable();
  let full = 0;
  const distinct = createDistinctCounter(table, 'hosts', { maxBytes: 400, full: () => full++ });
  for (let key = 0; key < 20; key++)
    for (let i = 0; i < 20; i++) distinct.add(table.slot(`key ${key}`), hashOf(`${i}`));
  assert.ok(full > 0);
  const [words] = [...distinct.sections()].filter(([name]) => name.endsWith('.words')).map(([, b]) => b);
  assert.ok(words!.length <= 400);
  // What does not fit is asked for again and again, and counted never.
  const last = table.slot('key 19');
  assert.equal(distinct.count(last), 1);
  assert.equal(distinct.add(last, hashOf('19')), false);
  assert.equal(distinct.count(last), 1);
  // Room that others give up is taken, whatever its size was.
  for (let key = 0; key < 10; key++) distinct.clear(table.slot(`key ${key}`));
  assert.equal(distinct.add(last, hashOf('19')), true);
  assert.equal(distinct.count(last), 2);
});
