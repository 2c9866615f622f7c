import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIncidentBook, type IncidentBook } from '../../incidents/book.ts';
import { createDecisions, decisionOf, type Decision } from '../../incidents/decisions.ts';
import { newControl, type Incident } from '../../schema/records.ts';
import { aFinding, defaults, HOUR_MS, T0, type AlertParts } from './fixtures.ts';

interface Told {
  readonly book: IncidentBook;
  readonly out: Incident[];
  readonly alert: (parts: AlertParts) => Incident | undefined;
  readonly decide: (parts: Partial<Decision> & Pick<Decision, 'incident' | 'action'>) => Incident | undefined;
}

function aBook(): Told {
  const out: Incident[] = [];
  const book = createIncidentBook({ options: defaults, maxIncidents: 10, evicted() {} });
  let decided = 0;
  /** The last revision that comes of it. */
  const after = (step: () => void): Incident | undefined => {
    const before = out.length;
    step();
    return out.length > before ? out.at(-1) : undefined;
  };
  return {
    book,
    out,
    alert: (parts) => after(() => book.join(aFinding(parts), out)),
    decide: (parts) =>
      after(() =>
        book.decide({ id: `d${decided++}`, timeMs: T0 + HOUR_MS, by: 'ann', reason: 'known', ...parts }, out),
      ),
  };
}

test('an acknowledged incident stays open and says who has it; nobody is told of it until it gets worse', () => {
  const { alert, decide, book } = aBook();
  const { id } = alert({ id: 'a', severity: 'medium' })!;
  const acknowledged = decide({ incident: id, action: 'acknowledged' })!;
  assert.deepEqual(
    [acknowledged.state, acknowledged.decidedBy, acknowledged.reason, acknowledged.decidedMs],
    ['acknowledged', 'ann', 'known', T0 + HOUR_MS],
  );
  assert.deepEqual([acknowledged.id, acknowledged.revision, acknowledged.notify], [id, 1, false]);
  assert.ok(book.has(id));

  const more = alert({ id: 'b', severity: 'low', atMs: T0 + 2 * HOUR_MS })!;
  assert.deepEqual([more.state, more.decidedBy, more.notify], ['acknowledged', 'ann', false]);
  const worse = alert({ id: 'c', severity: 'high', atMs: T0 + 3 * HOUR_MS })!;
  assert.deepEqual([worse.id, worse.state, worse.decidedBy, worse.notify], [id, 'updated', null, true]);
});

test('what is closed by hand stays closed while its own alerts go on no worse', () => {
  const { alert, decide, book } = aBook();
  const { id } = alert({ id: 'a', severity: 'medium' })!;
  const closed = decide({ incident: id, action: 'closed' })!;
  assert.deepEqual([closed.state, closed.revision, closed.decidedBy], ['closed', 1, 'ann']);
  assert.equal(book.has(id), false);
  assert.equal(alert({ id: 'a', revision: 1, action: 'updated', atMs: T0 + 2 * HOUR_MS }), undefined);
  assert.equal(alert({ id: 'a', revision: 2, action: 'closed', atMs: T0 + 3 * HOUR_MS }), undefined);
  assert.equal(book.size, 0);
});

test('another alert, or one that gets worse, begins a new incident that names the closed one', () => {
  for (const evidence of [
    { id: 'b', severity: 'low' },
    { id: 'a', revision: 1, severity: 'high' },
  ] as const) {
    const { alert, decide } = aBook();
    const { id } = alert({ id: 'a', severity: 'medium' })!;
    decide({ incident: id, action: 'closed' });
    const next = alert({ ...evidence, atMs: T0 + 2 * HOUR_MS })!;
    assert.notEqual(next.id, id);
    assert.deepEqual([next.state, next.revision, next.follows], ['new', 0, id]);
    assert.deepEqual(
      next.alerts.map((each) => each.id),
      [evidence.id],
    );
  }
});

test('when its alerts are over and it was quiet for long, what was closed by hand is forgotten', () => {
  const { alert, decide } = aBook();
  const { id } = alert({ id: 'a' })!;
  decide({ incident: id, action: 'closed' });
  alert({ id: 'a', revision: 1, action: 'closed', atMs: T0 + HOUR_MS, lastMs: T0 });
  const next = alert({ id: 'b', atMs: T0 + HOUR_MS + defaults.quiet + 1 })!;
  assert.equal(next.follows, null);
});

test('one closed after the other: the alerts of all of them are known', () => {
  const { alert, decide } = aBook();
  decide({ incident: alert({ id: 'a' })!.id, action: 'closed' });
  const second = alert({ id: 'b', atMs: T0 + HOUR_MS })!;
  decide({ incident: second.id, action: 'closed' });
  assert.equal(alert({ id: 'a', revision: 1, atMs: T0 + 2 * HOUR_MS }), undefined);
  assert.equal(alert({ id: 'b', revision: 1, atMs: T0 + 2 * HOUR_MS }), undefined);
  assert.equal(alert({ id: 'c', atMs: T0 + 2 * HOUR_MS })!.follows, second.id);
});

test('a decision that is read again counts once, and one about no open incident does nothing', () => {
  const { alert, decide } = aBook();
  const { id } = alert({ id: 'a' })!;
  assert.ok(decide({ id: 'x', incident: id, action: 'acknowledged' }));
  assert.equal(decide({ id: 'x', incident: id, action: 'acknowledged' }), undefined);
  assert.equal(decide({ incident: 'unknown', action: 'closed' }), undefined);
});

test('the state of a book goes on with what was decided', () => {
  const first = aBook();
  const acknowledged = first.alert({ id: 'a' })!;
  first.decide({ id: 'x', incident: acknowledged.id, action: 'acknowledged' });
  const closed = first.alert({ id: 'b', entity: 'db' })!;
  first.decide({ incident: closed.id, action: 'closed' });

  const second = aBook();
  second.book.load(JSON.parse(JSON.stringify(first.book.save())) as unknown[]);
  assert.equal(second.decide({ id: 'x', incident: acknowledged.id, action: 'acknowledged' }), undefined);
  assert.equal(second.alert({ id: 'c', atMs: T0 + 2 * HOUR_MS })!.state, 'acknowledged');
  assert.equal(second.alert({ id: 'b', entity: 'db', revision: 1, atMs: T0 + HOUR_MS }), undefined);
  assert.equal(second.alert({ id: 'd', entity: 'db', atMs: T0 + 2 * HOUR_MS })!.follows, closed.id);
});

test('the state of a version without decisions is taken up', () => {
  const first = aBook();
  const { id } = first.alert({ id: 'a' })!;
  const saved = JSON.parse(JSON.stringify(first.book.save())) as Record<string, unknown>[];
  for (const one of saved)
    for (const key of ['openedMs', 'follows', 'acknowledged', 'decided']) delete one[key];
  const second = aBook();
  second.book.load(saved);
  assert.equal(second.decide({ incident: id, action: 'closed' })!.state, 'closed');
});

test('more incidents closed by hand than fit are forgotten, the oldest first', () => {
  const { alert, decide, book } = aBook();
  for (let i = 0; i < 30; i++)
    decide({ incident: alert({ id: `a${i}`, entity: `e${i}`, atMs: T0 + i })!.id, action: 'closed' });
  assert.equal(book.save().length, 10);
});

test('decisions are remembered in their order, and the oldest give way', () => {
  const decisions = createDecisions();
  const at = (n: number): Decision =>
    decisionOf(
      newControl({
        id: `d${n}`,
        timeMs: n,
        kind: 'incident',
        body: JSON.stringify({ incident: 'i', action: 'closed', by: 'ann', reason: null }),
      }),
    );
  for (let i = 0; i < 5; i++) decisions.add(at(i));
  const { count } = decisions.since(0);
  assert.equal(count, 5);
  decisions.add(at(5));
  assert.deepEqual(
    decisions.since(count).decisions.map(({ id }) => id),
    ['d5'],
  );
  for (let i = 6; i < 25_000; i++) decisions.add(at(i));
  const all = decisions.since(0);
  assert.ok(all.decisions.length <= 10_000);
  assert.deepEqual([all.count, all.decisions.at(-1)!.id], [25_000, 'd24999']);
});

test('a decision of another form is refused', () => {
  const body = JSON.stringify({ incident: 'i', action: 'forgotten', by: 'ann', reason: null });
  assert.throws(() => decisionOf(newControl({ id: 'x', timeMs: 0, kind: 'incident', body })));
});
