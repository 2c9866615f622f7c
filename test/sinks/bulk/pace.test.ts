import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { pace, type Outcome, type Pace } from '../../../sinks/bulk/pace.ts';

const never = new AbortController().signal;
// Every lane of a run waits on it.
setMaxListeners(0, never);

interface Server {
  /** Requests it works on at once; others wait. */
  readonly workers: number;
  /** How many may wait; one more is refused. */
  readonly queue: number;
  /** Bytes it takes a millisecond and worker. */
  readonly bytesPerMs: number;
  /** Bytes of requests it holds at once; more are refused. */
  readonly memory: number;
}

interface Run {
  readonly refused: readonly boolean[];
  readonly requestsAfter: readonly number[];
}

/**
 * Drives a pace with a sink that always has something to send, against a server of which time passes by events. A
 * pace is asked of more than one request at once only as its limit allows, which the run asserts.
 */
async function simulate(
  server: Server,
  limits: { readonly maxRequests: number; readonly maxBytes: number },
  requests: number,
): Promise<Run & { readonly pace: Pace }> {
  let nowMs = 0;
  const limit = pace(limits, { now: () => nowMs });
  const refused: boolean[] = [];
  const requestsAfter: number[] = [];
  /** Requests at the server, by when they are done. */
  const working: { doneMs: number; bytes: number; end: (outcome: Outcome) => void }[] = [];
  const queued: typeof working = [];
  let active = 0;
  let sent = 0;

  const begin = (one: (typeof working)[number]): void => {
    one.doneMs = nowMs + one.bytes / server.bytesPerMs;
    working.push(one);
  };

  async function lane(): Promise<void> {
    while (sent < requests) {
      sent++;
      const sinceMs = await limit.enter(never);
      active++;
      assert.ok(active <= limits.maxRequests);
      const bytes = limit.bytes;
      const outcome = await new Promise<Outcome>((end) => {
        const one = { doneMs: 0, bytes, end };
        const held = [...working, ...queued].reduce((sum, each) => sum + each.bytes, 0);
        if (working.length < server.workers && held + bytes <= server.memory) begin(one);
        else if (queued.length < server.queue && held + bytes <= server.memory) queued.push(one);
        else {
          // A refusal comes at once, and the sink then pauses before it tries again.
          working.push({ ...one, doneMs: nowMs + 5, bytes: 0, end: () => end('overloaded') });
        }
      });
      refused.push(outcome === 'overloaded');
      active--;
      limit.leave({ outcome, bytes, sinceMs });
      requestsAfter.push(limit.requests);
    }
  }

  const lanes = Array.from({ length: limits.maxRequests }, lane);
  let isDone = false;
  const all = Promise.all(lanes).then(() => (isDone = true));
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    working.sort((a, b) => a.doneMs - b.doneMs);
    const next = working.shift();
    if (!next) continue;
    nowMs = Math.max(nowMs, next.doneMs);
    next.end('taken');
    const waiting = queued.shift();
    if (waiting) begin(waiting);
  }
  await all;
  return { pace: limit, refused, requestsAfter };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test('pace: sends as many requests at once as the server works on, and not many more', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (workers) => {
      const run = await simulate(
        { workers, queue: 1000, bytesPerMs: 10_000, memory: Infinity },
        { maxRequests: 16, maxBytes: 1_000_000 },
        2500,
      );
      const settled = run.requestsAfter.slice(1500);
      assert.ok(mean(settled) >= workers * 0.9, `${mean(settled)} requests for ${workers} workers`);
      assert.ok(mean(settled) <= workers + 2, `${mean(settled)} requests for ${workers} workers`);
    }),
    { numRuns: 12 },
  );
});

test('pace: a server that refuses what it cannot take is refused few, and kept busy', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 2 }),
      async (workers, queue) => {
        const run = await simulate(
          { workers, queue, bytesPerMs: 10_000, memory: Infinity },
          { maxRequests: 16, maxBytes: 1_000_000 },
          2500,
        );
        const last = run.refused.slice(1000);
        assert.ok(mean(last.map(Number)) < 0.1, `${mean(last.map(Number))} refused`);
        assert.ok(mean(run.requestsAfter.slice(1000)) >= workers * 0.6);
      },
    ),
    { numRuns: 12 },
  );
});

test('pace: where not one request of that size is taken, it becomes smaller until it is', async () => {
  const run = await simulate(
    { workers: 4, queue: 4, bytesPerMs: 10_000, memory: 300_000 },
    { maxRequests: 8, maxBytes: 5_000_000 },
    1500,
  );
  assert.ok(run.refused.slice(0, 4).every(Boolean), 'nothing of the first size fits');
  assert.ok(run.refused.slice(500).filter((one) => !one).length > 500, 'it goes on');
});

test('pace: a size that is too large is not tried again', () => {
  const limit = pace({ maxRequests: 4, maxBytes: 5_000_000 }, { now: () => 0 });
  limit.tooLarge(2_000_000);
  assert.equal(limit.bytes, 1_000_000);
  limit.tooLarge(3_000_000);
  assert.equal(limit.bytes, 1_000_000);
});

test('pace: who waits is let in by who leaves, and is let go by the signal', async () => {
  const limit = pace({ maxRequests: 1, maxBytes: 1000 }, { now: () => 0 });
  await limit.enter(never);
  const stop = new AbortController();
  const gone = limit.enter(stop.signal);
  let isIn = false;
  const next = limit.enter(never).then(() => (isIn = true));
  stop.abort(new Error('stopped'));
  await assert.rejects(gone, /stopped/);
  assert.equal(isIn, false);
  limit.leave({ outcome: 'taken', bytes: 1, sinceMs: 0 });
  await next;
  await assert.rejects(limit.enter(stop.signal), /stopped/);
});

test('pace: too little to send says nothing of the cluster', async () => {
  const limit = pace({ maxRequests: 8, maxBytes: 1000 }, { now: () => 0 });
  for (let i = 0; i < 500; i++) {
    await limit.enter(never);
    limit.leave({ outcome: 'taken', bytes: 10, sinceMs: 0 });
  }
  assert.equal(limit.requests, 2);
});
