import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Stage } from '../../pipeline/contracts.ts';
import { createCounters } from '../../pipeline/counters.ts';
import { enrich } from '../../pipeline/enrich.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { RuleLanes } from '../../pipeline/lane-plan.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { noticeOfLoss } from '../../pipeline/notice.ts';
import { noMeter } from '../../pipeline/meter.ts';
import { fileAttempts, noAttempts, type Attempts } from '../../pipeline/quarantine.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import { newLoss, type DeadLetter, type Flow } from '../../schema/records.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { fakeLog, logEntry, type FakeLog } from './fake-log.ts';

const LANES = 4;

const tenants: Stage<Flow, Flow> = {
  apply(flows) {
    for (const flow of flows) {
      if (flow.verdict === 'error') throw new Error('no such network');
      flow.source.tenant = 'acme';
    }
    return flows;
  },
};

function enriching(
  t: TestContext,
  stage: Stage<Flow, Flow> = tenants,
  attempts: Attempts = noAttempts,
  ruleLanes: RuleLanes = () => [],
): { log: FakeLog; letters: DeadLetter[]; done: Promise<void> } {
  const log = fakeLog(LANES);
  const letters: DeadLetter[] = [];
  const drain = new AbortController();
  t.after(() => drain.abort());
  const done = enrich(
    {
      stage,
      attempts,
      log,
      letters: {
        keep(some) {
          letters.push(...some);
          return Promise.resolve();
        },
      },
      counters: createCounters(noMeter, 'enricher', 'test'),
      ruleLanes,
      watermarks: { inactiveMs: 30_000, maxHoldMs: 600_000, maxOrigins: 100 },
    },
    testContext(),
    drain.signal,
  );
  done.catch(() => {});
  return { log, letters, done };
}

const flowAt = (offset: number, appendMs: number, parts: Partial<LogEntry<Flow>> = {}): LogEntry<Flow> =>
  logEntry(offset, {
    value: aFlow({ position: offset, startMs: appendMs - 100 }),
    clockMs: appendMs - 200,
    appendMs,
    ...parts,
  });

test('each flow goes to the lane of its initiator and to that of its responder, once', async (t) => {
  const { log } = enriching(t);
  await log.give([flowAt(0, T0), flowAt(1, T0)], { topic: 'flows', partition: 3 });
  const flow = aFlow();
  for (const [topic, key] of [
    ['enriched', flow.source.entity],
    ['rekeyed', flow.destination.entity],
  ] as const) {
    const copies = log.appended.filter((each) => each.topic === topic).map(({ entry }) => entry);
    assert.deepEqual(
      copies.map((copy) => [copy.key, copy.partition, copy.raw, (copy.value as Flow).source.tenant]),
      Array.from({ length: 2 }, () => [key, partitionOf(key!, LANES), 3, 'acme']),
    );
  }
  assert.deepEqual(
    log.commits.map(({ partition, offset }) => [partition, offset]),
    [[3, 2]],
  );
});

test('after a start no mark is made before every active origin must have been heard of', async (t) => {
  const { log } = enriching(t);
  await log.give([flowAt(0, T0)], { topic: 'flows' });
  await log.give([flowAt(1, T0 + 29_999)], { topic: 'flows' });
  assert.deepEqual(log.marks('enriched'), []);
  await log.give([flowAt(2, T0 + 30_000)], { topic: 'flows' });
  const marks = log.marks('enriched');
  assert.equal(marks.length, LANES, 'one for every lane');
  assert.deepEqual(marks[0], {
    input: 'weir.flows-0',
    of: LANES,
    watermarkMs: T0 + 30_000 - 200,
    final: false,
  });
  assert.equal(log.marks('rekeyed').length, LANES);
});

test('a flow the stage fails on and a message that is no record are kept; the others go on', async (t) => {
  const { log, letters } = enriching(t);
  const failing = aFlow({ position: 1 });
  failing.verdict = 'error';
  const poison = logEntry<Flow>(2, { bytes: Buffer.from('poison'), error: 'not Avro' });
  await log.give([flowAt(0, T0), logEntry(1, { value: failing }), poison, flowAt(3, T0)], { topic: 'flows' });
  assert.deepEqual(
    log.values<Flow>('enriched').map(({ position }) => position),
    [0, 3],
  );
  assert.deepEqual(letters.map(({ code, offset }) => `${code} ${offset}`).sort(), [
    'record_failed 1',
    'record_undecodable 2',
  ]);
  assert.equal(log.commits.at(-1)!.offset, 4);
});

test('the cursor stays where it was when a copy could not be appended', async (t) => {
  const { log } = enriching(t);
  log.onAppend = (topic) => {
    if (topic === 'rekeyed') throw new Error('not enough replicas');
  };
  await log.give([flowAt(0, T0)], { topic: 'flows' });
  assert.deepEqual(log.commits, []);
});

test('a stage may give back new flows instead of changing those it was given', async (t) => {
  const { log } = enriching(t, { apply: (flows) => flows.map((flow) => ({ ...flow, cluster: 'renamed' })) });
  await log.give([flowAt(0, T0), flowAt(1, T0)], { topic: 'flows' });
  assert.deepEqual(
    log.values<Flow>('enriched').map(({ cluster }) => cluster),
    ['renamed', 'renamed'],
  );
});

const failing = (from: number, count: number): LogEntry<Flow>[] =>
  Array.from({ length: count }, (_, i) => {
    const flow = aFlow({ position: from + i });
    flow.verdict = 'error';
    return logEntry(from + i, { value: flow });
  });

test('a stage that fails on a thousand flows in a row is broken, however they are batched', async (t) => {
  const { log, done, letters } = enriching(t);
  for (let from = 0; from < 1000; from += 100) await log.give(failing(from, 100), { topic: 'flows' });
  await assert.rejects(done, /no such network/);
  assert.equal(letters.length, 900, 'of the last batch nothing was settled');
  assert.equal(log.commits.at(-1)!.offset, 900);
});

test('what time may mend is no fault of a record', async (t) => {
  const { log, done, letters } = enriching(t, {
    apply: () => Promise.reject(new WeirError('log_unavailable', 'the inventory cannot be read')),
  });
  await log.give([flowAt(0, T0)], { topic: 'flows' });
  await assert.rejects(done, /inventory/);
  assert.deepEqual([letters, log.commits], [[], []]);
});

test('a flow that is too large once it is enriched is kept', async (t) => {
  const { log, letters } = enriching(t);
  log.unencodable = (value) => ('position' in value && value.position === 1 ? 'too large' : null);
  await log.give([flowAt(0, T0), flowAt(1, T0)], { topic: 'flows' });
  assert.deepEqual(
    log.values<Flow>('rekeyed').map(({ position }) => position),
    [0],
  );
  assert.ok(
    letters.length > 0 &&
      letters.every(({ code, position }) => code === 'record_unencodable' && position === 1),
  );
  assert.equal(log.commits.at(-1)!.offset, 2);
});

test('a flow that the process dies on is quarantined at the third time, and the others get through', async (t) => {
  const directory = temporaryDirectory(t);
  const deadly: Stage<Flow, Flow> = {
    // As a process that is killed: nothing is caught, nothing goes on.
    apply: (flows) => (flows.some(({ position }) => position === 2) ? new Promise(() => {}) : flows),
  };
  const entries = Array.from({ length: 5 }, (_, i) => flowAt(i, T0));
  for (let death = 1; death <= 3; death++) {
    const { log } = enriching(t, deadly, fileAttempts(directory));
    void log.give(entries, { topic: 'flows' });
    for (let i = 0; i < 20; i++) await setImmediate();
    assert.deepEqual(log.commits, []);
  }
  const { log, letters } = enriching(t, deadly, fileAttempts(directory));
  await log.give(entries, { topic: 'flows' });
  assert.deepEqual(
    log.values<Flow>('enriched').map(({ position }) => position),
    [0, 1, 3, 4],
  );
  assert.deepEqual(
    letters.map(({ component, code, offset }) => [component, code, offset]),
    [['enricher', 'quarantined', 2]],
  );
  assert.equal(log.commits.at(-1)!.offset, 5);
});
test('a copy for a rule goes to each lane the rule asks for, and says what it is for', async (t) => {
  const { log } = enriching(t, tenants, noAttempts, (flow) => (flow.destination.port === 22 ? [2, 3] : []));
  const ssh = aFlow({ position: 0, port: 22 });
  await log.give([flowAt(0, T0, { value: ssh }), flowAt(1, T0)], { topic: 'flows', partition: 1 });
  const copies = log.appended.filter(({ topic, entry }) => topic === 'rekeyed' && entry.role === 'rule');
  assert.deepEqual(
    copies.map(({ entry }) => [entry.partition, entry.raw, (entry.value as Flow).id]),
    [
      [2, 1, ssh.id],
      [3, 1, ssh.id],
    ],
  );
});

test('a notice goes to every lane once, before the mark that passes it', async (t) => {
  const { log } = enriching(t);
  const loss = newLoss({ id: 'l1', where: 'source.test', sinceMs: T0, untilMs: T0 });
  const notice = noticeOfLoss(loss, 'file:a', T0);
  await log.give([flowAt(0, T0), logEntry(1, { notice, appendMs: T0 }), flowAt(2, T0 + 31_000)], {
    topic: 'flows',
    partition: 1,
  });
  for (let lane = 0; lane < LANES; lane++) {
    const what = log.appended
      .filter(({ topic, entry }) => topic === 'enriched' && entry.partition === lane && !entry.value)
      .map(({ entry }) => (entry.notice ? `${entry.notice.record.id} through ${entry.raw}` : 'mark'));
    assert.deepEqual(what, ['l1 through 1', 'mark']);
  }
  assert.ok(!log.appended.some(({ topic, entry }) => topic === 'rekeyed' && entry.notice));
});
