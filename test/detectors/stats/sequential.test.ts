import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createCusum, runLength } from '../../../detectors/stats/cusum.ts';
import { sequentialTest } from '../../../detectors/stats/sequential-test.ts';
import { isNear, textTable } from './table.ts';

test('cumulative sums are the greatest sum over any run of values up to now', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { maxLength: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, slack) => {
        const table = textTable();
        const cusum = createCusum(table, 'cusum', { slack, most: 4 });
        const slot = table.slot('a');
        for (const value of values) cusum.add(slot, value);
        let up = 0;
        let down = 0;
        for (let from = 0; from < values.length; from++) {
          const run = values.slice(from);
          up = Math.max(
            up,
            run.reduce((sum, z) => sum + Math.min(z, 4) - slack, 0),
          );
          down = Math.max(
            down,
            run.reduce((sum, z) => sum - Math.max(z, -4) - slack, 0),
          );
        }
        assert.ok(Math.abs(cusum.above(slot) - up) < 1e-9);
        assert.ok(Math.abs(cusum.below(slot) - down) < 1e-9);
        cusum.reset(slot);
        assert.equal(cusum.above(slot) + cusum.below(slot), 0);
      },
    ),
  );
});

test('a run length is that of the exact Markov chain within 2 %', () => {
  // Brook and Evans (Biometrika 59, 1972) with 2,000 states in numpy; R spc::xcusum.arl(0.5, 5, 0) is 930.89 too.
  const expected = [
    [0.5, 4, 0, 335.367],
    [0.5, 5, 0, 930.886],
    [0.5, 5, 1, 10.376],
    [0.25, 8, 0, 736.785],
    [0.5, 5, 0.5, 38.0096],
  ] as const;
  for (const [slack, threshold, shift, length] of expected)
    isNear(runLength(slack, threshold, shift), length, 0.02);
});

test('the sequential test has the steps and bounds of the threshold random walk', () => {
  // Jung and others, 2004: theta 0.8 and 0.2, alpha = beta = 0.01: steps of ln 4, bounds of ln 99, four failures decide.
  const test4 = sequentialTest({ usualSuccess: 0.8, suspectSuccess: 0.2, alpha: 0.01, beta: 0.01 });
  isNear(test4.failureStep, Math.log(4));
  isNear(test4.successStep, -Math.log(4));
  isNear(test4.upper, Math.log(99));
  isNear(test4.lower, -Math.log(99));
  assert.equal(Math.ceil(test4.upper / test4.failureStep), 4);
});
