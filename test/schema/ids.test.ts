import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { digest, flowIds } from '../../schema/ids.ts';

const parts = { cluster: 'c', node: 'n', collector: 'zeek_conn', origin: 'file:1' };
const position = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('ids are printable, at most 40 characters, and the same each time', () => {
  const id = flowIds(parts)(123);
  assert.match(id, /^[-0-9A-Z_a-z]{22}$/);
  assert.equal(flowIds({ ...parts })(123), id);
});

test('ids of one origin sort as their positions do and never meet', () => {
  const ids = flowIds(parts);
  fc.assert(
    fc.property(position, position, (a, b) => {
      const [x, y] = [ids(a), ids(b)];
      assert.equal(x < y, a < b);
      assert.equal(x === y, a === b);
    }),
  );
});

test('another cluster, node, collector or origin gives other ids', () => {
  const changed = [
    { cluster: 'd' },
    { node: 'm' },
    { node: null },
    { collector: 'ulogd' },
    { origin: 'file:2' },
  ];
  const all = new Set(
    [parts, ...changed.map((change) => ({ ...parts, ...change }))].map((of) => flowIds(of)(0)),
  );
  assert.equal(all.size, changed.length + 1);
});

test('a digest tells lists apart that read the same when joined', () => {
  assert.notEqual(digest(14, 'ab', 'c'), digest(14, 'a', 'bc'));
  assert.notEqual(digest(14, 'a', ''), digest(14, 'a'));
  assert.equal(digest(14, 1, null), digest(14, '1', ''));
  assert.equal(digest(20, 'x').length, 20);
});
