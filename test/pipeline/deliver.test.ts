import assert from 'node:assert/strict';
import { setImmediate, setTimeout as after } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { Delivery, Sink } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { deliver, type DeliverOptions } from '../../pipeline/deliver.ts';
import { PartialWriteError, WeirError } from '../../pipeline/errors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import type { DeadLetter, Flow } from '../../schema/records.ts';
import { testContext } from '../helpers/context.ts';
import { aFlow } from '../helpers/flows.ts';
import { fakeLog, logEntry, type FakeLog } from './fake-log.ts';

interface Write {
  readonly positions: number[];
  done(): void;
  fail(error: unknown): void;
}

/** A sink whose writes end when the test says so. */
function manualSink(batch: Sink['batch']): {
  sink: Sink;
  writes: Write[];
  count: (n: number) => Promise<void>;
} {
  const writes: Write[] = [];
  const sink: Sink = {
    batch: batch!,
    write: (items: readonly Delivery[]) =>
      new Promise<void>((resolve, reject) => {
        const positions = items.map((item) => (item.record as Flow).position);
        writes.push({ positions, done: resolve, fail: reject });
      }),
  };
  const count = async (n: number): Promise<void> => {
    for (let tries = 0; writes.length < n && tries < 500; tries++) await after(2);
    assert.equal(writes.length, n, 'writes under way');
  };
  return { sink, writes, count };
}

interface Delivering {
  readonly log: FakeLog;
  readonly letters: DeadLetter[];
  readonly drain: AbortController;
  readonly kill: AbortController;
  readonly done: Promise<void>;
  readonly totals: ReturnType<typeof createCounters>['totals'];
  /** Offsets committed so far. */
  readonly committed: () => number[];
}

function delivering(t: TestContext, sink: Sink, options: Partial<DeliverOptions> = {}): Delivering {
  const log = fakeLog();
  const letters: DeadLetter[] = [];
  const drain = new AbortController();
  const kill = new AbortController();
  const counters = createCounters(noMeter, 'sink', 'test');
  const done = deliver(
    {
      sink,
      log,
      group: 'weir.sink.test',
      topics: ['enriched'],
      view: (_kind, record) => record,
      letters: {
        keep(some) {
          letters.push(...some);
          return Promise.resolve();
        },
      },
      counters,
      retry: { baseMs: 1, maxMs: 2 },
      ...options,
    },
    testContext(),
    { drain: drain.signal, kill: kill.signal },
  );
  done.catch(() => {});
  t.after(() => {
    drain.abort();
    kill.abort();
  });
  const committed = (): number[] => log.commits.map(({ offset }) => offset);
  return { log, letters, drain, kill, done, totals: counters.totals, committed };
}

const flows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => logEntry(from + i, { value: aFlow({ position: from + i }) }));

const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await setImmediate();
};

test('writes may end in any order: the cursor moves only over what is durable without a gap', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1, maxInFlight: 3 });
  const { log, committed } = delivering(t, sink);
  for (const from of [0, 10, 20]) await log.give(flows(from, 10));
  await count(3);
  writes[2]!.done();
  writes[1]!.done();
  await settled();
  assert.deepEqual(committed(), []);
  writes[0]!.done();
  await settled();
  assert.deepEqual(committed(), [30]);
});

test('a batch of the log that is cut into several writes is done with when all of them are', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 4, maxWaitMs: 1, maxInFlight: 3 });
  const { log, committed } = delivering(t, sink);
  const given = log.give(flows(0, 10));
  await count(3);
  await given;
  writes[0]!.done();
  writes[2]!.done();
  await settled();
  assert.deepEqual(committed(), []);
  writes[1]!.done();
  await settled();
  assert.deepEqual(committed(), [10]);
});

test('what a sink does not want is passed over by the cursor and not written', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 100, maxWaitMs: 1 });
  const { log, committed } = delivering(t, sink, {
    view: (_kind, record) => ((record as Flow).position % 2 === 0 ? record : null),
  });
  await log.give(flows(0, 6));
  await count(1);
  assert.deepEqual(writes[0]!.positions, [0, 2, 4]);
  writes[0]!.done();
  await settled();
  await log.give(flows(7, 1));
  await settled();
  assert.deepEqual(committed(), [6, 8], 'the second batch had nothing for it');
});

test('a far side that is down for ever keeps its cursor where it was, and the log is not overrun', async (t) => {
  const sink: Sink = {
    batch: { maxRecords: 10, maxWaitMs: 1, maxInFlight: 2 },
    write: () => Promise.reject(new WeirError('sink_unavailable', 'connection refused')),
  };
  const health: number[] = [];
  const { log, committed, kill, done, letters, totals } = delivering(t, sink, {
    health: (failuresInARow) => health.push(failuresInARow),
  });
  void log.give(flows(0, 10));
  void log.give(flows(10, 10));
  let taken = false;
  const third = log.give(flows(20, 10)).then(() => (taken = true));
  await after(60);
  assert.equal(taken, false, 'no more is taken than may be under way');
  assert.deepEqual([committed(), letters], [[], []]);
  assert.ok(health.at(-1)! > 1);
  assert.match(totals.lastError ?? '', /connection refused/);
  kill.abort();
  await Promise.allSettled([done, third]);
  assert.deepEqual(committed(), []);
});

test('an error that repeating cannot mend ends the delivery with it', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1 });
  const { log, done, committed } = delivering(t, sink);
  await log.give(flows(0, 10));
  await count(1);
  writes[0]!.fail(new WeirError('sink_misconfigured', 'the index has another mapping'));
  await assert.rejects(done, { code: 'sink_misconfigured' });
  assert.deepEqual(committed(), []);
});

test('a refused record is dead-lettered with its place, and the others are delivered', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1 });
  const { log, committed, letters } = delivering(t, sink);
  await log.give(flows(40, 10));
  await count(1);
  const refusal = { index: 3, retryable: false, code: 'sink_refused_record', reason: 'too long' } as const;
  writes[0]!.fail(new PartialWriteError([refusal]));
  await settled();
  assert.deepEqual(
    letters.map(({ component, code, offset }) => [component, code, offset]),
    [['sink.test', 'sink_refused_record', 43]],
  );
  assert.deepEqual(committed(), [50]);
});

test('an entry that is no record of ours is kept as it was, and passed over', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1 });
  const { log, committed, letters } = delivering(t, sink);
  const poison = logEntry<Flow>(1, { bytes: Buffer.from('poison'), error: 'unknown schema 0xdeadbeef' });
  await log.give([...flows(0, 1), poison, ...flows(2, 1)]);
  await count(1);
  assert.deepEqual(writes[0]!.positions, [0, 2]);
  writes[0]!.done();
  await settled();
  assert.deepEqual(committed(), [3]);
  assert.deepEqual(
    letters.map(({ code, offset, payload }) => [code, offset, Buffer.from(payload).toString()]),
    [['record_undecodable', 1, 'poison']],
  );
});

test('drained, it writes out what it holds, commits, and resolves', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 4, maxWaitMs: 60_000 });
  const { log, drain, done, committed } = delivering(t, sink);
  await log.give(flows(0, 3));
  drain.abort();
  await count(1);
  writes[0]!.done();
  await done;
  assert.deepEqual([writes[0]!.positions, committed()], [[0, 1, 2], [3]]);
});

test('killed, it ends at once and moves no cursor', async (t) => {
  const { sink, count } = manualSink({ maxRecords: 4, maxWaitMs: 1 });
  const { log, drain, kill, done, committed } = delivering(t, sink);
  await log.give(flows(0, 3));
  await count(1);
  drain.abort();
  kill.abort();
  await done.catch(() => {});
  assert.deepEqual(committed(), []);
});

test('one write is no larger than the sink asked for, in count and in bytes', async (t) => {
  const sizes: number[] = [];
  const sink: Sink = {
    batch: { maxRecords: 100, maxBytes: 1000, maxWaitMs: 1 },
    write(items) {
      sizes.push(items.reduce((sum, { bytes }) => sum + bytes!.length, 0));
      return Promise.resolve();
    },
  };
  const { log, drain, done, committed } = delivering(t, sink);
  await log.give(flows(0, 50).map((entry) => ({ ...entry, bytes: Buffer.alloc(300) })));
  drain.abort();
  await done;
  assert.equal(
    sizes.reduce((a, b) => a + b),
    15_000,
  );
  assert.ok(
    sizes.every((size) => size <= 1000),
    sizes.join(' '),
  );
  assert.deepEqual(committed(), [50]);
});

test('a record the filter fails on is kept with its place, and the others go on', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1 });
  const { log, committed, letters } = delivering(t, sink, {
    view(_kind, record) {
      if ((record as Flow).position === 1) throw new Error('no such field');
      return record;
    },
  });
  await log.give(flows(0, 3));
  await count(1);
  assert.deepEqual(writes[0]!.positions, [0, 2]);
  writes[0]!.done();
  await settled();
  assert.deepEqual(committed(), [3]);
  assert.deepEqual(
    letters.map(({ component, code, offset }) => [component, code, offset]),
    [['sink.test', 'record_failed', 1]],
  );
});

test('a filter that fails on a thousand records in a row is broken: stop', async (t) => {
  const { sink } = manualSink({ maxRecords: 10, maxWaitMs: 1 });
  const { log, done, committed } = delivering(t, sink, {
    view: () => {
      throw new Error('wired wrongly');
    },
  });
  for (let from = 0; from < 1000; from += 100) await log.give(flows(from, 100));
  await assert.rejects(done, /wired wrongly/);
  assert.ok(committed().every((offset) => offset <= 900));
});

test('a sink that is down and wants few records does not hold the log in memory', async (t) => {
  const sink: Sink = {
    batch: { maxRecords: 1000, maxWaitMs: 1 },
    write: () => Promise.reject(new WeirError('sink_unavailable', 'connection refused')),
  };
  const { log, kill, done } = delivering(t, sink, {
    view: (_kind, record) => ((record as Flow).position === 0 ? record : null),
  });
  const wanted = logEntry<Flow>(0, { value: aFlow({ position: 0 }) });
  const unwanted = logEntry<Flow>(0, { value: aFlow({ position: 1 }) });
  let taken = 0;
  const giving = (async () => {
    for (let batch = 0; batch < 400 && !kill.signal.aborted; batch++) {
      const entries = Array.from({ length: 1000 }, (_, i) => (i === 500 ? wanted : unwanted));
      await log.give(entries.map((entry, i) => ({ ...entry, offset: batch * 1000 + i })));
      taken++;
    }
  })();
  await after(300);
  assert.ok(taken <= 101, `${taken} batches of 1,000 are held`);
  kill.abort();
  await Promise.allSettled([done, giving]);
});

test('a write that ends while a letter is being kept settles nothing that was not looked at yet', async (t) => {
  const { sink, writes, count } = manualSink({ maxRecords: 10, maxWaitMs: 1, maxInFlight: 2 });
  let letGo: () => void = () => {};
  const { log, committed } = delivering(t, sink, {
    letters: { keep: () => new Promise((resolve) => (letGo = resolve)) },
  });
  await log.give(flows(0, 10));
  await count(1);
  const poison = logEntry<Flow>(10, { bytes: Buffer.from('poison'), error: 'not Avro' });
  const given = log.give([poison, ...flows(11, 9)]);
  await settled();
  writes[0]!.done();
  await settled();
  assert.deepEqual(committed(), [10]);
  letGo();
  await given;
  await count(2);
  writes[1]!.done();
  await settled();
  assert.deepEqual(committed(), [10, 20]);
});
