import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beaconScore } from '../../../detectors/stats/beacon-score.ts';
import { bowleySkew, quartiles } from '../../../detectors/stats/bowley.ts';
import { intervalRegularity, sizeRegularity } from '../../../detectors/stats/regularity.ts';
import { steadiness } from '../../../detectors/stats/steadiness.ts';

/** Times whose distances are these. */
function timesOf(intervals: readonly number[]): number[] {
  const times = [1_517_338_924];
  for (const interval of intervals) times.push(times.at(-1)! + interval);
  return times;
}

test('regularity of intervals is what the unit tests of RITA v5 expect', () => {
  // analysis/beacons_test.go, TestGetTimestampScore: intervals and score.
  const expected: readonly (readonly [readonly number[], number | null])[] = [
    [[1, 1, 1, 1, 1, 1, 1, 1, 1], 1],
    [[60, 60, 60, 60, 60, 60, 60, 60, 60], 1],
    [[98, 99, 99, 100, 100, 100, 101, 101, 102], 0.995],
    [[98, 300, 98, 300, 98, 300, 98, 300, 98, 300], 0.746],
    [[1, 299, 25, 4975, 90, 2, 42, 500, 1500], 0.083],
    [[0, 0, 0, 0, 0, 0, 0, 0], null],
    [[1], null],
  ];
  for (const [intervals, score] of expected) assert.equal(intervalRegularity(timesOf(intervals)), score);
  // Equal times count once: the regularity is that of the rest.
  assert.equal(intervalRegularity(timesOf([60, 0, 60, 0, 0, 60, 60])), 1);
});

test('regularity of sizes is what the unit tests of RITA v5 expect', () => {
  // analysis/beacons_test.go, TestGetDataSizeScore and TestCalculateStatisticalScore with a default of 0.
  assert.equal(sizeRegularity([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 0.773);
  assert.equal(sizeRegularity([60, 60, 60, 60, 60, 60, 60, 60, 60]), 1);
  assert.equal(sizeRegularity([98, 99, 99, 100, 100, 100, 101, 101, 102]), 0.995);
  // 0.009 there, within 0.001: (1 - 306741.5 / 311747.5 + 2 / 2525) / 2 = 0.0084.
  assert.equal(sizeRegularity([524_885, 1, 5000, 98_654, 50, 41, 965_842, 3]), 0.008);
  assert.equal(sizeRegularity([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 0.5);
  assert.equal(sizeRegularity([1, 2]), null);
});

test('quartiles are medians of halves, and a narrow spread has no skew', () => {
  assert.deepEqual(quartiles([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), { q1: 3, q2: 5.5, q3: 8 });
  assert.deepEqual(quartiles([1, 2, 25, 42, 90, 299, 500, 1500, 4975]), { q1: 13.5, q2: 90, q3: 1000 });
  assert.ok(Math.abs(bowleySkew([1, 2, 25, 42, 90, 299, 500, 1500, 4975]) - 833.5 / 986.5) < 1e-12);
  assert.equal(bowleySkew([1, 2, 3, 5, 8, 9]), 0);
  assert.equal(bowleySkew([10, 10, 10, 10, 50, 90]), 0);
});

test('steadiness of a window: flat, two heights, gaps', () => {
  const flat = Array.from({ length: 24 }, () => 12);
  assert.deepEqual(steadiness(flat, 1), { histogram: 1, duration: 1 });
  // Mean 1, squares 23 * 1 + 23^2: a deviation of 4.8 means leaves no flatness; one bar is too few for the rest.
  assert.deepEqual(steadiness([24, ...Array.from({ length: 23 }, () => 0)], 0.01), {
    histogram: 0,
    duration: 0,
  });
  // Heights 10 and 100 in turns: mean 55, deviation 45, so 1 - 45/55; two modes hold 24 bars of 24 - 1 counted.
  const turns = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 10 : 100));
  assert.deepEqual(steadiness(turns, 1), { histogram: 1, duration: 1 });
  // Ten bars have too few for modes: 10 of 24 bars with 12, mean 5, variance (10 * 49 + 14 * 25) / 24 = 35.
  const ten = Array.from({ length: 24 }, (_, i) => (i < 5 || i >= 19 ? 12 : 0));
  assert.equal(steadiness(ten, 0.5).histogram, 0);
  // The run of ten goes over the end of the window: 10 / 12, up to three places.
  assert.equal(steadiness(ten, 0.5).duration, 0.834);
  const five = Array.from({ length: 24 }, (_, i) => (i < 5 ? 3 : 0));
  assert.equal(steadiness(five, 1).duration, 0);
});

test('eleven heights that all differ are no modes, and near ones are one', () => {
  const near = [100, 101, 102, 103, 104, 100, 101, 102, 103, 104, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  // Bars of 100 to 104 with modes 6 wide: 96 holds 100 and 101, 102 the rest: 5 and 6 of 11 - 1.
  assert.equal(steadiness(near, 0.5).histogram, 1);
  const far = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  assert.equal(steadiness(far, 0.5).histogram, 0.2);
});

test('a clock scores 1, noise far less, and too little is not judged', () => {
  const times = Array.from({ length: 288 }, (_, i) => i * 300);
  const bars = Array.from({ length: 24 }, () => 12);
  const sizes = times.map(() => 500);
  assert.deepEqual(beaconScore({ times, sizes, bars, windowSeconds: 86_400 }), {
    score: 1,
    intervals: 1,
    sizes: 1,
    histogram: 1,
    duration: 1,
  });
  assert.equal(beaconScore({ times: [1, 2, 3], sizes: [1, 1, 1], bars, windowSeconds: 86_400 }), null);
});
