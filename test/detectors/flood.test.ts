import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/flood/index.ts';
import { options } from '../../detectors/flood/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, pod, ports, type Traffic } from './scenario.ts';
import { readCase } from './zeek.ts';

const factory = create(options.parse({}));
const shop = pod('shop/web');
const WEB = 'test/shop/Deployment/web';
const world = addresses('198.51', 3_000);

/** So many connections a second to one port, for some seconds. */
const rush = (perSecond: number, seconds: number, traffic: Partial<Traffic> = {}): Traffic => ({
  at: '0s',
  every: `${Math.floor(1000 / perSecond)}ms`,
  times: perSecond * seconds,
  from: world,
  to: shop,
  port: 443,
  fate: 'failed',
  ...traffic,
});

/** What is usual: two days of a few connections a second, told of in one flow for ten of every thirty seconds. */
const usual = (perTenSeconds: number, traffic: Partial<Traffic> = {}): Traffic => ({
  at: '0s',
  every: '30s',
  times: 5_760,
  from: world,
  to: shop,
  port: 443,
  fate: 'answered',
  tune(flow) {
    flow.connectionsStarted = perTenSeconds;
    flow.connectionsCompleted = perTenSeconds;
  },
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly {
    readonly who: string;
    readonly severity: Severity;
    readonly attack: string;
    readonly says: RegExp;
  }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'SYNs from false addresses, from the first second on',
    traffic: [rush(200, 30)],
    finds: [
      {
        who: WEB,
        severity: 'high',
        attack: 'T1499.001',
        says: /^shop\/web port 443 gets \d+ connections a second from about \d+ sources, 100 % of them unanswered.*Ask the owner of shop\/web whether it still answers.*addresses are false: do not block by them/,
      },
    ],
  },
  {
    name: 'over all ports of one destination',
    traffic: [rush(200, 30, { port: ports(1, 5_000), protocol: 'udp' })],
    finds: [{ who: WEB, severity: 'high', attack: 'T1498.001', says: /shop\/web on many ports gets/ }],
  },
  {
    name: 'echo requests, which have no port',
    traffic: [rush(200, 30, { protocol: 'icmp' })],
    finds: [{ who: WEB, severity: 'high', attack: 'T1498.001', says: /^shop\/web gets/ }],
  },
  {
    name: 'one of ours alone is named, and asked',
    traffic: [rush(200, 30, { from: pod('shop/cron'), to: address('203.0.113.9') })],
    finds: [
      {
        who: 'test/shop/Deployment/cron',
        severity: 'high',
        attack: 'T1499.001',
        says: /^shop\/cron alone makes \d+ connections a second to 203\.0\.113\.9 port 443.*Ask the owner of shop\/cron what it does there/,
      },
    ],
  },
  {
    name: 'clients of ours that try a service that is down',
    traffic: [rush(100, 20, { from: Array.from({ length: 12 }, (_, i) => pod(`shop/client-${i}`)) })],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        attack: 'T1499.001',
        says: /if it is down, its clients merely try again/,
      },
    ],
  },
  {
    name: 'what policy keeps out is low',
    traffic: [rush(200, 30, { fate: 'denied' })],
    finds: [{ who: WEB, severity: 'low', attack: 'T1499.001', says: /Policy denies it\. Ask the owner/ }],
  },
  {
    name: 'answered connections, ten times what is usual',
    traffic: [usual(300), rush(400, 30, { at: '49h', fate: 'answered', from: world.slice(0, 300) })],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        attack: 'T1499.002',
        says: /from about \d+ sources.*where (2[6-9]|3\d) a second are usual at this hour\. Ask the owner of shop\/web whether that is a campaign/,
      },
    ],
  },
  {
    name: 'many sources at once, of a service that never had as many connections as would be rare',
    traffic: [usual(900), rush(250, 30, { at: '49h', fate: 'answered' })],
    finds: [{ who: WEB, severity: 'medium', attack: 'T1499.002', says: /where \d+ sources are usual/ }],
  },
  {
    name: 'answers of name servers that nobody asked',
    traffic: [
      usual(5, { protocol: 'udp' }),
      rush(300, 30, {
        at: '49h',
        protocol: 'udp',
        port: 443,
        tune(flow) {
          flow.source.port = 53;
          flow.destination.port = 443;
        },
      }),
      usual(5, { protocol: 'udp', port: 40_000 }),
      rush(300, 30, {
        at: '60h',
        protocol: 'udp',
        port: 40_000,
        tune: (flow) => void (flow.source.port = 53),
      }),
    ],
    finds: [
      { who: WEB, severity: 'high', attack: 'T1498.001', says: /unanswered/ },
      { who: WEB, severity: 'high', attack: 'T1498.002', says: /that it did not ask for.*Ask the provider/ },
    ],
  },
  {
    name: 'silence: backscatter, whoever it is that wrote it down',
    traffic: [
      // SYN-ACKs of a flooded server to addresses of ours, as its destination and as their source.
      rush(300, 30, {
        from: addresses('10.1', 3_000),
        to: address('202.229.120.98'),
        port: 80,
        tune: (flow) => void ((flow.sourcePackets = 0), (flow.destinationPackets = 1)),
      }),
      rush(300, 30, {
        from: addresses('10.1', 3_000),
        to: address('202.229.120.99'),
        port: 80,
        fate: 'answered',
        tune: (flow) => void ((flow.sourcePackets = 1), (flow.destinationPackets = 1)),
      }),
      rush(300, 30, {
        at: '2m',
        port: ports(1, 3_000),
        tune(flow, i) {
          flow.source.port = 80;
          flow.tcpFlags = i % 2 === 0 ? 18 : 20;
        },
      }),
      rush(300, 30, {
        at: '4m',
        protocol: 'icmp',
        tune: (flow) => void (flow.icmpType = 3),
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: a scan of all ports by one source',
    traffic: [rush(1_000, 20, { from: pod('shop/scanner'), port: ports(1, 20_000) })],
    finds: [],
  },
  {
    name: 'silence: a busy service that is busy, an hour that is five times as busy, a new one',
    traffic: [
      usual(2_000),
      rush(800, 20, { at: '49h', fate: 'answered', from: world.slice(0, 200) }),
      rush(5_000, 10, { at: '50h', fate: 'answered', from: world.slice(0, 200), to: pod('shop/new') }),
    ],
    finds: [],
  },
  {
    name: 'silence: half of it is answered; below the threshold; told of by both sides',
    traffic: [
      rush(200, 30, { fate: ['failed', 'answered'] }),
      rush(40, 60, { at: '10m' }),
      rush(200, 30, { at: '20m', tune: (flow) => void (flow.counted = false) }),
    ],
    finds: [],
  },
  {
    name: 'silence: an hour of connections told of in one flow',
    traffic: [
      usual(1),
      {
        ...usual(30_000, { at: '49h', times: 1 }),
        tune(flow) {
          flow.connectionsStarted = 30_000;
          flow.connectionsCompleted = 30_000;
          flow.startMs -= 3_600_000;
        },
      },
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`flood: ${scenario.name}`, () => {
    const { alerts } = runDetector(factory, flowsOf(scenario.traffic));
    const found = opened(alerts);
    assert.deepEqual(
      found.map((alert) => ({
        who: alert.entity.key,
        severity: alert.severity,
        attack: alert.attack[0]?.techniqueId,
      })),
      scenario.finds.map(({ who, severity, attack }) => ({ who, severity, attack })),
      found.map(({ why }) => why.summary).join('\n'),
    );
    for (const [i, alert] of found.entries()) {
      const last = alerts.filter(({ id }) => id === alert.id).at(-1)!;
      assert.match(last.why.summary, scenario.finds[i]!.says);
      const [first] = alert.why.factors;
      assert.ok(first!.threshold !== null && first!.expected !== null && first!.observed >= first!.threshold);
    }
  });
}

test('flood: all of a flood is evidence, none of what comes after', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([rush(500, 40), rush(1, 600, { at: '5m', fate: 'answered' })]),
  );
  assert.equal(opened(alerts).length, 1);
  assert.equal(alerts.at(-1)!.count, 20_000);
});

test('flood: the first word of it says how much came how fast', () => {
  const [first] = runDetector(factory, flowsOf([rush(1_000, 5)])).alerts;
  assert.match(
    first!.why.summary,
    /^shop\/web port 443 gets 500 connections within less than a second from about 4\d\d sources, 100 % of them unanswered, where 500 within 10 s would already be too many\. Ask the owner/,
  );
});

test('flood: an hour of a flood does not become usual', () => {
  const again = (at: string): Traffic => rush(400, 60, { at, fate: 'answered', from: world.slice(0, 300) });
  const found = opened(runDetector(factory, flowsOf([usual(200), again('30h'), again('40h')])).alerts);
  assert.equal(found.length, 2);
});

test('flood: strange numbers, times and missing ports raise nothing and break nothing', () => {
  const strange = [Number.NaN, -3, Number.POSITIVE_INFINITY, 0];
  const odd = (change: (flow: Flow, i: number) => void): Traffic => rush(10, 30, { tune: change });
  const flows = flowsOf([
    odd((flow, i) => {
      flow.connectionsStarted = strange[i % 4]!;
      flow.aggregated = strange[(i + 1) % 4]!;
      flow.sourcePackets = strange[(i + 2) % 4]!;
      flow.destinationPackets = strange[(i + 3) % 4]!;
    }),
    odd((flow) => {
      flow.destination.port = null;
      flow.source.port = null;
      flow.protocol = null;
    }),
    odd((flow) => void (flow.startMs = flow.endMs = -1e13)),
    odd((flow) => void (flow.startMs = flow.endMs = 9e15)),
    odd((flow) => void (flow.endMs = Number.NaN)),
  ]);
  assert.deepEqual(runDetector(factory, flows).alerts, []);
});

test('flood: a destination without a port is flooded too', () => {
  const flows = flowsOf([rush(200, 30, { tune: (flow) => void (flow.protocol = 47) })]);
  for (const flow of flows) flow.destination.port = null;
  for (const flow of flows) flow.protocol = 1;
  for (const flow of flows) flow.icmpType = 8;
  assert.equal(opened(runDetector(factory, flows).alerts).length, 1);
});

const recordings: Readonly<Record<string, readonly string[]>> = {
  'ddos-synflood-spoofed': ['10.10.10.10'],
  'zeek-backscatter-hard-negative': [],
  'zeek-simple-scans': [],
  'benign-ubuntu-2023-02-20': [],
  'k8s-benign-first-half': [],
  'k8s-node-red-recon': [],
  'slips-portscan-vertical': [],
  'slips-test18-remcosrat': [],
  'rita-missing-host-3days': [],
};
for (const [name, flooded] of Object.entries(recordings)) {
  test(`flood: who is flooded in ${name}`, (t) => {
    const found = readCase(name);
    // The labelled flows are not part of the project; its own scenarios cover the same.
    if (found === null) return t.diagnostic('the labelled flows are not beside the repository');
    const alerts = opened(runDetector(factory, found.flows).alerts);
    assert.deepEqual(
      alerts.map(({ entity }) => entity.ip),
      flooded,
    );
    // At the 500th SYN, which is a fifth of a second after the first.
    for (const alert of alerts) assert.ok(alert.raisedMs - found.flows[0]!.endMs < 500);
  });
}

const small = create(
  options.parse({ unanswered: 50, connections: 100, sources: 100, manySources: 20, learnMs: 3_600_000 }),
);

detectorContract({
  name: 'flood',
  factory: small,
  alerting: flowsOf([
    rush(25, 6),
    rush(20, 5, { at: '10m', to: pod('shop/api'), port: ports(1, 1_000) }),
    usual(20, { every: '2m', times: 100 }),
    rush(50, 5, { at: '3h', fate: 'answered' }),
  ]),
  benign: flowsOf([usual(50, { times: 3_000 }), rush(2, 60)]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: shop,
        to: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        fate: 'answered',
      },
    ]),
});
