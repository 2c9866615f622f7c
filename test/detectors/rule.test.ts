import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, constantFrom, integer, property, record } from 'fast-check';
import { checkRule } from '../../detectors/rule/check.ts';
import { definition, type Definition } from '../../detectors/rule/definition.ts';
import { create } from '../../detectors/rule/index.ts';
import { options } from '../../detectors/rule/options.ts';
import { createRoute } from '../../detectors/rule/route.ts';
import { compileRule, type Rule } from '../../detectors/rule/rule.ts';
import { createSchedule, type RuleSchedule } from '../../detectors/rule/schedule.ts';
import { digest } from '../../schema/ids.ts';
import type { Alert } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { canonical, inOrder, opened, runDetector, type Item, type RunOptions } from './harness.ts';
import { aChange } from './notices.ts';
import { address, addresses, flowsOf, pod, ports, T0, type Traffic } from './scenario.ts';

type Raw = Record<string, unknown>;

const HOUR_MS = 3_600_000;

/** What a test does not say of a rule. */
function defined(parts: Raw): Definition {
  const rule = definition.parse({
    name: 'mine',
    where: 'not verdict : error',
    groupBy: ['source.entity'],
    when: { count: '>= 1', within: '10m' },
    severity: 'medium',
    message: '{source.workload}: {value} of {threshold}',
    ...parts,
  });
  assert.deepEqual(checkRule(rule), []);
  return rule;
}

const ruleOf = (parts: Raw): Rule => compileRule(defined(parts));
const scheduleOf = (...rules: readonly Raw[]): RuleSchedule => createSchedule(rules.map(ruleOf));

function run(schedule: RuleSchedule, flows: readonly Item[], how: RunOptions = {}): readonly Alert[] {
  const factory = create(options.parse({}), schedule);
  return runDetector(factory, flows, { ruleLanes: (lanes) => createRoute(schedule, lanes), ...how }).alerts;
}

const messages = (alerts: readonly Alert[]): string[] =>
  opened(alerts).map(({ why }) => why.summary.replace(/ \[rule .*\]$/, ''));
const found = (parts: Raw, traffic: readonly Traffic[]): string[] =>
  messages(run(scheduleOf(parts), flowsOf(traffic)));

const web = pod('shop/web');
const db = pod('shop/db');
const allowed = { from: web, to: db, fate: 'allowed' } as const;

// One rule of each kind, over traffic that makes it open, revise and close alerts.
const kinds: readonly { readonly rule: Raw; readonly alerting: readonly Traffic[] }[] = [
  { rule: { when: { count: '>= 1', within: '1m' } }, alerting: [{ at: '0s', times: 40, ...allowed }] },
  { rule: { when: { count: '>= 5', within: '1m' } }, alerting: [{ at: '0s', times: 40, ...allowed }] },
  { rule: { when: { count: '>= 50', within: '2m' } }, alerting: [{ at: '0s', times: 90, ...allowed }] },
  {
    rule: { when: { rate: '>= 1/s', within: '1m' } },
    alerting: [{ at: '0s', every: '500ms', times: 300, ...allowed }],
  },
  {
    rule: { when: { sum: 'sourceBytes + destinationBytes >= 10kB', within: '10m' } },
    alerting: [
      {
        at: '0s',
        times: 30,
        ...allowed,
        tune: (flow) => ((flow.sourceBytes = 900), (flow.destinationBytes = 100)),
      },
    ],
  },
  {
    rule: { when: { distinct: 'destination.port >= 5', within: '1m' } },
    alerting: [{ at: '0s', ...allowed, port: ports(1, 30) }],
  },
  {
    rule: { when: { count: '>= 20', ratio: '>= 4', history: '2h', within: '10m' } },
    alerting: [
      { at: '0s', every: '2m', times: 90, ...allowed },
      { at: '3h', every: '1s', times: 60, ...allowed },
    ],
  },
  {
    rule: { when: { firstSeen: '7d', learn: '1h' }, groupBy: ['source.entity', 'destination.ip'] },
    alerting: [
      { at: '0s', every: '1m', times: 90, ...allowed },
      { at: '2h', times: 30, from: web, to: addresses('10.7', 3), fate: 'allowed' },
    ],
  },
  {
    rule: { when: { sequence: ['verdict : deny', 'verdict : allow'], count: '>= 3', within: '5m' } },
    alerting: [
      { at: '0s', times: 5, from: web, to: db, fate: 'denied' },
      { at: '10s', times: 12, ...allowed },
    ],
  },
];

for (const [i, { rule, alerting }] of kinds.entries()) {
  const schedule = scheduleOf(rule);
  detectorContract({
    name: 'rule',
    factory: create(options.parse({}), schedule),
    ruleLanes: (lanes) => createRoute(schedule, lanes),
    contentVersions: [digest(12, 'test', ruleOf(rule).digest)],
    alerting: flowsOf(alerting),
    benign: flowsOf([
      { at: '0s', times: 3, from: web, to: db, fate: 'allowed', tune: (flow) => (flow.verdict = 'error') },
    ]),
    // A first flow of each group; for what alerts at once, groups that keep alerting.
    flood: (count) =>
      flowsOf([
        {
          at: '0s',
          every: '1ms',
          from: addresses('172.20', 250).concat(floodOf(count)),
          to: db,
          fate: i === 8 ? 'denied' : 'allowed',
        },
      ]),
  });
}

/** As many entities as there are addresses asked for. */
const floodOf = (count: number) =>
  Array.from({ length: Math.max(0, count - 250) }, (_, i) =>
    address(`11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  );

test('a count is exact up to 32: the flow that completes it within the window alerts, one a moment later does not', () => {
  const three = { when: { count: '>= 3', within: '10m' } };
  const at = (...times: string[]): Traffic[] => times.map((time) => ({ at: time, ...allowed }));
  assert.deepEqual(found(three, at('50s', '350s', '650s')), ['web: 3 of 3']);
  assert.deepEqual(found(three, at('50s', '350s', '651s')), []);
  assert.deepEqual(found({ when: { count: '> 2', within: '10m' } }, at('0s', '1s', '2s')), ['web: 3 of 3']);
});

test('whatever the flows, a count or distinct count alerts when brute force says so, and never else', () => {
  assertProperty(
    property(
      array(record({ gapMs: integer({ min: 0, max: 40_000 }), port: integer({ min: 1, max: 6 }) }), {
        maxLength: 60,
      }),
      constantFrom('count' as const, 'distinct' as const),
      integer({ min: 2, max: 5 }),
      (steps, metric, least) => {
        const withinMs = 60_000;
        let timeMs = 0;
        const lines = steps.map(({ gapMs, port }) => ({ timeMs: (timeMs += gapMs), port }));
        const flows = flowsOf(
          lines.map(({ timeMs: at, port }): Traffic => ({ at: `${at}ms`, port, ...allowed })),
        );
        const isDue = lines.some((line) => {
          const window = lines.filter(
            (other) => other.timeMs <= line.timeMs && line.timeMs - other.timeMs <= withinMs,
          );
          return (metric === 'count' ? window.length : new Set(window.map(({ port }) => port)).size) >= least;
        });
        const text = metric === 'count' ? `>= ${least}` : `destination.port >= ${least}`;
        const alerts = run(scheduleOf({ when: { [metric]: text, within: '1m' }, quiet: '1d' }), flows);
        assert.equal(opened(alerts).length > 0, isDue);
      },
    ),
    { numRuns: 300 },
  );
});

test('a large count slides in tenths: never less than the window, and at most a tenth more', () => {
  assertProperty(
    property(array(integer({ min: 0, max: 4_000 }), { minLength: 40, maxLength: 200 }), (gaps) => {
      let timeMs = 0;
      const times = gaps.map((gap) => (timeMs += gap));
      const flows = flowsOf(times.map((at): Traffic => ({ at: `${at}ms`, ...allowed })));
      const most = (windowMs: number): number =>
        Math.max(...times.map((end) => times.filter((at) => at <= end && end - at <= windowMs).length));
      const isOpen = opened(run(scheduleOf({ when: { count: '>= 40', within: '1m' } }), flows)).length > 0;
      if (most(60_000) >= 40) assert.ok(isOpen);
      if (most(66_000) < 40) assert.ok(!isOpen);
    }),
    { numRuns: 200 },
  );
});

test('a sum adds what is there: absent and negative counters add nothing', () => {
  const rule = {
    when: { sum: 'sourceBytes >= 1000', within: '10m' },
    message: '{value} of {threshold} in {within}',
  };
  const bytes = (values: readonly (number | null)[]): Traffic[] => [
    { at: '0s', times: values.length, ...allowed, tune: (flow, i) => (flow.sourceBytes = values[i]!) },
  ];
  assert.deepEqual(found(rule, bytes([400, null, -5000, 600])), ['1000 of 1000 in 10m']);
  assert.deepEqual(found(rule, bytes([400, null, 599, Number.NaN])), []);
});

test('a rate is counted over the window', () => {
  const rule = { when: { rate: '>= 10/m', within: '5m' }, message: '{value} of {threshold}' };
  assert.deepEqual(found(rule, [{ at: '0s', every: '6s', times: 50, ...allowed }]), ['50 of 50']);
  assert.deepEqual(found(rule, [{ at: '0s', every: '7s', times: 500, ...allowed }]), []);
});

test('a ratio needs its history, its floor and a rise over the own mean', () => {
  const rule = {
    when: { count: '>= 30', ratio: '>= 5', history: '6h', within: '10m' },
    message: '{value}, usually {expected}',
  };
  const usual: Traffic = { at: '0s', every: '2m', times: 400, ...allowed };
  const burst = (at: string, times: number): Traffic => ({ at, every: '1s', times, ...allowed });
  assert.deepEqual(found(rule, [usual, burst('8h', 60)]), ['30, usually 5']);
  assert.deepEqual(found(rule, [usual, burst('8h', 12)]), [], 'below five times the mean');
  assert.deepEqual(found(rule, [usual, burst('3h', 60)]), [], 'not yet watched for six hours');
  const rare: Traffic = { at: '0s', every: '1h', times: 12, ...allowed };
  assert.deepEqual(found(rule, [rare, burst('8h', 20)]), [], 'twenty are many for it, and too few to matter');
});

test('first seen: learns at first, alerts once for each group, and again after it was long away', () => {
  const rule = {
    groupBy: ['source.entity', 'destination.ip'],
    when: { firstSeen: '2d', learn: '6h' },
    message: 'new {destination.ip}',
  };
  const to = (at: string, ip: string, times = 1): Traffic => ({
    at,
    every: '1h',
    times,
    from: web,
    to: address(ip),
    fate: 'allowed',
  });
  const known = to('0s', '10.0.0.1', 200);
  assert.deepEqual(found(rule, [known, to('1h', '10.0.0.2')]), [], 'met while learning');
  assert.deepEqual(found(rule, [known, to('7h', '10.0.0.2', 30)]), ['new 10.0.0.2']);
  assert.deepEqual(found(rule, [known, to('7h', '10.0.0.2'), to('150h', '10.0.0.2')]), [
    'new 10.0.0.2',
    'new 10.0.0.2',
  ]);
});

test('first seen learns from when traffic begins, not from the first flow that the rule looks at', () => {
  const rule = { where: 'destination.port : 22', when: { firstSeen: '7d', learn: '6h' }, message: 'new' };
  const traffic: Traffic[] = [
    { at: '0s', every: '10m', times: 100, from: [web, ...addresses('10.3', 60)], to: db, fate: 'allowed' },
    { at: '10h', from: web, to: db, port: 22, fate: 'allowed' },
  ];
  assert.deepEqual(found(rule, traffic), ['new']);
});

test('a sequence is in its order, within its time, and never one flow alone', () => {
  const rule = {
    when: { sequence: ['verdict : deny', 'verdict : (allow or deny)'], within: '10m' },
    message: 'then',
  };
  const deny = (at: string): Traffic => ({ at, from: web, to: db, fate: 'denied' });
  const allow = (at: string): Traffic => ({ at, ...allowed });
  assert.deepEqual(found(rule, [deny('0s'), allow('9m')]), ['then']);
  assert.deepEqual(found(rule, [deny('0s'), allow('11m')]), []);
  assert.deepEqual(found(rule, [allow('0s'), deny('9m')]), []);
});

test('groups do not count for each other, and an empty groupBy is the cluster', () => {
  const traffic: Traffic[] = [{ at: '0s', times: 6, from: [web, pod('shop/api')], to: db, fate: 'allowed' }];
  const when = { count: '>= 4', within: '10m' };
  assert.deepEqual(found({ when }, traffic), []);
  const alerts = opened(run(scheduleOf({ when, groupBy: [] }), flowsOf(traffic)));
  assert.deepEqual(
    alerts.map(({ entity }) => [entity.kind, entity.key]),
    [['cluster', 'test']],
  );
});

test('an alert is about whom its groups are about', () => {
  const about = (parts: Raw): unknown => {
    const [alert] = opened(run(scheduleOf(parts), flowsOf([{ at: '0s', ...allowed }])));
    return [
      alert!.entity.kind,
      alert!.entity.key,
      alert!.entity.namespace,
      alert!.target?.key ?? null,
      alert!.target?.port ?? null,
    ];
  };
  const [source, destination] = ['test/shop/Deployment/web', 'test/shop/Deployment/db'];
  assert.deepEqual(about({ groupBy: ['source.namespace', 'source.workload'] }), [
    'workload',
    source,
    'shop',
    null,
    null,
  ]);
  assert.deepEqual(about({ groupBy: ['destination.entity', 'source.ip'] }), [
    'workload',
    destination,
    'shop',
    source,
    null,
  ]);
  assert.deepEqual(about({ groupBy: ['source.entity', 'destination.ip', 'destination.port'] }), [
    'workload',
    source,
    'shop',
    destination,
    8080,
  ]);
  assert.deepEqual(about({ groupBy: ['source.entity', 'destination.ip'], about: 'destination' }), [
    'workload',
    destination,
    'shop',
    source,
    null,
  ]);
  assert.deepEqual(about({ groupBy: ['source.namespace'] }), ['unknown', 'test/shop', 'shop', null, null]);
});

test('an alert says what the rule says: severity, techniques, runbook, the flows it looks at', () => {
  const rule = {
    severity: 'high',
    attack: ['T1048', 'T1046'],
    runbook: 'https://wiki.example/r',
    where: 'verdict : allow',
  };
  const [alert] = opened(run(scheduleOf(rule), flowsOf([{ at: '0s', ...allowed }])));
  assert.equal(alert!.rule, 'mine');
  assert.equal(alert!.severity, 'high');
  assert.deepEqual(
    alert!.attack.map(({ tacticId, techniqueId }) => [tacticId, techniqueId]),
    [
      ['TA0010', 'T1048'],
      ['TA0007', 'T1046'],
    ],
  );
  assert.equal(alert!.links.runbook, 'https://wiki.example/r');
  assert.match(alert!.links.search!, /^weir search 'verdict : allow' --from/);
});

test('absent fields are named unknown in a message, and are a group of their own', () => {
  const alerts = found(
    { groupBy: ['source.namespace'], message: '{source.namespace} {source.scopes} {destination.port}' },
    [
      { at: '0s', from: address('10.0.0.1'), to: address('10.0.0.2'), fate: 'allowed' },
      { at: '1s', from: pod('shop/web', { scopes: ['pci', 'hipaa'] }), to: db, fate: 'allowed' },
    ],
  );
  assert.deepEqual(alerts, ['unknown unknown 8080', 'shop pci, hipaa 8080']);
});

test('the same alerts with 1, 4 and 12 lanes, whatever the rules group by', () => {
  const groupings = [
    [],
    ['destination.port'],
    ['source.namespace', 'destination.ip'],
    ['source.entity'],
    ['verdict'],
  ];
  const schedule = scheduleOf(
    ...groupings.map((groupBy, i) => ({
      name: `rule${i}`,
      groupBy,
      when: { distinct: 'source.ip >= 4', within: '5m' },
    })),
  );
  const flows = flowsOf([
    {
      at: '0s',
      from: addresses('10.5', 40),
      to: addresses('10.6', 3),
      port: ports(80, 4),
      fate: ['allowed', 'denied'],
      times: 200,
    },
  ]);
  const withoutVersion = (lanes: number) => canonical(run(schedule, flows, { lanes }));
  const one = withoutVersion(1);
  assert.ok(opened(one).length > 8);
  for (const lanes of [4, 12]) assert.deepEqual(withoutVersion(lanes), one);
});

test('rules change at an event time: before it the old ones judge, after it the new ones, wherever it is cut', () => {
  const changeMs = T0 + HOUR_MS;
  const kept = { name: 'kept', when: { count: '>= 3', within: '3h' }, message: 'kept' };
  const schedule = scheduleOf(kept, { name: 'old', message: 'old', quiet: '1d' });
  schedule.add(changeMs, [ruleOf(kept), ruleOf({ name: 'new', message: 'new' })]);
  const flows = flowsOf([{ at: '30m', every: '40m', times: 3, ...allowed }]);
  const whole = run(schedule, flows);
  assert.deepEqual(messages(whole), ['old', 'new', 'kept']);
  const closed = whole.find((alert) => alert.rule === 'old' && alert.action === 'closed');
  assert.equal(closed?.raisedMs, changeMs, 'alerts of a rule that is gone close when it goes');
  for (const restartEvery of [1, 2])
    for (const advanceEvery of [0, 1])
      assert.deepEqual(canonical(run(schedule, flows, { restartEvery, advanceEvery })), canonical(whole));
});

test('what a rule learned stays with it over changes of others, and a new rule learns from its own beginning', () => {
  const rule = (name: string): Raw => ({
    name,
    where: 'destination.port : 22',
    when: { firstSeen: '7d', learn: '2h' },
    message: name,
  });
  const schedule = scheduleOf(rule('first'));
  schedule.add(T0 + 3 * HOUR_MS, [ruleOf(rule('first')), ruleOf(rule('second'))]);
  const flows = flowsOf([
    { at: '0s', every: '10m', times: 40, from: [web, ...addresses('10.3', 39)], to: db, fate: 'allowed' },
    { at: '4h', from: web, to: db, port: 22, fate: 'allowed' },
  ]);
  assert.deepEqual(messages(run(schedule, flows)), ['first']);
});

test('a schedule answers for every time, ignores what changes nothing, and never goes back', () => {
  const schedule = scheduleOf({ name: 'a' });
  assert.equal(schedule.add(1000, [ruleOf({ name: 'a' })]), false);
  assert.equal(schedule.add(1000, [ruleOf({ name: 'b' })]), true);
  assert.equal(schedule.add(500, [ruleOf({ name: 'c' })]), true, 'decided later, in force later');
  const at = (timeMs: number): string =>
    schedule
      .at(timeMs)
      .rules.map(({ rule }) => rule.name)
      .join();
  assert.deepEqual([at(-Infinity), at(999), at(1000), at(1001), at(Infinity)], ['a', 'a', 'b', 'c', 'c']);
  for (let i = 0; i < 500; i++) schedule.add(2000 + i, [ruleOf({ name: `r${i}` })]);
  assert.equal(at(-Infinity).startsWith('r'), true, 'only the newest changes are remembered');
});

test('a flow goes to each lane once, however many rules look at it there, and nowhere when none does', () => {
  const schedule = scheduleOf(
    ...Array.from({ length: 40 }, (_, i) => ({
      name: `r${i}`,
      groupBy: ['source.ip', 'destination.port'].slice(0, 1 + (i % 2)),
    })),
    { name: 'other', groupBy: ['destination.ip'] },
  );
  const [flow] = flowsOf([{ at: '0s', ...allowed }]);
  const lanes = createRoute(schedule, 12)(flow!);
  assert.ok(lanes.length >= 1 && lanes.length <= 3);
  assert.equal(new Set(lanes).size, lanes.length);
  flow!.verdict = 'error';
  assert.deepEqual(createRoute(schedule, 12)(flow!), []);
});

test('a clock that is ahead does not change which rules judge a flow', () => {
  const schedule = scheduleOf({ name: 'old', message: 'old' });
  schedule.add(T0 + HOUR_MS, [ruleOf({ name: 'new', message: 'new' })]);
  const flows = flowsOf([{ at: '10m', ...allowed, tune: (flow) => (flow.endMs += 50 * 60_000 + 1) }]);
  assert.deepEqual(messages(run(schedule, flows)), ['old'], 'it was read before the change was decided');
});

test('an address that keeps just under a threshold, and one that evicts groups on purpose, cost no more memory', () => {
  const schedule = scheduleOf({ when: { distinct: 'destination.port >= 50', within: '1h' }, maxGroups: 120 });
  const flows = inOrder(
    flowsOf([
      {
        at: '0s',
        every: '1ms',
        from: addresses('10.5', 2000),
        to: db,
        port: ports(1, 49),
        times: 20_000,
        fate: 'allowed',
      },
    ]),
  );
  const result = runDetector(create(options.parse({}), schedule), flows, {
    ruleLanes: (lanes) => createRoute(schedule, lanes),
    restartEvery: 20_000,
  });
  assert.equal(opened(result.alerts).length, 0);
  assert.ok(result.keys <= 120 && result.evicted > 1000, `${result.keys} keys`);
  assert.ok(result.snapshotBytes < 120 * 49 * 16 + 40_000, `${result.snapshotBytes} bytes`);
});

const overChanges = {
  over: 'policy_change',
  where: 'verb : delete and not user : system*',
  groupBy: ['namespace', 'user'],
  message: '{user} deleted {value} policies of {namespace} within {within}, last {kind} {name}',
} as const;

test('rule: over policy changes, with the conditions that there are for flows', () => {
  const changes = [
    ...[1, 2, 3].map((i) => aChange(`${i}m`, { verb: 'delete', name: `p${i}` })),
    aChange('4m', { verb: 'delete', user: 'system:x' }),
    aChange('5m', { verb: 'delete', user: 'bob' }),
    aChange('6m', { verb: 'update' }),
  ];
  const schedule = scheduleOf({ ...overChanges, when: { count: '>= 3', within: '10m' } });
  const flows = flowsOf([{ at: '0s', times: 40, ...allowed }]);
  const alerts = run(schedule, [...flows, ...changes]);
  assert.deepEqual(messages(alerts), ['alice deleted 3 policies of shop within 10m, last NetworkPolicy p3']);
  const [alert] = opened(alerts);
  assert.deepEqual(
    [alert!.entity.key, alert!.entity.kind, alert!.evidence.records, alert!.why.factors[0]!.name],
    ['test/policies/shop', 'policy', [changes[2]!.record.id], 'changes within 10m'],
  );
  assert.match(alert!.links.search ?? '', /destination\.namespace : "shop"/);
  const single = scheduleOf({
    ...overChanges,
    groupBy: ['kind', 'namespace', 'name'],
    when: { firstSeen: '1d', learn: '2m' },
  });
  assert.deepEqual(
    opened(run(single, changes)).map(({ entity }) => entity.key),
    ['test/NetworkPolicy/shop/p3', 'test/NetworkPolicy/shop/web'],
  );
});

test('rule: what is wrong with a rule over policy changes is said in its own fields', () => {
  const problems = (parts: Raw): string[] =>
    checkRule(
      definition.parse({
        name: 'mine',
        when: { count: '>= 1', within: '1m' },
        severity: 'low',
        ...overChanges,
        ...parts,
      }),
    ).map(({ path, message }) => `${path.join('.')}: ${message}`);
  assert.deepEqual(problems({}), []);
  assert.match(problems({ where: 'verdict : deny' })[0]!, /^where: .*verdict/);
  assert.match(
    problems({ groupBy: ['usr'] })[0]!,
    /expected a field of a policy change, found 'usr'; did you mean 'user'/,
  );
  assert.match(
    problems({ cases: [{ name: 'a', flows: [{ verdict: 'deny' }], expect: 'silence' }] })[0]!,
    /^cases\.0\.flows: the rule looks at a policy change: expected 'changes'/,
  );
  assert.match(
    problems({ cases: [{ name: 'a', expect: 'silence' }] })[0]!,
    /cases\.0: missing: expected 'changes'/,
  );
});

/** As computed when rules looked at flows only: state and alerts of rules belong to it. */
const DIGEST_BEFORE = 'z4GaGUg9E81u';

test('rule: the digest of a rule over flows is what it was before there were others', () => {
  const parts = { where: 'cluster : test', groupBy: [], message: 'seen' };
  assert.equal(ruleOf(parts).digest, DIGEST_BEFORE);
  assert.equal(ruleOf({ ...parts, over: 'flow' }).digest, DIGEST_BEFORE);
  assert.notEqual(ruleOf({ ...parts, over: 'policy_change' }).digest, DIGEST_BEFORE);
});
