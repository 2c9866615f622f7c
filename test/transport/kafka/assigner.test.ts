import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { deal, unitsOf, type Member } from '../../../transport/kafka/assigner.ts';

const topicsOf = new Map([
  ['weir.flows.enriched', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ['weir.flows.rekeyed', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ['weir.control', [0]],
]);
const units = unitsOf(topicsOf, new Set(['weir.flows.enriched', 'weir.flows.rekeyed']));

const member = (name: string, memberId: string): Member => ({ memberId, name, topics: [...topicsOf.keys()] });
const members = fc
  .uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), id: fc.uuid() }), {
    minLength: 1,
    maxLength: 20,
    selector: (m) => m.id,
  })
  .map((list) => list.map((m) => member(m.name, m.id)));

describe('deal', () => {
  test('lane k of both topics is one unit', () => {
    assert.equal(units.length, 13);
    assert.deepEqual(
      units.find((u) => u.key === 'lane-7')!.partitions.map((p) => p.topic),
      ['weir.flows.enriched', 'weir.flows.rekeyed'],
    );
  });

  test('every unit goes to exactly one member, and nobody has more than the even share', () => {
    fc.assert(
      fc.property(members, (list) => {
        const dealt = [...deal(units, list).values()];
        assert.deepEqual(
          dealt
            .flat()
            .map((u) => u.key)
            .toSorted((a, b) => a.localeCompare(b)),
          units.map((u) => u.key).toSorted((a, b) => a.localeCompare(b)),
        );
        assert.ok(dealt.every((own) => own.length <= Math.ceil(units.length / list.length)));
      }),
    );
  });

  test('the order in which the broker lists members does not matter', () => {
    fc.assert(
      fc.property(members, (list) => {
        const one = deal(units, list);
        const other = deal(units, list.toReversed());
        for (const [memberId, own] of one) assert.deepEqual(other.get(memberId), own);
      }),
    );
  });

  test('a member that comes back under its name gets its lanes back', () => {
    const before = deal(units, [member('a', '1'), member('b', '2'), member('c', '3')]);
    const after = deal(units, [member('a', '1'), member('b', '9'), member('c', '3')]);
    assert.deepEqual(after.get('9'), before.get('2'));
  });

  test('a unit goes only to members that read one of its topics', () => {
    const some: Member[] = [
      { memberId: '1', name: 'a', topics: ['weir.control'] },
      { memberId: '2', name: 'b', topics: ['weir.flows.enriched', 'weir.flows.rekeyed'] },
    ];
    const dealt = deal(units, some);
    assert.deepEqual(
      dealt.get('1')!.map((u) => u.key),
      ['weir.control-0'],
    );
    assert.equal(dealt.get('2')!.length, 12);
  });
});
