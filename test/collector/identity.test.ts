import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identityOf } from '../../collector/inputs/lines/identity.ts';

test('two logs whose first kilobyte is equal are two logs when their first lines differ', () => {
  const line = (time: number): Buffer => Buffer.from(`{"pod":"${'x'.repeat(1500)}","end":${time}}\n`);
  assert.notEqual(identityOf(line(1), false), identityOf(line(2), false));
  assert.equal(identityOf(line(1).subarray(0, 1400), false), null, 'half a line is not one yet');
});
