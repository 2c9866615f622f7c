import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/policy_denied/index.ts';
import { options } from '../../detectors/policy_denied/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { notifications, opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, life, pod, policy, ports, span, T0, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const api = pod('payments/api');
const card = pod('payments/card', { scopes: ['pci'] });

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  /** Alerts that open, apart from the lists of existing denials. */
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a new denied edge of a workload names both sides, port and policy',
    traffic: [
      life,
      {
        at: '25h',
        times: 5,
        from: web,
        to: api,
        port: 8443,
        fate: 'denied',
        policy: policy('allow-gateway', 'payments'),
      },
    ],
    finds: [
      {
        who: 'test/shop/Deployment/web',
        severity: 'low',
        says: /^shop\/web was denied payments\/api port 8443 by NetworkPolicy payments\/allow-gateway/,
      },
    ],
  },
  {
    name: 'a default deny is said so',
    traffic: [
      life,
      { at: '25h', from: web, to: api, port: 8443, fate: 'denied', policy: policy(null, 'payments') },
    ],
    finds: [
      { who: 'test/shop/Deployment/web', severity: 'low', says: /by default deny of namespace payments/ },
    ],
  },
  {
    name: 'two ports and two policies are three alerts',
    traffic: [
      life,
      { at: '25h', times: 4, from: web, to: api, port: [80, 443], fate: 'denied', policy: policy('a') },
      { at: '25h', times: 2, from: web, to: api, port: 80, fate: 'denied', policy: policy('b') },
    ],
    finds: [
      { who: 'test/shop/Deployment/web', severity: 'low', says: /port 80 by NetworkPolicy shop\/a/ },
      { who: 'test/shop/Deployment/web', severity: 'low', says: /port 80 by NetworkPolicy shop\/b/ },
      { who: 'test/shop/Deployment/web', severity: 'low', says: /port 443 by NetworkPolicy shop\/a/ },
    ],
  },
  {
    name: 'a denied client of the internet is one alert, whatever address it tried',
    traffic: [
      life,
      { at: '25h', from: web, to: addresses('203.0', 300), port: 443, fate: 'denied', policy: policy(null) },
    ],
    finds: [
      {
        who: 'test/shop/Deployment/web',
        severity: 'low',
        says: /was denied the internet port 443 by default deny/,
      },
    ],
  },
  {
    name: 'sources outside the inventory meet in one alert per destination and policy',
    traffic: [
      life,
      {
        at: '25h',
        from: addresses('198.51', 200),
        to: web,
        port: ports(1, 200),
        fate: 'denied',
        policy: policy(null),
      },
    ],
    finds: [
      {
        who: 'test/shop/Deployment/web',
        severity: 'info',
        says: /^shop\/web refused one flow from one source outside the inventory/,
      },
    ],
  },
  {
    name: 'into a compliance scope is high, from a workload or from an unknown inside address',
    traffic: [
      life,
      { at: '25h', from: web, to: card, port: 5432, fate: 'denied', policy: policy('pci', 'payments') },
      {
        at: '26h',
        from: address('10.9.9.9'),
        to: card,
        port: 22,
        fate: 'denied',
        policy: policy('pci', 'payments'),
      },
    ],
    finds: [
      { who: 'test/shop/Deployment/web', severity: 'high', says: /compliance scope pci/ },
      { who: 'test/payments/Deployment/card', severity: 'high', says: /outside the inventory/ },
    ],
  },
  {
    name: 'out of a compliance scope is high on the first day too',
    traffic: [life, { at: '5h', from: card, to: api, port: 5432, fate: 'denied', policy: policy(null) }],
    finds: [{ who: 'test/payments/Deployment/card', severity: 'high', says: /compliance scope pci/ }],
  },
  {
    name: 'a denial of a scope in the first hour is an alert when it is the first, and existing when it is not',
    traffic: [
      life,
      {
        at: '5m',
        every: '9m',
        times: 300,
        from: web,
        to: card,
        port: 8443,
        fate: 'denied',
        policy: policy(null),
      },
      {
        at: '6m',
        every: '9m',
        times: 300,
        from: web,
        to: card,
        port: 9443,
        fate: 'denied',
        policy: policy(null),
      },
      {
        at: '7m',
        every: '9m',
        times: 300,
        from: web,
        to: card,
        port: 9444,
        fate: 'denied',
        policy: policy(null),
      },
    ],
    finds: [{ who: 'test/shop/Deployment/web', severity: 'high', says: /port 8443/ }],
  },
  {
    name: 'silence: what was denied on the first day and goes on',
    traffic: [
      life,
      {
        at: '1h',
        every: '40m',
        times: 100,
        from: web,
        to: api,
        port: 8443,
        fate: 'denied',
        policy: policy(null),
      },
      {
        at: '5m',
        every: '9m',
        times: 300,
        from: web,
        to: pod('shop/db'),
        port: 8443,
        fate: 'denied',
        policy: policy(null),
      },
    ],
    finds: [],
  },
  {
    name: 'silence: would-be denials and allowed flows',
    traffic: [
      life,
      { at: '25h', times: 50, from: web, to: card, port: ports(1, 50), fate: ['allowed', 'would be denied'] },
    ],
    finds: [],
  },
];

const isList = (alert: { readonly rule: string }): boolean => alert.rule === 'Existing denials';

for (const scenario of scenarios) {
  test(`policy_denied: ${scenario.name}`, () => {
    const { alerts } = runDetector(factory, flowsOf(scenario.traffic));
    const found = opened(alerts).filter((alert) => !isList(alert));
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) {
      assert.match(alert.why.summary, scenario.finds[i]!.says);
      assert.equal(alert.outcome, 'blocked');
    }
  });
}

test('policy_denied: the first day becomes one list a lane, of no severity, closed at its end', () => {
  const flows = flowsOf([
    life,
    {
      at: '1m',
      every: '1m',
      times: 600,
      from: web,
      to: api,
      port: [1, 2, 3],
      fate: 'denied',
      policy: policy(null),
    },
  ]);
  const { alerts } = runDetector(factory, flows);
  assert.deepEqual(notifications(alerts), []);
  const closed = alerts.filter((alert) => alert.action === 'closed' && isList(alert));
  assert.equal(closed.length, 1);
  const [list] = closed;
  assert.equal(list?.count, 600);
  assert.equal(list?.severity, 'info');
  assert.equal(list?.entity.kind, 'cluster');
  assert.match(list?.why.summary ?? '', /^3 edges were denied already/);
  assert.deepEqual(list?.evidence.peers, [
    'shop/web -> payments/api:1 (default deny of namespace shop)',
    'shop/web -> payments/api:2 (default deny of namespace shop)',
    'shop/web -> payments/api:3 (default deny of namespace shop)',
  ]);
  assert.ok((list?.raisedMs ?? 0) <= T0 + span('24h') + span('1h'));
});

test('policy_denied: a source that is denied everywhere becomes one alert of medium severity', () => {
  const flows = flowsOf([
    life,
    { at: '25h', from: web, to: addresses('10.1', 200), port: 22, fate: 'denied', policy: policy(null) },
  ]);
  const { alerts } = runDetector(factory, flows);
  const bySeverity = (severity: Severity) => opened(alerts).filter((alert) => alert.severity === severity);
  assert.equal(bySeverity('low').length, 10);
  assert.equal(bySeverity('medium').length, 1);
  const last = alerts.filter((alert) => alert.severity === 'medium').at(-1);
  assert.match(last?.why.summary ?? '', /^shop\/web was denied 200 new edges/);
  assert.equal(last?.count, 190);
});

test('policy_denied: an edge that comes back after its alert closed is not new again', () => {
  const flows = flowsOf([
    life,
    { at: '25h', every: '3h', times: 4, from: web, to: card, port: 22, fate: 'denied', policy: policy(null) },
  ]);
  const found = opened(runDetector(factory, flows).alerts);
  assert.deepEqual(
    found.map((alert) => alert.severity),
    ['high', 'info', 'info', 'info'],
  );
  assert.equal(new Set(found.map((alert) => alert.id)).size, 4);
});

test('policy_denied: a node whose clock is years ahead closes nothing and ends no baseline', () => {
  const ahead: Traffic = {
    ...life,
    tune(flow) {
      flow.endMs += span('3650d');
    },
  };
  const denied: Traffic = {
    at: '25h',
    every: '1m',
    times: 50,
    from: web,
    to: api,
    fate: 'denied',
    policy: policy(null),
  };
  const early: Traffic = { ...denied, at: '1h', to: pod('shop/db') };
  const inLogOrder = flowsOf([life, ahead, denied, early]);
  const { alerts } = runDetector(factory, inLogOrder);
  assert.equal(notifications(alerts).length, 1);
});

test('policy_denied: a flow of 1970 does not use up the baseline', () => {
  const flows = flowsOf([
    life,
    { at: '1h', from: web, to: api, port: 22, fate: 'denied', policy: policy(null) },
    {
      at: '0s',
      from: [web, ...Array.from({ length: 60 }, (_, i) => pod(`life/client-${i}`))],
      to: api,
      fate: 'allowed',
      tune(flow) {
        flow.endMs = 1_000;
      },
    },
  ]);
  assert.deepEqual(notifications(runDetector(factory, flows).alerts), []);
});

detectorContract({
  name: 'policy_denied',
  factory,
  alerting: flowsOf([
    { ...life, times: 900, every: '3m' },
    {
      at: '5m',
      every: '10m',
      times: 90,
      from: web,
      to: api,
      port: [1, 2, 3],
      fate: 'denied',
      policy: policy(null),
    },
    {
      at: '6h',
      every: '2h',
      times: 12,
      from: web,
      to: card,
      port: 22,
      fate: 'denied',
      policy: policy('pci'),
    },
    {
      at: '25h',
      every: '20s',
      times: 120,
      from: api,
      to: web,
      port: ports(1, 30),
      fate: 'denied',
      policy: policy('x'),
    },
    {
      at: '25h',
      every: '50s',
      times: 40,
      from: addresses('198.51', 40),
      to: web,
      fate: 'denied',
      policy: policy(null),
    },
    { at: '30h', times: 15, from: card, to: web, port: 443, fate: 'denied', policy: policy(null) },
  ]),
  benign: flowsOf([{ ...life, times: 2_000, every: '2m' }]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '1m',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/client-${i}`)),
        to: Array.from({ length: 50 }, (_, i) => pod(`flood/server-${i}`)),
        fate: 'denied',
        policy: policy(null),
      },
    ]),
});
