import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/lateral_movement/index.ts';
import { options } from '../../detectors/lateral_movement/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { notifications, opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, life, node, pod, ports, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const api = pod('shop/api');
const bastion = pod('ops/bastion');

const many = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => pod(`data/${name}-${i}`));

/** A source that has used one database all along. */
const ordinary: Traffic = {
  at: '1m',
  every: '20m',
  times: 120,
  from: web,
  to: pod('shop/db'),
  port: 5432,
  fate: 'answered',
};

/** A connect scan finds a port open and says nothing. */
const onlyOpen = (flow: Flow): void => {
  flow.sourcePackets = 3;
  flow.destinationPackets = 1;
};

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';
const API = 'test/shop/Deployment/api';

const scenarios: readonly Scenario[] = [
  {
    name: 'a shell to three hosts where it never was',
    traffic: [life, { at: '30h', every: '5m', from: web, to: many(3, 'vm'), port: 22, fate: 'answered' }],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web connected to 3 destinations it never talked to, on administration ports 22, within 60 min\. Ask the owner of shop\/web/,
      },
    ],
  },
  {
    name: 'a database client that turns to three other databases',
    traffic: [
      life,
      ordinary,
      { at: '30h', every: '5m', from: web, to: many(3, 'db'), port: [5432, 6379, 9200], fate: 'answered' },
    ],
    finds: [{ who: WEB, severity: 'low', says: /3 destinations .* on data ports 5432, 6379, 9200/ }],
  },
  {
    name: 'a scan and then a shell into what it found',
    traffic: [
      life,
      { at: '30h', every: '1s', from: web, to: many(12, 'vm'), port: 22, fate: 'denied' },
      { at: '30.5h', from: web, to: pod('data/open'), port: 22, fate: 'answered' },
    ],
    finds: [
      {
        who: WEB,
        severity: 'high',
        says: /failed at 12 places and then connected to data\/open on port 22, where it never was/,
      },
    ],
  },
  {
    name: 'a scan of twenty and a shell are seen on the first day too, milder',
    traffic: [
      { ...life, times: 100 },
      { at: '10m', every: '1s', from: web, to: many(20, 'vm'), port: 22, fate: 'failed' },
      { at: '20m', from: web, to: pod('data/open'), port: 22, fate: 'answered' },
    ],
    finds: [{ who: WEB, severity: 'medium', says: /failed at 20 places and then connected to data\/open/ }],
  },
  {
    name: 'who is reached by a shell reaches on within the hour',
    traffic: [
      life,
      { at: '30h', from: web, to: api, port: 22, fate: 'answered' },
      { at: '30.4h', from: api, to: pod('payments/card'), port: 22, fate: 'answered' },
    ],
    finds: [
      {
        who: API,
        severity: 'high',
        says: /^shop\/api was reached on port 22 by shop\/web and within 24 min went on to payments\/card port 22\. Ask/,
      },
    ],
  },
  {
    name: 'the internet in the first place is milder: who works from home comes from everywhere',
    traffic: [
      life,
      { at: '30h', from: address('203.0.113.8'), to: api, port: 22, fate: 'answered' },
      { at: '30.1h', from: api, to: pod('payments/card'), port: 22, fate: 'answered' },
    ],
    finds: [{ who: API, severity: 'medium', says: /reached on port 22 by 203\.0\.113\.8/ }],
  },
  {
    name: 'ten hosts are high, and a compliance scope makes it critical',
    traffic: [
      life,
      { at: '30h', every: '1m', from: web, to: many(10, 'vm'), port: 3389, fate: 'answered' },
      {
        at: '31h',
        from: web,
        to: pod('payments/card', { scopes: ['pci'] }),
        port: 3389,
        fate: 'answered',
      },
    ],
    finds: [{ who: WEB, severity: 'medium', says: /3 destinations/ }],
  },
  {
    name: 'silence: a chain with an hour and more between, or back to where it came from',
    traffic: [
      life,
      { at: '30h', from: web, to: api, port: 22, fate: 'answered' },
      { at: '31.5h', from: api, to: pod('payments/card'), port: 22, fate: 'answered' },
      { at: '40h', from: pod('a/a'), to: pod('b/b'), port: 22, fate: 'answered' },
      { at: '40.1h', from: pod('b/b'), to: pod('a/a'), port: 22, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: a bastion does every day what it did the day before',
    traffic: [
      life,
      { at: '1h', every: '30m', times: 150, from: web, to: bastion, port: 22, fate: 'answered' },
      { at: '1.1h', every: '30m', times: 150, from: bastion, to: many(8, 'vm'), port: 22, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: an open port is not a session',
    traffic: [
      life,
      {
        at: '30h',
        every: '1s',
        from: web,
        to: many(8, 'vm'),
        port: 22,
        fate: 'answered',
        tune: onlyOpen,
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a newly deployed app with five backends',
    traffic: [
      life,
      {
        at: '30h',
        every: '10s',
        from: pod('new/app'),
        to: many(5, 'backend'),
        port: [5432, 6379, 9092, 27017, 9200],
        times: 40,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a client whose backends are down turns to a new web server',
    traffic: [
      life,
      { at: '30h', every: '1s', from: web, to: many(20, 'gone'), port: 8080, fate: 'failed' },
      { at: '30.1h', from: web, to: pod('data/new'), port: 8080, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: metrics are read from the kubelets of twenty new nodes',
    traffic: [
      life,
      {
        at: '30h',
        every: '1s',
        from: pod('kube-system/metrics-server'),
        to: Array.from({ length: 20 }, (_, i) => node(`worker-${i}`)),
        port: 10250,
        fate: 'answered',
      },
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`lateral_movement: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('lateral_movement: one alert rises with each step of the same source', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      life,
      { at: '30h', every: '1m', from: web, to: many(11, 'vm'), port: 3389, fate: 'answered' },
      { at: '30.5h', from: web, to: pod('payments/card', { scopes: ['pci'] }), port: 3389, fate: 'answered' },
    ]),
  );
  assert.deepEqual(
    alerts.map(({ action, severity, count }) => [action, severity, count]),
    [
      ['opened', 'medium', 3],
      ['escalated', 'high', 10],
      ['escalated', 'critical', 12],
      ['closed', 'critical', 12],
    ],
  );
  assert.deepEqual(alerts[0]!.evidence.peers, ['data/vm-0', 'data/vm-1', 'data/vm-2']);
  assert.equal(alerts[0]!.attack[0]!.techniqueId, 'T1021');
});

test('lateral_movement: a cold start of shells, shares and databases notifies nobody', () => {
  const hosts = addresses('10.1', 40);
  const { alerts } = runDetector(
    factory,
    flowsOf([
      {
        at: '0s',
        every: '20s',
        times: 4_000,
        from: hosts,
        to: hosts.toReversed().slice(0, 37),
        port: [22, 445, 5432, 3389, 135],
        fate: 'answered',
      },
    ]),
  );
  assert.deepEqual(notifications(alerts), []);
});

detectorContract({
  name: 'lateral_movement',
  factory,
  alerting: flowsOf([
    { ...life, every: '15m', times: 150 },
    { ...ordinary, every: '1h', times: 30 },
    { at: '26h', every: '3m', from: web, to: many(14, 'vm'), port: [22, 445, 5432], fate: 'answered' },
    { at: '28h', every: '1s', from: api, to: many(14, 'vm'), port: ports(20, 14), fate: 'failed' },
    { at: '28.2h', from: api, to: pod('data/x'), port: 22, fate: 'answered' },
    { at: '28.4h', from: pod('data/x'), to: pod('data/y'), port: 22, fate: 'answered' },
    { at: '29h', from: address('203.0.113.8'), to: pod('data/y'), port: 22, fate: 'answered' },
    { at: '29.1h', from: pod('data/y'), to: pod('data/z'), port: 5985, fate: 'answered' },
  ]),
  benign: flowsOf([life, ordinary]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: pod('data/db'),
        port: 5432,
        fate: 'allowed',
      },
    ]),
});
