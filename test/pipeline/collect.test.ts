import assert from 'node:assert/strict';
import { setTimeout as after } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { collect, type CollectOptions } from '../../pipeline/collect.ts';
import type { Input, LineBatch, LineDecoder, OriginContext } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { memoryCursors, type Cursors } from '../../pipeline/cursors.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { newLoss, newPolicyChange, type DeadLetter, type Flow } from '../../schema/records.ts';
import { manualClock, testContext } from '../helpers/context.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { fakeLog, type FakeLog } from './fake-log.ts';

const DISORDER_MS = 1000;
const DELIVERY_MS = 2000;

/** Lines of an origin, one position each: the text is the second of the flow after T0, or `bad` or `throw`. */
function batchOf(
  origin: string,
  from: number,
  texts: readonly string[],
  parts: Partial<LineBatch> = {},
): LineBatch {
  return {
    origin,
    place: `/var/log/${origin}`,
    lines: texts.map((text, i) => ({ position: from + i, text, timeMs: null, node: null, cluster: null })),
    rejects: [],
    losses: [],
    next: from + texts.length,
    atEnd: false,
    final: false,
    ...parts,
  };
}

/** An input of these batches; it starts each origin at its cursor, and goes on until drained when it follows. */
function inputOf(batches: readonly LineBatch[], follow = false): Input {
  return {
    async *read(from, signal) {
      for (const batch of batches) {
        const at = from(batch.origin)?.position ?? 0;
        const lines = batch.lines.filter(({ position }) => position >= at);
        if (lines.length > 0 || batch.lines.length === 0) yield { ...batch, lines };
      }
      if (follow && !signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
}

function plainDecoder({ origin }: OriginContext): LineDecoder {
  return {
    decode({ position, text }, out) {
      if (text === 'throw') throw new Error('this decoder has a bug');
      if (text === 'bad')
        out.reject({ position, code: 'line_malformed', reason: `${position}: not a number`, payload: text });
      else out.flow(aFlow({ origin, position, startMs: T0 + Number(text) * 1000 }));
    },
  };
}

interface Run {
  readonly log: FakeLog;
  readonly letters: DeadLetter[];
  readonly cursors: Cursors;
  readonly drain: AbortController;
  readonly done: Promise<void>;
  readonly flows: () => Flow[];
}

function run(
  t: TestContext,
  input: Input,
  parts: Partial<CollectOptions> = {},
  clock = manualClock(T0),
): Run {
  const log = fakeLog();
  const letters: DeadLetter[] = [];
  const drain = new AbortController();
  const cursors = parts.cursors ?? memoryCursors();
  const done = collect(
    {
      source: 'test',
      input,
      decoder: plainDecoder,
      timing: { disorderMs: DISORDER_MS, deliveryMs: DELIVERY_MS },
      node: null,
      cursors,
      stage: null,
      log: (parts.log as FakeLog | undefined) ?? log,
      topic: 'enriched',
      place: () => ({ key: null, partition: 0 }),
      follow: false,
      marksOf: 1,
      heartbeatMs: 2000,
      letters: {
        keep(some) {
          letters.push(...some);
          return Promise.resolve();
        },
      },
      counters: createCounters(noMeter, 'source', 'test'),
      ...parts,
    },
    testContext({ clock }),
    drain.signal,
  );
  done.catch(() => {});
  t.after(() => drain.abort());
  return { log, letters, cursors, drain, done, flows: () => log.values<Flow>('enriched') };
}

test('the cursor moves once the flows are in the log, never before', async (t) => {
  const log = fakeLog();
  let letGo: () => void = () => {};
  log.onAppend = () => new Promise((resolve) => (letGo = resolve));
  const { cursors, done } = run(t, inputOf([batchOf('a', 0, ['1', '2'])]), { log });
  await after(10);
  assert.equal(cursors.get('a'), undefined);
  log.onAppend = () => {};
  letGo();
  await done;
  assert.equal(cursors.get('a')?.position, 2);
});

test('crashed between log and cursor, the same lines give the same ids', async (t) => {
  const batches = [batchOf('a', 0, ['1', '2']), batchOf('a', 2, ['3', '4']), batchOf('a', 4, ['5'])];
  const cursors = memoryCursors();
  const log = fakeLog();
  let appends = 0;
  log.onAppend = () => {
    if (++appends >= 2) throw new Error('killed');
  };
  const crashed = run(t, inputOf(batches), { log, cursors });
  await assert.rejects(crashed.done, /killed/);
  assert.equal(cursors.get('a')?.position, 2);
  const again = run(t, inputOf(batches), { cursors });
  await again.done;
  const whole = run(t, inputOf(batches));
  await whole.done;
  const ids = (flows: readonly Flow[]): string[] => flows.map(({ id }) => id);
  assert.deepEqual([...ids(log.values<Flow>('enriched')), ...ids(again.flows())], ids(whole.flows()));
});

test('what the log holds already is not appended again, and the cursor goes past it', async (t) => {
  const { done, flows, cursors } = run(t, inputOf([batchOf('a', 0, ['1', '2', '3', '4'])]), {
    appended: (origin) => (origin === 'a' ? 2 : undefined),
  });
  await done;
  assert.deepEqual(
    flows().map(({ position }) => position),
    [3],
  );
  assert.equal(cursors.get('a')?.position, 4);
});

test('a bad line and a line the decoder fails on are kept with their place; the others go on', async (t) => {
  const { done, letters, flows, cursors } = run(t, inputOf([batchOf('a', 0, ['1', 'bad', 'throw', '4'])]));
  await done;
  assert.deepEqual(
    flows().map(({ position }) => position),
    [0, 3],
  );
  assert.deepEqual(
    letters.map(({ code, origin, position }) => [code, origin, position]),
    [
      ['line_malformed', 'a', 1],
      ['record_failed', 'a', 2],
    ],
  );
  assert.match(letters[1]!.reason, /\/var\/log\/a.*position 2.*has a bug/);
  assert.ok(letters[1]!.stack?.includes('plainDecoder') || letters[1]!.stack?.includes('decode'));
  assert.equal(cursors.get('a')?.position, 4);
});

test('a decoder that fails on a thousand lines in a row is broken: stop, and lose nothing', async (t) => {
  const lines = Array.from({ length: 1000 }, () => 'throw');
  const { done, cursors } = run(t, inputOf([batchOf('a', 0, lines)]));
  await assert.rejects(done, /has a bug/);
  assert.equal(cursors.get('a'), undefined);
});

test('the watermark is the slowest origin’s clock less its disorder', async (t) => {
  const { done, log } = run(t, inputOf([batchOf('a', 0, ['-5', '-50', '-9']), batchOf('b', 0, ['-70'])]));
  await done;
  const seconds = log.marks('enriched').map(({ watermarkMs }) => (watermarkMs - T0) / 1000);
  assert.deepEqual(seconds.slice(0, 2), [-6, -6], 'it never goes back');
});

test('one machine years ahead in an origin of several makes the flows of the others not late', async (t) => {
  const ahead = String(10 * 365 * 86_400);
  const decoder = ({ origin }: OriginContext): LineDecoder => ({
    decode({ position, text }, out) {
      const [node, second] = text.split(' ') as [string, string];
      out.flow({ ...aFlow({ origin, position, startMs: T0 + Number(second) * 1000 }), node });
    },
  });
  const texts = Array.from({ length: 30 }, (_, i) => [`a ${i}`, `b ${i}`, `bad ${Number(ahead) + i}`]).flat();
  const input = inputOf([batchOf('a', 0, texts), batchOf('a', texts.length, ['a 31'])], true);
  const { log } = run(t, input, { decoder, follow: true }, manualClock(T0 + 60_000));
  await after(10);
  assert.equal(log.marks('enriched').at(-1)!.watermarkMs, T0 + 31_000 - DISORDER_MS);
});

test('a finite input ends with a final mark', async (t) => {
  const last = batchOf('a', 0, ['-5', '-3'], { atEnd: true, final: true });
  const { done, log } = run(t, inputOf([last]));
  await done;
  assert.deepEqual(log.marks('enriched').at(-1), {
    input: 'test',
    of: 1,
    watermarkMs: T0 - 3000,
    final: true,
  });
});

test('event time goes on in a quiet origin, less what its writer takes to deliver', async (t) => {
  const clock = manualClock(T0);
  const quiet = batchOf('a', 0, ['0'], { atEnd: true });
  const { log } = run(t, inputOf([quiet], true), { follow: true }, clock);
  await clock.tick(20_000);
  const reached = log.marks('enriched').at(-1)!;
  assert.equal(reached.watermarkMs, T0 + 20_000 - DELIVERY_MS - DISORDER_MS);
  assert.equal(reached.final, false);
});

test('a log that is read to its end with each of its lines is never quiet while it grows', async (t) => {
  const clock = manualClock(T0);
  const cursors = memoryCursors();
  const growing: Input = {
    async *read() {
      for (let second = 0; second <= 60; second++) {
        yield batchOf('a', second, [String(second)], { atEnd: true });
        await clock.sleep(1000);
      }
      await new Promise(() => {});
    },
  };
  const { log } = run(t, growing, { follow: true, cursors }, clock);
  await clock.tick(60_000);
  // It speaks of the last line that was read, not of the time since the first end.
  assert.equal(log.marks('enriched').at(-1)!.watermarkMs, T0 + 60_000 - DISORDER_MS);
  assert.equal(cursors.get('a')?.atEndMs, T0 + 60_000);
});

test('an input that still has lines to give is not taken for quiet', async (t) => {
  const clock = manualClock(T0);
  const { log } = run(t, inputOf([batchOf('a', 0, ['0'], { atEnd: false })], true), { follow: true }, clock);
  await clock.tick(20_000);
  assert.equal(log.marks('enriched').at(-1)!.watermarkMs, T0 - DISORDER_MS);
});

test('what a decoder holds back is closed by time, and until then the cursor stays before it', async (t) => {
  const clock = manualClock(T0);
  const holding = ({ origin }: OriginContext): LineDecoder => {
    let open: number | null = null;
    let sinceMs = 0;
    return {
      decode({ position }) {
        open ??= position;
        sinceMs = clock.now();
      },
      atEnd(nowMs, final, out) {
        if (open === null || (!final && nowMs - sinceMs < 5000)) return;
        out.flow(aFlow({ origin, position: open }));
        open = null;
      },
      checkpoint: () => (open === null ? undefined : { position: open }),
    };
  };
  const { flows, cursors } = run(
    t,
    inputOf([batchOf('a', 0, ['1', '2'], { atEnd: true })], true),
    { follow: true, decoder: holding },
    clock,
  );
  await clock.tick(3000);
  assert.deepEqual([flows().length, cursors.get('a')?.position], [0, 0]);
  await clock.tick(6000);
  assert.deepEqual([flows().length, cursors.get('a')?.position], [1, 2]);
});

test('a flow the stage fails on is kept with its place, and the process goes on', async (t) => {
  const stage = {
    apply(flows: readonly Flow[]) {
      if (flows.some(({ position }) => position === 1)) throw new Error('no such network');
      return flows;
    },
  };
  const { done, letters, flows, cursors } = run(t, inputOf([batchOf('a', 0, ['1', '2', '3'])]), { stage });
  await done;
  assert.deepEqual(
    flows().map(({ position }) => position),
    [0, 2],
  );
  assert.deepEqual(
    letters.map(({ component, code, origin, position }) => [component, code, origin, position]),
    [['enricher', 'record_failed', 'a', 1]],
  );
  assert.equal(cursors.get('a')?.position, 3);
});

test('a flow that cannot be encoded is kept with its place, and the process goes on', async (t) => {
  const log = fakeLog();
  log.unencodable = (value) => ('position' in value && value.position === 1 ? 'too large' : null);
  const { done, letters, flows, cursors } = run(t, inputOf([batchOf('a', 0, ['1', '2', '3'])]), { log });
  await done;
  assert.equal(flows().length, 0, 'they are in the other log');
  assert.deepEqual(
    log.values<Flow>('enriched').map(({ position }) => position),
    [0, 2],
  );
  assert.deepEqual(
    letters.map(({ code, origin, position, reason }) => [code, origin, position, reason]),
    [['record_unencodable', 'a', 1, 'too large']],
  );
  assert.equal(cursors.get('a')?.position, 3);
});

test('what cannot be appended ends the reading, although nothing more comes, and no mark overtakes it', async (t) => {
  const clock = manualClock(T0);
  const log = fakeLog();
  let appends = 0;
  log.onAppend = () => {
    if (++appends === 1) throw new Error('the disk is broken');
  };
  const quiet = batchOf('a', 0, ['0'], { atEnd: true });
  const { done, cursors } = run(t, inputOf([quiet], true), { follow: true, log }, clock);
  await clock.tick(20_000);
  await assert.rejects(done, /the disk is broken/);
  assert.deepEqual(log.appended, []);
  assert.equal(cursors.get('a'), undefined);
});

test('a heartbeat that fails ends the process: event time would stand still', async (t) => {
  const clock = manualClock(T0);
  const log = fakeLog();
  log.onAppend = (_topic, entries) => {
    if (entries.every(({ value }) => value === null)) throw new Error('not allowed');
  };
  const quiet = batchOf('a', 0, ['0'], { atEnd: true });
  const { done } = run(t, inputOf([quiet], true), { follow: true, log }, clock);
  await clock.tick(3000);
  await assert.rejects(done, /not allowed/);
});

test('an origin that is still being read tells partitions it has no flows in how far it is', async (t) => {
  const clock = manualClock(T0);
  const log = fakeLog(3);
  const busy = batchOf('a', 0, ['0'], { atEnd: false });
  run(t, inputOf([busy], true), { follow: true, log, marksOf: 0, topic: 'flows' }, clock);
  await clock.tick(2500);
  const marks = log.appended.filter(({ entry }) => entry.mark).map(({ entry }) => entry);
  assert.deepEqual(
    marks.map(({ partition, mark }) => [partition, mark?.watermarkMs]),
    [0, 1, 2].map((partition) => [partition, T0 - DISORDER_MS]),
  );
});

test('after a restart event time waits for every origin that was read before, but not for ever', async (t) => {
  const clock = manualClock(T0);
  const known = (): Partial<CollectOptions> => {
    const cursors = memoryCursors();
    cursors.set('ended', { position: 9, startMs: T0 - 9e6, ended: true }, T0);
    for (const origin of ['a', 'b']) cursors.set(origin, { position: 0, startMs: T0 - 60_000 }, T0);
    return { follow: true, cursors };
  };
  const { log } = run(t, inputOf([batchOf('a', 0, ['-5'])], true), known(), clock);
  await clock.tick(20_000);
  assert.deepEqual(log.marks('enriched'), [], 'b may be as far behind as it was');
  await clock.tick(20_000);
  assert.equal(log.marks('enriched').at(-1)!.watermarkMs, T0 - 5000 - DISORDER_MS);

  const both = [batchOf('a', 0, ['-5']), batchOf('b', 0, ['-50'])];
  const heard = run(t, inputOf(both, true), known(), manualClock(T0));
  await clock.tick(0);
  await after(5);
  assert.equal(heard.log.marks('enriched').at(-1)!.watermarkMs, T0 - 50_000 - DISORDER_MS);
});

test('losses and changes go to their topics and, among the flows, to the detectors before the mark', async (t) => {
  const change = newPolicyChange({
    id: 'c1',
    timeMs: T0 + 4000,
    cluster: 'test',
    verb: 'delete',
    kind: 'NetworkPolicy',
    name: 'web',
  });
  const loss = newLoss({ id: 'l1', where: 'source.test', sinceMs: T0, untilMs: T0 + 1e9 });
  const decoder = (context: OriginContext): LineDecoder => ({
    decode(line, out) {
      if (line.text === 'change') out.change?.(change);
      else plainDecoder(context).decode(line, out);
    },
  });
  const input = inputOf([batchOf('a', 0, ['1', 'change'], { losses: [loss] })]);
  const { log, done } = run(t, input, { decoder }, manualClock(T0 + 9000));
  await done;
  assert.deepEqual([log.values('losses'), log.values('policyChanges')], [[loss], [change]]);
  assert.deepEqual(
    log.appended
      .filter(({ topic }) => topic === 'enriched')
      .map(({ entry: { value, notice, mark } }) =>
        value ? 'flow' : notice ? [notice.kind, notice.timeMs - T0, notice.origin] : mark!.watermarkMs - T0,
      )
      .slice(0, 5),
    ['flow', ['policy_change', 4000, 'a'], ['loss', 9000, 'a'], ['report', 1000, 'a'], 4000 - DISORDER_MS],
  );
});
