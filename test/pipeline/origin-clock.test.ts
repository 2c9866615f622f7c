import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originClock } from '../../pipeline/origin-clock.ts';

const SECOND = 1000;
const HOUR = 3_600_000;
const YEARS = 10 * 365 * 24 * HOUR;
const NOW = 1_800_000_000_000;

/** A clock, told what machines said, as seconds before now. */
function told(...said: readonly (readonly [node: string | null, ms: number])[]) {
  const clock = originClock();
  for (const [node, ms] of said) clock.observe({ cluster: 'c', node, startMs: NOW + ms }, NOW);
  return clock;
}

test('the clock of an origin is the greatest time of its flows', () => {
  assert.equal(originClock().current(), -Infinity);
  assert.equal(told(['a', -5 * SECOND], ['b', -9 * SECOND]).current(), NOW - 5 * SECOND);
  assert.equal(told(['a', -5 * SECOND], ['b', -2 * SECOND]).current(), NOW - 2 * SECOND);
  assert.equal(originClock(NOW).current(), NOW);
});

test('one machine of ten that is years ahead moves the clock at no time, whenever it speaks', () => {
  for (let first = 0; first < 10; first++) {
    const said: (readonly [string, number])[] = [];
    for (let second = 0; second < 300; second++)
      for (let node = 0; node < 10; node++)
        said.push([`n${node}`, -HOUR + second * SECOND + (node === first ? YEARS : 0)]);
    assert.equal(told(...said).current(), NOW - HOUR + 299 * SECOND, `machine ${first} is ahead`);
  }
});

test('a leap that a second machine makes is believed', () => {
  assert.equal(told(['a', -9 * HOUR], ['b', -HOUR]).current(), NOW - 9 * HOUR);
  assert.equal(told(['a', -9 * HOUR], ['b', -HOUR], ['c', -HOUR + 5]).current(), NOW - HOUR + 5);
  assert.equal(told(['a', -9 * HOUR], ['x', YEARS], ['b', -HOUR], ['c', -HOUR]).current(), NOW - HOUR);
});

test('a leap of the only machine that speaks is believed after a minute, or at the end when it leads to now', () => {
  const minute = Array.from({ length: 61 }, (_, i) => ['a', -HOUR + i * SECOND] as const);
  assert.equal(told(['a', -9 * HOUR], ...minute).current(), NOW - HOUR + 60 * SECOND);
  const alone = told([null, -9 * HOUR], [null, -SECOND]);
  assert.equal(alone.current(), NOW - 9 * HOUR);
  alone.rest(NOW);
  assert.equal(alone.current(), NOW - SECOND);
  const ahead = told(['a', -SECOND], ['b', YEARS]);
  ahead.rest(NOW);
  assert.equal(ahead.current(), NOW - SECOND);
});

test('an origin whose only machine is ahead has a clock once it has spoken for a minute', () => {
  const said = Array.from({ length: 61 }, (_, i) => ['a', YEARS + i * SECOND] as const);
  assert.equal(told(...said.slice(0, 60)).current(), -Infinity);
  assert.equal(told(...said).current(), NOW + YEARS + 60 * SECOND);
});
