import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/new_edge/index.ts';
import { options } from '../../detectors/new_edge/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { notifications, opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, node, pod, ports, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const api = pod('shop/api');
const db = pod('payments/db');
const internet = address('203.0.113.7');

/** What `web` does all day: two days of calls to its API every ten minutes. */
const usual: Traffic = {
  at: '0s',
  every: '10m',
  times: 300,
  from: web,
  to: api,
  port: 8080,
  fate: 'answered',
};

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a shell into another namespace alone is enough',
    traffic: [usual, { at: '30h', from: web, to: db, port: 22, fate: 'answered' }],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web, seen for 30\.0 h, talked for the first time to payments\/db port 22 \(1 new edge .*Ask the owner of shop\/web what was deployed/,
      },
    ],
  },
  {
    name: 'a reverse shell, the API server and the internet within a minute are one alert with all three',
    traffic: [
      usual,
      {
        at: '30h',
        every: '20s',
        from: web,
        to: [internet, node('master-0'), address('198.51.100.4', { asn: 64_500, asName: 'Example' })],
        port: [9001, 6443, 443],
        fate: 'answered',
      },
    ],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /to the internet \(203\.0\.113\.7\) port 9001, node master-0 port 6443 \(2 new edges/,
      },
    ],
  },
  {
    name: 'into a compliance scope that the source is not in is high',
    traffic: [
      usual,
      {
        at: '30h',
        from: web,
        to: pod('payments/card', { scopes: ['pci'] }),
        port: 5432,
        fate: 'allowed',
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /payments\/card port 5432/ }],
  },
  {
    name: 'two databases of another namespace are enough, the rest joins',
    traffic: [
      usual,
      {
        at: '30h',
        every: '1s',
        from: web,
        to: Array.from({ length: 6 }, (_, i) => pod(`other/db-${i}`)),
        port: 5432,
        fate: 'answered',
      },
    ],
    finds: [{ who: WEB, severity: 'low', says: /other\/db-0 port 5432, other\/db-1 port 5432/ }],
  },
  {
    name: 'a source with nothing new for half an hour is ready early, and needs twice as much',
    traffic: [
      { ...usual, every: '10s', times: 360 },
      {
        at: '40m',
        every: '5s',
        from: web,
        to: [internet, node('master-0'), internet],
        port: [9001, 6443, 443],
        fate: 'answered',
      },
    ],
    finds: [{ who: WEB, severity: 'low', says: /seen for 40 min only, with nothing new for half of it/ }],
  },
  {
    name: 'silence: ready early, and only one edge of the three',
    traffic: [
      { ...usual, every: '10s', times: 360 },
      { at: '40m', from: web, to: node('master-0'), port: 6443, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: a web call within the namespace',
    traffic: [usual, { at: '30h', from: web, to: pod('shop/cart'), port: 8080, fate: 'answered' }],
    finds: [],
  },
  {
    name: 'silence: a new workload learns first, whatever it does in its first day',
    traffic: [
      usual,
      {
        at: '30h',
        every: '10m',
        from: pod('new/app'),
        to: [db, node('worker-1'), internet, pod('kafka/broker'), pod('redis/cache')],
        port: [5432, 22, 443, 9092, 6379],
        times: 90,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: known edges of replicas, restarts, rotating addresses and other nodes',
    traffic: [
      { ...usual, to: [api, internet, node('worker-1')], port: [8080, 443, 10250] },
      {
        at: '30h',
        every: '10s',
        from: pod('shop/web', { ip: '10.131.1.1', pod: 'web-other' }),
        to: [pod('shop/api', { ip: '10.131.1.2' }), address('198.51.100.77'), node('worker-99')],
        port: [8080, 443, 10250],
        times: 60,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: what never came about',
    traffic: [
      usual,
      {
        at: '30h',
        from: web,
        to: [db, node('worker-1'), internet],
        port: [22, 445, 9001],
        fate: ['failed', 'denied', 'failed'],
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a source that meets somebody new every few minutes has a higher threshold',
    traffic: [
      {
        at: '0s',
        every: '3m',
        times: 1_000,
        from: pod('ci/runner'),
        to: Array.from({ length: 1_000 }, (_, i) => pod(`build/job-${i}`)),
        port: 22,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: probes of nodes into every new workload are known good',
    traffic: [
      { ...usual, from: node('worker-1') },
      {
        at: '30h',
        from: node('worker-1'),
        to: Array.from({ length: 30 }, (_, i) => pod(`fresh/app-${i}`)),
        port: 8080,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: an address of the internet that comes in',
    traffic: [
      { ...usual, from: internet },
      { at: '30h', from: internet, to: [db, web, api], port: [22, 23, 3389], fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: a source that was away for ten days learns anew',
    traffic: [
      usual,
      { at: '13d', every: '1h', from: web, to: [db, node('worker-1')], port: [5432, 22], fate: 'answered' },
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`new_edge: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('new_edge: what follows joins the open alert, which rises and closes', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      usual,
      {
        at: '30h',
        every: '1s',
        from: web,
        to: Array.from({ length: 12 }, (_, i) => pod(`other/db-${i}`)),
        port: 5432,
        fate: 'answered',
      },
    ]),
  );
  assert.deepEqual(
    alerts.map(({ action, severity, count }) => [action, severity, count]),
    [
      ['opened', 'low', 2],
      ['escalated', 'medium', 3],
      ['updated', 'medium', 10],
      ['closed', 'medium', 12],
    ],
  );
  assert.equal(alerts.at(-1)!.evidence.peers.length, 12);
  assert.deepEqual(alerts[0]!.evidence.peers, ['other/db-0 port 5432', 'other/db-1 port 5432']);
});

test('new_edge: a reverse shell keeps the techniques of all its edges', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      usual,
      { at: '30h', every: '1s', from: web, to: [internet, node('m')], port: [9001, 22], fate: 'answered' },
    ]),
  );
  assert.deepEqual(
    alerts[0]!.attack.map(({ techniqueId }) => techniqueId),
    ['T1071', 'T1571', 'T1021'],
  );
});

test('new_edge: a cold start of three hundred workloads notifies nobody for a day', () => {
  const clients = Array.from({ length: 300 }, (_, i) => pod(`team-${i % 30}/app-${i}`));
  const { alerts } = runDetector(
    factory,
    flowsOf([
      {
        at: '0s',
        every: '4s',
        times: 20_000,
        from: clients,
        to: [db, internet, node('worker-1'), ...clients.slice(0, 40)],
        port: [5432, 443, 22, 8080, 9092],
        fate: 'answered',
      },
    ]),
  );
  assert.deepEqual(notifications(alerts), []);
});

detectorContract({
  name: 'new_edge',
  factory,
  alerting: flowsOf([
    { ...usual, every: '1h', times: 40 },
    { ...usual, from: pod('shop/cart'), every: '1h', times: 30 },
    { ...usual, from: pod('shop/pay'), every: '30s', times: 100 },
    {
      at: '26h',
      every: '90s',
      times: 60,
      from: [web, pod('shop/cart'), pod('shop/pay')],
      to: [db, node('worker-1'), ...addresses('10.9', 20)],
      port: [5432, 22, 445, 8080],
      fate: ['answered', 'allowed', 'answered', 'failed'],
    },
    {
      at: '45m',
      every: '5s',
      from: pod('shop/pay'),
      to: addresses('10.8', 5),
      port: ports(20, 5),
      fate: 'answered',
    },
  ]),
  benign: flowsOf([usual]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: db,
        port: 5432,
        fate: 'allowed',
      },
    ]),
});
