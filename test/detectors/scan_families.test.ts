import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create as createDistributed } from '../../detectors/distributed_scan/index.ts';
import { options as distributedOptions } from '../../detectors/distributed_scan/options.ts';
import { create } from '../../detectors/port_scan/index.ts';
import { options } from '../../detectors/port_scan/options.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import type { Flow } from '../../schema/records.ts';
import { seededRandom } from '../helpers/random.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, pod, ports, type Fate, type Traffic } from './scenario.ts';

const byOne = create(options.parse({}));
const byMany = createDistributed(distributedOptions.parse({}));
const scanner = address('10.0.0.7');
const victim = address('10.0.9.9');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What a port scanner asks for first, in no order: its thousand commonest ports, of which a few are open. */
const commonPorts = shuffled(ports(1, 1_000), 3);

function shuffled<T>(list: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** One port in a hundred is open; the rest is refused or silent. */
const mostlyClosed: readonly Fate[] = Array.from({ length: 100 }, (_, i) =>
  i === 60 ? 'answered' : 'failed',
);

const oneHost = (traffic: Partial<Traffic>): Traffic => ({
  at: '0s',
  every: '2ms',
  from: scanner,
  to: victim,
  port: commonPorts,
  fate: mostlyClosed,
  ...traffic,
});

/** A probe that is no SYN: the origin saw no connection begin, and the refusal is one packet. */
const withoutSyn =
  (answerPackets: number) =>
  (flow: Flow): void => {
    flow.connectionsStarted = 0;
    flow.connectionsCompleted = 0;
    flow.connectionsLive = answerPackets;
    flow.initiatorGuessed = true;
    flow.source.port = 45_000;
    flow.sourcePackets = 1;
    flow.destinationPackets = answerPackets;
  };

const refusedWithoutSyn = (flow: Flow): void => {
  withoutSyn(1)(flow);
  flow.connectionsStarted = 1;
  flow.connectionsLive = 0;
};

interface Family {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  /** Longest event time from the first probe to the alert. */
  readonly withinMs: number;
  readonly by?: DetectorFactory;
}

const scans: readonly Family[] = [
  { name: 'SYN or connect scan at full speed', traffic: [oneHost({})], withinMs: 2 * SECOND },
  {
    name: 'the same, of a host that drops what is not open: a probe is told when it is given up',
    traffic: [
      oneHost({
        tune(flow) {
          if (flow.connectionsCompleted === 0) flow.endMs += 1_000;
        },
      }),
    ],
    withinMs: 2 * SECOND,
  },
  {
    name: 'FIN, NULL or Xmas scan, refused',
    traffic: [oneHost({ fate: 'failed', tune: refusedWithoutSyn })],
    withinMs: 2 * SECOND,
  },
  {
    name: 'FIN, NULL or Xmas scan, dropped',
    traffic: [oneHost({ fate: 'failed', tune: withoutSyn(0) })],
    withinMs: 2 * SECOND,
  },
  {
    name: 'UDP scan, whose refusals come ten a second',
    traffic: [oneHost({ protocol: 'udp', every: '100ms', fate: 'failed' })],
    withinMs: 2 * SECOND,
  },
  { name: 'one probe a second', traffic: [oneHost({ every: '1s' })], withinMs: 10 * SECOND },
  { name: 'one probe in 15 s', traffic: [oneHost({ every: '15s', times: 40 })], withinMs: 3 * MINUTE },
  { name: 'one probe in five minutes', traffic: [oneHost({ every: '5m', times: 40 })], withinMs: HOUR },
  {
    name: 'one probe in an hour',
    traffic: [oneHost({ every: '1h', times: 40, fate: 'failed' })],
    withinMs: 15 * HOUR,
  },
  {
    name: 'one port over a network, a host in eight is there',
    traffic: [
      oneHost({
        to: shuffled(addresses('10.4', 250), 5),
        port: 445,
        every: '10ms',
        times: 250,
        fate: ['failed', 'failed', 'failed', 'answered', 'failed', 'failed', 'failed', 'failed'],
      }),
    ],
    withinMs: 2 * SECOND,
  },
  {
    name: 'all ports of all hosts of a network in random order',
    traffic: [
      oneHost({
        to: shuffled(addresses('10.4', 250), 5),
        port: shuffled(ports(1, 65_000), 7),
        every: '5ms',
        times: 2_000,
        fate: 'failed',
      }),
    ],
    withinMs: 2 * SECOND,
  },
  {
    name: 'the same from the internet',
    traffic: [
      oneHost({
        from: address('198.51.100.7'),
        to: shuffled(addresses('10.4', 250), 5),
        port: shuffled(ports(1, 65_000), 7),
        every: '5ms',
        times: 2_000,
        fate: 'failed',
      }),
    ],
    withinMs: 2 * SECOND,
  },
  {
    name: 'echo requests over a network',
    traffic: [oneHost({ protocol: 'icmp', to: addresses('10.4', 60), every: '20ms', times: 60 })],
    withinMs: 2 * SECOND,
  },
  {
    name: 'twelve hosts of ours try a port each of one host',
    traffic: [
      oneHost({ from: addresses('10.6', 12), port: ports(20, 12), every: '1m', times: 12, fate: 'failed' }),
    ],
    withinMs: 12 * MINUTE,
    by: byMany,
  },
  {
    name: 'sixty hosts of the internet try a port each of one host',
    traffic: [
      oneHost({
        from: addresses('198.51', 60),
        port: ports(20, 60),
        every: '10m',
        times: 60,
        fate: 'failed',
      }),
    ],
    withinMs: 9 * HOUR,
    by: byMany,
  },
];

for (const { name, traffic, withinMs, by = byOne } of scans) {
  test(`scan families: ${name}`, () => {
    const flows = flowsOf(traffic);
    const found = opened(runDetector(by, flows).alerts);
    assert.equal(found.length, 1);
    const firstMs = flows.reduce((least, { startMs }) => Math.min(least, startMs), Infinity);
    const delayMs = found[0]!.raisedMs - firstMs;
    assert.ok(delayMs <= withinMs, `told after ${delayMs} ms`);
  });
}

const ordinary: readonly { readonly name: string; readonly traffic: readonly Traffic[] }[] = [
  {
    name: 'traceroute, by UDP to a port that nobody listens on',
    traffic: [
      oneHost({ protocol: 'udp', port: ports(33_434, 90), every: '200ms', fate: 'failed', times: 90 }),
    ],
  },
  {
    name: 'a browser behind a firewall that lets no QUIC out: it tries, and goes on over TCP',
    traffic: [
      oneHost({
        protocol: 'udp',
        to: addresses('203.1', 120),
        port: 443,
        every: '1s',
        fate: 'failed',
        times: 120,
      }),
      oneHost({ to: addresses('203.1', 120), port: 443, every: '1s', fate: 'answered', times: 120 }),
    ],
  },
  {
    name: 'a load balancer that checks five ports of a host that is not up yet',
    traffic: [oneHost({ port: [80, 443, 1936, 6443, 22_623], every: '2s', times: 600, fate: 'failed' })],
  },
  {
    name: 'a driver whose ten workers died, each on a port of its own',
    traffic: [
      oneHost({
        to: addresses('10.8', 10),
        port: ports(41_000, 10),
        every: '1s',
        times: 200,
        fate: 'failed',
      }),
    ],
  },
  {
    name: 'a pod that asks a name server that is gone, from ever new ports',
    traffic: [oneHost({ protocol: 'udp', port: 53, every: '500ms', times: 2_000, fate: 'failed' })],
  },
  {
    name: 'time servers of a pool, of which none answers',
    traffic: [
      oneHost({
        protocol: 'udp',
        to: addresses('203.2', 20),
        port: 123,
        every: '64s',
        times: 200,
        fate: 'failed',
      }),
    ],
  },
  {
    name: 'passive transfers to ever new ports of a file server',
    traffic: [oneHost({ port: ports(50_000, 400), every: '1s', times: 400, fate: 'answered' })],
  },
  {
    name: 'answers to a spoofed flood: refusals from one host to ports and addresses that asked nothing',
    traffic: [
      oneHost({
        from: address('203.0.113.80'),
        to: addresses('10.9', 200),
        port: ports(1_024, 4_000),
        every: '20ms',
        times: 4_000,
        fate: 'failed',
        tune(flow) {
          flow.source.port = 80;
          flow.sourcePackets = 0;
          flow.destinationPackets = 1;
        },
      }),
    ],
  },
  {
    name: 'a monitoring system that meets sixty targets with four ports each, a fifth of them down',
    traffic: [
      oneHost({
        from: pod('monitoring/prometheus'),
        to: addresses('10.5', 60),
        port: [9100, 9101, 9637, 10250, 9100, 9101, 9637],
        every: '200ms',
        times: 420,
        fate: ['answered', 'answered', 'failed', 'answered', 'answered'],
      }),
    ],
  },
];

for (const { name, traffic } of ordinary) {
  test(`scan families: silence: ${name}`, () => {
    for (const factory of [byOne, byMany])
      assert.deepEqual(
        opened(runDetector(factory, flowsOf(traffic)).alerts).map(({ why }) => why.summary),
        [],
      );
  });
}
