import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAlertBook } from '../../detectors/alert-book.ts';
import { tenantView } from '../../pipeline/tenant.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { newFactor, newWhy } from '../../schema/records.ts';
import { partyOf } from '../../detectors/party.ts';
import { address, flowsOf, pod, policy, type Traffic } from './scenario.ts';

const QUIET_MS = 60_000;

function aBook(maxOpen = 10) {
  let evicted = 0;
  const book = createAlertBook({
    name: 'test',
    detector: 'test',
    contentVersion: 'v1',
    quietMs: QUIET_MS,
    maxOpen,
    runbook: 'README.md',
    evicted: (count) => (evicted += count),
    explain(alert) {
      const why = newWhy({ summary: `${alert.count} flows` });
      why.factors = [newFactor({ name: 'flows', observed: alert.count })];
      return { score: 0.5, why };
    },
  });
  return { book, evicted: () => evicted };
}

const line = (more: Partial<Traffic> = {}): Flow[] =>
  flowsOf([
    { at: '0s', from: pod('shop/web'), to: pod('shop/db'), fate: 'denied', policy: policy('p'), ...more },
  ]);

function fold({ book }: ReturnType<typeof aBook>, flows: readonly Flow[], handle = 1): Alert[] {
  const out: Alert[] = [];
  for (const flow of flows) {
    if (flow.endMs > book.dueMs) book.closeDue(flow.endMs, out);
    const alert = book.get(handle);
    const severity = flow.destination.port === 666 ? 'high' : 'low';
    if (alert) book.add(alert, flow, { severity }, out);
    else {
      book.open(
        handle,
        flow,
        {
          key: `key ${handle}`,
          about: 'source',
          entity: partyOf(flow.source),
          target: partyOf(flow.destination),
          rule: 'A rule',
          severity,
          attack: [],
          query: `source.workload : "it's"`,
          facts: {},
        },
        out,
      );
    }
  }
  return out;
}

test('alert book: revisions at log10 steps of the count', () => {
  const alerts = fold(aBook(), line({ every: '1ms', times: 1_500 }));
  assert.deepEqual(
    alerts.map(({ revision, action, count }) => [revision, action, count]),
    [
      [0, 'opened', 1],
      [1, 'updated', 10],
      [2, 'updated', 100],
      [3, 'updated', 1_000],
    ],
  );
  assert.equal(new Set(alerts.map((alert) => alert.id)).size, 1);
});

test('alert book: a rise in severity is a revision at once, a fall is none', () => {
  const alerts = fold(aBook(), line({ port: [80, 80, 666, 80], times: 4 }));
  assert.deepEqual(
    alerts.map(({ action, severity, count }) => [action, severity, count]),
    [
      ['opened', 'low', 1],
      ['escalated', 'high', 3],
    ],
  );
});

test('alert book: evidence within quietMs goes on, later evidence closes first and opens another id', () => {
  const flows = [...line({ every: '60s', times: 3 }), ...line({ at: '181s' })];
  const alerts = fold(aBook(), flows);
  assert.deepEqual(
    alerts.map(({ action, count, raisedMs }) => [action, count, raisedMs - flows[0]!.endMs]),
    [
      ['opened', 1, 0],
      ['closed', 3, 180_000],
      ['opened', 1, 181_000],
    ],
  );
  assert.equal(alerts[0]!.id, alerts[1]!.id);
  assert.notEqual(alerts[1]!.id, alerts[2]!.id);
});

test('alert book: what differs over the evidence is absent, what does not is told', () => {
  const flows = line({ to: [pod('shop/db'), address('10.0.0.9')], port: [1, 2], times: 10 });
  const last = fold(aBook(), flows).at(-1)!;
  assert.equal(last.source?.workload, 'web');
  assert.equal(last.source?.port, null);
  assert.equal(last.destination, null);
  assert.equal(last.protocol, 6);
  assert.equal(last.policy?.name, 'p');
  assert.equal(last.outcome, 'blocked');
  assert.deepEqual(last.evidence.ports, [1, 2]);
  assert.deepEqual(last.evidence.policies, ['NetworkPolicy shop/p']);
  assert.equal(last.evidence.flows.length, 5);
  assert.equal(last.evidence.flowIds.length, 5);
});

test('alert book: allowed and denied evidence is mixed, sampled evidence says so, tenants of both sides see it', () => {
  const flows = line({
    fate: ['denied', 'allowed'],
    times: 10,
    from: pod('shop/web', { tenant: 'a' }),
    to: pod('shop/db', { tenant: 'b' }),
    tune: (flow) => (flow.samplingRate = 50),
  });
  const last = fold(aBook(), flows).at(-1)!;
  assert.equal(last.outcome, 'mixed');
  assert.equal(last.coverage, 'sampled');
  assert.equal(last.tenant, 'a');
  assert.deepEqual(last.tenants, ['a', 'b']);
});

test('alert book: evidence is bounded, whatever comes', () => {
  const last = fold(
    aBook(),
    line({ every: '1ms', times: 10_000, port: Array.from({ length: 5_000 }, (_, i) => i) }),
  ).at(-1)!;
  assert.ok(last.evidence.ports.length <= 50 && last.evidence.flowIds.length <= 20);
  assert.ok(JSON.stringify(last).length < 8_000);
});

const actionsOf = (alerts: readonly Alert[]): string[] =>
  alerts.map(({ action, rule }) => (rule === 'A rule' ? action : `${action}: ${rule}`));

test('alert book: a full book does not close and open in turn: one alert counts and names what is left out', () => {
  const held = aBook(2);
  const flows = line({
    every: '1ms',
    times: 6_000,
    from: [pod('shop/web'), pod('shop/api'), pod('shop/job')],
  });
  const alerts = flows.flatMap((flow, i) => fold(held, [flow], (i % 30) + 1));
  const own = alerts.filter(({ rule }) => rule === 'A rule');
  const rest = alerts.filter(({ rule }) => rule !== 'A rule');
  assert.ok(!alerts.some(({ action }) => action === 'closed'));
  assert.equal(new Set(own.map(({ id }) => id)).size, 2);
  assert.deepEqual(
    rest.map(({ action, count }) => [action, count]),
    [
      ['opened', 1],
      ['updated', 10],
      ['updated', 100],
      ['updated', 1_000],
    ],
  );
  const last = rest.at(-1)!;
  assert.deepEqual([last.rule, last.entity.kind, last.severity], ['Alerts left out', 'cluster', 'low']);
  assert.deepEqual(last.evidence.peers.toSorted(), ['shop/api', 'shop/job', 'shop/web']);
  assert.match(last.why.summary, /^test has 2 alerts open in one lane.*28 further cases \(1000 findings/);
  assert.equal(held.evicted(), 28);
});

test('alert book: a full book gives way to what is more severe, and to nothing else', () => {
  const held = aBook(2);
  const flows = line({ every: '1s', times: 7, port: [80, 80, 80, 666, 666, 666, 80] });
  const alerts = [1, 2, 3, 4, 5, 6, 1].flatMap((handle, i) => fold(held, [flows[i]!], handle));
  assert.deepEqual(actionsOf(alerts), [
    'opened',
    'opened',
    'opened: Alerts left out',
    'closed',
    'opened',
    'closed',
    'opened',
    'escalated: Alerts left out',
  ]);
  // The least severe that had no evidence for longest went first, and what is known of it later opens nothing.
  assert.equal(alerts[3]!.id, alerts[0]!.id);
  assert.equal(alerts[5]!.id, alerts[1]!.id);
});

test('alert book: once there is room again each case has an alert of its own', () => {
  const held = aBook(1);
  const [first, second] = [line({}), line({ at: '10s' })];
  const later = line({ at: '300s' });
  const alerts = [...fold(held, first, 1), ...fold(held, second, 2), ...fold(held, later, 2)];
  assert.deepEqual(actionsOf(alerts), [
    'opened',
    'opened: Alerts left out',
    'closed',
    'closed: Alerts left out',
    'opened',
  ]);
});

test('alert book: what is left out is told to no tenant whole, and survives a restart', () => {
  const held = aBook(1);
  const flows = line({
    every: '1s',
    times: 40,
    from: pod('shop/web', { tenant: 'a' }),
    to: pod('shop/db', { tenant: 'a' }),
  });
  const show = (to: ReturnType<typeof aBook>, from: number, until: number): Alert[] =>
    flows.slice(from, until).flatMap((flow, i) => fold(to, [flow], from + i + 1));
  const before = show(held, 0, 20);
  const again = aBook(1);
  again.book.restore(new Map([held.book.section()]));
  const after = show(again, 20, 40);
  assert.deepEqual(after, show(held, 20, 40));
  again.book.closeDue(Number.MAX_SAFE_INTEGER, after);
  const [left] = before.filter(({ rule }) => rule !== 'A rule');
  const closed = after.find(({ id, action }) => id === left!.id && action === 'closed')!;
  assert.equal(closed.count, 39);
  assert.equal(closed.why.factors.find(({ name }) => name === 'cases_left_out')?.observed, 39);
  assert.equal(closed.tenant, null);
  const view = tenantView('alert', closed, 'a')!;
  assert.deepEqual(view.evidence.peers, []);
  assert.doesNotMatch(view.why.summary, /shop/);
});

test('alert book: the search command survives quotes in names and covers the evidence', () => {
  const [alert] = fold(aBook(), line());
  assert.equal(
    alert!.links.search,
    `weir search 'source.workload : "it'\\''s"' --from 2025-11-03T00:00:00.000Z --to 2025-11-03T00:00:00.001Z`,
  );
});
