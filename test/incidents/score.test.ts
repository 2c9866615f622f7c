import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { scoreOf, severityOf, type Weighed } from '../../incidents/score.ts';
import { Severities } from '../../schema/records.ts';
import { HOUR_MS, T0 } from './fixtures.ts';

const weighed = (parts: Partial<Weighed> = {}): Weighed => ({
  detector: 'a',
  severity: 'medium',
  score: 1,
  lastMs: T0,
  tactics: [],
  ...parts,
});
const score = (...alerts: Weighed[]): number => scoreOf(alerts, T0, 6 * HOUR_MS);

test('one alert scores what its severity weighs, half of it where the detector is least sure', () => {
  assert.equal(score(weighed()).toFixed(4), '0.4000');
  assert.equal(score(weighed({ score: 0 })).toFixed(4), '0.2000');
  assert.equal(score(weighed({ severity: 'info' })), 0);
});

test('alerts of two detectors add up as independent reasons', () => {
  // 1 - (1 - 0.4)(1 - 0.7)
  assert.equal(score(weighed(), weighed({ detector: 'b', severity: 'high' })).toFixed(4), '0.8200');
});

test('a detector that repeats itself counts twice at most', () => {
  const low = weighed({ severity: 'low' });
  assert.equal(score(low, low).toFixed(4), (1 - 0.85 ** 2).toFixed(4));
  assert.equal(score(...Array.from({ length: 40 }, () => low)).toFixed(4), '0.3000');
  const critical = weighed({ severity: 'critical' });
  assert.equal(score(...Array.from({ length: 40 }, () => critical)).toFixed(4), '0.9000');
});

test('an alert counts half after each half-life', () => {
  assert.equal(score(weighed({ lastMs: T0 - 6 * HOUR_MS })).toFixed(4), '0.2000');
  assert.equal(score(weighed({ lastMs: T0 - 12 * HOUR_MS })).toFixed(4), '0.1000');
});

test('each alert that adds a tactic leaves a quarter less doubt; tactics of one alert are one step', () => {
  const first = weighed({ tactics: ['Discovery'] });
  const second = weighed({ detector: 'b', tactics: ['Lateral Movement'] });
  assert.equal(score(first, second).toFixed(4), (1 - 0.36 * 0.75).toFixed(4));
  assert.equal(score(first, { ...second, tactics: ['Discovery'] }).toFixed(4), '0.6400');
  assert.equal(score(weighed({ tactics: ['Discovery', 'Impact'] })).toFixed(4), '0.4000');
  assert.equal(score({ ...first, severity: 'info' }, second).toFixed(4), '0.4000');
});

test('two medium alerts of different tactics make more than either; low ones alone never do', () => {
  const chain = [weighed({ tactics: ['x'] }), weighed({ detector: 'b', tactics: ['y'] })];
  assert.equal(severityOf(chain, score(...chain)), 'medium');
  const three = [...chain, weighed({ detector: 'c', tactics: ['z'] })];
  assert.equal(severityOf(three, score(...three)), 'high');
  const lows = ['a', 'b'].map((detector) => weighed({ detector, severity: 'low' }));
  assert.equal(severityOf(lows, score(...lows)), 'low');
});

test('the score is in [0, 1], never falls with another alert, and severity is never below the worst', () => {
  const alert = fc.record({
    detector: fc.constantFrom('a', 'b', 'c'),
    severity: fc.constantFrom(...Severities),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    lastMs: fc.integer({ min: T0 - 48 * HOUR_MS, max: T0 }),
    tactics: fc.subarray(['Discovery', 'Impact', 'Lateral Movement']),
  });
  fc.assert(
    fc.property(fc.array(alert, { maxLength: 20 }), alert, (alerts, another) => {
      const before = score(...alerts);
      const after = score(...alerts, another);
      assert.ok(before >= 0 && after <= 1);
      assert.ok(after >= before - 1e-12);
      const rank = Severities.indexOf(severityOf([...alerts, another], after));
      assert.ok(rank >= Severities.indexOf(another.severity));
    }),
  );
});
