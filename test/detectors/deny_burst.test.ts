import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/deny_burst/index.ts';
import { options } from '../../detectors/deny_burst/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { clusterFlows, generator } from './cluster.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, node, pod, policy, ports, span, T0, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const db = pod('data/db');
const WEB = 'test/shop/Deployment/web';
const byDb = policy('only-api', 'data');

/** The workload is there and does what it may, for as long as a scenario needs. */
const lives = (times = 2_000, from = web): Traffic => ({
  at: '0s',
  every: '2m',
  times,
  from,
  to: pod('shop/api'),
  fate: 'allowed',
});

const denied = (traffic: Partial<Traffic>): Traffic => ({
  at: '30h',
  every: '1s',
  times: 120,
  from: web,
  to: db,
  port: 5432,
  fate: 'denied',
  policy: byDb,
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly {
    readonly who: string;
    readonly severity: Severity;
    readonly says: RegExp;
    readonly attack?: string;
  }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a client that tries again and again, whose workload was never denied before',
    traffic: [lives(), denied({})],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web was denied 20 times within five minutes towards data\/db port 5432, by NetworkPolicy data\/only-api, where next to none are usual \(known for 30\.0 h\), and 20 would already be rare\. Ask the owner of shop\/web what was deployed or changed just before/,
      },
    ],
  },
  {
    name: 'a burst far above a rate that was there before',
    traffic: [
      lives(),
      denied({ at: '0s', every: '1m', times: 1_800 }),
      denied({ at: '30h', every: '200ms', times: 600 }),
    ],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /was denied (2\d|3\d) times within five minutes.*where 5\.\d are usual/,
      },
    ],
  },
  {
    name: 'a search, over many places',
    traffic: [
      lives(),
      denied({
        to: Array.from({ length: 40 }, (_, i) => pod(`data/db-${i}`)),
        port: ports(1_000, 40),
        policy: policy(null, 'data'),
      }),
    ],
    finds: [
      {
        who: WEB,
        severity: 'low',
        attack: 'T1046',
        says: /towards at least \d+ places, by default deny of namespace data.*look like a search: ask the owner of shop\/web what runs there/,
      },
    ],
  },
  {
    name: 'each policy by itself, each workload by itself',
    traffic: [
      lives(),
      lives(2_000, node('vm-1')),
      denied({}),
      denied({ at: '31h', policy: policy('other', 'data') }),
      denied({ at: '32h', from: node('vm-1') }),
    ],
    finds: [
      { who: WEB, severity: 'low', says: /NetworkPolicy data\/only-api/ },
      { who: WEB, severity: 'low', says: /NetworkPolicy data\/other/ },
      { who: 'test/host/vm-1', severity: 'low', says: /Ask whoever runs node vm-1/ },
    ],
  },
  {
    name: 'into a scope it is worse',
    traffic: [lives(), denied({ to: pod('data/db', { scopes: ['pci'] }) })],
    finds: [{ who: WEB, severity: 'medium', says: /data\/db/ }],
  },
  {
    name: 'the owner is named, where one is known',
    traffic: [lives(), denied({ from: { ...web, owner: 'team checkout' } })],
    finds: [{ who: WEB, severity: 'low', says: /Ask team checkout what was deployed/ }],
  },
  {
    name: 'from the world it is about the workload that refused, and notifies nobody',
    traffic: [lives(), denied({ from: addresses('198.51', 300), to: web, times: 300 })],
    finds: [
      {
        who: WEB,
        severity: 'info',
        attack: 'T1595.001',
        says: /^shop\/web refused at least \d+ sources outside 20 times within five minutes.*Ask the owner of shop\/web whether it must be reachable/,
      },
    ],
  },
  {
    name: 'in the first day it is told only',
    traffic: [lives(), denied({ at: '2h' })],
    finds: [{ who: WEB, severity: 'info', says: /known for 2\.0 h/ }],
  },
  {
    name: 'a record that stands for many denials',
    traffic: [lives(), denied({ times: 2, tune: (flow) => void (flow.aggregated = 30) })],
    finds: [{ who: WEB, severity: 'low', says: /was denied 30 times/ }],
  },
  {
    name: 'a burst that is cut by the clock in two halves',
    traffic: [lives(), denied({ at: '29.998h', every: '500ms', times: 24 })],
    finds: [{ who: WEB, severity: 'low', says: /was denied 20 times/ }],
  },
  {
    name: 'silence: nineteen in five minutes, again and again',
    traffic: [lives(), denied({ every: '16s', times: 500 })],
    finds: [],
  },
  {
    name: 'silence: in the first hour of a workload, on whatever day of the cluster',
    traffic: [lives(), lives(60, pod('shop/new')), denied({ at: '20m', times: 2_000 })],
    finds: [],
  },
  {
    name: 'silence: a workload that is new on the second day',
    traffic: [lives(), denied({ from: pod('shop/new'), times: 3_000 })],
    finds: [],
  },
  {
    name: 'silence: a standing misconfiguration that denies all the time',
    traffic: [lives(), denied({ at: '10s', every: '5s', times: 22_000 })],
    finds: [],
  },
  {
    name: 'silence: what was allowed, would be denied, or was told by the other side too',
    traffic: [
      lives(),
      denied({ fate: 'allowed' }),
      denied({ fate: 'would be denied' }),
      denied({ tune: (flow) => void (flow.counted = false) }),
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`deny_burst: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
      found.map(({ why }) => why.summary).join('\n'),
    );
    for (const [i, alert] of found.entries()) {
      assert.match(alert.why.summary, scenario.finds[i]!.says);
      const [first] = alert.why.factors;
      assert.ok(first!.expected !== null && first!.threshold !== null && first!.observed >= first!.threshold);
      assert.ok(alert.why.historyMs > 0);
    }
  });
}

test('deny_burst: the techniques it names follow from what was seen', () => {
  for (const { traffic, finds } of scenarios) {
    const { alerts } = runDetector(factory, flowsOf(traffic));
    for (const { who, attack } of finds) {
      const last = alerts.filter(({ entity }) => entity.key === who).at(-1)!;
      if (attack !== undefined) assert.equal(last.attack[0]?.techniqueId, attack);
    }
  }
});

test('deny_burst: a burst ten times its threshold is one step worse', () => {
  const { alerts } = runDetector(factory, flowsOf([lives(), denied({ every: '100ms', times: 1_000 })]));
  assert.deepEqual(
    alerts.filter(({ action }) => action !== 'updated').map(({ action, severity }) => [action, severity]),
    [
      ['opened', 'low'],
      ['escalated', 'medium'],
      ['closed', 'medium'],
    ],
  );
  assert.match(alerts.at(-1)!.why.summary, /was denied 1000 times/);
});

/** Denials that come by chance at a mean rate, over some days. */
function byChance(perFiveMinutes: number, days: number, seed: number): Flow[] {
  const random = generator(seed);
  const flows = flowsOf([denied({ at: '0s', times: Math.round(perFiveMinutes * 288 * days) })]);
  for (const flow of flows) {
    flow.endMs = flow.startMs = T0 + Math.floor(random() * days * 86_400_000);
    flow.receivedMs = flow.endMs;
  }
  return flows;
}

for (const [rate, days] of [
  [0.2, 8],
  [3, 4],
  [15, 4],
  [60, 2],
  [400, 0.5],
] as const) {
  test(`deny_burst: silent on denials by chance, ${rate} in five minutes for ${days} days`, () => {
    assert.deepEqual(runDetector(factory, [...flowsOf([lives()]), ...byChance(rate, days, rate)]).alerts, []);
  });
}

test('deny_burst: in a cluster full of misconfigured clients and noise, a burst and nothing else', () => {
  const from = pod('ns-77/front');
  const burst = denied({ at: '36h', every: '2s', times: 200, from, to: pod('ns-78/back'), port: 6379 });
  const found = opened(
    runDetector(factory, [...clusterFlows({ days: 2, seed: 1 }), ...flowsOf([burst])]).alerts,
  );
  assert.deepEqual(
    found.map(({ entity, severity, raisedMs }) => [entity.name, severity, raisedMs - T0 - span('36h')]),
    [['front', 'low', 38_000]],
  );
});

test('deny_burst: a job that is denied every night is told at most twice', () => {
  const nights = Array.from({ length: 10 }, (_, night) => denied({ at: `${26 + 24 * night}h`, times: 250 }));
  const found = opened(runDetector(factory, flowsOf([lives(8_000), ...nights])).alerts);
  assert.ok(found.length >= 1 && found.length <= 2, `${found.length} alerts`);
});

test('deny_burst: after one burst another of ten times the size is found again', () => {
  const found = opened(
    runDetector(
      factory,
      flowsOf([lives(), denied({ times: 100 }), denied({ at: '35h', every: '100ms', times: 2_000 })]),
    ).alerts,
  );
  assert.equal(found.length, 2);
});

test('deny_burst: strange numbers and times raise nothing and break nothing', () => {
  const strange = [Number.NaN, -5, Number.POSITIVE_INFINITY, 0.5];
  const flows = flowsOf([
    lives(),
    denied({ at: '29h', times: 16, tune: (flow, i) => void (flow.aggregated = strange[i % 4]!) }),
    denied({
      at: '29.5h',
      times: 8,
      tune(flow) {
        flow.destination.port = null;
        flow.protocol = null;
        flow.policies = [];
      },
    }),
    denied({ at: '29.6h', times: 3, tune: (flow) => void (flow.endMs = flow.startMs = -1e12) }),
    denied({ at: '29.7h', times: 3, tune: (flow) => void (flow.endMs = flow.startMs = 9e15) }),
    denied({ at: '29.8h', times: 3, tune: (flow) => void (flow.endMs = Number.NaN) }),
  ]);
  assert.deepEqual(runDetector(factory, flows).alerts, []);
});

test('deny_burst: one record of 1970 does not make a workload old', () => {
  const early = lives(1);
  const flows = flowsOf([
    { ...early, tune: (flow) => void (flow.startMs = flow.endMs = flow.receivedMs = 0) },
    denied({ at: '5m', times: 500 }),
  ]);
  assert.deepEqual(runDetector(factory, flows).alerts, []);
});

detectorContract({
  name: 'deny_burst',
  factory,
  alerting: flowsOf([
    { ...lives(130), every: '15m' },
    { ...lives(20, pod('shop/api')), every: '15m' },
    denied({ at: '2h', times: 60 }),
    denied({ at: '3h', times: 30, from: pod('shop/api') }),
    denied({ at: '20h', every: '3m', times: 50 }),
    denied({ at: '30h', times: 120 }),
    denied({ at: '31h', from: addresses('203.0', 60), to: web, times: 60 }),
  ]),
  benign: flowsOf([
    lives(),
    denied({ at: '0s', every: '40s', times: 3_000 }),
    denied({ at: '5m', every: '10m', times: 200, from: address('10.0.0.9') }),
  ]),
  flood: (count) =>
    flowsOf([
      denied({
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
