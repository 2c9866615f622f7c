import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DDSketch } from '@datadog/sketches-js';
import * as fc from 'fast-check';
import { hourOfWeek } from '../../../detectors/stats/hour-of-week.ts';
import { createLogQuantiles } from '../../../detectors/stats/log-quantiles.ts';
import { createSeasonalQuantiles } from '../../../detectors/stats/seasonal-quantiles.ts';
import { saved, textTable } from './table.ts';

const HOUR_MS = 3_600_000;
/** Monday, 2025-11-03 00:00 UTC. */
const MONDAY_MS = 1_762_128_000_000;
const range = { accuracy: 0.05, least: 1, most: 1e10 };

test('quantiles are within the accuracy of the value of that rank, and those of DDSketch itself', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 1e10, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, q) => {
        const table = textTable();
        const own = createLogQuantiles(table, 'bytes', range);
        const theirs = new DDSketch({ relativeAccuracy: range.accuracy });
        const slot = table.slot('a');
        for (const value of values) {
          own.add(slot, value);
          theirs.accept(value);
        }
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.floor(q * (values.length - 1))]!;
        const found = own.quantile(slot, q);
        assert.ok(Math.abs(found - exact) <= range.accuracy * exact * 1.000001, `${found} for ${exact}`);
        // Values on the border of two bins may fall to either side by rounding: then both are within the accuracy.
        const other = theirs.getValueAtQuantile(q);
        assert.ok(Math.abs(found - other) <= 2 * range.accuracy * exact * 1.000001);
      },
    ),
  );
});

test('keys have sketches of their own, kept over a restart and cleared for the next key', () => {
  const table = textTable(2);
  const sketch = createLogQuantiles(table, 'bytes', range);
  for (let i = 1; i <= 100; i++) {
    sketch.add(table.slot('a'), i);
    sketch.add(table.slot('b'), i * 1000);
  }
  const state = saved(table.sections(), sketch.sections());
  const after = textTable(2);
  const again = createLogQuantiles(after, 'bytes', range);
  after.restore(state);
  again.restore(state);
  for (const q of [0, 0.5, 0.9, 1])
    assert.equal(again.quantile(after.slot('b'), q), sketch.quantile(table.slot('b'), q));
  const slot = table.slot('c');
  assert.equal(sketch.quantile(slot, 0.5), 0);
  sketch.add(slot, 7);
  assert.equal(sketch.count(slot), 1);
  assert.ok(Math.abs(sketch.quantile(slot, 1) - 7) <= 0.35);
});

test('a full bin halves all and forgets nothing rare; fading forgets it; what is off the range is bounded', () => {
  const table = textTable();
  const sketch = createLogQuantiles(table, 'bytes', range);
  const slot = table.slot('a');
  sketch.add(slot, 1e9);
  for (let i = 0; i < 70_000; i++) sketch.add(slot, 100);
  assert.ok(sketch.count(slot) < 70_000);
  assert.ok(Math.abs(sketch.quantile(slot, 1) / 1e9 - 1) <= 0.05);
  sketch.fade(slot);
  assert.ok(Math.abs(sketch.quantile(slot, 1) / 100 - 1) <= 0.05);
  const other = table.slot('b');
  for (const value of [0, -5, Number.NaN, 1e300]) sketch.add(other, Number.isNaN(value) ? 0 : value);
  assert.equal(sketch.quantile(other, 0), 0);
  assert.ok(sketch.quantile(other, 1) < 1.1e10);
});

test('hours of the week begin on Monday, before 1970 too', () => {
  assert.equal(hourOfWeek(MONDAY_MS), 0);
  assert.equal(hourOfWeek(MONDAY_MS - 1), 167);
  assert.equal(hourOfWeek(0), 72);
  assert.equal(hourOfWeek(-72 * HOUR_MS), 0);
  assert.equal(hourOfWeek(-73 * HOUR_MS), 167);
});

/** A workload that is busy by day and idle at night and on weekends, with noise of a third. */
function workday(timeMs: number, noise: number): number {
  const hour = hourOfWeek(timeMs);
  const busy = hour < 120 && hour % 24 >= 8 && hour % 24 < 18;
  return (busy ? 1_000_000 : 10_000) * (0.7 + 0.6 * noise);
}

function learned(weeks: number) {
  const table = textTable();
  const seasonal = createSeasonalQuantiles(table, 'bytes');
  const slot = table.slot('a');
  let state = 1;
  for (let timeMs = MONDAY_MS; timeMs < MONDAY_MS + weeks * 168 * HOUR_MS; timeMs += 300_000) {
    state = (state * 48_271) % 2_147_483_647;
    seasonal.add(slot, workday(timeMs, state / 2_147_483_647), timeMs);
  }
  return { table, seasonal, slot };
}

test('what is usual by day stands out at night', () => {
  const { seasonal, slot } = learned(4);
  const noon = MONDAY_MS + (4 * 168 + 12) * HOUR_MS;
  const night = MONDAY_MS + (4 * 168 + 2) * HOUR_MS;
  const day = seasonal.quantile(slot, noon, 0.999);
  const dark = seasonal.quantile(slot, night, 0.999);
  assert.ok(day > 1_300_000 * 0.9, `${day}`);
  assert.ok(dark < 300_000, `${dark} at night, when 1,000,000 by day is usual`);
  assert.ok(Math.abs(seasonal.expected(slot, noon) / 1_000_000 - 1) < 0.2);
  assert.ok(Math.abs(seasonal.expected(slot, night) / 10_000 - 1) < 0.2);
  // A fall by day: a hundredth of buckets is below, and the silence of a night is far below that.
  assert.ok(seasonal.quantile(slot, noon, 0.01) > 100_000);
});

test('few of the usual buckets of a week to come are above the 99.9 % quantile', () => {
  const { seasonal, slot } = learned(4);
  let above = 0;
  let state = 99;
  for (let i = 0; i < 2016; i++) {
    const timeMs = MONDAY_MS + 4 * 168 * HOUR_MS + i * 300_000;
    state = (state * 48_271) % 2_147_483_647;
    const value = workday(timeMs, state / 2_147_483_647);
    if (value > seasonal.quantile(slot, timeMs, 0.999)) above++;
  }
  assert.ok(above <= 10, `${above} of 2,016`);
});

test('fading after the first weeks forgets how far off hours were before they were known', () => {
  const noon = MONDAY_MS + (2 * 168 + 12) * HOUR_MS;
  const { seasonal, slot } = learned(2);
  const before = seasonal.quantile(slot, noon, 0.001);
  for (let i = 0; i < 6; i++) seasonal.fade(slot);
  const after = seasonal.quantile(slot, noon, 0.001);
  assert.ok(before < 300_000 && after > 400_000, `${before}, then ${after} where 700,000 is the least`);
  assert.ok(Math.abs(seasonal.expected(slot, noon) / 1_000_000 - 1) < 0.2);
});

test('a seasonal profile is the same after a restart', () => {
  const { table, seasonal, slot } = learned(1);
  const state = saved(table.sections(), seasonal.sections());
  const after = textTable();
  const again = createSeasonalQuantiles(after, 'bytes');
  after.restore(state);
  again.restore(state);
  for (let hour = 0; hour < 168; hour += 5) {
    const timeMs = MONDAY_MS + hour * HOUR_MS;
    assert.equal(again.quantile(slot, timeMs, 0.99), seasonal.quantile(slot, timeMs, 0.99));
  }
  assert.equal(again.count(slot), seasonal.count(slot));
});

test('a slot given to another key knows nothing of the seasons of the one before', () => {
  const table = textTable(1);
  const seasonal = createSeasonalQuantiles(table, 'bytes');
  for (let i = 0; i < 50; i++) seasonal.add(table.slot('a'), 1_000_000, MONDAY_MS + i * 300_000);
  const slot = table.slot('b');
  assert.deepEqual([seasonal.expected(slot, MONDAY_MS), seasonal.quantile(slot, MONDAY_MS, 0.999)], [0, 0]);
  for (let i = 0; i < 50; i++) seasonal.add(slot, 10, MONDAY_MS + i * 300_000);
  assert.ok(Math.abs(seasonal.expected(slot, MONDAY_MS) - 10) < 1);
  assert.ok(seasonal.quantile(slot, MONDAY_MS, 0.999) < 15);
});
