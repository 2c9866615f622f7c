import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import type { Delivery, Sink } from '../../pipeline/contracts.ts';
import { withDeadLetter } from '../../pipeline/dead-letter.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../pipeline/errors.ts';
import { runPumps, type Pump } from '../../pipeline/lifecycle.ts';
import { attempt, fileAttempts } from '../../pipeline/quarantine.ts';
import { MAX_ASKED_MS, pauseMs, retryDefaults, withRetry } from '../../pipeline/retry.ts';
import type { DeadLetter } from '../../schema/records.ts';
import { someFlows } from '../contracts/sinkContract.ts';
import { manualClock, silent } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const never = new AbortController().signal;

// ------------------------------------------------------------------------------------------------- poison

/** A process that dies at one offset. Resolves with what it took and gave up, however it ended. */
async function life(directory: string, poison: number): Promise<{ taken: number[]; given: number[] }> {
  const entries = Array.from({ length: 6 }, (_, offset) => ({ offset }));
  const taken: number[] = [];
  const given: number[] = [];
  await attempt(fileAttempts(directory), 'enriched-0', entries, {
    take(some) {
      if (some.some(({ offset }) => offset === poison)) return Promise.reject(new Error('killed'));
      taken.push(...some.map(({ offset }) => offset));
      return Promise.resolve();
    },
    poison(entry) {
      given.push(entry.offset);
      return Promise.resolve();
    },
  }).catch(() => {});
  return { taken, given };
}

test('the second death goes record by record, the third quarantines the record', async (t) => {
  const directory = temporaryDirectory(t);
  assert.deepEqual(await life(directory, 3), { taken: [], given: [] });
  assert.deepEqual(await life(directory, 3), { taken: [], given: [] });
  assert.deepEqual(await life(directory, 3), { taken: [0, 1, 2], given: [] });
  assert.deepEqual(await life(directory, 3), { taken: [0, 1, 2, 4, 5], given: [3] });
});

test('one crash, whatever its cause, quarantines nothing', async (t) => {
  const directory = temporaryDirectory(t);
  await life(directory, 3);
  for (let restart = 0; restart < 4; restart++)
    assert.deepEqual(await life(directory, -1), { taken: [0, 1, 2, 3, 4, 5], given: [] });
});

test('what was done is not remembered as a death, on however many partitions', async (t) => {
  const directory = temporaryDirectory(t);
  const places = Array.from({ length: 100 }, (_, partition) => `enriched-${partition}`);
  const attempts = fileAttempts(directory);
  for (let first = 0; first < 30; first += 10)
    for (const place of places) {
      assert.equal(attempts.begin(place, first, first + 9), 0);
      attempts.done(place);
      attempts.done(`${place}.single`);
    }
  const next = fileAttempts(directory);
  for (const place of places) assert.equal(next.begin(place, 20, 29), 0);
  // It died before these were done.
  const last = fileAttempts(directory);
  for (const place of places) {
    assert.equal(last.begin(place, 20, 29), 1);
    assert.equal(last.begin(place, 30, 39), 0);
  }
});

test('who was told of in an earlier life is forgotten when its batch is done', (t) => {
  const directory = temporaryDirectory(t);
  fileAttempts(directory).begin('enriched-0.single', 3, 3);
  fileAttempts(directory).done('enriched-0.single');
  assert.equal(fileAttempts(directory).begin('enriched-0.single', 3, 3), 0);
});

// -------------------------------------------------------------------------------------------------- retry

test('a pause is drawn evenly from nothing to a bound that doubles, up to its greatest', () => {
  const most = Array.from({ length: 12 }, (_, failures) => pauseMs(failures, retryDefaults, () => 1));
  assert.deepEqual(most.slice(0, 9), [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
  assert.ok(most.slice(8).every((ms) => ms === 30_000));
  assert.equal(
    pauseMs(1e9, retryDefaults, () => 0.5),
    15_000,
  );
  assert.equal(
    pauseMs(7, retryDefaults, () => 0),
    0,
  );
});

/** A sink that answers as told, then takes everything. */
function scripted(...answers: readonly (Error | null)[]): { sink: Sink; writes: string[][] } {
  const writes: string[][] = [];
  const sink: Sink = {
    write(items) {
      writes.push(items.map((item) => (item.record as { id: string }).id));
      const answer = answers[writes.length - 1] ?? null;
      return answer === null ? Promise.resolve() : Promise.reject(answer);
    },
  };
  return { sink, writes };
}

const refusal = (index: number, retryable: boolean): Refusal => ({
  index,
  retryable,
  code: retryable ? 'sink_overloaded' : 'sink_refused_record',
  reason: retryable ? 'busy' : 'field source.ip is no address',
});
const idsOf = (items: readonly Delivery[]): string[] => items.map((i) => (i.record as { id: string }).id);

test('an outage is repeated until it ends; after a partial write only what was refused', async () => {
  const items = someFlows(4);
  const [a, b, c, d] = idsOf(items) as [string, string, string, string];
  const { sink, writes } = scripted(
    new WeirError('sink_unavailable', 'down'),
    new PartialWriteError([refusal(1, true), refusal(3, true)]),
    new PartialWriteError([refusal(1, true)]),
  );
  const failures: number[] = [];
  const clock = manualClock();
  const done = withRetry(sink, { clock, failed: (_error, inARow) => failures.push(inARow) }).write(
    items,
    never,
  );
  await clock.tick(60_000);
  await done;
  assert.deepEqual(writes, [[a, b, c, d], [a, b, c, d], [b, d], [d]]);
  assert.deepEqual(failures, [1, 2, 3]);
});

test('a far side that asks to be left alone is, for no longer than five minutes', async () => {
  const day = 86_400_000;
  const { sink, writes } = scripted(
    new WeirError('sink_overloaded', 'busy', { retryAfterMs: 20_000 }),
    new PartialWriteError([
      { ...refusal(0, true), retryAfterMs: 40_000 },
      { ...refusal(1, true), retryAfterMs: 10_000 },
    ]),
    new WeirError('sink_unavailable', 'down', { retryAfterMs: day }),
  );
  const clock = manualClock();
  const write = withRetry(sink, { clock, random: () => 0, failed: () => {} }).write(someFlows(2), never);
  for (const [asked, before] of [
    [20_000, 1],
    [40_000, 2],
    [MAX_ASKED_MS, 3],
  ] as const) {
    await clock.tick(asked - 1);
    assert.equal(writes.length, before);
    await clock.tick(1);
    assert.equal(writes.length, before + 1);
  }
  await write;
});

test('what a repetition cannot mend passes through at once', async () => {
  for (const error of [new WeirError('sink_misconfigured', 'no such index'), new TypeError('our bug')]) {
    const { sink, writes } = scripted(error, error);
    const write = withRetry(sink, { clock: manualClock(), failed: () => {} }).write(someFlows(1), never);
    await assert.rejects(write, error);
    assert.equal(writes.length, 1);
  }
});

test('told to stop, it ends the pause and throws what it last saw', async () => {
  const stop = new AbortController();
  const { sink, writes } = scripted(
    ...Array.from({ length: 9 }, () => new WeirError('sink_unavailable', 'down')),
  );
  const write = withRetry(sink, { clock: manualClock(), failed: () => {} }).write(someFlows(1), stop.signal);
  const ended = assert.rejects(write, { code: 'sink_unavailable' });
  await setImmediate();
  stop.abort();
  await ended;
  assert.equal(writes.length, 1);
});

// -------------------------------------------------------------------------------------------- dead letter

test('what is refused for good is kept with its reason and place; the rest is tried again', async () => {
  const items = someFlows(3);
  const letters: DeadLetter[] = [];
  const refused: string[] = [];
  const { sink } = scripted(new PartialWriteError([refusal(0, true), refusal(2, false)]));
  const wrapped = withDeadLetter(sink, {
    component: 'sink.siem',
    letters: {
      keep(some) {
        letters.push(...some);
        return Promise.resolve();
      },
    },
    now: () => 5,
    refused: (code) => refused.push(code),
  });
  await assert.rejects(wrapped.write(items, never), (error: unknown) => {
    assert.deepEqual(
      (error as PartialWriteError).refusals.map(({ index }) => index),
      [0],
    );
    return true;
  });
  const [letter] = letters;
  assert.equal(letters.length, 1);
  assert.equal(letter?.component, 'sink.siem');
  assert.match(letter?.reason ?? '', /source.ip is no address/);
  assert.deepEqual([letter?.topic, letter?.offset], ['enriched', items[2]!.offset]);
  assert.ok(
    Buffer.from(letter?.payload ?? '')
      .toString()
      .includes(idsOf(items)[2]!),
  );
  assert.deepEqual(refused, ['sink_refused_record']);
});

test('an outage never goes to the dead letter', async () => {
  const { sink } = scripted(new WeirError('sink_unavailable', 'down'));
  const letters = { keep: () => assert.fail('an outage is no refused record') };
  const wrapped = withDeadLetter(sink, { component: 'x', letters, now: () => 0, refused: () => {} });
  await assert.rejects(wrapped.write(someFlows(2), never), { code: 'sink_unavailable' });
});

// ---------------------------------------------------------------------------------------------- lifecycle

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

test('the first pump to fail drains the others, and its error is the answer', async () => {
  const ends: string[] = [];
  const broken: Pump = { name: 'broken', run: () => Promise.reject(new Error('no disk')) };
  const orderly: Pump = {
    name: 'orderly',
    async run({ drain, kill }) {
      await untilAborted(drain);
      ends.push(kill.aborted ? 'killed' : 'drained');
      throw new Error('a later failure');
    },
  };
  const run = runPumps([orderly, broken], {
    stop: never,
    graceMs: 1000,
    clock: manualClock(),
    log: silent,
  });
  await assert.rejects(run, /no disk/);
  assert.deepEqual(ends, ['drained']);
});

test('who does not end within the grace period is killed', async () => {
  const clock = manualClock();
  const stop = new AbortController();
  let state = 'running';
  const stubborn: Pump = {
    name: 'stubborn',
    async run({ drain, kill }) {
      await untilAborted(drain);
      state = 'draining';
      await untilAborted(kill);
      state = 'killed';
    },
  };
  const run = runPumps([stubborn], { stop: stop.signal, graceMs: 5000, clock, log: silent });
  stop.abort();
  await clock.tick(4999);
  assert.equal(state, 'draining');
  await clock.tick(1);
  await run;
  assert.equal(state, 'killed');
});

test('a pump that goes on after the grace period is left behind, and the run has failed', async () => {
  const clock = manualClock();
  const stop = new AbortController();
  const run = runPumps([{ name: 'hung', run: () => new Promise<void>(() => {}) }], {
    stop: stop.signal,
    graceMs: 5000,
    clock,
    log: silent,
  });
  const failed = assert.rejects(run, /hung/);
  stop.abort();
  await clock.tick(10_000);
  await failed;
});

test('pumps that end by themselves end the run, and nothing is left waiting', async () => {
  const clock = manualClock();
  await runPumps([{ name: 'finite', run: () => Promise.resolve() }], {
    stop: never,
    graceMs: 1e9,
    clock,
    log: silent,
  });
});
