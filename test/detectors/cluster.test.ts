import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectors } from '../../detectors/registry.ts';
import type { Alert } from '../../schema/records.ts';
import { clusterFlows } from './cluster.ts';
import { notifications, opened, runDetector } from './harness.ts';
import { flowsOf, pod, policy, span, T0, type Traffic } from './scenario.ts';

async function alertsOf(extra: readonly Traffic[], seed: number): Promise<readonly Alert[]> {
  const flows = [...clusterFlows({ days: 2, seed }), ...flowsOf(extra)];
  const found: Alert[] = [];
  for (const { options, load } of Object.values(detectors)) {
    const { create } = await load();
    found.push(...runDetector(create(options.parse({}) as never), flows).alerts);
  }
  return found;
}

const intruder = pod('ns-77/front');
const scoped = pod('ns-100/back', { scopes: ['pci'] });
const intoScope = (at: string): Traffic => ({
  at,
  times: 3,
  from: intruder,
  to: scoped,
  port: 6379,
  fate: 'denied',
  policy: policy(null, 'ns-100'),
});

for (const seed of [1, 2]) {
  test(`a cluster of 300 namespaces notifies at most 20 times on day one and twice on day two, seed ${seed}`, async () => {
    const notified = notifications(await alertsOf([], seed));
    const firstDay = notified.filter((alert) => alert.raisedMs < T0 + span('1d'));
    const secondDay = notified.filter((alert) => alert.raisedMs >= T0 + span('1d'));
    assert.ok(firstDay.length <= 20, firstDay.map((alert) => alert.why.summary).join('\n'));
    assert.ok(secondDay.length <= 2, secondDay.map((alert) => alert.why.summary).join('\n'));
  });
}

for (const at of ['3h', '36h']) {
  test(`a new denied edge into a scope is notified within 10 s at ${at}`, async () => {
    const found = notifications(await alertsOf([intoScope(at)], 3)).filter(
      (alert) => alert.entity.key === 'test/ns-77/Deployment/front',
    );
    assert.deepEqual(
      found.map((alert) => ({
        severity: alert.severity,
        to: alert.target?.name,
        delayMs: alert.raisedMs - T0 - span(at),
      })),
      [{ severity: 'high', to: 'back', delayMs: 0 }],
    );
  });
}

test('the existing denials of the cluster are at most one list a lane', async () => {
  const lists = opened(await alertsOf([], 1)).filter((alert) => alert.rule === 'Existing denials');
  assert.ok(lists.length >= 1 && lists.length <= 12);
});
