import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/dns_abuse/index.ts';
import { options } from '../../detectors/dns_abuse/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, flowsOf, life, node, pod, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const resolver = pod('kube-system/coredns');
const google = address('8.8.8.8');

/** An exchange of so many queries and bytes. */
const asked =
  (queries: number, bytes: number) =>
  (flow: Flow): void => {
    flow.sourcePackets = queries;
    flow.destinationPackets = queries;
    flow.sourceBytes = Math.round(bytes / 2);
    flow.destinationBytes = Math.round(bytes / 2);
  };

const asks = (traffic: Partial<Traffic>): Traffic => ({
  at: '0s',
  every: '1s',
  times: 60,
  from: web,
  to: resolver,
  port: 53,
  protocol: 'udp',
  fate: 'answered',
  tune: asked(2, 300),
  ...traffic,
});

test('dns_abuse: more tunnels than alerts may be open are no storm of closing and opening', () => {
  const sources = Array.from({ length: 60 }, (_, i) => pod(`shop/web-${i}`));
  const flows = flowsOf([asks({ from: sources, every: '100ms', times: 3_000, tune: asked(100, 400_000) })]);
  // As many keys as alerts: the cap of a lane is never above that of its keys.
  const { alerts } = runDetector(factory, flows, { lanes: 1, maxKeys: 20 });
  const own = alerts.filter(({ rule }) => rule === 'DNS tunnel');
  const rest = alerts.filter(({ rule }) => rule === 'Alerts left out');
  assert.equal(opened(own).length, 20);
  assert.equal(opened(rest).length, 1);
  assert.match(rest.at(-1)!.why.summary, /^dns_abuse has 20 alerts open in one lane.* 40 further cases/);
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a tunnel through the resolver of the cluster',
    traffic: [asks({ tune: asked(10, 8_000) })],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web asked the resolver kube-system\/coredns \d+ times and moved 30\d kB within a minute.* Ask the owner of shop\/web what looks up so much/,
      },
    ],
  },
  {
    name: 'a tunnel of many small queries to a resolver outside, of a machine',
    traffic: [asks({ from: node('vm-1'), to: google, tune: asked(20, 1_000) })],
    finds: [{ who: 'test/host/vm-1', severity: 'medium', says: /asked the resolver 8\.8\.8\.8 1020 times/ }],
  },
  {
    name: 'a tunnel over TLS',
    traffic: [
      asks({ from: address('10.0.0.7'), to: google, port: 853, protocol: 'tcp', tune: asked(10, 50_000) }),
    ],
    finds: [{ who: 'ip/10.0.0.7', severity: 'medium', says: /within a minute/ }],
  },
  {
    name: 'a pair that doubles what it did on its first day',
    traffic: [
      asks({ tune: asked(2, 4_000) }),
      asks({ at: '30h', tune: asked(2, 9_000) }),
      asks({ at: '31h', tune: asked(2, 6_000), from: pod('shop/steady') }),
    ],
    finds: [
      { who: WEB, severity: 'low', says: /kB within a minute/ },
      { who: 'test/shop/Deployment/steady', severity: 'low', says: /kB within a minute/ },
    ],
  },
  {
    name: 'after a day of learning a workload asks a public resolver',
    traffic: [
      life,
      asks({ at: '0s', every: '1h', times: 40, from: web }),
      asks({ at: '40h', to: google, times: 3 }),
    ],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web asked the resolver 8\.8\.8\.8 outside the cluster \(DNS, port 53\), 1 flow in less than a second, past the cluster's own.* Ask the owner of shop\/web to use the cluster's DNS/,
      },
    ],
  },
  {
    name: 'while learning, and towards a resolver of the site, that is told only',
    traffic: [
      asks({ to: google, times: 3 }),
      asks({
        at: '1m',
        from: pod('shop/api'),
        to: address('10.0.0.53'),
        times: 3,
        port: 853,
        protocol: 'tcp',
      }),
    ],
    finds: [
      { who: WEB, severity: 'info', says: /DNS, port 53/ },
      { who: 'test/shop/Deployment/api', severity: 'info', says: /DNS over TLS, port 853/ },
    ],
  },
  {
    name: 'silence: ordinary questions, of many and of one',
    traffic: [
      asks({ times: 2_000, every: '200ms' }),
      asks({
        from: Array.from({ length: 200 }, (_, i) => pod(`shop/app-${i}`)),
        times: 4_000,
        every: '50ms',
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: the resolver of the cluster asks the site for everybody',
    traffic: [asks({ from: resolver, to: google, tune: asked(100, 60_000) })],
    finds: [],
  },
  {
    name: 'silence: machines ask whom they like; other ports; what was denied, failed or came in',
    traffic: [
      asks({ from: [node('vm-1'), address('10.0.0.7')], to: google }),
      asks({ to: google, port: 443, tune: asked(100, 60_000) }),
      asks({ to: google, fate: 'denied' }),
      asks({ to: google, fate: 'failed', tune: unanswered }),
      asks({ from: google, to: resolver, tune: asked(100, 60_000) }),
    ],
    finds: [],
  },
  {
    name: 'silence: an hour of DNS told of in one flow',
    traffic: [
      asks({
        times: 1,
        at: '2h',
        tune(flow) {
          asked(3_000, 900_000)(flow);
          flow.startMs = flow.endMs - 3_600_000;
        },
      }),
    ],
    finds: [],
  },
];

function unanswered(flow: Flow): void {
  flow.sourcePackets = 1;
  flow.destinationPackets = 0;
}

for (const scenario of scenarios) {
  test(`dns_abuse: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('dns_abuse: a busy pair is told on its first day, and again only when it doubles', () => {
  const after = (bytes: number) =>
    runDetector(
      factory,
      flowsOf([asks({ at: '0s', tune: asked(2, 8_000) }), asks({ at: '40h', tune: asked(2, bytes) })]),
    ).alerts;
  assert.equal(opened(after(9_000)).length, 1);
  assert.equal(opened(after(20_000)).length, 2);
});

test('dns_abuse: a tunnel that goes on for ten minutes is worse', () => {
  const { alerts } = runDetector(factory, flowsOf([asks({ times: 720, tune: asked(10, 8_000) })]));
  assert.deepEqual(
    alerts.filter(({ action }) => action !== 'updated').map(({ action, severity }) => [action, severity]),
    [
      ['opened', 'low'],
      ['escalated', 'medium'],
      ['closed', 'medium'],
    ],
  );
  assert.match(alerts.at(-1)!.why.summary, /above the threshold in 12 minutes/);
});

test('dns_abuse: what a workload asked from the first day on does not become worse on the second', () => {
  const { alerts } = runDetector(factory, flowsOf([asks({ every: '5m', times: 600, to: google })]));
  assert.ok(alerts.length > 0 && alerts.every(({ severity }) => severity === 'info'));
});

test('dns_abuse: the bypass rule can be turned off', () => {
  const quiet = create(options.parse({ bypass: false }));
  assert.deepEqual(runDetector(quiet, flowsOf([asks({ to: google })])).alerts, []);
});

detectorContract({
  name: 'dns_abuse',
  factory,
  alerting: flowsOf([
    asks({ times: 200, tune: asked(10, 8_000) }),
    asks({ at: '1h', to: google, times: 20 }),
    asks({ at: '30h', to: google, times: 90, tune: asked(30, 2_000), from: pod('shop/api') }),
  ]),
  benign: flowsOf([asks({ times: 600 }), asks({ from: node('vm-1'), to: google, times: 600 })]),
  flood: (count) =>
    flowsOf([
      asks({
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
