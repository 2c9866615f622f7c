import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createDecisions, type Decision } from '../../incidents/decisions.ts';
import { createIncidentStream, type IncidentStream } from '../../incidents/stream.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { Severities, type Alert, type Incident } from '../../schema/records.ts';
import { logEntry } from '../pipeline/fake-log.ts';
import { anAlert, defaults, HOUR_MS, T0, type AlertParts } from './fixtures.ts';

interface Counts {
  late: number;
  early: number;
}

function stream(
  maxWaiting = 1000,
  decisions = createDecisions(),
): IncidentStream & { readonly counts: Counts } {
  const counts: Counts = { late: 0, early: 0 };
  const made = createIncidentStream({
    options: defaults,
    maxIncidents: 100,
    maxWaiting,
    decisions,
    evicted() {},
    late: (count) => (counts.late += count),
    overflowed: (count) => (counts.early += count),
  });
  return Object.assign(made, { counts });
}

/** What lanes write, in the order in which it comes to lie in the partition. */
type Written = { readonly alert: AlertParts } | { readonly lane: number; readonly toMs: number };

const entriesOf = (written: readonly Written[], lanes: number): LogEntry<Alert>[] =>
  written.map((each, offset) =>
    'alert' in each
      ? logEntry<Alert>(offset, { value: anAlert(each.alert), appendMs: T0 + 1000 * HOUR_MS })
      : logEntry<Alert>(offset, {
          mark: { input: `lanes-${each.lane}`, of: lanes, watermarkMs: each.toMs, final: false },
        }),
  );

test('alerts wait until every lane has passed their time', () => {
  const one = stream();
  const written: Written[] = [
    { alert: { atMs: T0 + 5 } },
    { lane: 0, toMs: T0 + 100 },
    { lane: 1, toMs: T0 + 4 },
    { lane: 1, toMs: T0 + 5 },
  ];
  const entries = entriesOf(written, 2);
  assert.equal(one.take(entries.slice(0, 3)).length, 0);
  assert.equal(one.waiting, 1);
  assert.equal(one.take(entries.slice(3)).length, 1);
});

test('a revision that is raised again after a crash counts once', () => {
  const one = stream();
  const again: Written = { alert: { id: 'x', atMs: T0 } };
  const out = one.take(entriesOf([again, { lane: 0, toMs: T0 + 9 }, again, { lane: 0, toMs: T0 + 10 }], 1));
  assert.equal(out.length, 1);
  assert.equal(one.counts.late, 0);
});

test('what comes after its time was joined is joined at once, and counted', () => {
  const one = stream();
  const out = one.take(entriesOf([{ lane: 0, toMs: T0 + 9 }, { alert: { atMs: T0 } }], 1));
  assert.equal(out.length, 1);
  assert.equal(one.counts.late, 1);
});

test('more waiting alerts than fit are joined early, oldest first, and counted', () => {
  const one = stream(10);
  const many = Array.from({ length: 30 }, (_, i): Written => ({ alert: { atMs: T0 + i * 5000 } }));
  one.take(entriesOf(many, 1));
  assert.ok(one.waiting <= 10);
  assert.equal(one.counts.early, 20);
});

test('a state of another version or of nothing is refused', () => {
  const one = stream();
  assert.throws(() => one.restore([]), { code: 'state_unusable' });
  assert.throws(() => one.restore([Buffer.from('{"version":99}')]), { code: 'state_unusable' });
});

/** Courses of alerts: each opened, perhaps revised, perhaps closed an hour after its last evidence. */
const course = fc
  .record({
    entity: fc.constantFrom('web', 'db', 'cart'),
    detector: fc.constantFrom('port_scan', 'new_edge', 'beacon'),
    tactic: fc.constantFrom('Discovery', 'Impact', 'Command and Control'),
    severity: fc.constantFrom(...Severities),
    startMs: fc.integer({ min: 0, max: 48 }).map((hours) => T0 + hours * 1_234_567),
    gaps: fc.array(fc.integer({ min: 0, max: 2 * HOUR_MS }), { maxLength: 3 }),
    closes: fc.boolean(),
    suppressed: fc.boolean(),
    lane: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ startMs, gaps, closes, suppressed, lane, ...rest }) => {
    const id = `${rest.entity} ${rest.detector} ${startMs} ${lane}`;
    const alerts: AlertParts[] = [{ ...rest, id, atMs: startMs }];
    let lastMs = startMs;
    for (const gap of gaps) {
      lastMs += gap;
      alerts.push({ ...rest, id, revision: alerts.length, action: 'updated', atMs: lastMs });
    }
    if (closes)
      alerts.push({ ...rest, id, revision: alerts.length, action: 'closed', atMs: lastMs + HOUR_MS, lastMs });
    const suppressedBy = suppressed && rest.detector === 'beacon' ? 'because' : null;
    return { lane, alerts: alerts.map((alert) => ({ ...alert, suppressedBy })) };
  });

/** The partition as `lanes` lanes would write it, taking turns as `turns` says, with marks in between. */
function partition(
  courses: readonly { lane: number; alerts: readonly AlertParts[] }[],
  lanes: number,
  turns: readonly number[],
): LogEntry<Alert>[] {
  const byLane = Array.from({ length: lanes }, (_, lane) =>
    courses
      .filter((each) => each.lane % lanes === lane)
      .flatMap(({ alerts }) => alerts)
      .sort(
        (a, b) => a.atMs! - b.atMs! || (a.id! < b.id! ? -1 : a.id! > b.id! ? 1 : a.revision! - b.revision!),
      ),
  );
  const written: Written[] = [];
  for (let turn = 0; byLane.some((left) => left.length > 0); turn++) {
    const ready = [...byLane.keys()].filter((lane) => byLane[lane]!.length > 0);
    const lane = ready[(turns[turn % turns.length]! + turn) % ready.length]!;
    const next = byLane[lane]!.shift()!;
    written.push({ alert: next });
    const follows = byLane[lane]![0];
    // Less than the next one's time: what is decided at one time is told before a mark of that time.
    if (follows && follows.atMs! > next.atMs!) written.push({ lane, toMs: follows.atMs! - 1 });
  }
  for (let lane = 0; lane < lanes; lane++) written.push({ lane, toMs: T0 + 900 * HOUR_MS });
  return entriesOf(written, lanes);
}

const sorted = (incidents: readonly Incident[]): Incident[] =>
  incidents.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.revision - b.revision));

const courses = fc.uniqueArray(course, { maxLength: 25, selector: ({ alerts }) => alerts[0]!.id });
const turns = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 10 });

test('the same incidents come of one lane or four, however they take turns', () => {
  fc.assert(
    fc.property(courses, turns, turns, (all, some, others) => {
      const expected = sorted(stream().take(partition(all, 1, [0])));
      assert.deepEqual(sorted(stream().take(partition(all, 4, some))), expected);
      assert.deepEqual(sorted(stream().take(partition(all, 4, others))), expected);
    }),
  );
});

test('the same incidents come when the stream is cut anywhere and goes on from the snapshot', () => {
  fc.assert(
    fc.property(courses, turns, fc.array(fc.nat(200), { maxLength: 4 }), (all, some, cuts) => {
      const entries = partition(all, 4, some);
      const expected = stream().take(entries);
      const out: Incident[] = [];
      let one = stream();
      let from = 0;
      for (const cut of cuts.toSorted((a, b) => a - b)) {
        out.push(...one.take(entries.slice(from, cut)));
        const { chunks, resume } = one.snapshot();
        one = stream();
        one.restore(chunks);
        assert.equal(one.resume, resume);
        from = resume;
      }
      out.push(...one.take(entries.slice(from)));
      assert.deepEqual(out, expected);
    }),
  );
});

/** What people decide about incidents that there were, whatever became of them meanwhile. */
const decided = fc.array(
  fc.record({
    pick: fc.nat(100),
    hours: fc.integer({ min: 0, max: 60 }),
    action: fc.constantFrom('acknowledged' as const, 'closed' as const),
  }),
  { maxLength: 8 },
);

test('the same incidents come of decisions by hand, heard at any time before theirs and cut anywhere', () => {
  fc.assert(
    fc.property(
      courses,
      turns,
      decided,
      fc.array(fc.nat(200), { maxLength: 3 }),
      (all, some, picks, cuts) => {
        const entries = partition(all, 4, some);
        const ids = [
          ...new Set(
            stream()
              .take(entries)
              .map(({ id }) => id),
          ),
        ];
        if (ids.length === 0) return;
        const made = picks.map(({ pick, hours, action }, i): Decision => {
          const timeMs = T0 + hours * 1_234_567;
          return { id: `d${i}`, timeMs, incident: ids[pick % ids.length]!, action, by: 'ann', reason: null };
        });
        const early = createDecisions();
        made.forEach((decision) => early.add(decision));
        const expected = stream(1000, early).take(entries);

        // Heard only just before event time comes to it, by a process that starts again and again.
        const heard = createDecisions();
        const left = made.toSorted((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1));
        const out: Incident[] = [];
        let one = stream(1000, heard);
        for (const [i, entry] of entries.entries()) {
          if (cuts.includes(i)) {
            const { chunks } = one.snapshot();
            one = stream(1000, heard);
            one.restore(chunks);
          }
          while (left.length > 0 && left[0]!.timeMs <= (entry.mark?.watermarkMs ?? -Infinity))
            heard.add(left.shift()!);
          out.push(...one.take([entry]));
        }
        assert.deepEqual(out, expected);
      },
    ),
  );
});

test('a decision that comes after its time holds at once', () => {
  const decisions = createDecisions();
  const one = stream(1000, decisions);
  const [first] = one.take(entriesOf([{ alert: { atMs: T0 } }, { lane: 0, toMs: T0 + HOUR_MS }], 1));
  decisions.add({ id: 'd', timeMs: T0, incident: first!.id, action: 'closed', by: 'ann', reason: 'known' });
  assert.deepEqual(
    one.take([]).map(({ state }) => state),
    ['closed'],
  );
});

test('at most one revision of an incident and severity is worth telling', () => {
  fc.assert(
    fc.property(courses, turns, (all, some) => {
      const told = stream()
        .take(partition(all, 4, some))
        .filter(({ notify }) => notify)
        .map(({ id, severity }) => `${id} ${severity}`);
      assert.equal(new Set(told).size, told.length);
    }),
  );
});
