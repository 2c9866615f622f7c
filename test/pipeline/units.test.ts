import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { z } from 'zod';
import { byteSize, duration, formatDuration, parseByteSize, parseDuration } from '../../pipeline/units.ts';

test('durations', () => {
  const cases: [string, number | null][] = [
    ['0', 0],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    ['10', null],
    ['', null],
    ['-1s', null],
    ['1 s', null],
    ['1y', null],
    ['9999999999999d', null],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

test('a formatted duration reads back', () => {
  fc.assert(fc.property(fc.nat({ max: 1e12 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test('sizes', () => {
  const cases: [string, number | null][] = [
    ['5MB', 5_000_000],
    ['5MiB', 5_242_880],
    ['20GiB', 21_474_836_480],
    ['20 gib', 21_474_836_480],
    ['1.5kB', 1500],
    ['100', 100],
    ['100B', 100],
    ['5M', null],
    ['', null],
    ['-1B', null],
    ['9999999TiB', null],
  ];
  for (const [text, bytes] of cases) assert.equal(parseByteSize(text), bytes, text);
});

test('options take the written form, a number and a default in either form', () => {
  const options = z.strictObject({ wait: duration().prefault('60s'), size: byteSize().default(1024) });
  assert.deepEqual(options.parse({}), { wait: 60_000, size: 1024 });
  assert.deepEqual(options.parse({ wait: 5, size: '1KiB' }), { wait: 5, size: 1024 });
  for (const wrong of [{ wait: 'soon' }, { wait: true }, { size: '5 apples' }]) {
    assert.match(options.safeParse(wrong).error?.issues[0]?.message ?? '', /^expected a (duration|size)/);
  }
  assert.equal(options.safeParse({ wait: -1 }).success, false);
});
