import assert from 'node:assert/strict';
import { test } from 'node:test';
import { autocorrelation, strongestPeriod } from '../../../detectors/stats/periodicity.ts';
import { isNear } from './table.ts';

/** Numbers in [0, 1), the same on every run. */
function noise(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

test('autocorrelation is that of R up to the divisor', () => {
  // numpy: x = [1,3,2,5,4,6,5,8]; d = x - mean; sum(d[:-2] * d[2:]) / 6 / (sum(d * d) / 8)
  isNear(autocorrelation([1, 3, 2, 5, 4, 6, 5, 8], 2), 0.5492957746478874, 1e-12);
  assert.equal(autocorrelation([4, 4, 4, 4], 1), 0);
});

test('a clock has its period and strength 1', () => {
  for (const period of [2, 5, 17, 60]) {
    const series = Array.from({ length: 360 }, (_, i) => (i % period === 0 ? 1 : 0));
    const found = strongestPeriod(series)!;
    assert.equal(found.period, period);
    assert.ok(found.strength > 0.95, `${found.strength} at ${period}`);
  }
});

test('jitter of a bucket is found with jitter allowed', () => {
  const random = noise(7);
  const series = new Uint8Array(360);
  for (let at = 5; at < 359; at += 20) {
    const place = at + Math.floor(random() * 3) - 1;
    series[place] = series[place]! + 1;
  }
  const strict = strongestPeriod(series)?.strength ?? 0;
  const loose = strongestPeriod(series, { jitter: 1 })!;
  assert.ok(Math.abs(loose.period - 20) <= 2, `period ${loose.period}`);
  assert.ok(loose.strength > 0.55 && loose.strength > strict + 0.15, `${loose.strength} against ${strict}`);
});

test('noise has no strong period', () => {
  const random = noise(11);
  for (let run = 0; run < 20; run++) {
    const series = Array.from({ length: 360 }, () => Math.floor(random() * 4));
    for (const jitter of [0, 1]) assert.ok((strongestPeriod(series, { jitter })?.strength ?? 0) < 0.4);
  }
  assert.equal(strongestPeriod(Array.from({ length: 100 }, () => 3)), null);
  assert.equal(strongestPeriod([1, 2, 3]), null);
});
