import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from '../../../pipeline/contracts.ts';
import type { Alert, Incident } from '../../../schema/records.ts';
import { deliveryOf } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { silent, testContext } from '../../helpers/context.ts';
import { until } from '../../services/process.ts';
import { examples } from '../ecs/examples.ts';
import { count, newNamespace, search, type Product } from './far-side.ts';

const never = new AbortController().signal;
const DAY_MS = 86_400_000;

/** What is closed and old goes, from the real index, by the sink's own hand; everything else stays. */
export function expirySuite(product: Product): void {
  const { name } = product;
  test(`${name}: closed alerts and incidents are deleted by their age, open and younger ones stay`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const namespace = newNamespace();
    const nowMs = Date.now();
    const alert = (nth: number, action: Alert['action'], ageDays: number): Delivery =>
      deliveryOf(
        'alert',
        anAlert(nth, {
          id: `${namespace}-${nth}`,
          action,
          raisedMs: nowMs - ageDays * DAY_MS,
          lastMs: nowMs - ageDays * DAY_MS,
        }),
      );
    const incident = (nth: number, state: Incident['state'], ageDays: number): Delivery =>
      deliveryOf('incident', {
        ...examples.incident[0]!,
        id: `${namespace}-${nth}`,
        state,
        lastMs: nowMs - ageDays * DAY_MS,
      });
    // Sleeps are the day's pauses: the first ends at once, the second when the test is over.
    let sleeps = 0;
    const clock = {
      now: Date.now,
      sleep: (_ms: number, signal?: AbortSignal) =>
        ++sleeps === 1
          ? Promise.resolve()
          : new Promise<void>((resolve) => signal!.addEventListener('abort', () => resolve())),
    };
    const told: unknown[] = [];
    const log = { ...silent, info: (fields: object) => told.push(fields), warn: assert.fail };
    const sink = product.create(
      { nodes: server.url, namespace, keep: { closed: '100d' } },
      testContext({ name: 'siem', tenant: 'expiry', clock, log }),
    );
    t.after(() => sink.stop?.(never));
    const old = Array.from({ length: 2300 }, (_, i) => alert(i, 'closed', 101 + (i % 50)));
    const kept = [
      ...Array.from({ length: 20 }, (_, i) => alert(3000 + i, 'opened', 300)),
      ...Array.from({ length: 20 }, (_, i) => alert(4000 + i, 'closed', 99)),
    ];
    for (let at = 0; at < old.length; at += 1000) await sink.write(old.slice(at, at + 1000), never);
    await sink.write(kept, never);
    await sink.write(
      [incident(1, 'closed', 101), incident(2, 'acknowledged', 300), incident(3, 'closed', 99)],
      never,
    );
    const [alerts, incidents] = [`weir-alerts-${namespace}`, `weir-incidents-${namespace}`];
    assert.equal(await count(server, alerts), 2340);
    assert.equal(await count(server, incidents), 3);

    await sink.start!(never);
    await until('the day to be done', () => sleeps === 2, { timeoutMs: 60_000 });
    assert.deepEqual(
      new Set((await search(server, alerts)).map(({ _id }) => _id)),
      new Set(kept.map(({ record }) => (record as Alert).id)),
    );
    assert.deepEqual(
      new Set((await search(server, incidents)).map(({ _id }) => _id)),
      new Set([`${namespace}-2`, `${namespace}-3`]),
    );
    assert.deepEqual(told, [
      { sink: 'siem', kind: 'alert', deleted: 2300, isMore: false },
      { sink: 'siem', kind: 'incident', deleted: 1, isMore: false },
    ]);
    // Every revision stays in the stream, which has a lifecycle of its own.
    assert.equal(await count(server, `logs-weir.alert-${namespace}`), 2340);
  });
}
