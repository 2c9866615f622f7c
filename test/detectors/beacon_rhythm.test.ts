import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coverage, evenness, timerPeriod } from '../../detectors/beacon/rhythm.ts';

test('evenness is 1 for a clock, and 0.71 for jitter of half the interval either way', () => {
  assert.equal(evenness([60, 60, 60, 60]), 1);
  const uniform = Array.from({ length: 1001 }, (_, i) => 30 + (i * 60) / 1000);
  // The standard deviation of a uniform distribution is its width / sqrt(12).
  assert.equal(evenness(uniform), 0.711);
  assert.equal(evenness([1, 1, 1, 1000]), 0);
  assert.equal(evenness([5]), 0);
});

test('coverage is the share of time with a connection, where they follow each other', () => {
  assert.equal(
    coverage([
      { startMs: 0, durationMs: 3_000 },
      { startMs: 3_000, durationMs: 5_000 },
      { startMs: 9_000, durationMs: 1_000 },
    ]),
    0.9,
  );
});

test('coverage is 0 where connections overlap, and where none lasts', () => {
  assert.equal(
    coverage([
      { startMs: 0, durationMs: 6_000 },
      { startMs: 3_000, durationMs: 6_000 },
    ]),
    0,
  );
  assert.equal(
    coverage([
      { startMs: 0, durationMs: 300 },
      { startMs: 300, durationMs: 300 },
    ]),
    0,
    'one fetch after the other',
  );
  assert.equal(coverage([{ startMs: 5, durationMs: 0 }]), 0);
  assert.equal(coverage([]), 0);
});

test('timers beside each other are told by the sum of their gaps', () => {
  assert.equal(timerPeriod([10_000, 10_010, 9_990, 10_000]), 10_000);
  assert.equal(timerPeriod([4_590, 5_410, 4_590, 5_410, 4_600, 5_400]), 10_000);
  assert.equal(timerPeriod([1_000, 2_000, 7_000, 1_000, 2_000, 7_000, 1_000, 2_000, 7_000, 1_000]), 10_000);
});

test('jitter is no timer, however many gaps are taken together', () => {
  // A quarter of the interval either way, in an order that has no period.
  const gaps = Array.from({ length: 60 }, (_, i) => 10_000 + (((i * i * 7919) % 101) - 50) * 50);
  assert.equal(timerPeriod(gaps), null);
});
