import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/port_scan/index.ts';
import { options } from '../../detectors/port_scan/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, pod, policy, ports, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const attacker = pod('shop/web');
const victim = address('10.0.9.9');

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  /** Alerts that must open, in order; none is silence. */
  readonly finds: readonly {
    readonly who: string;
    readonly severity: Severity;
    readonly says: RegExp;
    /** Event time between the first flow of the scan and the alert. */
    readonly withinMs?: number;
  }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a pod that knocks at twenty ports of a host is found at the ninth',
    traffic: [
      { at: '0s', every: '100ms', from: attacker, to: victim, port: ports(1000, 20), fate: 'failed' },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 9 ports of 10\.0\.9\.9 .*9 failed/, withinMs: 800 }],
  },
  {
    name: 'denied probes count as failures',
    traffic: [
      { at: '0s', from: attacker, to: victim, port: ports(1000, 20), fate: 'denied', policy: policy(null) },
    ],
    finds: [{ who: WEB, severity: 'high', says: /failed or were denied/ }],
  },
  {
    name: 'a port tried on many hosts, most of them silent',
    traffic: [
      {
        at: '0s',
        from: address('10.0.0.7'),
        to: addresses('10.1', 30),
        port: 445,
        fate: ['failed', 'failed', 'answered'],
      },
    ],
    finds: [
      { who: 'ip/10.0.0.7', severity: 'medium', says: /tried port 445 of \d+ hosts/, withinMs: 20_000 },
    ],
  },
  {
    name: 'half of a sweep over live hosts is refused',
    traffic: [
      {
        at: '0s',
        from: address('10.0.0.7'),
        to: addresses('10.1', 40),
        port: 22,
        fate: ['answered', 'failed'],
      },
    ],
    finds: [{ who: 'ip/10.0.0.7', severity: 'medium', says: /tried port 22/, withinMs: 30_000 }],
  },
  {
    name: 'one probe every twenty minutes',
    traffic: [{ at: '0s', every: '20m', from: attacker, to: victim, port: ports(100, 40), fate: 'failed' }],
    finds: [{ who: WEB, severity: 'high', says: /in 2\.7 h/, withinMs: 4 * 3_600_000 }],
  },
  {
    name: 'a connect scan of a host on which everything answers',
    traffic: [{ at: '0s', every: '50ms', from: attacker, to: victim, port: ports(1, 100), fate: 'answered' }],
    finds: [{ who: WEB, severity: 'high', says: /tried 50 ports/, withinMs: 3_000 }],
  },
  {
    name: 'five sensitive ports within a minute, one of them closed',
    traffic: [
      {
        at: '0s',
        from: attacker,
        to: victim,
        port: [22, 23, 445, 3389, 5985],
        fate: ['answered', 'answered', 'answered', 'answered', 'failed'],
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 5 ports/ }],
  },
  {
    name: 'a FIN or Xmas scan whose probes are refused with one packet each way',
    traffic: [
      {
        at: '0s',
        every: '10ms',
        from: attacker,
        to: victim,
        port: ports(1000, 30),
        fate: 'answered',
        tune(flow) {
          flow.sourcePackets = 1;
          flow.destinationPackets = 1;
        },
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 9 ports/ }],
  },
  {
    name: 'a NULL scan that nobody answers: no connection was begun',
    traffic: [
      {
        at: '0s',
        every: '10ms',
        from: attacker,
        to: victim,
        port: ports(1000, 30),
        fate: 'failed',
        tune(flow) {
          flow.connectionsStarted = 0;
        },
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 9 ports/ }],
  },
  {
    name: 'flows without connection state: SYN without ACK is a contact that failed',
    traffic: [
      {
        at: '0s',
        every: '10ms',
        from: attacker,
        to: victim,
        port: ports(1000, 30),
        fate: 'allowed',
        tune(flow) {
          flow.unit = 'flow';
          flow.tcpFlags = 2;
        },
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 9 ports/ }],
  },
  {
    name: 'sampled flows, of which only the number of ports tells',
    traffic: [
      {
        at: '0s',
        every: '10ms',
        from: attacker,
        to: victim,
        port: ports(1000, 80),
        fate: 'allowed',
        tune(flow) {
          flow.verdict = 'unknown';
          flow.samplingRate = 50;
          flow.tcpFlags = 2;
        },
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 50 ports .* 0 failed or were denied, 0 answered/ }],
  },
  {
    name: 'silence: logged packets that were allowed, each the SYN of a connection',
    traffic: [
      {
        at: '0s',
        from: attacker,
        to: addresses('10.1', 60),
        port: [80, 443, 8080],
        times: 60,
        fate: 'allowed',
        tune(flow) {
          flow.unit = 'packet';
          flow.tcpFlags = 2;
        },
      },
    ],
    finds: [],
  },
  {
    name: 'silence: connections reported when they begin, before anybody could answer',
    traffic: [
      {
        at: '0s',
        from: attacker,
        to: addresses('10.1', 60),
        port: 443,
        fate: 'allowed',
        tune(flow) {
          flow.unit = 'connection';
          flow.verdict = 'unknown';
          flow.connectionsStarted = 1;
        },
      },
    ],
    finds: [],
  },
  {
    name: 'a UDP scan takes more to prove than a TCP scan',
    traffic: [
      {
        at: '0s',
        every: '1s',
        protocol: 'udp',
        from: attacker,
        to: victim,
        port: ports(600, 40),
        fate: 'failed',
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /tried 15 ports/, withinMs: 15_000 }],
  },
  {
    name: 'a ping sweep of the inside, even when all answer',
    traffic: [
      {
        at: '0s',
        every: '100ms',
        protocol: 'icmp',
        from: attacker,
        to: addresses('10.2', 60),
        fate: 'answered',
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /asked 25 hosts for an ICMP echo/ }],
  },
  {
    name: 'the internet knocking at our door is noted without a notification',
    traffic: [{ at: '0s', from: address('203.0.113.9'), to: victim, port: ports(1, 30), fate: 'denied' }],
    finds: [{ who: 'ip/203.0.113.9', severity: 'info', says: /internet noise/ }],
  },
  {
    name: 'a scan that touches a compliance scope is high whoever it comes from',
    traffic: [
      {
        at: '0s',
        from: address('10.0.0.7'),
        to: address('10.0.9.9', { scopes: ['pci'] }),
        port: ports(1, 30),
        fate: 'failed',
      },
    ],
    finds: [{ who: 'ip/10.0.0.7', severity: 'high', says: /tried 9 ports/ }],
  },
  {
    name: 'two scans with a quiet day between are two alerts',
    traffic: [
      { at: '0s', from: attacker, to: victim, port: ports(1000, 20), fate: 'failed' },
      { at: '1d', from: attacker, to: victim, port: ports(2000, 20), fate: 'failed' },
    ],
    finds: [
      { who: WEB, severity: 'high', says: /tried 9 ports/ },
      { who: WEB, severity: 'high', says: /tried 9 ports/ },
    ],
  },
  {
    name: 'silence: one service that is down is one contact, however often it is tried',
    traffic: [{ at: '0s', every: '1s', times: 5_000, from: attacker, to: victim, port: 443, fate: 'failed' }],
    finds: [],
  },
  {
    name: 'silence: a client of thirty replicas that are all down',
    traffic: [
      {
        at: '0s',
        from: attacker,
        to: Array.from({ length: 30 }, (_, i) => pod('shop/cart', { ip: `10.3.0.${i + 1}` })),
        port: 8080,
        fate: 'failed',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a scraper that meets two hundred targets, a few of them down',
    traffic: [
      {
        at: '0s',
        every: '50ms',
        from: pod('monitoring/prometheus'),
        to: addresses('10.4', 200),
        port: 9100,
        fate: ['answered', 'answered', 'answered', 'answered', 'failed'],
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a client that may not reach the internet, whose name server rotates addresses',
    traffic: [
      {
        at: '0s',
        every: '20s',
        from: attacker,
        to: addresses('203.0', 200),
        port: 443,
        fate: 'denied',
        policy: policy(null),
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a mesh of peers on as many ports as hosts',
    traffic: [
      {
        at: '0s',
        every: '2s',
        protocol: 'udp',
        from: address('10.0.0.7'),
        to: addresses('198.51', 400),
        port: ports(20_000, 400),
        fate: ['failed', 'failed', 'answered'],
      },
    ],
    finds: [],
  },
  {
    name: 'silence: answers whose questions were not seen',
    traffic: [
      {
        at: '0s',
        every: '100ms',
        protocol: 'udp',
        from: address('10.0.0.53'),
        to: victim,
        port: ports(40_000, 200),
        fate: 'failed',
        tune(flow) {
          flow.source.port = 53;
        },
      },
    ],
    finds: [],
  },
  {
    name: 'silence: backscatter, in which the source never sent a packet',
    traffic: [
      {
        at: '0s',
        every: '1s',
        from: addresses('192.0', 300),
        to: address('203.0.113.80'),
        port: 80,
        fate: 'failed',
        tune(flow) {
          flow.sourcePackets = 0;
        },
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a flood from spoofed sources at one port',
    traffic: [
      { at: '0s', every: '1ms', from: addresses('198.18', 5_000), to: victim, port: 25_565, fate: 'failed' },
    ],
    finds: [],
  },
  {
    name: 'silence: a browser that opens two hundred sites, of which a few do not answer',
    traffic: [
      {
        at: '0s',
        every: '300ms',
        from: address('10.0.0.7'),
        to: addresses('203.1', 200),
        port: 443,
        fate: [...Array.from({ length: 9 }, () => 'answered' as const), 'failed'],
      },
    ],
    finds: [],
  },
  {
    name: 'silence: announcements to multicast and broadcast',
    traffic: [
      {
        at: '0s',
        from: attacker,
        to: [
          address('239.255.255.250'),
          address('224.0.0.251'),
          address('ff02::fb'),
          address('255.255.255.255'),
        ],
        port: ports(1000, 60),
        fate: 'failed',
      },
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`port_scan: ${scenario.name}`, () => {
    const flows = flowsOf(scenario.traffic);
    const found = opened(runDetector(factory, flows).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) {
      const expected = scenario.finds[i]!;
      assert.match(alert.why.summary, expected.says);
      if (expected.withinMs !== undefined) {
        const delayMs = alert.raisedMs - flows[0]!.endMs;
        assert.ok(delayMs <= expected.withinMs, `raised after ${delayMs} ms`);
      }
    }
  });
}

test('port_scan: an alert is revised at ten, a hundred and a thousand contacts, then closed', () => {
  const flows = flowsOf([
    { at: '0s', every: '10ms', from: attacker, to: victim, port: ports(1, 2_000), fate: 'failed' },
  ]);
  const { alerts } = runDetector(factory, flows);
  assert.deepEqual(
    alerts.map(({ action, count }) => ({ action, count })),
    [
      { action: 'opened', count: 5 },
      { action: 'updated', count: 10 },
      { action: 'updated', count: 100 },
      { action: 'updated', count: 1_000 },
      { action: 'closed', count: 2_000 },
    ].map((expected, i) => (i === 0 ? { action: 'opened', count: alerts[0]!.count } : expected)),
  );
  const closed = alerts.at(-1)!;
  assert.equal(closed.raisedMs, closed.lastMs + 3_600_000);
  assert.equal(closed.outcome, 'unknown');
  assert.equal(closed.target?.ip, '10.0.9.9');
  assert.equal(closed.source?.workload, 'web');
  assert.equal(closed.destination?.address, '10.0.9.9');
  assert.equal(closed.destination?.port, null);
  assert.deepEqual(closed.attack[0]?.techniqueId, 'T1046');
});

test('port_scan: a scan from the internet that finds open ports becomes a notification', () => {
  const outside = address('203.0.113.9');
  const flows = flowsOf([
    { at: '0s', from: outside, to: victim, port: ports(1, 20), fate: 'failed' },
    { at: '30s', from: outside, to: victim, port: [8080, 8443, 9090], fate: 'answered' },
    { at: '40s', from: outside, to: victim, port: [9999], fate: 'failed' },
  ]);
  const { alerts } = runDetector(factory, flows);
  assert.ok(alerts.some((alert) => alert.action === 'escalated' && alert.severity === 'low'));
  assert.deepEqual(alerts[0]?.attack[0]?.techniqueId, 'T1595.001');
});

test('port_scan: strangers who go through a private network are told until it is weather', () => {
  const strangers = Array.from({ length: 60 }, (_, i) => `203.0.113.${i + 1}`);
  const { alerts } = runDetector(
    factory,
    flowsOf(
      strangers.map((ip, i) => ({
        at: `${i * 20}m`,
        every: '10m',
        from: address(ip),
        to: addresses(`10.${i + 1}`, 10),
        port: 445,
        fate: 'failed' as const,
      })),
    ),
  );
  const found = opened(alerts);
  const told = found.filter(({ severity }) => severity === 'low');
  assert.equal(found.length, strangers.length);
  // The first two of each lane.
  assert.ok(told.length >= 2 && told.length <= 24, String(told.length));
  assert.match(told[0]!.why.summary, /find out how it is let in/);
});

const scan = (at: string, from = attacker): Traffic => ({
  at,
  every: '500ms',
  from,
  to: victim,
  port: ports(1000, 40),
  fate: ['failed', 'failed', 'denied'],
});

detectorContract({
  name: 'port_scan',
  factory,
  alerting: flowsOf([
    scan('0s'),
    scan('5s', pod('shop/cart')),
    scan('3h'),
    {
      at: '1m',
      from: address('10.0.0.7'),
      to: addresses('10.1', 60),
      port: 445,
      fate: ['failed', 'answered'],
    },
    { at: '2m', every: '5m', from: address('10.0.0.8'), to: addresses('10.1', 30), port: 23, fate: 'failed' },
    {
      at: '0s',
      every: '700ms',
      from: addresses('10.7', 40),
      to: addresses('10.8', 37),
      port: 443,
      times: 200,
      fate: 'answered',
    },
  ]),
  benign: flowsOf([
    {
      at: '0s',
      every: '1s',
      from: addresses('10.7', 40),
      to: addresses('10.8', 7),
      port: [80, 443, 5432],
      times: 2_000,
      fate: 'answered',
    },
    { at: '0s', every: '10s', from: attacker, to: victim, port: 443, times: 100, fate: 'failed' },
  ]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '1ms',
        times: count,
        from: addresses('198.18', count),
        to: victim,
        port: 80,
        fate: 'failed',
      },
    ]),
});
