import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Cluster } from 'kafkajs';
import { guardFetching } from '../../../transport/kafka/fetch-guard.ts';

/** A cluster of two brokers, guarded, and what kafkajs does with it before a fetch. */
function guarded(): { readonly ask: () => readonly number[] } {
  const cluster = { ids: [1, 2], getNodeIds: (): readonly number[] => cluster.ids };
  guardFetching(cluster as unknown as Cluster);
  return { ask: () => cluster.getNodeIds() };
}

test('a loop of fetches that gives the event loop no turn ends with an error', async () => {
  const { ask } = guarded();
  let fetches = 0;
  await assert.rejects(async () => {
    for (; fetches < 1_000_000; fetches++) {
      ask();
      await Promise.resolve();
    }
  }, /fetched without end/);
  assert.ok(fetches < 1_000_000);
});

test('fetches with turns between them go on for ever, also after such a loop', async () => {
  const { ask } = guarded();
  assert.throws(() => {
    for (;;) ask();
  }, /fetched without end/);
  await setImmediate();
  for (let turn = 0; turn < 300; turn++) {
    for (let i = 0; i < 100; i++) assert.deepEqual(ask(), [1, 2]);
    await setImmediate();
  }
});
