import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createRest } from '../../pipeline/rest.ts';
import { arbitraryOf } from '../helpers/arbitraries.ts';
import { aFlow } from '../helpers/flows.ts';

test('a flow wakes as it was put to rest, whatever it holds and whatever rests beside it', () => {
  fc.assert(
    fc.property(fc.array(arbitraryOf('flow'), { minLength: 1, maxLength: 20 }), (flows) => {
      const rest = createRest();
      const slots = flows.map((flow, i) => rest.put(flow, i % 2, i));
      for (const [i, slot] of slots.entries()) {
        assert.deepEqual(rest.wake(slot), flows[i]);
        assert.deepEqual([rest.feedOf(slot), rest.offsetOf(slot)], [i % 2, i]);
      }
    }),
    { numRuns: 200 },
  );
});

test('a slot is free when its flow has woken, and not before', () => {
  const rest = createRest();
  const slot = rest.put(aFlow({ position: 1 }), 0, 1);
  assert.notEqual(rest.put(aFlow({ position: 2 }), 0, 2), slot);
  assert.equal(rest.wake(slot).position, 1);
  assert.equal(rest.put(aFlow({ position: 3 }), 0, 3), slot);
  assert.equal(rest.wake(slot).position, 3);
});

test('what wakes is its own: another flow of the same endpoints is untouched by changes to it', () => {
  const rest = createRest();
  const [a, b] = [1, 2].map((position) => rest.put(aFlow({ position }), 0, position)) as [number, number];
  const woken = rest.wake(a);
  woken.source.port = 1;
  woken.source.namespace = 'changed';
  assert.deepEqual(rest.wake(b), aFlow({ position: 2 }));
});

test('many thousands of flows of as many endpoints rest and wake', () => {
  const rest = createRest();
  const make = (i: number) => {
    const flow = aFlow({ position: i });
    flow.source.ip = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    return flow;
  };
  const slots = Array.from({ length: 120_000 }, (_, i) => rest.put(make(i), 0, i));
  for (const i of [0, 49_999, 50_000, 50_001, 119_999]) assert.deepEqual(rest.wake(slots[i]!), make(i));
});
