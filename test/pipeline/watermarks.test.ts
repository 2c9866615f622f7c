import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createWatermarks } from '../../pipeline/watermarks.ts';

const limits = { inactiveMs: 30_000, maxHoldMs: 600_000, maxOrigins: 100 };
const T = 1_700_000_000_000;

test('the watermark is the least clock of the active origins', () => {
  const marks = createWatermarks(limits);
  assert.equal(marks.current(), -Infinity);
  marks.observe('a', T - 100, T);
  marks.observe('b', T - 900, T);
  assert.equal(marks.current(), T - 900);
  marks.observe('b', T - 50, T + 1);
  assert.equal(marks.current(), T - 100);
});

test('an origin that has been silent for longer than the others may be holds nothing back', () => {
  const marks = createWatermarks(limits);
  marks.observe('silent', T, T);
  marks.observe('lively', T + 29_000, T + 30_000);
  assert.equal(marks.current(), T);
  marks.observe('lively', T + 30_001, T + 30_001);
  assert.equal(marks.current(), T + 30_001);
});

test('one origin that alone is more than maxHoldMs behind all others holds nothing back', () => {
  const marks = createWatermarks(limits);
  marks.observe('behind', T - 3_600_000, T);
  assert.equal(marks.current(), T - 3_600_000, 'alone, it is the time');
  marks.observe('a', T - 1000, T);
  marks.observe('b', T - 2000, T);
  assert.equal(marks.current(), T - 2000, 'a clock that is slow does not delay everybody for ever');
  const close = createWatermarks(limits);
  close.observe('behind', T - limits.maxHoldMs, T);
  close.observe('a', T, T);
  assert.equal(close.current(), T - limits.maxHoldMs);
});

test('a clock years ahead counts as the time it was appended', () => {
  const marks = createWatermarks(limits);
  marks.observe('ahead', T + 10 * 365 * 86_400_000, T);
  assert.equal(marks.current(), T);
});

test('an origin that ended holds nothing back; all ended, everything has come', () => {
  const marks = createWatermarks(limits);
  marks.observe('done', T - 5000, T);
  marks.observe('going', T - 100, T);
  marks.end('done', T - 4000);
  assert.equal(marks.current(), T - 100);
  assert.equal(marks.ended(), false);
  marks.end('going', T - 20);
  assert.equal(marks.ended(), true);
  assert.equal(
    marks.current(),
    T - 100,
    'what follows an origin that ended may still be within its disorder',
  );
  assert.equal(marks.finish(), T - 20);
});

test('whatever comes in, the watermark never decreases and never passes the newest append', () => {
  const heard = fc.record({
    origin: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    clockMs: fc.integer({ min: -2_000_000, max: 2_000_000 }),
    gapMs: fc.nat(40_000),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(heard, { maxLength: 60 }), (all) => {
      const marks = createWatermarks({ ...limits, maxOrigins: 4 });
      let nowMs = T;
      let before = -Infinity;
      for (const { origin, clockMs, gapMs, ends } of all) {
        nowMs += gapMs;
        marks.observe(origin, nowMs + clockMs, nowMs);
        if (ends) marks.end(origin, nowMs + clockMs);
        const current = marks.current();
        assert.ok(current >= before && current <= nowMs, `${before} -> ${current} at ${nowMs}`);
        assert.ok(marks.origins <= 4);
        before = current;
      }
    }),
  );
});
