import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/distributed_scan/index.ts';
import { options } from '../../detectors/distributed_scan/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, addresses, flowsOf, pod, ports, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const pods = (count: number, name = 'app') =>
  Array.from({ length: count }, (_, i) => pod(`shop/${name}-${i}`));
const database = pod('data/postgres');
const DATABASE = 'test/data/Deployment/postgres';

/** One probe a source, each of another port. */
const probes = (traffic: Partial<Traffic>): Traffic => ({
  at: '0s',
  every: '2m',
  from: pods(12),
  to: database,
  port: ports(8000, 12),
  fate: 'denied',
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'twelve workloads try a port each of one that serves nobody there',
    traffic: [probes({})],
    finds: [
      {
        who: DATABASE,
        severity: 'high',
        says: /^10 sources from inside tried 10 ports of data\/postgres in 18 min that serve nobody, and failed\. Look at the sources/,
      },
    ],
  },
  {
    name: 'addresses that no inventory knows',
    traffic: [probes({ from: addresses('10.3', 12), to: address('10.9.0.1'), fate: 'failed' })],
    finds: [{ who: 'ip/10.9.0.1', severity: 'medium', says: /^10 sources from inside/ }],
  },
  {
    name: 'the internet tries what is exposed: told once, for nobody to wake up',
    traffic: [probes({ every: '1m', from: addresses('198.18', 1_400), times: 1_400, port: ports(1, 900) })],
    finds: [{ who: DATABASE, severity: 'info', says: /meant to be reachable from the internet/ }],
  },
  {
    name: 'silence: all clients of services that go down',
    traffic: [
      probes({ port: ports(8000, 6), times: 72, every: '10s', fate: 'answered' }),
      probes({ at: '1h', port: ports(8000, 6), times: 72, every: '10s', fate: 'failed' }),
    ],
    finds: [],
  },
  {
    name: 'silence: all that are new fail on the one port that is closed',
    traffic: [probes({ port: 5432 })],
    finds: [],
  },
  {
    name: 'silence: twelve misconfigured clients over a day',
    traffic: [probes({ every: '2h' })],
    finds: [],
  },
  {
    name: 'silence: one source that tries everything, which port_scan tells',
    traffic: [probes({ from: pod('shop/web'), port: ports(1, 500), every: '1s' })],
    finds: [],
  },
  {
    name: 'silence: a flood from spoofed sources over one port',
    traffic: [probes({ every: '1ms', from: addresses('198.18', 5_000), port: 443, fate: 'failed' })],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`distributed_scan: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

detectorContract({
  name: 'distributed_scan',
  factory,
  alerting: flowsOf([
    probes({}),
    probes({ at: '9h', from: pods(20, 'late'), port: ports(9000, 20), fate: ['denied', 'failed'] }),
    probes({ at: '1h', every: '10s', from: addresses('198.18', 80), times: 80 }),
  ]),
  benign: flowsOf([
    probes({ times: 400, every: '10s', fate: 'answered' }),
    probes({ at: '2h', times: 400, every: '10s', fate: 'failed' }),
  ]),
  flood: (count) =>
    flowsOf([
      probes({
        every: '10ms',
        times: count,
        fate: ['failed', 'answered'],
        from: address('10.255.0.1'),
        to: Array.from({ length: count }, (_, i) => address(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)),
      }),
    ]),
});
