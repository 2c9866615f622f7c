import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import { heartbeat } from '../../../pipeline/marked.ts';
import { create } from '../../../sinks/alertmanager/index.ts';
import type { PostedAlert } from '../../../sinks/alertmanager/encode.ts';
import { options as schema } from '../../../sinks/alertmanager/options.ts';
import { deliveryOf, sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { T0 } from '../../helpers/flows.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { receiver, type Received } from '../http/receiver.ts';

const never = new AbortController().signal;
let nth = 0;
const alerts = (count: number): Delivery[] =>
  Array.from({ length: count }, () => deliveryOf('alert', anAlert(nth++)));
const posted = ({ body }: Received): PostedAlert[] => JSON.parse(body.toString()) as PostedAlert[];
const alertsOf = (requests: readonly Received[]): PostedAlert[] =>
  requests.filter(({ url }) => url === '/api/v2/alerts').flatMap(posted);

sinkContract({
  name: 'alertmanager',
  deduplicates: true,
  items: alerts,
  async create(t, context) {
    const far = await receiver(t, () => ({ status: 200, body: '{}' }));
    const sink = create(schema.parse({ urls: far.url }), context);
    const ids = (): string[] => [
      ...new Set(alertsOf(far.requests).map(({ labels }) => labels['weir_id'] ?? '')),
    ];
    return { sink, delivered: () => Promise.resolve(ids()) };
  },
});

const clock = () => manualClock(T0 + 60_000);
const endOf = (alert: PostedAlert | undefined): number => Date.parse(alert?.endsAt ?? '');

test('alertmanager: an alert fires until holdMs, and its close ends it under the same labels', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const time = clock();
  const sink = create(schema.parse({ urls: far.url, holdMs: '2h' }), testContext({ clock: time }));
  t.after(() => sink.stop?.(never));
  await sink.write([deliveryOf('alert', anAlert(1))], never);
  await sink.write([deliveryOf('alert', anAlert(1, { action: 'closed', revision: 3 }))], never);
  const of = alertsOf(far.requests).filter(({ labels }) => labels['severity'] === 'medium');
  assert.equal(of.length, 2);
  assert.deepEqual(of[0]!.labels, of[1]!.labels);
  assert.equal(of[0]!.labels['alertname'], 'Port scan');
  assert.equal(of[0]!.annotations['description'], 'ports: 25, expected 2');
  assert.equal(of[0]!.startsAt, new Date(T0).toISOString());
  assert.equal(endOf(of[0]) - time.now(), 2 * 3_600_000);
  assert.equal(endOf(of[1]), time.now());
});

test('alertmanager: a rise in severity ends the alert of the severity before', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const time = clock();
  const sink = create(schema.parse({ urls: far.url }), testContext({ clock: time }));
  t.after(() => sink.stop?.(never));
  await sink.write([deliveryOf('alert', anAlert(1, { severity: 'high', revision: 1 }))], never);
  const ended = alertsOf(far.requests).filter((alert) => endOf(alert) <= time.now());
  assert.deepEqual(
    ended.map(({ labels }) => labels['severity']),
    ['info', 'low', 'medium'],
  );
});

test('alertmanager: of several revisions in one write only the last is told', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const sink = create(schema.parse({ urls: far.url }), testContext({ clock: clock() }));
  t.after(() => sink.stop?.(never));
  const revisions = [anAlert(1), anAlert(1, { revision: 1, action: 'closed' })];
  await sink.write(
    revisions.map((alert) => deliveryOf('alert', alert)),
    never,
  );
  const now = alertsOf(far.requests).filter(({ labels }) => labels['severity'] === 'medium');
  assert.equal(now.length, 1);
});

test('alertmanager: open alerts are told again, closed ones and heartbeats are not', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const time = clock();
  const sink = create(
    schema.parse({ urls: far.url, resendMs: '1m', maxOpen: 2 }),
    testContext({ clock: time }),
  );
  await sink.start!(never);
  t.after(() => sink.stop?.(never));
  await sink.write(
    [
      ...[1, 2, 3, 4].map((n) => deliveryOf('alert', anAlert(n))),
      deliveryOf('alert', heartbeat({ cluster: 'test', sink: 'am', everyMs: 60_000 }, time.now(), 'fine')),
    ],
    never,
  );
  await sink.write([deliveryOf('alert', anAlert(4, { action: 'closed', revision: 1 }))], never);
  const before = far.requests.length;
  await time.tick(60_000);
  await until(() => far.requests.length > before);
  const again = alertsOf(far.requests.slice(before));
  assert.deepEqual(
    again.map(({ annotations }) => annotations['summary']),
    ['web-3 tried 25 ports'],
    'two at most are kept, and the last of them was closed',
  );
});

test('alertmanager: a heartbeat ends by itself after three that are missing', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const time = clock();
  const sink = create(schema.parse({ urls: far.url }), testContext({ clock: time }));
  t.after(() => sink.stop?.(never));
  const beat = heartbeat({ cluster: 'test', sink: 'am', everyMs: 60_000 }, time.now(), 'fine');
  await sink.write([deliveryOf('alert', beat)], never);
  const [told] = alertsOf(far.requests).filter(({ labels }) => labels['severity'] === 'info');
  assert.equal(endOf(told) - time.now(), 180_000);
});

test('alertmanager: every member of a cluster is told, and one that is down holds nothing up', async (t) => {
  const up = await receiver(t, () => ({ status: 200 }));
  const down = await receiver(t, () => 'hang up');
  const sink = create(schema.parse({ urls: [down.url, up.url] }), testContext({ clock: clock() }));
  t.after(() => sink.stop?.(never));
  await sink.start!(never);
  await sink.write(alerts(1), never);
  assert.ok(alertsOf(up.requests).length > 0);
  assert.ok(alertsOf(down.requests).length > 0);
});

test('alertmanager: what it refuses is found, and other kinds are named as what they are', async (t) => {
  const far = await receiver(t, ({ body }) =>
    body.includes('web-bad') ? { status: 400, body: '"bad labels"' } : { status: 200 },
  );
  const sink = create(schema.parse({ urls: far.url }), testContext({ clock: clock() }));
  t.after(() => sink.stop?.(never));
  const items = [
    ...alerts(1),
    ...someFlows(1),
    deliveryOf('alert', anAlert(0, { rule: 'web-bad' })),
    ...alerts(1),
  ];
  await assert.rejects(sink.write(items, never), (error: unknown) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, code, retryable }) => [index, code, retryable]),
      [
        [1, 'record_unencodable', false],
        [2, 'sink_refused_record', false],
      ],
    );
    return true;
  });
});

test('alertmanager: a cluster that is not there cannot be started', async (t) => {
  const far = await receiver(t, () => ({ status: 404 }));
  const sink = create(schema.parse({ urls: [`${far.url}/am`] }), testContext());
  t.after(() => sink.stop?.(never));
  await assert.rejects(
    sink.start!(never),
    (error: unknown) => error instanceof WeirError && error.code === 'sink_misconfigured',
  );
  assert.equal(far.requests[0]?.url, '/am/api/v2/status');
});

/** Lets I/O that is under way come to its end. */
async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !check(); i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(check());
}
