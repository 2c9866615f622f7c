import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readConfig } from '../../cli/config/index.ts';
import { createControl, followWith } from '../../cli/wire/control.ts';
import { createBoard, type Shared } from '../../cli/wire/process.ts';
import { suppressionReview } from '../../cli/wire/suppression-review.ts';
import { suppressionsInForce, type SuppressionsInForce } from '../../cli/wire/suppressions.ts';
import { WEEK_MS, weekOf } from '../../incidents/tally.ts';
import type { Access, Alert } from '../../schema/records.ts';
import { createMeter } from '../../telemetry/meter.ts';
import { createLocalLog, type LocalLog } from '../../transport/local/index.ts';
import { manualClock, silent, testContext, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { anAlert } from '../incidents/fixtures.ts';
import { until } from '../services/process.ts';

/** A process over a log that outlives it. */
async function running(
  t: TestContext,
  { log, config, clock }: { log: LocalLog; config: string; clock: ManualClock },
) {
  const meter = createMeter();
  const shared: Shared = { cluster: 'test', clock, meter, log: silent, board: createBoard() };
  const reread = () => readConfig(config, { env: {}, nowMs: clock.now() }).suppressions;
  const control = createControl({ log, follow: followWith(log, 'weir.control') }, shared);
  const made = suppressionsInForce(
    { suppressions: reread(), control, file: config, reread, checkEveryMs: 10_000, leadMs: 2000 },
    shared,
  );
  const review = suppressionReview({ schedule: made.schedule, control, log }, shared);
  const stop = new AbortController();
  await control.start(stop.signal);
  await made.start();
  const pumps = Promise.all(
    [control.pump, ...made.pumps].map((pump) => pump.run({ drain: stop.signal, kill: stop.signal })),
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await pumps;
  };
  t.after(end);
  await clock.tick(0);
  return { ...made, review, board: shared.board, metrics: () => meter.text(), stop: end };
}

async function openLog(t: TestContext, directory: string): Promise<LocalLog> {
  const log = createLocalLog(
    {
      directory,
      readers: { 'weir.control': ['control'], audit: ['access'], alerts: ['alerts'] },
      maxBytes: 1e8,
      onFull: 'block',
    },
    testContext(),
  );
  await log.start(new AbortController().signal);
  t.after(() => log.stop());
  return log;
}

const write = (path: string, clock: ManualClock, ...names: string[]): void =>
  writeFileSync(
    path,
    JSON.stringify({
      suppressions: names.map((name) => ({
        name,
        where: 'detector : port_scan',
        until: new Date(clock.now() + 10 * 86_400_000).toISOString().slice(0, 10),
        reason: 'a scanner of ours',
        by: 'soc',
      })),
    }),
  );

const inForce = ({ schedule }: SuppressionsInForce, timeMs: number): string | null =>
  schedule.suppressedBy(anAlert({ atMs: timeMs }));

/** What the clock does not know of, such as a write to disk, comes to its end by itself. */
const settled = (is: () => boolean | Promise<boolean>): Promise<void> =>
  until('it is so', async () => is(), { timeoutMs: 30_000, everyMs: 5 });

test('changed suppressions are in force from a time that the log keeps, also for who starts later', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  const clock = manualClock();
  const log = await openLog(t, join(directory, 'log'));
  write(config, clock, 'one');
  const first = await running(t, { log, config, clock });
  await settled(() => inForce(first, clock.now()) === 'one');

  write(config, clock, 'two');
  const decidedMs = clock.now() + 10_000;
  await clock.tick(10_000);
  await settled(() => inForce(first, decidedMs + 2000) === 'two');
  assert.equal(inForce(first, decidedMs + 1999), 'one');
  await first.stop();

  const second = await running(t, { log, config, clock });
  assert.deepEqual(
    [0, decidedMs + 1999, decidedMs + 2000].map((timeMs) => inForce(second, timeMs)),
    ['one', 'one', 'two'],
  );
  const audit = await log.newest('access', 10);
  assert.deepEqual(
    audit.map(({ value }) => (value as Access).action),
    ['suppressions_changed', 'suppressions_changed'],
  );
});

test('a configuration that cannot be used keeps the old suppressions, and says so', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  const clock = manualClock();
  const log = await openLog(t, join(directory, 'log'));
  write(config, clock, 'one');
  const one = await running(t, { log, config, clock });
  writeFileSync(config, '{"suppressions":[{"name":"x"}]}');
  await clock.tick(10_000);
  await settled(async () => /suppressions_reload_failed 1/.test(await one.metrics()));
  assert.equal(inForce(one, clock.now() + 10_000), 'one');
});

test('when all partitions have told of a week, who has the first one writes the review; status shows this week', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  const clock = manualClock();
  const log = await openLog(t, join(directory, 'log'));
  write(config, clock, 'idle');
  const one = await running(t, { log, config, clock });
  const weekMs = weekOf(clock.now());
  await settled(() => inForce(one, weekMs) === 'idle');
  await one.review.weekEnded(0, { weekMs, sinceMs: weekMs, hidden: {} });
  await settled(async () => (await log.newest('alerts', 5)).length > 0);
  const [entry] = await log.newest('alerts', 5);
  const alert = entry!.value as Alert;
  assert.match(alert.why.summary, /1 suppression hid nothing: idle\. /);
  assert.equal(alert.raisedMs, weekMs + WEEK_MS);

  const [line] = (await one.board.read()).suppressions;
  assert.deepEqual([line!['name'], line!['hidden'], line!['by']], ['idle', 0, 'soc']);
});
