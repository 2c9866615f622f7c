import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../../pipeline/log.ts';
import { sharedValues } from '../../../transport/kafka/shared-values.ts';
import { slabPool, type SlabPool } from '../../../transport/kafka/slabs.ts';

const entries = (records: readonly object[]): Entry<object>[] =>
  records.map((value) => ({ partition: 0, key: null, value }));

/** A pool that tells how many leases are open. */
function counted(): { readonly pool: SlabPool; readonly open: () => number } {
  const pool = slabPool(1024);
  let open = 0;
  return {
    open: () => open,
    pool: {
      lease() {
        const lease = pool.lease();
        open++;
        return {
          ...lease,
          end() {
            open--;
            lease.end();
          },
        };
      },
    },
  };
}

describe('values of appends made in one turn', () => {
  const [a, b] = [{ id: 'a' }, { id: 'b' }];
  const prefix = Buffer.from('p');
  const bytes = Buffer.from('encoded');

  test('the second copy of a record takes the bytes of the first', () => {
    const { pool, open } = counted();
    const copies = sharedValues(pool);
    const first = copies.join('flow', entries([a, b]));
    const second = copies.join('flow', entries([a, b]));
    first.set(0, a, prefix, bytes);
    assert.equal(second.get(0, a, prefix), bytes);
    assert.equal(second.get(1, b, prefix), undefined);
    assert.equal(second.get(0, b, prefix), undefined, 'another record at that place');
    assert.equal(second.get(0, a, Buffer.from('q')), undefined, 'another framing');
    first.end();
    assert.equal(open(), 1, 'memory is held as long as one of them reads it');
    second.end();
    assert.equal(open(), 0);
  });

  test('a later turn begins anew: the record may have been changed', async () => {
    const { pool } = counted();
    const copies = sharedValues(pool);
    const first = copies.join('flow', entries([a]));
    first.set(0, a, prefix, bytes);
    await Promise.resolve();
    assert.equal(copies.join('flow', entries([a])).get(0, a, prefix), undefined);
  });

  test('appends of another kind or length share nothing', () => {
    const { pool } = counted();
    const copies = sharedValues(pool);
    copies.join('flow', entries([a])).set(0, a, prefix, bytes);
    assert.equal(copies.join('alert', entries([a])).get(0, a, prefix), undefined);
    assert.equal(copies.join('flow', entries([a, b])).get(0, a, prefix), undefined);
  });
});
