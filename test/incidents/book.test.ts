import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIncidentBook, MAX_ALERTS, type IncidentBook } from '../../incidents/book.ts';
import { findingOf } from '../../incidents/finding.ts';
import { tenantView } from '../../pipeline/tenant.ts';
import type { Incident } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import { aFinding, anAlert, defaults, HOUR_MS, T0, type AlertParts } from './fixtures.ts';

function book(maxIncidents = 100): {
  book: IncidentBook;
  join: (...all: AlertParts[]) => Incident[];
  evicted: () => number;
} {
  let evicted = 0;
  const made = createIncidentBook({
    options: defaults,
    maxIncidents,
    evicted: (count) => (evicted += count),
  });
  return {
    book: made,
    evicted: () => evicted,
    join(...all) {
      const out: Incident[] = [];
      for (const parts of all) made.join(aFinding(parts), out);
      return out;
    },
  };
}

test('alerts of one entity are one incident; those of another are another', () => {
  const { join } = book();
  const out = join(
    { detector: 'port_scan' },
    { detector: 'lateral_movement', atMs: T0 + 60_000 },
    { entity: 'db', atMs: T0 + 61_000 },
  );
  assert.deepEqual(
    out.map(({ entity, revision, state, alerts }) => [entity.name, revision, state, alerts.length]),
    [
      ['web', 0, 'new', 1],
      ['web', 1, 'updated', 2],
      ['db', 0, 'new', 1],
    ],
  );
  assert.equal(out[0]!.id, out[1]!.id);
  assert.notEqual(out[0]!.id, out[2]!.id);
});

test('somebody is told once for each severity, and not of what is low or historical', () => {
  const { join } = book();
  const out = join(
    { severity: 'low', detector: 'a' },
    { severity: 'medium', detector: 'b', atMs: T0 + 1 },
    { severity: 'medium', detector: 'b', atMs: T0 + 2 },
    { severity: 'high', detector: 'c', atMs: T0 + 3, historical: true },
    { severity: 'high', detector: 'd', atMs: T0 + 4 },
  );
  assert.deepEqual(
    out.map(({ severity, notify }) => [severity, notify]),
    [
      ['low', false],
      ['medium', true],
      ['medium', false],
      ['high', false],
      ['critical', true],
    ],
  );
});

test('further alerts of one detector are told at 1 to 10, then 20, 30, …', () => {
  const { join } = book();
  const out = join(...Array.from({ length: 120 }, (_, i) => ({ atMs: T0 + i, severity: 'low' as const })));
  assert.equal(out.length, 10 + 9);
  assert.equal(out.at(-1)!.alerts.length, MAX_ALERTS);
});

test('what is worse than all that is listed is listed, however full the list is', () => {
  const { join } = book();
  const out = join(...Array.from({ length: 80 }, (_, i) => ({ atMs: T0 + i, severity: 'low' as const })), {
    atMs: T0 + 100,
    severity: 'critical',
  });
  assert.equal(out.at(-1)!.severity, 'critical');
  assert.equal(out.at(-1)!.alerts.length, MAX_ALERTS);
});

test('an incident closes when its alerts have closed and it was quiet, and not before', () => {
  const { book: made, join } = book();
  join({ id: 'x' });
  const out: Incident[] = [];
  made.closeDue(T0 + 24 * HOUR_MS, out);
  assert.equal(out.length, 0, 'its alert is open');
  join({ id: 'x', revision: 1, action: 'closed', atMs: T0 + 25 * HOUR_MS, lastMs: T0 + 24 * HOUR_MS });
  made.closeDue(T0 + 28 * HOUR_MS, out);
  assert.equal(out.length, 0);
  made.closeDue(T0 + 28 * HOUR_MS + 1, out);
  assert.deepEqual(
    out.map(({ state, notify, lastMs }) => [state, notify, lastMs]),
    [['closed', false, T0 + 24 * HOUR_MS]],
  );
  const next = join({ atMs: T0 + 29 * HOUR_MS });
  assert.equal(next[0]!.revision, 0);
  assert.notEqual(next[0]!.id, out[0]!.id);
});

test('an alert that is never heard of again holds its incident open for maxOpen', () => {
  const { book: made, join } = book();
  join({});
  const out: Incident[] = [];
  made.closeDue(T0 + defaults.maxOpen + 1, out);
  assert.equal(out[0]!.state, 'closed');
});

test('the close of an alert begins no incident', () => {
  const { join } = book();
  assert.deepEqual(join({ action: 'closed', revision: 3 }), []);
});

test('a suppressed alert is not scored, and what was joined before it was suppressed closes', () => {
  const { book: made, join } = book();
  assert.deepEqual(join({ suppressedBy: 'pentest' }), []);
  join({ id: 'x' });
  assert.deepEqual(
    join({ id: 'x', revision: 1, severity: 'critical', atMs: T0 + 1, suppressedBy: 'pentest' }),
    [],
  );
  const out: Incident[] = [];
  made.closeDue(T0 + defaults.quiet + 1, out);
  assert.deepEqual(
    out.map(({ severity }) => severity),
    ['medium'],
  );
});

test('too many incidents close the one that was heard of longest ago', () => {
  const { join, evicted } = book(2);
  const out = join({ entity: 'a' }, { entity: 'b', atMs: T0 + 1 }, { entity: 'c', atMs: T0 + 2 });
  assert.deepEqual(
    out.map(({ entity, state }) => `${entity.name} ${state}`),
    ['a new', 'b new', 'a closed', 'c new'],
  );
  assert.equal(evicted(), 1);
});

test('lists of existing denials, one for each lane, are one incident of the cluster that tells nobody', () => {
  const { book: made } = book();
  const out: Incident[] = [];
  for (let lane = 0; lane < 12; lane++) {
    const alert = anAlert({
      id: `list-${lane}`,
      detector: 'policy_denied',
      severity: 'info',
      atMs: T0 + lane,
    });
    alert.entity = newParty({ key: 'prod' });
    alert.entity.kind = 'cluster';
    alert.entity.name = 'prod';
    made.join(findingOf(alert, Infinity), out);
  }
  assert.equal(new Set(out.map(({ id }) => id)).size, 1);
  assert.ok(out.every(({ notify, severity, score }) => !notify && severity === 'info' && score === 0));
  assert.equal(made.size, 1);
  assert.match(out.at(-1)!.story.question!, /missing rules/);
  assert.match(out.at(-1)!.story.query!, /verdict : deny/);
});

test('the story tells who, what in which order, what to ask and where to look', () => {
  const { join } = book();
  const out = join(
    { detector: 'port_scan', tactic: 'Discovery' },
    { detector: 'lateral_movement', severity: 'high', tactic: 'Lateral Movement', atMs: T0 + 600_000 },
  );
  const { story, tactics, alerts } = out.at(-1)!;
  assert.equal(
    story.summary,
    'shop/web: 2 alerts in 10 min from port_scan, lateral_movement (Discovery, then Lateral Movement). ' +
      'It began: web did port_scan. Worst: web did lateral_movement.',
  );
  assert.equal(story.question, 'Who was logged in there, and did they mean to go on to these hosts?');
  assert.equal(
    story.query,
    'weir search \'source.entity : "test/shop/Deployment/web" or destination.entity : "test/shop/Deployment/web"\'' +
      ' --from 2023-11-14T22:13:20.000Z --to 2023-11-14T22:23:20.001Z',
  );
  assert.deepEqual(tactics, ['Discovery', 'Lateral Movement']);
  assert.deepEqual(
    alerts.map(({ line }) => line),
    ['web did port_scan.', 'web did lateral_movement.'],
  );
});

test('what is normal comes from the reasons that have a usual value', () => {
  const alert = anAlert();
  alert.why.factors = [
    { name: 'distinct_ports', observed: 400, expected: 2, threshold: 20 },
    { name: 'other', observed: 1, expected: null, threshold: null },
  ];
  const out: Incident[] = [];
  book().book.join(findingOf(alert, Infinity), out);
  assert.equal(out[0]!.story.normal, 'distinct_ports 2 (now 400)');
});

test('a tenant is not told who the other side of an incident is', () => {
  const alert = anAlert();
  alert.tenant = 'shop';
  alert.tenants = ['shop', 'bank'];
  alert.why.summary = 'web reached bank/ledger.';
  const out: Incident[] = [];
  book().book.join(findingOf(alert, Infinity), out);
  const seen = tenantView('incident', out[0]!, 'shop')!;
  assert.doesNotMatch(JSON.stringify(seen), /bank/);
  assert.equal(seen.alerts[0]!.line, 'port_scan: traffic with another tenant.');
  assert.equal(tenantView('incident', out[0]!, 'bank'), null);
});
