import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/verdict_mismatch/index.ts';
import { mismatchOf } from '../../detectors/verdict_mismatch/mismatch.ts';
import { options } from '../../detectors/verdict_mismatch/options.ts';
import type { Direction, Flow, PolicyRef, Severity } from '../../schema/records.ts';
import { newPolicyRef } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { flowsOf, node, pod, type Fate, type Traffic } from './scenario.ts';

const factory = create(options.parse({}));
const web = pod('shop/web', { node: 'worker-1' });
const db = pod('payments/db', { node: 'worker-2' });

/** A step of the trace that Weir's evaluator infers. */
function inferred(
  action: string,
  direction: 'ingress' | 'egress' | null,
  extra: Partial<PolicyRef> = {},
): PolicyRef {
  return {
    ...newPolicyRef(),
    kind: 'NetworkPolicy',
    namespace: direction === 'egress' ? 'shop' : 'payments',
    name: `${direction ?? 'any'}-rules`,
    direction,
    action,
    inferred: true,
    ...extra,
  };
}

/** Flows every half minute with a trace. */
const traced = (fate: Fate, policies: readonly PolicyRef[], extra: Partial<Traffic> = {}): Traffic => ({
  at: '0s',
  every: '30s',
  times: 40,
  from: web,
  to: db,
  port: 5432,
  fate,
  ...extra,
  tune(flow) {
    flow.policies = policies;
    extra.tune?.(flow, 0);
  },
});

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'a policy that denies is not enforced',
    traffic: [traced('allowed', [inferred('deny', 'ingress')])],
    finds: [
      {
        who: 'test/payments/Deployment/db',
        severity: 'medium',
        says: /^NetworkPolicy payments\/ingress-rules denies payments\/db what passed all the same: 11 flows in 5 min from shop\/web\. Ask whoever runs the network plugin whether policy is enforced on node worker-2/,
      },
    ],
  },
  {
    name: 'an egress policy is the matter of the source, a default deny is said so',
    traffic: [
      traced('allowed', [inferred('default_deny', 'egress', { name: null }), inferred('allow', 'ingress')]),
    ],
    finds: [
      {
        who: 'test/shop/Deployment/web',
        severity: 'medium',
        says: /^default deny of namespace shop denies shop\/web .* to payments\/db\. .*node worker-1/,
      },
    ],
  },
  {
    name: 'an answered connection is proof without a verdict, and a compliance scope makes it high',
    traffic: [traced('answered', [inferred('deny', 'ingress')], { to: { ...db, scopes: ['pci'] } })],
    finds: [{ who: 'test/payments/Deployment/db', severity: 'high', says: /denies payments\/db/ }],
  },
  {
    name: 'what policy allows in both directions is denied',
    traffic: [traced('denied', [inferred('allow', 'egress'), inferred('allow', 'ingress')])],
    finds: [
      {
        who: 'test/payments/Deployment/db',
        severity: 'low',
        says: /ingress-rules allows payments\/db what was denied: .*which rule drops it/,
      },
    ],
  },
  {
    name: 'silence: they agree',
    traffic: [
      traced('allowed', [inferred('allow', 'egress'), inferred('allow', 'ingress')]),
      traced('denied', [inferred('allow', 'egress'), inferred('deny', 'ingress')], { port: 80 }),
      traced('failed', [inferred('deny', 'ingress')], { port: 81 }),
    ],
    finds: [],
  },
  {
    name: 'silence: the first minutes after a change, and one connection that goes on',
    traffic: [
      traced('allowed', [inferred('deny', 'ingress')], { times: 8 }),
      traced('allowed', [inferred('deny', 'ingress')], {
        to: pod('payments/other'),
        tune(flow) {
          flow.source.port = 40_000;
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: probes of the node, staged policies, would-be denials, steps of the data plane, a stale inventory',
    traffic: [
      traced('allowed', [inferred('deny', 'ingress')], { from: node('worker-2') }),
      traced('allowed', [inferred('deny', 'ingress', { staged: true })], { port: 1 }),
      traced('would be denied', [inferred('allow', 'ingress'), inferred('allow', 'egress')], { port: 2 }),
      traced('allowed', [inferred('deny', 'ingress', { inferred: false })], { port: 3 }),
      traced('allowed', [inferred('deny', 'ingress')], {
        port: 4,
        tune(flow) {
          flow.inventoryStale = true;
        },
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: a denial in a direction the trace does not cover',
    traffic: [traced('denied', [inferred('allow', 'ingress')])],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`verdict_mismatch: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

const flowWith = (fate: Fate, direction: Direction, policies: readonly PolicyRef[]): Flow => {
  const flow = flowsOf([traced(fate, policies, { times: 1 })])[0]!;
  flow.direction = direction;
  return flow;
};

test('verdict_mismatch: the later step of a direction decides, and a pass decides nothing', () => {
  const deny = inferred('deny', 'ingress');
  const allow = inferred('allow', 'ingress');
  const pass = inferred('pass', 'ingress');
  assert.equal(mismatchOf(flowWith('allowed', 'ingress', [deny, allow, pass])), null);
  assert.equal(mismatchOf(flowWith('allowed', 'ingress', [allow, deny, pass]))?.kind, 'passed_but_denied');
  assert.equal(mismatchOf(flowWith('denied', 'ingress', [deny, allow]))?.kind, 'denied_but_allowed');
  assert.equal(mismatchOf(flowWith('denied', 'egress', [allow])), null);
  assert.equal(mismatchOf(flowWith('allowed', 'ingress', [])), null);
  assert.equal(
    mismatchOf(flowWith('denied', 'unknown', [inferred('allow', null)]))?.kind,
    'denied_but_allowed',
  );
});

test('verdict_mismatch: one alert a workload and policy, whoever calls', () => {
  const { alerts } = runDetector(
    factory,
    flowsOf([
      traced('allowed', [inferred('deny', 'ingress')], {
        every: '5s',
        times: 300,
        from: Array.from({ length: 10 }, (_, i) => pod(`shop/web-${i}`)),
      }),
    ]),
  );
  assert.equal(opened(alerts).length, 1);
  assert.equal(alerts.at(-1)!.evidence.peers.length, 10);
  assert.equal(alerts[0]!.attack[0]!.techniqueId, 'T1562');
  assert.equal(alerts[0]!.target?.kind, 'policy');
});

detectorContract({
  name: 'verdict_mismatch',
  factory,
  alerting: flowsOf([
    traced('allowed', [inferred('deny', 'ingress')]),
    traced('denied', [inferred('allow', 'egress'), inferred('allow', 'ingress')], { port: 80 }),
    traced('answered', [inferred('deny', 'egress')], { at: '3h', to: pod('shop/cart') }),
  ]),
  benign: flowsOf([
    traced('allowed', [inferred('allow', 'ingress')]),
    traced('denied', [inferred('deny', 'ingress')], { port: 80 }),
  ]),
  flood: (count) =>
    flowsOf([
      traced('allowed', [inferred('deny', 'ingress')], {
        every: '10ms',
        times: count,
        to: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
      }),
    ]),
});
