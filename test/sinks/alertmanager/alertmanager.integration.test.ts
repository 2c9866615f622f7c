import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../../sinks/alertmanager/index.ts';
import { options as schema } from '../../../sinks/alertmanager/options.ts';
import { deliveryOf } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { alertmanager } from '../../services/alertmanager.ts';
import { until } from '../../services/process.ts';
import { receiver } from '../http/receiver.ts';

interface Notified {
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

test('a real Alertmanager notifies of an opening, a rise and a close, once each, and hears again after a restart', async (t) => {
  const told: string[] = [];
  const far = await receiver(t, ({ body }) => {
    for (const { status, labels } of (JSON.parse(body.toString()) as Notified).alerts)
      told.push(`${status} ${labels['severity']}`);
    return { status: 200 };
  });
  const am = await alertmanager(t, far.url);
  if (!am) return;
  // Behind, so that a tick does not put an end into the future.
  const clock = manualClock(Date.now() - 120_000);
  const sink = create(schema.parse({ urls: am.url, labels: { team: 'netsec' } }), testContext({ clock }));
  await sink.start!(new AbortController().signal);
  t.after(() => sink.stop?.(new AbortController().signal));
  const never = new AbortController().signal;
  const firstMs = Date.now() - 600_000;
  // Every kind of text a label or annotation may hold.
  const hostile = 'line\nfeed \u0000 "quote" \\ {{ .Labels }} \u202e \ud800';
  const revision = (parts: Parameters<typeof anAlert>[1]) => [
    deliveryOf('alert', anAlert(1, { firstMs, rule: hostile, ...parts })),
  ];
  const current = async (): Promise<Notified['alerts']> =>
    (await (await fetch(`${am.url}/api/v2/alerts`)).json()) as Notified['alerts'];

  await sink.write(revision({}), never);
  await until('the opening', () => told.includes('firing medium'));
  const [shown] = await current();
  assert.equal(shown?.labels['alertname'], hostile.replace('\ud800', '\ufffd'));
  assert.equal(shown?.labels['team'], 'netsec');

  await sink.write(revision({ revision: 1, action: 'escalated', severity: 'high' }), never);
  await until('the rise', () => told.includes('firing high') && told.includes('resolved medium'));

  await am.kill();
  await am.restart();
  assert.deepEqual(await current(), [], 'it has forgotten');
  await clock.tick(60_000);
  await until('what is open', async () => (await current()).length === 1);

  await sink.write(revision({ revision: 2, action: 'closed', severity: 'high' }), never);
  await until('the close', () => told.includes('resolved high'));
  assert.deepEqual(
    [...new Set(told)].sort(),
    ['firing high', 'firing medium', 'resolved high', 'resolved medium'],
    'nothing that never fired was told',
  );
});
