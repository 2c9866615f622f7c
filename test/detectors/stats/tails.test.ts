import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { negativeBinomialTail, sizeOf } from '../../../detectors/stats/negative-binomial-tail.ts';
import { poissonTail } from '../../../detectors/stats/poisson-tail.ts';
import { isNear } from './table.ts';

test('Poisson tails are those of an evaluation with 50 digits', () => {
  // mpmath 1.3, mp.dps = 50: log(gammainc(count, 0, mean, regularized=True)).
  const expected = [
    [1, 0.01, -4.610166019324897],
    [5, 1, -5.610333982897155],
    [20, 2.5, -26.38385987869818],
    [100, 10, -143.37672310061888],
    [1000, 100, -1406.8527552662533],
    [50, 60, -0.0881829878871983],
    [100, 100, -0.6668971505852894],
    [1_000_000, 1000, -5908763.104675533],
    [3, 1e-9, -63.961556980817285],
    [20, 20.5, -0.5559542719879202],
    [10_000, 9800, -3.807323236386658],
    [1, 50, -1.9287498479639178e-22],
  ] as const;
  for (const [count, mean, log] of expected) isNear(poissonTail(count, mean), log, 1e-11);
});

test('negative-binomial tails are those of an evaluation with 50 digits', () => {
  // mpmath 1.3, mp.dps = 50: log(betainc(count, size, 0, mean / (mean + size), regularized=True)).
  const expected = [
    [1, 0.5, 2, -1.0216512475319814],
    [20, 2, 1.5, -9.948481743883113],
    [100, 10, 0.5, -6.314907647780461],
    [1000, 10, 5, -385.3885970374925],
    [50, 60, 3, -0.6033955716937426],
    [5000, 100, 20, -823.1073175573256],
    [3, 0.001, 0.1, -17.09574729744194],
    [30, 10, 1_000_000, -15.197637997197067],
    [2000, 1900, 50, -1.0722612314023623],
  ] as const;
  for (const [count, mean, size, log] of expected) isNear(negativeBinomialTail(count, mean, size), log, 1e-9);
});

test('both tails are the sum of their probabilities', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0.05, max: 40, noNaN: true }),
      fc.double({ min: 0.1, max: 50, noNaN: true }),
      (count, mean, size) => {
        const p = mean / (mean + size);
        let poisson = Math.exp(-mean);
        let binomial = (1 - p) ** size;
        let poissonBelow = 0;
        let binomialBelow = 0;
        for (let k = 0; k < count; k++) {
          poissonBelow += poisson;
          binomialBelow += binomial;
          poisson *= mean / (k + 1);
          binomial *= (p * (k + size)) / (k + 1);
        }
        assert.ok(Math.abs(Math.exp(poissonTail(count, mean)) - (1 - poissonBelow)) < 1e-12);
        assert.ok(Math.abs(Math.exp(negativeBinomialTail(count, mean, size)) - (1 - binomialBelow)) < 1e-11);
      },
    ),
  );
});

test('a tail is certain from 0, impossible without a mean, and falls as the count grows', () => {
  assert.equal(poissonTail(0, 3), 0);
  assert.equal(poissonTail(2, 0), Number.NEGATIVE_INFINITY);
  assert.equal(negativeBinomialTail(0, 3, 2), 0);
  assert.equal(negativeBinomialTail(2, 0, 2), Number.NEGATIVE_INFINITY);
  fc.assert(
    fc.property(fc.nat(5000), fc.double({ min: 1e-6, max: 4000, noNaN: true }), (count, mean) => {
      assert.ok(poissonTail(count + 1, mean) <= poissonTail(count, mean) + 1e-12);
      // Counts that vary more make many likelier: beyond twice the mean the heavier tail is above.
      if (count > 2 * mean + 10) assert.ok(negativeBinomialTail(count, mean, 5) >= poissonTail(count, mean));
    }),
  );
});

test('the size of a negative binomial follows from its moments', () => {
  assert.equal(sizeOf(10, 30), 5);
  assert.equal(sizeOf(10, 10), Number.POSITIVE_INFINITY);
  assert.equal(negativeBinomialTail(30, 10, sizeOf(10, 9)), poissonTail(30, 10));
});
