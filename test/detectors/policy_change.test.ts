import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/policy_change/index.ts';
import { options } from '../../detectors/policy_change/options.ts';
import type { Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector, type Item } from './harness.ts';
import { aChange } from './notices.ts';
import { address, addresses, flowsOf, life, pod, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const client = pod('life/client-1');

const calls = (traffic: Partial<Traffic>): Traffic => ({
  at: '0s',
  every: '1m',
  times: 10,
  from: client,
  to: web,
  fate: 'allowed',
  ...traffic,
});

interface Scenario {
  readonly name: string;
  readonly items: readonly Item[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const SHOP = 'test/policies/shop';
const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a policy that lets everything in',
    items: [...flowsOf([life]), aChange('30h', { allowsAll: ['ingress'] })],
    finds: [
      {
        who: SHOP,
        severity: 'high',
        says: /^alice \(from 10\.1\.2\.3\) set NetworkPolicy shop\/web to let all ingress traffic through .*0\.0 such changes a day.*Ask alice which change request/,
      },
    ],
  },
  {
    name: 'one that says so by its name alone, made by a service account',
    items: [
      ...flowsOf([life]),
      aChange('30h', { verb: 'create', name: 'Allow-All-in', user: 'system:serviceaccount:ops:deployer' }),
    ],
    finds: [
      {
        who: SHOP,
        severity: 'medium',
        says: /by its name lets everything through.*Ask the owner of service account ops\/deployer/,
      },
    ],
  },
  {
    name: 'a deletion of all policies of a namespace is one alert that goes on, of the cluster another',
    items: [
      ...flowsOf([life]),
      ...Array.from({ length: 15 }, (_, i) => aChange('30h', { verb: 'delete', name: `p${i}` })),
      aChange('31h', {
        verb: 'delete',
        kind: 'AdminNetworkPolicy',
        namespace: null,
        name: 'base',
        user: null,
        sourceIps: [],
      }),
    ],
    finds: [
      { who: SHOP, severity: 'medium', says: /^alice \(from 10\.1\.2\.3\) deleted NetworkPolicy shop\/p/ },
      {
        who: 'test/policies/',
        severity: 'medium',
        says: /^somebody unknown deleted AdminNetworkPolicy base.*Ask whoever may change policies there/,
      },
    ],
  },
  {
    name: 'logging turned off, and the policy opened in the same change',
    items: [...flowsOf([life]), aChange('30h', { logging: 'off', allowsAll: ['egress'] })],
    finds: [
      { who: SHOP, severity: 'high', says: /let all egress traffic through/ },
      { who: SHOP, severity: 'medium', says: /turned off the logging of NetworkPolicy shop\/web/ },
    ],
  },
  {
    name: 'who was denied gets in after the policy is gone',
    items: [
      ...flowsOf([life, calls({ at: '29h', fate: 'denied' }), calls({ at: '30h' })]),
      aChange('29.9h', { verb: 'delete' }),
    ],
    finds: [
      { who: SHOP, severity: 'medium', says: /deleted NetworkPolicy shop\/web/ },
      {
        who: WEB,
        severity: 'high',
        says: /^alice \(from 10\.1\.2\.3\) deleted NetworkPolicy shop\/web, and within 6 min shop\/web was reached by life\/client-1 for the first time \(1 new connection, 1 of them denied before\)\. Ask the owner of shop\/web/,
      },
    ],
  },
  {
    name: 'who was never seen gets in, and out, after everything was let through',
    items: [
      ...flowsOf([
        life,
        calls({ times: 1_700 }),
        calls({ at: '30h', from: pod('other/new') }),
        calls({ at: '30h', from: web, to: address('203.0.113.9'), port: 4444 }),
      ]),
      aChange('29.9h', { allowsAll: ['ingress', 'egress'] }),
    ],
    finds: [
      { who: SHOP, severity: 'high', says: /all ingress and egress traffic/ },
      { who: WEB, severity: 'medium', says: /was reached by other\/new/ },
      { who: WEB, severity: 'medium', says: /shop\/web reached 203\.0\.113\.9:4444 for the first time/ },
    ],
  },
  {
    name: 'for the record: a rule is mended, and its client gets in',
    items: [
      ...flowsOf([life, calls({ at: '29h', fate: 'denied' }), calls({ at: '30h' })]),
      aChange('29.9h', { user: 'bob' }),
    ],
    finds: [{ who: WEB, severity: 'info', says: /bob \(from 10\.1\.2\.3\) changed NetworkPolicy shop\/web/ }],
  },
  {
    name: 'for the record: what happens on the first day, and what a user does every day',
    items: [
      ...flowsOf([{ ...life, times: 12_000 }]),
      aChange('1h', { verb: 'delete' }),
      ...Array.from({ length: 80 }, (_, i) =>
        aChange(`${30 + i * 2}h`, { verb: 'delete', user: 'gitops', namespace: 'apps', name: `p${i}` }),
      ),
      aChange('190h', { verb: 'delete', user: 'gitops' }),
    ],
    finds: [
      { who: SHOP, severity: 'info', says: /alice/ },
      { who: 'test/policies/apps', severity: 'medium', says: /gitops/ },
      { who: SHOP, severity: 'info', says: /gitops/ },
    ],
  },
  {
    name: 'silence: ordinary changes, and new connections without one',
    items: [
      ...flowsOf([life, calls({ at: '40h', from: pod('other/new') })]),
      aChange('30h', { verb: 'create', name: 'deny-all' }),
      aChange('31h', { verb: 'patch', logging: 'on' }),
      aChange('32h', { verb: 'delete', user: 'system:serviceaccount:kube-system:namespace-controller' }),
    ],
    finds: [],
  },
  {
    name: 'silence: known connections go on after a change',
    items: [
      ...flowsOf([life, calls({ times: 2_400 })]),
      aChange('30h', { namespace: 'elsewhere', verb: 'update' }),
    ],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`policy_change: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, scenario.items).alerts);
    const expected = scenario.finds.map(({ who, severity }) => `${who} ${severity}`);
    assert.deepEqual(found.map((alert) => `${alert.entity.key} ${alert.severity}`).sort(), expected.sort());
    for (const { who, severity, says } of scenario.finds)
      assert.ok(
        found.some(
          ({ entity, severity: as, why }) => entity.key === who && as === severity && says.test(why.summary),
        ),
        `${says} in ${found.map(({ why }) => why.summary).join('\n')}`,
      );
  });
}

test('policy_change: many deletions escalate nothing by themselves, and are counted', () => {
  const items = [
    ...flowsOf([life]),
    ...Array.from({ length: 120 }, (_, i) => aChange(`${30 + i / 120}h`, { verb: 'delete', name: `p${i}` })),
  ];
  const { alerts } = runDetector(factory, items);
  assert.deepEqual(
    alerts.map(({ action, count, evidence }) => [action, count, evidence.records.length]),
    [
      ['opened', 1, 1],
      ['updated', 10, 10],
      ['updated', 100, 20],
      ['closed', 120, 20],
    ],
  );
  assert.match(alerts.at(-1)!.why.summary, /and 119 changes more of this kind in 60 min/);
});

test('policy_change: a user who does so every day and suddenly much more is told then', () => {
  const daily = Array.from({ length: 14 }, (_, i) =>
    aChange(`${26 + i * 24}h`, { verb: 'delete', name: `d${i}` }),
  );
  const burst = Array.from({ length: 12 }, (_, i) =>
    aChange(`${370 + i / 60}h`, { verb: 'delete', name: `b${i}` }),
  );
  const { alerts } = runDetector(factory, [...flowsOf([{ ...life, times: 23_000 }]), ...daily, ...burst]);
  const last = alerts.filter(({ firstMs }) => firstMs === burst[0]!.timeMs);
  assert.deepEqual(last.map(({ action, severity }) => [action, severity]).slice(0, 2), [
    ['opened', 'info'],
    ['escalated', 'medium'],
  ]);
});

test('policy_change: clocks and fields gone wrong raise nothing and break nothing', () => {
  const strange: Item[] = [
    aChange('1h', { timeMs: -1e15 }),
    aChange('2h', { timeMs: Number.MAX_SAFE_INTEGER }),
    aChange('3h', { verb: '', kind: '', name: '', namespace: '', groups: ['\0'] }),
    ...flowsOf([
      calls({
        tune(flow, i) {
          flow.endMs = [-1, 8.64e15, Number.MAX_SAFE_INTEGER][i % 3]!;
          flow.startMs = flow.endMs;
          flow.sourcePackets = Number.NaN;
          flow.sourceBytes = -1;
          flow.destination.port = null;
        },
      }),
    ]),
  ];
  assert.deepEqual(opened(runDetector(factory, strange).alerts), []);
});

detectorContract({
  name: 'policy_change',
  factory: create(options.parse({ learnMs: 600_000 })),
  alerting: [
    ...flowsOf([
      calls({ at: '1m', every: '20s', fate: 'denied', from: addresses('10.5', 30), times: 60 }),
      calls({ at: '29m', every: '20s', from: addresses('10.5', 30), times: 60 }),
    ]),
    ...Array.from({ length: 20 }, (_, i) =>
      aChange(`${20 + i / 2}m`, { verb: 'delete', name: `p${i}`, user: `user-${i % 3}` }),
    ),
    aChange('28m', { logging: 'off', allowsAll: ['egress'] }),
  ],
  benign: [...flowsOf([life, calls({ times: 1_000 })]), aChange('10h'), aChange('40h', { logging: 'on' })],
  flood: (count) =>
    flowsOf([
      calls({
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
