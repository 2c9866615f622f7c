import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { retryAfterMs } from '../../../sinks/records/retry-after.ts';

const nowMs = Date.UTC(2026, 10, 25, 12);
const read = (value: string, more: Record<string, string> = {}, status = 429): number | undefined =>
  retryAfterMs(status, { 'retry-after': value, ...more }, () => nowMs);

test('Retry-After: seconds, or a date measured by the clock of the reply', () => {
  assert.equal(read('120'), 120_000);
  assert.equal(read(' 0 ', {}, 503), 0);
  assert.equal(read('1.5'), 1500);
  assert.equal(read('Wed, 25 Nov 2026 12:00:30 GMT'), 30_000);
  assert.equal(read('Wed, 25 Nov 2026 12:00:30 GMT', { date: 'Wed, 25 Nov 2026 12:00:20 GMT' }), 10_000);
  assert.equal(read('Wed, 25 Nov 2026 11:00:00 GMT'), 0, 'a date that has passed');
});

test('Retry-After: of another status, or of no form that there is, it asks nothing', () => {
  for (const value of ['', 'soon', '-5', '1e9', '2026-11-25T12:00:30Z', '99999999999', 'Wed, 99 Foo 2026'])
    assert.equal(read(value), undefined, value);
  for (const status of [200, 301, 404, 500]) assert.equal(read('5', {}, status), undefined);
  assert.equal(
    retryAfterMs(429, null, () => nowMs),
    undefined,
  );
});

test('Retry-After: whatever stands there, no time before now comes of it', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (value, date) => {
      const ms = read(value, { date });
      assert.ok(ms === undefined || (ms >= 0 && Number.isFinite(ms)));
    }),
  );
});
