import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/brute_force/index.ts';
import { options } from '../../detectors/brute_force/options.ts';
import type { Endpoint, Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, node, pod, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const outside = address('203.0.113.9');
const host = node('vm-1');

/** A login that fails: three seconds, 4.5 kB. */
const failing = (flow: Flow): void => {
  flow.startMs = flow.endMs - 3_000;
  flow.sourcePackets = 14;
  flow.destinationPackets = 12;
  flow.sourceBytes = 2_300;
  flow.destinationBytes = 2_200;
};
/** A session: five minutes, 80 kB. */
const session = (flow: Flow): void => {
  flow.startMs = flow.endMs - 300_000;
  flow.sourcePackets = 300;
  flow.destinationPackets = 300;
  flow.sourceBytes = 30_000;
  flow.destinationBytes = 50_000;
};

/** Tries at one or many hosts. */
const tries = (traffic: Omit<Traffic, 'fate' | 'port' | 'tune'> & Partial<Traffic>): Traffic => ({
  port: 22,
  fate: 'answered',
  tune: failing,
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a workload tries nine times within a minute',
    traffic: [tries({ at: '0s', every: '5s', times: 9, from: web, to: host })],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web tried SSH \(port 22\) of node vm-1, 9 short connections in 40 s; no session followed\. Ask the owner of shop\/web whether a script has an old password/,
      },
    ],
  },
  {
    name: 'a slow one: thirty within thirty minutes, never nine within ten',
    traffic: [tries({ at: '0s', every: '58s', times: 40, from: web, to: host, tune: unsized })],
    finds: [{ who: WEB, severity: 'medium', says: /30 short connections in 28 min/ }],
  },
  {
    name: 'from the internet it is weather, told of the host and once',
    traffic: [
      tries({ at: '0s', every: '5s', times: 30, from: outside, to: host }),
      tries({ at: '5m', every: '5s', times: 30, from: address('198.51.100.3'), to: host }),
    ],
    finds: [
      {
        who: 'test/host/vm-1',
        severity: 'low',
        says: /^203\.0\.113\.9 on the internet tried SSH \(port 22\) of node vm-1, 9 short connections in 40 s; nobody was let in\. Ask whoever runs node vm-1 whether that port must be reachable/,
      },
    ],
  },
  {
    name: 'one source and one try at each of twelve hosts',
    traffic: [
      tries({
        at: '0s',
        every: '30s',
        from: web,
        to: Array.from({ length: 12 }, (_, i) => node(`vm-${i}`)),
      }),
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried SSH \(port 22\) of 10 hosts/ }],
  },
  {
    name: 'thirty sources and two tries each are found at the host',
    traffic: [
      tries({ at: '0s', every: '20s', times: 60, from: addresses('198.51', 30), to: host, port: 3389 }),
    ],
    finds: [
      {
        who: 'test/host/vm-1',
        severity: 'low',
        says: /^30 sources on the internet tried RDP \(port 3389\) of node vm-1/,
      },
    ],
  },
  {
    name: 'Telnet and a port of the user',
    traffic: [tries({ at: '0s', every: '2s', times: 12, from: address('10.0.0.7'), to: host, port: 23 })],
    finds: [{ who: 'ip/10.0.0.7', severity: 'medium', says: /tried Telnet \(port 23\)/ }],
  },
  {
    name: 'silence: eight times, and eight times again later',
    traffic: [
      tries({ at: '0s', every: '20s', times: 8, from: web, to: host }),
      tries({ at: '50m', every: '20s', times: 8, from: web, to: host }),
    ],
    finds: [],
  },
  {
    name: 'silence: a deployment tool with sessions on thirty hosts',
    traffic: [
      tries({
        at: '0s',
        every: '5s',
        times: 300,
        from: web,
        to: Array.from({ length: 30 }, (_, i) => node(`vm-${i}`)),
        tune: session,
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: refused, denied and only found open',
    traffic: [
      tries({ at: '0s', every: '1s', times: 40, from: web, to: host, fate: 'failed' }),
      tries({ at: '0s', every: '1s', times: 40, from: web, to: pod('shop/a'), fate: 'denied' }),
      tries({
        at: '0s',
        every: '1s',
        times: 40,
        from: web,
        to: pod('shop/b'),
        tune(flow) {
          flow.sourcePackets = 3;
          flow.destinationPackets = 1;
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: a database client, and a web client, with a connection a query',
    traffic: [tries({ at: '0s', every: '1s', times: 500, from: web, to: pod('shop/db'), port: [5432, 443] })],
    finds: [],
  },
  {
    name: 'silence: one long connection that its origin tells of every five seconds',
    traffic: [
      tries({
        at: '0s',
        every: '5s',
        times: 200,
        from: web,
        to: host,
        fate: 'allowed',
        tune(flow) {
          failing(flow);
          flow.source.port = 40_001;
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: a controller polls Git over SSH',
    traffic: [
      tries({ at: '0s', every: '10s', times: 200, from: pod('argocd/repo-server'), to: outside }),
      tries({ at: '0s', every: '10s', times: 200, from: web, to: pod('git/gitlab-shell') }),
    ],
    finds: [],
  },
];

/** An origin that counts no bytes. */
function unsized(flow: Flow): void {
  failing(flow);
  flow.sourceBytes = null;
  flow.destinationBytes = null;
}

for (const scenario of scenarios) {
  test(`brute_force: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('brute_force: a session right after is a success, and critical', () => {
  const successOf = (from: Endpoint) =>
    runDetector(
      factory,
      flowsOf([
        tries({ at: '0s', every: '5s', times: 15, from, to: host }),
        tries({ at: '7m', times: 1, from, to: host, tune: session }),
      ]),
    ).alerts.find(({ action }) => action === 'escalated')!;
  const inside = successOf(web);
  assert.equal(inside.severity, 'critical');
  assert.match(
    inside.why.summary,
    /15 short connections .*and was then let in: a session of 5 min and 80 kB followed\. Lock the account/,
  );
  assert.equal(inside.target?.key, 'test/host/vm-1');
  assert.equal(inside.attack[0]!.techniqueId, 'T1110.001');
  const fromOutside = successOf(outside);
  assert.equal(fromOutside.severity, 'critical');
  assert.equal(fromOutside.entity.key, 'test/host/vm-1');
  assert.match(fromOutside.why.summary, /and 203\.0\.113\.9 was then let in: a session of 5 min/);
});

test('brute_force: an administrator who mistypes twice at a host under attack is no success', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      tries({ at: '0s', every: '5s', times: 200, from: outside, to: host }),
      tries({ at: '5m', every: '10s', times: 2, from: address('198.51.100.3'), to: host }),
      tries({ at: '6m', times: 1, from: address('198.51.100.3'), to: host, tune: session }),
    ]),
  );
  assert.ok(alerts.every(({ severity }) => severity === 'low'));
});

test('brute_force: a spray that gets in somewhere is critical at that host', () => {
  const all = Array.from({ length: 15 }, (_, i) => node(`vm-${i}`));
  const { alerts } = runDetector(
    factory,
    flowsOf([
      tries({ at: '0s', every: '10s', from: web, to: all }),
      tries({ at: '8m', times: 1, from: web, to: all[12]!, tune: session }),
    ]),
  );
  assert.deepEqual(
    alerts.map(({ action, severity }) => [action, severity]),
    [
      ['opened', 'high'],
      ['escalated', 'critical'],
      ['closed', 'critical'],
    ],
  );
  assert.equal(alerts[1]!.target?.key, 'test/host/vm-12');
});

test('brute_force: no success: a session long after, one no larger than the attempts, or of a source that was let in before', () => {
  const after = (late: Traffic, before: readonly Traffic[] = []) =>
    runDetector(
      factory,
      flowsOf([...before, tries({ at: '1h', every: '5s', times: 15, from: web, to: host }), late]),
    ).alerts.filter(({ severity }) => severity === 'critical');
  assert.deepEqual(after(tries({ at: '90m', times: 1, from: web, to: host, tune: session })), []);
  const slowly = (flow: Flow): void => {
    failing(flow);
    flow.startMs = flow.endMs - 110_000;
  };
  assert.deepEqual(after(tries({ at: '65m', times: 1, from: web, to: host, tune: slowly })), []);
  const usual = tries({ at: '10m', times: 1, from: web, to: host, tune: session });
  assert.deepEqual(after(tries({ at: '66m', times: 1, from: web, to: host, tune: session }), [usual]), []);
});

test('brute_force: what polls for days is told once', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      tries({ at: '0s', every: '30s', times: 2_880, from: web, to: host }),
      // A pause lets the alert close; the next day is as the one before.
      tries({ at: '27h', every: '30s', times: 1_000, from: web, to: host }),
    ]),
  );
  assert.equal(opened(alerts).length, 1);
});

test('brute_force: a hundred attempts of a workload are high; the login ports are the user’s', () => {
  const traffic = flowsOf([tries({ at: '0s', every: '1s', times: 120, from: web, to: host, port: 4444 })]);
  assert.deepEqual(runDetector(factory, traffic).alerts, []);
  const { alerts } = runDetector(create(options.parse({ authPorts: [4444] })), traffic);
  assert.deepEqual(
    alerts.map(({ action, severity, count }) => [action, severity, count]),
    [
      ['opened', 'medium', 9],
      ['updated', 'medium', 10],
      ['escalated', 'high', 100],
      ['closed', 'high', 120],
    ],
  );
});

test('brute_force: both copies of a connection told in pieces count once each, in whatever lane', () => {
  const traffic = flowsOf([
    tries({
      at: '0s',
      every: '5s',
      times: 12,
      from: web,
      to: host,
      fate: 'allowed',
    }),
  ]);
  for (const lanes of [1, 2, 12]) {
    const found = opened(runDetector(factory, traffic, { lanes }).alerts);
    assert.deepEqual(
      found.map(({ count }) => count),
      [9],
    );
  }
});

detectorContract({
  name: 'brute_force',
  factory,
  alerting: flowsOf([
    tries({ at: '0s', every: '5s', times: 40, from: web, to: host }),
    tries({ at: '5m', times: 1, from: web, to: host, tune: session }),
    tries({
      at: '10m',
      every: '7s',
      times: 60,
      from: [outside, web],
      to: Array.from({ length: 15 }, (_, i) => node(`vm-${i}`)),
      port: 3389,
    }),
    tries({ at: '20m', every: '9s', times: 80, from: addresses('198.51', 30), to: pod('shop/ssh') }),
    tries({ at: '3h', every: '20s', times: 50, from: address('10.0.0.7'), to: host, fate: 'allowed' }),
  ]),
  benign: flowsOf([
    tries({ at: '0s', every: '5m', times: 100, from: web, to: host }),
    tries({ at: '0s', every: '1m', times: 100, from: web, to: pod('shop/x'), tune: session }),
  ]),
  flood: (count) =>
    flowsOf([
      tries({
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: host,
      }),
    ]),
});
