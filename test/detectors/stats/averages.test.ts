import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDecayedRate } from '../../../detectors/stats/decayed-rate.ts';
import { createEwma } from '../../../detectors/stats/ewma.ts';
import { createRecentValues } from '../../../detectors/stats/recent-values.ts';
import { MAD_SCALE, robustZ } from '../../../detectors/stats/robust-z.ts';
import { isNear, saved, textTable } from './table.ts';

const steps = fc.array(
  fc.record({
    dtMs: fc.integer({ min: 0, max: 600_000 }),
    value: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
);

test('the decayed mean and variance are those over all values with their weights', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1000, max: 3_600_000 }), (list, halfLifeMs) => {
      const table = textTable();
      const ewma = createEwma(table, 'ewma', halfLifeMs);
      const slot = table.slot('a');
      let timeMs = 1_700_000_000_000;
      const met: { value: number; timeMs: number }[] = [];
      for (const { dtMs, value } of list) {
        timeMs += dtMs;
        ewma.add(slot, value, timeMs);
        met.push({ value, timeMs });
      }
      const weightOf = (one: { timeMs: number }): number => 2 ** (-(timeMs - one.timeMs) / halfLifeMs);
      const weight = met.reduce((sum, one) => sum + weightOf(one), 0);
      const mean = met.reduce((sum, one) => sum + weightOf(one) * one.value, 0) / weight;
      const squares = met.reduce((sum, one) => sum + weightOf(one) * (one.value - mean) ** 2, 0);
      isNear(ewma.weight(slot), weight);
      assert.ok(Math.abs(ewma.mean(slot) - mean) < 1e-4);
      assert.ok(Math.abs(ewma.variance(slot) - squares / weight) <= 1e-9 * 1e12);
    }),
  );
});

test('the decayed mean and variance of a known series', () => {
  // By hand: weights 2^-3 … 2^0, so the mean is 13.25 / 1.875.
  const table = textTable();
  const ewma = createEwma(table, 'ewma', 1000);
  const slot = table.slot('a');
  for (const [i, value] of [2, 4, 4, 10].entries()) ewma.add(slot, value, 5000 + i * 1000);
  const weights = [0.125, 0.25, 0.5, 1];
  const mean = (0.25 + 1 + 2 + 10) / 1.875;
  isNear(ewma.mean(slot), mean);
  const squares = weights.reduce((sum, w, i) => sum + w * ([2, 4, 4, 10][i]! - mean) ** 2, 0);
  isNear(ewma.variance(slot), squares / 1.875);
  isNear(ewma.z(slot, mean + 2, 1000), 0.002);
});

test('values that come late do not turn time back', () => {
  const table = textTable();
  const ewma = createEwma(table, 'ewma', 1000);
  const rate = createDecayedRate(table, 'rate', { halfLifeMs: 1000, leastMs: 1 });
  const slot = table.slot('a');
  for (const timeMs of [10_000, 3_000, 10_000]) {
    ewma.add(slot, 1, timeMs);
    rate.add(slot, 1, timeMs);
  }
  assert.equal(ewma.weight(slot), 3);
  assert.ok(Number.isFinite(rate.expected(slot, 9_000, 1000)));
});

test('a decayed rate is the sum over all events by their age', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 60_000, max: 3_600_000 }), (list, halfLifeMs) => {
      const table = textTable();
      const rate = createDecayedRate(table, 'rate', { halfLifeMs, leastMs: 60_000 });
      const slot = table.slot('a');
      const beginMs = 1_700_000_000_000;
      let timeMs = beginMs;
      const times: number[] = [];
      for (const { dtMs } of list) {
        timeMs += dtMs;
        rate.add(slot, 1, timeMs);
        times.push(timeMs);
      }
      const tauMs = halfLifeMs / Math.LN2;
      const sum = times.reduce((all, at) => all + Math.exp(-(timeMs - at) / tauMs), 0);
      const knownMs = Math.max(60_000, timeMs - times[0]!);
      isNear(
        rate.expected(slot, timeMs, 300_000),
        (sum / (tauMs * (1 - Math.exp(-knownMs / tauMs)))) * 300_000,
        1e-6,
      );
    }),
  );
});

test('a steady rate is found from the first half hour on, and fades when it ends', () => {
  const table = textTable();
  const rate = createDecayedRate(table, 'rate', { halfLifeMs: 86_400_000, leastMs: 300_000 });
  const slot = table.slot('a');
  assert.equal(rate.expected(slot, 5, 300_000), 0);
  for (let minute = 0; minute <= 30; minute++) rate.add(slot, 2, minute * 60_000);
  const expected = rate.expected(slot, 1_800_000, 300_000);
  assert.ok(Math.abs(expected - 10) < 0.5, `${expected} in five minutes`);
  assert.equal(rate.ageMs(slot, 1_800_000), 1_800_000);
  assert.ok(rate.expected(slot, 1_800_000 + 10 * 86_400_000, 300_000) < 0.05);
});

test('the robust z of a series is that of R', () => {
  // As R (x - median(x)) / mad(x) for x <- c(1,1,2,2,4,6,9): median 2, raw deviation 1.
  const found = robustZ(20, [1, 1, 2, 2, 4, 6, 9], 0.1);
  isNear(found.z, 18 / MAD_SCALE);
  assert.equal(found.median, 2);
  // scipy.stats.norm.ppf(0.75) = 0.6744897501960817
  isNear(MAD_SCALE, 1 / 0.6744897501960817, 1e-15);
  assert.equal(robustZ(7, [5, 5, 5, 5], 0.5).z, 4);
});

test('recent values are the last ones, oldest first, by key and after a restart', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.double({ noNaN: true })), { maxLength: 200 }),
      fc.integer({ min: 1, max: 9 }),
      (list, length) => {
        const table = textTable();
        const recent = createRecentValues(table, 'recent', length);
        const model = new Map<number, number[]>();
        for (const [key, value] of list) {
          recent.add(table.slot(`key ${key}`), value);
          const all = model.get(key) ?? [];
          all.push(value);
          model.set(key, all);
        }
        const state = saved(table.sections(), recent.sections());
        const after = textTable();
        const again = createRecentValues(after, 'recent', length);
        after.restore(state);
        again.restore(state);
        for (const [key, all] of model) {
          assert.deepEqual(recent.values(table.slot(`key ${key}`)), all.slice(-length));
          assert.deepEqual(again.values(after.slot(`key ${key}`)), all.slice(-length));
          assert.equal(recent.count(table.slot(`key ${key}`)), Math.min(length, all.length));
        }
      },
    ),
  );
});

test('a slot given to another key starts anew', () => {
  const table = textTable(1);
  const recent = createRecentValues(table, 'recent', 3);
  const ewma = createEwma(table, 'ewma', 1000);
  recent.add(table.slot('a'), 5);
  ewma.add(table.slot('a'), 5, 1000);
  const slot = table.slot('b');
  assert.deepEqual(recent.values(slot), []);
  assert.equal(ewma.weight(slot), 0);
});
