import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSuppressionSchedule } from '../../incidents/in-force.ts';
import { reviewOf } from '../../incidents/review.ts';
import { createIncidentStream, type IncidentStream } from '../../incidents/stream.ts';
import type { Suppression } from '../../incidents/suppress.ts';
import { createTallies, WEEK_MS, weekOf } from '../../incidents/tally.ts';
import { codecOf } from '../../schema/codec.ts';
import { logEntry } from '../pipeline/fake-log.ts';
import { anAlert, defaults, HOUR_MS, T0 } from './fixtures.ts';

const DAY_MS = 86_400_000;
const WEEK = weekOf(T0);

const aSuppression = (name: string, untilMs = WEEK + 60 * DAY_MS): Suppression => ({
  name,
  where: 'detector : beacon',
  untilMs,
  reason: 'known',
  by: 'soc',
  ticket: null,
  includeCritical: false,
});

test('a week begins on a Monday', () => {
  assert.equal(new Date(WEEK).getUTCDay(), 1);
  assert.equal(WEEK % DAY_MS, 0);
  assert.ok(WEEK <= T0 && T0 < WEEK + WEEK_MS);
});

test('what is hidden is counted by week, and a week that was not seen whole says since when', () => {
  const tallies = createTallies();
  assert.equal(tallies.pass(-Infinity), null);
  assert.equal(tallies.pass(T0), null);
  tallies.count('a');
  tallies.count('a');
  const first = tallies.pass(WEEK + WEEK_MS)!;
  assert.deepEqual(first, { weekMs: WEEK, sinceMs: T0, hidden: { a: 2 } });
  tallies.count('b');
  assert.deepEqual(tallies.pass(WEEK + 2 * WEEK_MS), {
    weekMs: WEEK + WEEK_MS,
    sinceMs: WEEK + WEEK_MS,
    hidden: { b: 1 },
  });
  // Nothing was heard for weeks: what came then is not the whole of that week.
  tallies.pass(WEEK + 9 * WEEK_MS + 5);
  assert.equal(tallies.now()!.sinceMs, WEEK + 9 * WEEK_MS + 5);
});

test('a review names what hid nothing in the whole week and what ends soon, and nothing else', () => {
  const schedule = createSuppressionSchedule([
    aSuppression('busy'),
    aSuppression('idle'),
    aSuppression('ending', WEEK + WEEK_MS + DAY_MS),
  ]);
  const hidden = { busy: 3, ending: 1 };
  const alert = reviewOf({ weekMs: WEEK, sinceMs: WEEK, hidden }, schedule, 'test')!;
  assert.match(
    alert.why.summary,
    /1 suppression hid nothing: idle\. 1 suppression ended or will end soon: ending \(/,
  );
  assert.doesNotMatch(alert.why.summary, /busy/);
  assert.deepEqual(
    alert.why.factors.map(({ name, observed }) => [name, observed]),
    [
      ['idle', 0],
      ['ending', 1],
    ],
  );
  assert.deepEqual([alert.severity, alert.action, alert.raisedMs], ['info', 'closed', WEEK + WEEK_MS]);
  const codec = codecOf('alert');
  assert.equal(codec.decode(codec.encode(alert)).id, alert.id);
});

test('there is no review of nothing, and none of idleness after a part of a week', () => {
  const tally = { weekMs: WEEK, sinceMs: WEEK, hidden: {} };
  assert.equal(reviewOf(tally, createSuppressionSchedule([]), 'test'), null);
  const idle = createSuppressionSchedule([aSuppression('idle')]);
  assert.equal(reviewOf({ ...tally, sinceMs: T0 }, idle, 'test'), null);
  const added = createSuppressionSchedule([]);
  added.add(WEEK + DAY_MS, [aSuppression('idle')]);
  assert.equal(reviewOf(tally, added, 'test'), null);
});

function aStream(): IncidentStream {
  const ignore = (): void => {};
  return createIncidentStream({
    options: defaults,
    maxIncidents: 100,
    maxWaiting: 1000,
    evicted: ignore,
    late: ignore,
    overflowed: ignore,
  });
}

test('a partition tells of each week once, cut or not', () => {
  const alert = (offset: number, atMs: number, suppressedBy: string | null) =>
    logEntry(offset, {
      value: anAlert({ id: `a${offset}`, atMs, suppressedBy }),
      appendMs: T0 + 1e12,
    });
  const mark = (offset: number, watermarkMs: number) =>
    logEntry<never>(offset, { mark: { input: 'lanes-0', of: 1, watermarkMs, final: false } });
  const entries = [
    mark(0, T0),
    alert(1, T0 + HOUR_MS, 'a'),
    alert(2, T0 + HOUR_MS, null),
    mark(3, T0 + 2 * HOUR_MS),
    alert(4, WEEK + WEEK_MS + 1, 'a'),
    mark(5, WEEK + WEEK_MS + 2),
    mark(6, WEEK + 2 * WEEK_MS),
  ];
  const expected = [
    { weekMs: WEEK, sinceMs: T0, hidden: { a: 1 } },
    { weekMs: WEEK + WEEK_MS, sinceMs: WEEK + WEEK_MS + 1, hidden: { a: 1 } },
  ];
  const whole = aStream();
  whole.take(entries);
  const told = whole.reviewed();
  assert.deepEqual(
    told.map(({ weekMs, hidden }) => ({ weekMs, hidden })),
    expected.map(({ weekMs, hidden }) => ({ weekMs, hidden })),
  );
  for (let cut = 0; cut <= entries.length; cut++) {
    const first = aStream();
    first.take(entries.slice(0, cut));
    const tallies = first.reviewed();
    const { chunks, resume } = first.snapshot();
    const second = aStream();
    second.restore(chunks);
    second.take(entries.slice(resume));
    assert.deepEqual([...tallies, ...second.reviewed()], told);
  }
});

test('suppressions in force are looked up by the time at which an alert was decided', () => {
  const schedule = createSuppressionSchedule([]);
  assert.equal(schedule.add(T0, [aSuppression('s')]), true);
  assert.equal(schedule.add(T0 + 5, [aSuppression('s')]), false, 'they are in force already');
  schedule.add(T0 + 10, []);
  const by = (atMs: number): string | null => schedule.suppressedBy(anAlert({ detector: 'beacon', atMs }));
  assert.deepEqual([T0 - 1, T0, T0 + 9, T0 + 10].map(by), [null, 's', 's', null]);
});
