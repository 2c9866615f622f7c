import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAhead } from '../../pipeline/ahead.ts';

const segment = { entries: [10, 20, 30, 40], taken: [0, 2, 4] };

test('each member has what had been folded when it was copied', () => {
  const ahead = createAhead();
  ahead.load([segment], [0, 1, 2]);
  assert.deepEqual(
    [0, 1, 2].map((member) => segment.entries.filter((entry) => ahead.has(entry, member))),
    [[], [10, 20], [10, 20, 30, 40]],
  );
});

test('a member that began anew has nothing, and the others are known by their new numbers', () => {
  const ahead = createAhead();
  ahead.load([segment], [1, 0, null]);
  assert.deepEqual(
    [ahead.has(10, 0), ahead.has(30, 0), ahead.has(10, 1), ahead.has(10, 2)],
    [true, false, false, false],
  );
});

test('what was folded again is settled; once all is, nothing need be asked', () => {
  const ahead = createAhead();
  ahead.load([segment, { entries: [50], taken: [1, 1, 1] }], [0, 1, 2]);
  for (const entry of [20, 10, 50, 40]) ahead.settle(entry);
  assert.equal(ahead.isEmpty, false);
  assert.deepEqual(
    ahead.save(() => true),
    [{ entries: [30], taken: [0, 0, 1] }],
  );
  ahead.settle(30);
  assert.equal(ahead.isEmpty, true);
});

test('what the log has no longer is waited for no longer', () => {
  const ahead = createAhead();
  ahead.load([segment], [0, 1, 2]);
  assert.deepEqual(
    ahead.save((entry) => entry > 20),
    [{ entries: [30, 40], taken: [0, 0, 2] }],
  );
  assert.deepEqual(
    ahead.save(() => false),
    [],
  );
  assert.equal(ahead.isEmpty, true);
});
