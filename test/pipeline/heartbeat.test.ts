import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../pipeline/contracts.ts';
import { beat } from '../../pipeline/heartbeat.ts';
import { goodUntilMs } from '../../pipeline/marked.ts';
import type { Alert } from '../../schema/records.ts';
import { manualClock } from '../helpers/context.ts';

test('a heartbeat has one id, a revision for each beat, and goes on after one that failed', async () => {
  const clock = manualClock();
  const told: Alert[] = [];
  const failures: unknown[] = [];
  let writes = 0;
  const sink: Sink = {
    write(items) {
      if (writes++ === 1) return Promise.reject(new Error('down'));
      told.push(...items.map(({ record }) => record as Alert));
      return Promise.resolve();
    },
  };
  const over = new AbortController();
  const beating = beat(
    {
      sink,
      name: 'siem',
      cluster: 'c1',
      tenant: 'acme',
      everyMs: 60_000,
      clock,
      summary: () => Promise.resolve('fine'),
      failed: (error) => failures.push(error),
    },
    over.signal,
  );
  for (let i = 0; i < 3; i++) await clock.tick(60_000);
  over.abort();
  await beating;
  assert.equal(writes, 4);
  assert.equal(failures.length, 1);
  assert.equal(new Set(told.map(({ id }) => id)).size, 1);
  assert.equal(new Set(told.map(({ revision }) => revision)).size, 3);
  const [first] = told as [Alert];
  assert.deepEqual([first.detector, first.tenant, first.tenants], ['heartbeat', 'acme', ['acme']]);
  assert.equal(goodUntilMs(first), first.raisedMs + 180_000);
});
