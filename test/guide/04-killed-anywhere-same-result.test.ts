/**
 * Guide 4. Nothing is acknowledged before it is durable, and everything has an id made from its place. So a process
 * may be killed at any moment: started again, it goes on where its cursors stand, and the result is the same.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { collect } from '../../pipeline/collect.ts';
import type { Input } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { fileCursors, type Cursors } from '../../pipeline/cursors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { createDedup } from '../../pipeline/dedup.ts';
import type { Flow } from '../../schema/records.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow } from '../helpers/flows.ts';
import { fakeLog } from '../pipeline/fake-log.ts';

const LINES = 40;

/** A file of forty lines, five at a time, from where the cursor says. */
const input: Input = {
  async *read(from) {
    for (let at = from('a-file')?.position ?? 0; at < LINES; at += 5) {
      const lines = Array.from({ length: Math.min(5, LINES - at) }, (_, i) => ({
        position: at + i,
        text: 'x',
        timeMs: null,
        node: null,
        cluster: null,
      }));
      const next = at + lines.length;
      yield {
        origin: 'a-file',
        place: 'a-file',
        lines,
        rejects: [],
        losses: [],
        next,
        atEnd: false,
        final: false,
      };
    }
  },
};

/** Reads until it ends, or until it dies right after append number `dieAfter`, before any cursor moved. */
async function life(cursors: Cursors, dieAfter: number): Promise<Flow[]> {
  const log = fakeLog();
  let appends = 0;
  log.onAppend = () => {
    if (++appends > dieAfter) throw new Error('killed');
  };
  await collect(
    {
      source: 'guide',
      input,
      decoder: () => ({ decode: ({ position }, out) => out.flow(aFlow({ origin: 'a-file', position })) }),
      timing: { disorderMs: 0, deliveryMs: 0 },
      node: null,
      cursors,
      stage: null,
      log,
      topic: 'enriched',
      place: () => ({ key: null, partition: 0 }),
      follow: false,
      marksOf: 1,
      heartbeatMs: 1e6,
      letters: { keep: () => Promise.resolve() },
      counters: createCounters(noMeter, 'source', 'guide'),
    },
    testContext(),
    new AbortController().signal,
  ).catch(() => {});
  return log.values<Flow>('enriched');
}

const saved = (t: TestContext): (() => Promise<Cursors>) => {
  const path = `${temporaryDirectory(t)}/cursors.json`;
  return () => fileCursors(path, { ttlMs: 1e12, max: 100 });
};

test('however often it dies, no line is left out, and a line read twice has the same id', async (t) => {
  const whole = await life(await saved(t)(), Infinity);
  assert.equal(whole.length, LINES);
  const cursors = saved(t);
  const pieces: Flow[] = [];
  for (const dieAfter of [1, 0, 2, 1, Infinity]) pieces.push(...(await life(await cursors(), dieAfter)));
  assert.deepEqual(
    [...new Set(pieces.map(({ id }) => id))],
    whole.map(({ id }) => id),
  );
});

test('who folds flows recognises what comes again by its position, without keeping ids', async (t) => {
  const flows = await life(await saved(t)(), Infinity);
  const dedup = createDedup();
  const admitted = [...flows.slice(0, 25), ...flows.slice(10)].filter(({ origin, position }) =>
    dedup.admit(origin, 0, position, 1),
  );
  assert.deepEqual(admitted, flows);
  assert.equal(dedup.size, 1, 'one number for each origin');
});
