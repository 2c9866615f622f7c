import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/long_connection/index.ts';
import { options } from '../../detectors/long_connection/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, flowsOf, life, node, pod, span, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const outside = address('203.0.113.9');
const HOUR_MS = 3_600_000;

/** A connection told of once, at its end. */
const whole =
  (hours: number) =>
  (flow: Flow): void => {
    flow.startMs = flow.endMs - hours * HOUR_MS;
    flow.sourceBytes = 2_000_000;
    flow.destinationBytes = 500_000;
  };
/** One connection told of in pieces of a minute. */
const inPieces = (flow: Flow): void => {
  flow.startMs = flow.endMs - 60_000;
  flow.source.port = 40_001;
  flow.sourceBytes = 1_000;
};

const one = (traffic: Partial<Traffic>): Traffic => ({
  at: '60h',
  times: 1,
  from: web,
  to: outside,
  port: 443,
  fate: 'answered',
  tune: whole(5),
  ...traffic,
});
/** Short calls of another for two days, so that the lane of the destination has learned. */
const before = (to: Traffic['to']): Traffic =>
  one({ at: '0s', every: '6h', times: 10, to, tune: whole(0), from: pod('shop/other') });

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  ...(
    [
      [2, 'info'],
      [5, 'low'],
      [9, 'medium'],
      [30, 'high'],
    ] as const
  ).map(([hours, severity]): Scenario => ({
    name: `${hours} hours to the internet are ${severity}`,
    traffic: [before(outside), one({ at: '90h', tune: whole(hours) })],
    finds: [
      {
        who: WEB,
        severity,
        says: /^shop\/web stayed connected to 203\.0\.113\.9 port 443 for \S+ (h|min), 2\.0 MB out and 0\.5 MB in; none lasted so long before\. Ask the owner of shop\/web what it is for/,
      },
    ],
  })),
  {
    name: 'on the first day there is nothing to compare: info',
    traffic: [one({ at: '14h', tune: whole(13) })],
    finds: [{ who: WEB, severity: 'info', says: /for 13\.0 h/ }],
  },
  {
    name: 'silence: on the first day an hour or three are nothing rare',
    traffic: [one({ at: '2h', tune: whole(1.5) }), one({ at: '5h', tune: whole(3) })],
    finds: [],
  },
  {
    name: 'a shell inside the cluster',
    traffic: [before(node('vm-1')), one({ to: node('vm-1'), port: 22 })],
    finds: [
      { who: WEB, severity: 'low', says: /stayed connected to node vm-1 port 22 for 5\.0 h.* whose session/ },
    ],
  },
  {
    name: 'through a forward proxy that everybody uses',
    traffic: [
      one({
        at: '1h',
        every: '6h',
        from: Array.from({ length: 9 }, (_, i) => pod(`shop/other-${i}`)),
        to: address('10.0.0.3'),
        port: 3128,
        times: 9,
        tune: whole(0),
      }),
      one({ to: address('10.0.0.3'), port: 3128 }),
    ],
    finds: [{ who: WEB, severity: 'low', says: /10\.0\.0\.3 port 3128/ }],
  },
  {
    name: 'twice as long as it usually is',
    traffic: [
      before(outside),
      one({ at: '30h', every: '8h', times: 5, tune: whole(1.5) }),
      one({ at: '90h', tune: whole(6) }),
    ],
    finds: [
      { who: WEB, severity: 'info', says: /none lasted so long before/ },
      { who: WEB, severity: 'info', says: /only 1 lasted so long before/ },
      { who: WEB, severity: 'info', says: /only 2 lasted so long before/ },
      { who: WEB, severity: 'low', says: /5 earlier ones lasted 9\d min at most/ },
    ],
  },
  {
    name: 'silence: as long as it usually is',
    traffic: [
      one({
        at: '6h',
        every: '6h',
        times: 3,
        from: pod('shop/bus'),
        to: node('vm-1'),
        port: 22,
        tune: whole(5),
      }),
      one({
        at: '60h',
        every: '12h',
        times: 10,
        from: pod('shop/bus'),
        to: node('vm-1'),
        port: 22,
        tune: whole(5),
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: many short ones, what was denied, the API server, what comes in, databases inside',
    traffic: [
      before(outside),
      one({ every: '1m', times: 500, tune: whole(0.01) }),
      one({ fate: 'denied', times: 3 }),
      one({ to: node('master-0'), port: 6443 }),
      one({ from: outside, to: web }),
      one({ to: pod('shop/db'), port: 5432, tune: whole(40) }),
    ],
    finds: [],
  },
  {
    name: 'silence: a service that five workloads stay connected to',
    traffic: [
      one({
        at: '1h',
        every: '1m',
        times: 5,
        from: Array.from({ length: 5 }, (_, i) => pod(`shop/app-${i}`)),
        tune: whole(0),
      }),
      one({ from: pod('shop/app-1') }),
    ],
    finds: [],
  },
  {
    name: 'silence: pieces with pauses between them are several connections',
    traffic: [before(outside), one({ every: '20m', times: 30, fate: 'allowed', tune: inPieces })],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`long_connection: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('long_connection: one told in pieces rises as it goes on', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([before(outside), one({ every: '1m', times: 800, fate: 'allowed', tune: inPieces })]),
  );
  assert.deepEqual(
    alerts.filter(({ action }) => action !== 'updated').map(({ action, severity }) => [action, severity]),
    [
      ['opened', 'info'],
      ['escalated', 'low'],
      ['escalated', 'medium'],
      ['escalated', 'high'],
      ['closed', 'high'],
    ],
  );
  assert.equal(alerts[0]!.raisedMs - alerts[0]!.firstMs, 0);
  assert.match(alerts.at(-1)!.why.summary, /for 13\.3 h, 0\.7 MB out/);
  assert.equal(alerts.at(-1)!.lastMs - alerts[0]!.raisedMs, span('740m'));
});

test('long_connection: what was open from the first day on does not become worse on the second', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([one({ at: '1h', every: '5m', times: 600, fate: 'allowed', tune: inPieces })]),
  );
  assert.equal(opened(alerts).length, 1);
  assert.ok(alerts.every(({ severity }) => severity === 'info'));
});

detectorContract({
  name: 'long_connection',
  factory,
  alerting: flowsOf([
    life,
    before(outside),
    one({ at: '40h', tune: whole(3) }),
    one({ at: '50h', every: '5m', times: 100, fate: 'allowed', tune: inPieces }),
    one({ at: '80h', every: '3h', times: 6, to: node('vm-1'), port: 22, tune: whole(2) }),
  ]),
  benign: flowsOf([
    one({ at: '0s', every: '30s', times: 300, tune: whole(0.005) }),
    one({ to: pod('shop/db'), port: 5432, tune: whole(40) }),
  ]),
  flood: (count) =>
    flowsOf([
      one({
        at: '0s',
        every: '10ms',
        times: count,
        to: Array.from({ length: count }, (_, i) => address(`51.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)),
        fate: 'allowed',
        tune: whole(0),
      }),
    ]),
});
