import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/exfiltration/index.ts';
import { options } from '../../detectors/exfiltration/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, life, pod, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web', { owner: 'team-shop' });
const db = pod('shop/db');
const saas = address('203.0.113.5');
const evil = address('198.51.100.7');

/** So many megabytes from the initiator, and back. */
const moves =
  (sent: number, received = 0.01) =>
  (flow: Flow): void => {
    flow.sourceBytes = sent * 1e6;
    flow.destinationBytes = received * 1e6;
  };

const sends = (traffic: Partial<Traffic> = {}): Traffic => ({
  at: '0s',
  every: '10m',
  times: 200,
  from: web,
  to: saas,
  port: 443,
  fate: 'answered',
  tune: moves(0.1),
  ...traffic,
});
/** Calls from outside that are answered with so much. */
const fetches = (megabytes: number, traffic: Partial<Traffic> = {}): Traffic =>
  sends({ from: evil, to: db, port: 5432, tune: moves(0.01, megabytes), ...traffic });

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';
const DB = 'test/shop/Deployment/db';

const scenarios: readonly Scenario[] = [
  {
    name: 'a spike to where it always sends',
    traffic: [sends(), sends({ at: '30h', every: '1m', times: 30, tune: moves(1) })],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web sent outside 20\.\d MB within an hour, to 203\.0\.113\.5:443, where 0\.[67] MB an hour are the most that is usual \(sending outside for 30\.\d h\)\. Ask team-shop what was sent and why; if nobody knows, close its way out/,
      },
    ],
  },
  {
    name: 'a great deal, or out of a scope, is worse',
    traffic: [
      sends(),
      sends({ at: '30h', times: 1, tune: moves(900) }),
      sends({ from: pod('shop/pay', { scopes: ['pci'] }) }),
      sends({ at: '30h', times: 1, tune: moves(90), from: pod('shop/pay', { scopes: ['pci'] }) }),
    ],
    finds: [
      { who: WEB, severity: 'high', says: /900\.\d MB within an hour/ },
      { who: 'test/shop/Deployment/pay', severity: 'high', says: /90\.\d MB within an hour/ },
    ],
  },
  {
    name: 'a new destination that is sent to and hardly answers',
    traffic: [sends(), sends({ at: '30h', every: '1m', times: 10, tune: moves(1), to: evil, port: 4444 })],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web sent 5\.0 MB and got 0\.1 MB in 4 min: 198\.51\.100\.7:4444, whom it never sent anything before/,
      },
    ],
  },
  {
    name: 'who answers is the one who sends: a database is fetched by somebody new',
    traffic: [
      fetches(0.1, { from: address('192.0.2.1') }),
      fetches(1, { at: '30h', every: '2m', times: 10 }),
      fetches(3, { at: '31h', every: '1m', times: 10 }),
    ],
    finds: [
      {
        who: DB,
        severity: 'medium',
        says: /^shop\/db gave a caller 5\.0 MB and got .*: 198\.51\.100\.7, who never called before .*Ask the owner of shop\/db .* close the way in to it/,
      },
      {
        who: DB,
        severity: 'medium',
        says: /^shop\/db gave to callers outside 30\.\d MB within an hour, fetched by/,
      },
    ],
  },
  {
    name: 'through a proxy inside the site',
    traffic: [
      sends({ to: address('10.0.0.9'), port: 3128 }),
      sends({ at: '30h', times: 1, to: address('10.0.0.9'), port: 3128, tune: moves(40) }),
    ],
    finds: [{ who: WEB, severity: 'medium', says: /to 10\.0\.0\.9:3128/ }],
  },
  {
    name: 'low and slow: more from hour to hour',
    traffic: [
      sends({ every: '20m', times: 300, tune: moves(0.5) }),
      sends({ at: '100.1h', every: '20m', times: 90, tune: moves(1.5) }),
    ],
    finds: [
      {
        who: WEB,
        severity: 'low',
        says: /^shop\/web sends more outside than it used to, for \d+\.\d h now: 4\.5 MB in the last full hour where 1\.\d MB are usual, [23]\d\.\d MB more in all, lately to 203\.0\.113\.5:443/,
      },
    ],
  },
  {
    name: 'what is new itself, only a great deal: for the record on the first day of a cluster',
    traffic: [
      life,
      sends({ times: 1, tune: moves(600) }),
      sends({ at: '40h', times: 1, from: pod('shop/job'), tune: moves(600) }),
    ],
    finds: [
      { who: WEB, severity: 'info', says: /nothing is known yet of what is usual/ },
      { who: 'test/shop/Deployment/job', severity: 'low', says: /600\.0 MB within an hour/ },
    ],
  },
  {
    name: 'silence: what is fetched, stays inside, was denied or never answered, or has no sizes',
    traffic: [
      sends(),
      ...(
        [
          { tune: moves(0.1, 900) },
          { to: db, tune: moves(900) },
          { fate: 'denied', tune: moves(900) },
          {
            fate: 'failed',
            tune: (flow: Flow) => Object.assign(flow, { sourceBytes: 9e8, destinationPackets: 0 }),
          },
          { tune: (flow: Flow) => Object.assign(flow, { sourceBytes: null, destinationBytes: null }) },
          { from: address('192.0.2.1'), tune: moves(900) },
        ] as const
      ).map((parts) => sends({ at: '30h', times: 3, ...parts })),
    ],
    finds: [],
  },
  {
    name: 'silence: a backup each night, a public server, and small new destinations',
    traffic: [
      ...[3, 27, 51, 75, 99].map((hour) => sends({ at: `${hour}h`, times: 6, every: '5m', tune: moves(80) })),
      fetches(0.5, { from: addresses('203.0', 2_000), every: '2m', times: 4_000, port: 443 }),
      sends({ from: pod('shop/crawler'), to: addresses('198.18', 900), times: 900, tune: moves(0.02) }),
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`exfiltration: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => `${alert.entity.key} ${alert.severity}`).sort(),
      scenario.finds.map(({ who, severity }) => `${who} ${severity}`).sort(),
      found.map(({ why }) => why.summary).join('\n'),
    );
    for (const { who, says } of scenario.finds)
      assert.ok(
        found.some(({ entity, why }) => entity.key === who && says.test(why.summary)),
        `${says} in ${found.map(({ why }) => why.summary).join('\n')}`,
      );
  });
}

test('exfiltration: clocks, counters and ports gone wrong raise nothing and break nothing', () => {
  const strange = sends({
    times: 600,
    tune(flow, i) {
      flow.sourceBytes = [Number.NaN, -1e12, Number.NEGATIVE_INFINITY][i % 3]!;
      flow.destinationBytes = [-1, Number.NaN, 0][i % 3]!;
      flow.endMs = [-1e15, 0, 8.64e15, Number.MAX_SAFE_INTEGER][i % 4]!;
      flow.startMs = flow.endMs;
      flow.destination.port = null;
    },
  });
  assert.deepEqual(opened(runDetector(factory, flowsOf([strange])).alerts), []);
});

test('exfiltration: without a port it is told all the same', () => {
  const none = (flow: Flow): void => void (flow.destination.port = null);
  const traffic = [
    sends({ protocol: 'icmp', tune: (flow) => (moves(0.1)(flow), none(flow)) }),
    sends({ at: '30h', times: 1, protocol: 'icmp', tune: (flow) => (moves(40)(flow), none(flow)) }),
  ];
  assert.equal(opened(runDetector(factory, flowsOf(traffic)).alerts).length, 1);
});

test('exfiltration: years between two flows are taken into account in no time', () => {
  const traffic = [sends(), sends({ at: '30000h', times: 2 })];
  assert.deepEqual(opened(runDetector(factory, flowsOf(traffic)).alerts), []);
});

detectorContract({
  name: 'exfiltration',
  factory: create(options.parse({ learnMs: 3_600_000 })),
  alerting: flowsOf([
    sends({ every: '5m', times: 60 }),
    sends({ at: '5h', every: '1m', times: 50, tune: moves(2) }),
    sends({ at: '6h', every: '1m', times: 20, to: evil, tune: moves(1) }),
    fetches(2, { at: '7h', every: '1m', times: 40, from: addresses('198.51', 4) }),
    fetches(30, { at: '9h', every: '1m', times: 20, from: addresses('198.51', 4) }),
  ]),
  benign: flowsOf([sends({ times: 300 }), fetches(0.1, { from: addresses('203.0', 200), times: 600 })]),
  flood: (count) =>
    flowsOf([
      sends({
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
