import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../detectors/beacon/judge.ts';
import { create } from '../../detectors/beacon/index.ts';
import { options } from '../../detectors/beacon/options.ts';
import type { Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, life, node, pod, T0, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const api = pod('shop/api');
const outside = address('203.0.113.9');

/** A number in [0, 1) that follows from another and looks like chance. */
function shareOf(index: number): number {
  let mixed = Math.imul(index + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** Shifts a flow by a share of a step that follows from its number alone, up to `reachMs` either way. */
const jittered =
  (reachMs: number) =>
  (flow: Flow, index: number): void => {
    const shiftMs = Math.round((shareOf(index) * 2 - 1) * reachMs);
    flow.startMs += shiftMs;
    flow.endMs += shiftMs;
    flow.receivedMs += shiftMs;
    flow.sourceBytes = 900 + (index % 3) * 20;
  };

const calls = (traffic: Partial<Traffic>): Traffic => ({
  at: '0s',
  every: '60s',
  times: 60,
  from: web,
  to: outside,
  port: 443,
  fate: 'answered',
  tune: jittered(8_000),
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
    name: 'a workload calls a rare address every minute, give or take',
    traffic: [calls({})],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web called 203\.0\.113\.9 port 443 about every (5|6)\d s \(give or take \d s\), 10 connections in 9 min; nobody else calls it\. Ask the owner of shop\/web which program polls it/,
      },
    ],
  },
  {
    name: 'on another port, a second apart, to a server that is gone',
    traffic: [calls({ every: '1s', times: 400, port: 5888, fate: 'failed', tune: jittered(150) })],
    finds: [{ who: WEB, severity: 'medium', says: /port 5888/ }],
  },
  {
    name: 'it begins after a day of silence: new, and so worse',
    traffic: [life, calls({ at: '30h', to: address('203.0.113.30') })],
    finds: [{ who: WEB, severity: 'high', says: /first seen \d+ min ago/ }],
  },
  {
    name: 'two connections a call',
    traffic: [calls({ every: '90s' }), calls({ every: '90s', at: '400ms', port: 443 })],
    finds: [{ who: WEB, severity: 'medium', says: /about every (8|9)\d s/ }],
  },
  {
    name: 'through a forward proxy that everybody uses',
    traffic: [
      calls({
        from: Array.from({ length: 9 }, (_, i) => pod(`shop/other-${i}`)),
        to: address('10.0.0.3'),
        port: 3128,
        every: '500s',
        times: 18,
      }),
      calls({ to: address('10.0.0.3'), port: 3128, every: '247s' }),
    ],
    finds: [{ who: WEB, severity: 'medium', says: /that is a proxy, whose log names the real destination/ }],
  },
  {
    name: 'a pod that began to call its neighbour after a day',
    traffic: [life, calls({ at: '40h', to: pod('life/server-0'), port: 4444 })],
    finds: [{ who: WEB, severity: 'high', says: /called life\/server-0 port 4444/ }],
  },
  {
    name: 'an exact timer that was there from the first day is told, and notifies nobody',
    traffic: [calls({ every: '15m', tune: jittered(400), times: 30 })],
    finds: [{ who: WEB, severity: 'info', says: /as exact as a scheduled job: ask the owner of shop\/web/ }],
  },
  {
    name: 'long polls: at no regular times, but each as soon as the one before has ended',
    traffic: [
      calls({
        every: '4s',
        times: 60,
        tune(flow, index) {
          jittered(1_900)(flow, index);
          flow.unit = 'connection';
          flow.startMs =
            index === 0
              ? flow.endMs
              : flow.endMs - 4_000 - Math.round(3_800 * (shareOf(index) - shareOf(index - 1)));
        },
      }),
    ],
    finds: [{ who: WEB, severity: 'medium', says: /about every 4 s/ }],
  },
  {
    name: 'twelve calls within an hour are enough where they are even',
    traffic: [calls({ every: '5m', times: 12, tune: jittered(40_000) })],
    finds: [{ who: WEB, severity: 'medium', says: /10 connections/ }],
  },
  {
    name: 'one of the internet calls a server of the internet that strangers call, too, on and on',
    traffic: [
      calls({ from: addresses('51.1', 40), to: outside, times: 40, port: 80 }),
      calls({ from: address('52.0.0.9'), to: outside, port: 80, every: '270s', times: 80 }),
    ],
    finds: [{ who: 'ip/52.0.0.9', severity: 'low', says: /64 connections.*4 others call it/ }],
  },
  {
    name: 'no inventory: out of one private network into another',
    traffic: [calls({ from: address('10.0.1.6'), to: address('192.168.0.4'), port: 8443 })],
    finds: [{ who: 'ip/10.0.1.6', severity: 'medium', says: /port 8443/ }],
  },
  {
    name: 'silence: no inventory, neighbours, or the probes of two timers from another network',
    traffic: [
      calls({ from: address('10.0.1.6'), to: address('10.9.0.4'), port: 8443 }),
      ...['0s', '4200ms'].map((at) =>
        calls({
          at,
          every: '10s',
          times: 100,
          from: address('192.168.1.1'),
          to: address('10.9.0.5'),
          tune: sameSize,
        }),
      ),
    ],
    finds: [],
  },
  {
    name: 'silence: who tries to log in at a server of the internet, and who polls it for an hour',
    traffic: [
      calls({ from: addresses('51.1', 40), to: outside, times: 40, port: [22, 80] }),
      calls({ from: address('52.0.0.9'), to: outside, port: 22, every: '270s', times: 80 }),
      calls({ from: address('52.0.0.8'), to: outside, port: 80, times: 60 }),
    ],
    finds: [],
  },
  {
    name: 'silence: a film in pieces',
    traffic: [
      calls({
        every: '150s',
        times: 40,
        tune(flow, index) {
          jittered(4_000)(flow, index);
          flow.destinationBytes = 11_000_000 + index * 1_000;
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: a client that fetches things, each of another size, as fast as it can',
    traffic: [
      calls({
        every: '2500ms',
        times: 100,
        tune(flow, index) {
          jittered(6_000)(flow, index);
          flow.destinationBytes = 5_000 + Math.round(shareOf(index + 500) ** 2 * 700_000);
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: five workloads call the same service',
    traffic: [
      calls({ from: Array.from({ length: 5 }, (_, i) => pod(`shop/app-${i}`)), every: '12s', times: 300 }),
    ],
    finds: [],
  },
  {
    name: 'silence: east-west calls that were there while learning',
    traffic: [life, calls({ at: '1h', times: 2_000, to: api, port: 8080 })],
    finds: [],
  },
  {
    name: 'silence: a new pod is probed by its node, and by a monitor on another address',
    traffic: [
      life,
      calls({ at: '30h', every: '10s', from: node('worker-1'), to: api, port: 8080, tune: sameSize }),
      calls({ at: '30h', every: '10s', from: address('10.9.9.9'), to: api, port: 8080, tune: sameSize }),
    ],
    finds: [],
  },
  {
    name: 'silence: people and crawlers, at all times and of all sizes',
    traffic: [
      calls({
        times: 200,
        tune(flow, index) {
          jittered(3_000_000)(flow, index);
          flow.sourceBytes = 300 + ((index * 7_919) % 30_000);
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: names, time, the API server, what was denied, and what comes in',
    traffic: [
      calls({ port: [53, 123], protocol: 'udp', every: '10s', times: 400 }),
      calls({ port: 6443, to: address('198.51.100.3') }),
      calls({ fate: 'denied', to: address('198.51.100.4') }),
      calls({ from: outside, to: api }),
    ],
    finds: [],
  },
  {
    name: 'over UDP, with answers',
    traffic: [calls({ protocol: 'udp', port: 4433 })],
    finds: [{ who: WEB, severity: 'medium', says: /port 4433/ }],
  },
  {
    name: 'silence: a program that announces itself to its network of public addresses, log lines and measurements',
    traffic: [
      calls({
        protocol: 'udp',
        from: address('147.32.84.5'),
        to: address('147.32.87.255'),
        port: 17_500,
        fate: 'failed',
        every: '30s',
        times: 400,
        tune: sameSize,
      }),
      calls({ protocol: 'udp', port: 1514, fate: 'failed', every: '20s', times: 400 }),
      calls({ protocol: 'udp', port: 8089, to: address('198.51.100.8'), fate: 'failed', times: 400 }),
    ],
    finds: [],
  },
  {
    name: 'silence: one connection for hours that its origin tells of every minute',
    traffic: [
      calls({
        fate: 'allowed',
        tune(flow) {
          flow.source.port = 40_001;
        },
      }),
    ],
    finds: [],
  },
];

function sameSize(flow: Flow): void {
  flow.sourceBytes = 420;
}

for (const scenario of scenarios) {
  test(`beacon: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) {
      assert.match(alert.why.summary, scenario.finds[i]!.says);
      assert.equal(alert.attack[0]!.techniqueId, 'T1071');
    }
  });
}

test('beacon: calls spread by a quarter of their interval either way are found', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([calls({ every: '120s', times: 200, tune: jittered(30_000) })]),
  );
  assert.equal(opened(alerts).length, 1);
});

test('beacon: the judgement does not depend on the order in which connections ended', () => {
  const starts = Array.from({ length: 40 }, (_, i) => T0 + i * 30_000 + ((i * 37) % 11) * 100);
  const sizes = starts.map((_, i) => 500 + (i % 2));
  const durations = starts.map(() => 200);
  const straight = judge({ startsMs: starts, durationsMs: durations, sent: sizes, received: sizes })!;
  assert.deepEqual(
    judge({
      startsMs: starts.toReversed(),
      durationsMs: durations,
      sent: sizes.toReversed(),
      received: sizes.toReversed(),
    }),
    straight,
  );
  assert.ok(straight.score > 0.95);
});

detectorContract({
  name: 'beacon',
  factory,
  alerting: flowsOf([
    calls({}),
    calls({
      at: '2h',
      every: '40s',
      from: pod('shop/b'),
      to: address('203.0.113.20'),
      port: 8443,
      fate: 'allowed',
    }),
    calls({ at: '9h', times: 40 }),
    calls({ at: '1h', every: '5m', times: 40, from: api, to: address('203.0.113.21'), tune: jittered(100) }),
  ]),
  benign: flowsOf([
    calls({ from: Array.from({ length: 8 }, (_, i) => pod(`shop/app-${i}`)), every: '12s', times: 300 }),
    calls({ to: api, port: 8080, times: 300 }),
  ]),
  flood: (count) =>
    flowsOf([
      calls({
        every: '10ms',
        times: count,
        from: web,
        to: addresses('100.1', 1).concat(
          Array.from({ length: count }, (_, i) => address(`51.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)),
        ),
      }),
    ]),
});

test('who calls home is found though more pairs than can be held speak once between any two calls', () => {
  const strangers: Flow[] = flowsOf([
    {
      at: '1s',
      every: '150ms',
      times: 60 * 400,
      from: api,
      to: addresses('198.18', 60 * 400),
      port: 443,
      fate: 'answered',
    },
  ]);
  const flows = [...flowsOf([calls({})]), ...strangers].sort((a, b) => a.endMs - b.endMs);
  const { alerts } = runDetector(factory, flows, { lanes: 1, maxKeys: 240 });
  assert.deepEqual(
    opened(alerts).map(({ target }) => target?.ip),
    ['203.0.113.9'],
  );
});
