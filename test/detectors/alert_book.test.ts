import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAlertBook } from '../../detectors/alert-book.ts';
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

test('alert book: at its cap it closes the one without evidence for longest, and counts it', () => {
  const held = aBook(2);
  const flows = line({ every: '1s', times: 4 });
  const alerts = [1, 2, 1, 3].flatMap((handle, i) => fold(held, [flows[i]!], handle));
  assert.deepEqual(
    alerts.map(({ action }) => action),
    ['opened', 'opened', 'closed', 'opened'],
  );
  assert.equal(alerts[2]!.id, alerts[1]!.id);
  assert.equal(held.evicted(), 1);
});

test('alert book: the search command survives quotes in names and covers the evidence', () => {
  const [alert] = fold(aBook(), line());
  assert.equal(
    alert!.links.search,
    `weir search 'source.workload : "it'\\''s"' --from 2025-11-03T00:00:00.000Z --to 2025-11-03T00:00:00.001Z`,
  );
});
