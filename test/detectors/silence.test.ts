import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/silence/index.ts';
import { options } from '../../detectors/silence/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector, type Item, type RunOptions } from './harness.ts';
import { aLoss, reported } from './notices.ts';
import { address, flowsOf as plainFlowsOf, pod, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const sink = pod('shop/db');
const flowsOf = (traffic: readonly Traffic[]): Item[] => reported(plainFlowsOf(traffic));
const run = (items: readonly Item[], parts: RunOptions = {}) =>
  runDetector(factory, items, { tailMs: 0, ...parts });

/** Six workloads that a node reports, three flows a minute. */
const reports = (node: string, traffic: Partial<Traffic> = {}): Traffic => ({
  at: '0s',
  every: '20s',
  times: 6_000,
  from: Array.from({ length: 6 }, (_, i) => pod(`shop/${node}-app-${i}`)),
  to: sink,
  fate: 'answered',
  tune: (flow) => (flow.node = node),
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly items: readonly Item[];
  readonly options?: RunOptions;
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const others = [reports('n1'), reports('n3')];
const scenarios: readonly Scenario[] = [
  {
    name: 'a node falls silent: told once, and not of each of its workloads',
    items: flowsOf([...others, reports('n2', { times: 5_400 })]),
    finds: [
      {
        who: 'test/host/n2',
        severity: 'medium',
        says: /^Nothing was reported of node n2 for \d+ min; its longest pause in 30\.\d h was 60 s\. Ask whoever runs node n2 whether it is down; if it is up, its log or its collector was stopped/,
      },
    ],
  },
  {
    name: 'a workload falls silent while its node reports others',
    items: flowsOf([
      ...others,
      reports('n1', { times: 1_600, every: '1m', from: pod('shop/web', { owner: 'team-shop' }) }),
      reports('n1', { times: 1_600, every: '1m', from: pod('shop/pay', { scopes: ['pci'] }) }),
    ]),
    finds: [
      {
        who: 'test/shop/Deployment/web',
        severity: 'info',
        says: /^Nothing was reported of shop\/web for 61 min; .* was 60 s\. Ask team-shop whether it was stopped/,
      },
      { who: 'test/shop/Deployment/pay', severity: 'low', says: /shop\/pay for 61 min/ },
    ],
  },
  {
    name: 'all of a source falls silent: told once, by event time alone',
    items: flowsOf([...others, reports('n2')]),
    options: { tailMs: 7_200_000 },
    finds: [
      {
        who: 'test/source/test',
        severity: 'high',
        says: /^Nothing was reported of source test of cluster test for \d+ min; .*Nothing of this source is judged meanwhile/,
      },
    ],
  },
  {
    name: 'losses grow on a node',
    items: [
      ...flowsOf(others),
      ...Array.from({ length: 20 }, (_, i) => aLoss(`${i + 1}h`, { count: 5 })),
      ...Array.from({ length: 12 }, (_, i) => aLoss(`${1_800 + i}m`, { count: 10 })),
    ],
    finds: [
      {
        who: 'test/host/node-1',
        severity: 'low',
        says: /^node node-1 lost 100 records in 60 min, where [34] are usual \(other\)\. .*ask whoever runs node node-1/,
      },
    ],
  },
  {
    name: 'losses that do not say how many, of no node; and many at once',
    items: [
      ...flowsOf(others),
      ...Array.from({ length: 5 }, (_, i) =>
        aLoss(`${1_800 + i}m`, { node: null, count: null, why: 'rate_limiter' }),
      ),
      aLoss('1800m', { node: 'node-9', count: 50_000 }),
    ],
    finds: [
      { who: 'test/where/source.ovn', severity: 'low', says: /^source\.ovn lost 100 .*\(rate limiter\)/ },
      { who: 'test/host/node-9', severity: 'medium', says: /lost 50000 records/ },
    ],
  },
  {
    name: 'for the record: losses of the first day',
    items: [...flowsOf(others), aLoss('2h', { count: 50_000 })],
    finds: [{ who: 'test/host/node-1', severity: 'info', says: /lost 50000 records/ }],
  },
  {
    name: 'silence: who is new, who is rare, and pauses it is known for',
    items: flowsOf([
      ...others,
      reports('n1', { at: '20h', times: 60, from: pod('shop/new') }),
      reports('n1', { every: '30m', times: 40, from: pod('shop/rare') }),
      ...[0, 8, 16, 24].map((hour) => reports('n1', { at: `${hour}h`, times: 100, from: pod('shop/batch') })),
    ]),
    finds: [],
  },
  {
    name: 'silence: addresses come and go, and so do those who are called',
    items: flowsOf([
      ...others,
      reports('n1', { times: 5_000, from: address('10.0.0.7') }),
      reports('n1', { times: 5_000, to: pod('shop/was-called') }),
    ]),
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`silence: ${scenario.name}`, () => {
    const found = opened(run(scenario.items, scenario.options).alerts);
    assert.deepEqual(
      found.map((alert) => `${alert.entity.key} ${alert.severity}`).sort(),
      scenario.finds.map(({ who, severity }) => `${who} ${severity}`).sort(),
      found.map(({ why }) => why.summary).join('\n'),
    );
    for (const { who, says } of scenario.finds)
      assert.match(found.find(({ entity }) => entity.key === who)!.why.summary, says);
  });
}

test('silence: who is back closes its alert, and may fall silent again', () => {
  const web = (at: string, times: number) => reports('n1', { at, times, every: '1m', from: pod('shop/web') });
  const { alerts } = run(flowsOf([...others, web('0s', 1_500), web('28h', 100), web('33h', 1)]));
  assert.deepEqual(
    alerts.map(({ action, severity }) => [action, severity]),
    [
      ['opened', 'info'],
      ['closed', 'info'],
      ['opened', 'info'],
      ['closed', 'info'],
    ],
  );
  assert.match(alerts[1]!.why.summary, /^shop\/web is back after 3\.0 h without a record/);
  assert.equal(alerts[0]!.evidence.flows.length, 1);
});

test('silence: a collector that pauses has nobody missed for the time it did not tell', () => {
  const pause = [reports('n1', { times: 4_800 }), reports('n1', { at: '30h', times: 600 })];
  const { alerts } = run(flowsOf([...pause, reports('n3')]));
  assert.deepEqual(
    opened(alerts).map(({ entity }) => entity.key),
    ['test/host/n1'],
  );
});

test('silence: recordings with weeks between them are each learned anew', () => {
  const pieces = ['0s', '800h', '1600h'].map((at) => reports('n1', { at, times: 1_000, every: '1m' }));
  assert.deepEqual(opened(run(flowsOf(pieces), { tailMs: 1e10 }).alerts), []);
});

test('silence: clocks and fields gone wrong raise nothing and break nothing', () => {
  const strange = reports('n1', {
    tune(flow, i) {
      flow.node = i % 2 === 0 ? null : '';
      flow.endMs = [-1e15, 0, 8.64e15, Number.MAX_SAFE_INTEGER][i % 4]!;
      flow.startMs = flow.endMs;
      flow.sourcePackets = Number.NaN;
      flow.destination.port = null;
    },
    times: 400,
  });
  const losses = [aLoss('1h', { count: -5 }), aLoss('2h', { cluster: null, untilMs: -1 })];
  assert.deepEqual(opened(run([...flowsOf([strange]), ...losses]).alerts), []);
});

detectorContract({
  name: 'silence',
  factory: create(
    options.parse({ learnMs: 1_200_000, leastRecords: 3, leastExpected: 2, workloadMs: 600_000 }),
  ),
  ofNothing: ['Node silent', 'Source silent'],
  alerting: [
    ...flowsOf([
      reports('n1', { every: '1m', times: 120 }),
      reports('n2', { every: '1m', times: 50 }),
      reports('n2', { at: '110m', every: '1m', times: 10 }),
    ]),
    ...Array.from({ length: 20 }, (_, i) => aLoss(`${60 + i}m`, { node: `n${i % 2}` })),
  ],
  benign: flowsOf([reports('n1', { times: 50 }), reports('n2', { every: '7s', times: 50 })]),
  flood: (count) =>
    flowsOf([
      reports('n1', {
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
