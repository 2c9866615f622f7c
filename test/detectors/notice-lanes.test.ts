import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, integer, nat, property } from 'fast-check';
import { create as createExfiltration } from '../../detectors/exfiltration/index.ts';
import { options as exfiltration } from '../../detectors/exfiltration/options.ts';
import { create as createPolicyChange } from '../../detectors/policy_change/index.ts';
import { options as policyChange } from '../../detectors/policy_change/options.ts';
import { definition } from '../../detectors/rule/definition.ts';
import { create as createRule } from '../../detectors/rule/index.ts';
import { options as rule } from '../../detectors/rule/options.ts';
import { compileRule } from '../../detectors/rule/rule.ts';
import { createSchedule } from '../../detectors/rule/schedule.ts';
import { create as createSilence } from '../../detectors/silence/index.ts';
import { options as silence } from '../../detectors/silence/options.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import { localPlan, partitionedPlan, type LanePlanOptions } from '../../pipeline/lane-plan.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { logEntry, markAt } from '../pipeline/fake-log.ts';
import { canonical, inOrder, type Item } from './harness.ts';
import { aChange, aLoss, reported } from './notices.ts';
import { address, addresses, flowsOf, pod, T0 } from './scenario.ts';

const LANES = 4;
const DISORDER_MS = 20_000;
const appendMs = T0 + 1e10;
const fail = (): never => assert.fail('no record fails, is late or overflows');
const callbacks = { failed: fail, late: fail, overflowed: fail };
const learnMs = 600_000;

const schedule = createSchedule([
  compileRule(
    definition.parse({
      name: 'deleted',
      over: 'policy_change',
      where: 'verb : delete',
      groupBy: ['namespace'],
      when: { count: '>= 3', within: '1h' },
      severity: 'low',
      message: 'seen',
    }),
  ),
]);

const factories: Readonly<Record<string, DetectorFactory>> = {
  exfiltration: createExfiltration(exfiltration.parse({ learnMs })),
  policy_change: createPolicyChange(policyChange.parse({ learnMs })),
  rule: createRule(rule.parse({}), schedule),
  silence: createSilence(silence.parse({ learnMs, leastRecords: 3, leastExpected: 2, workloadMs: 600_000 })),
};

const planned: LanePlanOptions = {
  lanes: LANES,
  detectors: Object.entries(factories).map(([name, factory]) => ({
    name,
    factory,
    where: null,
    maxKeys: 10_000,
    content: '',
  })),
  maxWaiting: 100_000,
  evicted: () => {},
};

const web = pod('shop/web');
const items: readonly Item[] = [
  ...reported(
    flowsOf([
      ...['n1', 'n2'].map((node, i) => ({
        at: '0s',
        every: '30s',
        times: i === 0 ? 180 : 80,
        from: [1, 2, 3].map((each) => pod(`shop/${node}-${each}`)),
        to: web,
        fate: 'allowed' as const,
        tune: (flow: Flow) => void (flow.node = node),
      })),
      { at: '1m', every: '50s', times: 30, from: addresses('10.5', 5), to: web, fate: 'denied' },
      { at: '40m', every: '50s', times: 30, from: addresses('10.5', 5), to: web, fate: 'allowed' },
      {
        at: '2m',
        every: '1m',
        times: 60,
        from: web,
        to: address('203.0.113.5'),
        port: 443,
        fate: 'answered',
        tune(flow, i) {
          flow.sourceBytes = i < 40 ? 1000 : 9e6;
          flow.destinationBytes = 100;
        },
      },
    ]),
  ),
  ...[30, 32, 34, 36].map((minute) => aChange(`${minute}m`, { verb: 'delete', name: `p${minute}` })),
  aChange('38m', { allowsAll: ['ingress'], logging: 'off' }),
  ...Array.from({ length: 20 }, (_, i) => aLoss(`${20 + i}m`, { node: `n${i % 2}` })),
];

const timeOf = (item: Item): number => ('record' in item ? item.timeMs : item.endMs);

/** Items as a log of one origin holds them, out of order by at most the disorder, with marks that say no more than is so. */
function logOf(shuffles: readonly number[]): LogEntry<Flow>[] {
  const late = (i: number): number => shuffles[i % shuffles.length]! % DISORDER_MS;
  const shuffled = inOrder(items)
    .map((item, i) => ({ item, atMs: timeOf(item) + late(i) }))
    .sort((a, b) => a.atMs - b.atMs);
  const entries: Omit<LogEntry<Flow>, 'offset'>[] = [];
  const place = logEntry<Flow>(0, { appendMs });
  let position = 0;
  for (const [i, { item, atMs }] of shuffled.entries()) {
    entries.push(
      'record' in item
        ? { ...place, notice: item }
        : { ...place, value: { ...item, origin: 'file:a', position: position++ } },
    );
    if (i % 7 === 6) entries.push({ ...place, mark: markAt(atMs - DISORDER_MS - 1) });
  }
  entries.push({ ...place, mark: markAt(T0 + 2e7) });
  return entries.map((entry, offset) => ({ ...entry, offset }));
}

/** Reads a log in turns; after those named in `cuts` the group dies and another goes on from its snapshot. */
function read(
  create: () => LaneGroup,
  feeds: readonly (readonly LogEntry<Flow>[])[],
  { turn = 1e6, cuts = [] }: { readonly turn?: number; readonly cuts?: readonly number[] } = {},
): readonly Alert[] {
  const raised = new Map<string, Alert>();
  let group = create();
  let at = feeds.map(() => 0);
  for (let turns = 0; at.some((offset, feed) => offset < feeds[feed]!.length); turns++) {
    const feed = turns % feeds.length;
    const piece = feeds[feed]!.slice(at[feed], at[feed]! + turn);
    at[feed]! += piece.length;
    for (const alert of group.take(feed, piece)) raised.set(`${alert.id} ${alert.revision}`, alert);
    if (!cuts.includes(turns)) continue;
    const { chunks, resume } = group.snapshot();
    group = create();
    assert.deepEqual(group.restore(chunks), []);
    at = [...resume];
  }
  return canonical([...raised.values()]);
}

const whole = read(() => localPlan(planned).create(0, callbacks), [logOf([0])]);

test('notices and flows make the alerts that this test is about', () => {
  assert.deepEqual([...new Set(whole.map((alert) => `${alert.detector}: ${alert.rule}`))].sort(), [
    'exfiltration: Much more sent outside than usual',
    'policy_change: Newly allowed after a policy change',
    'policy_change: Policy deleted',
    'policy_change: Policy lets everything through',
    'policy_change: Policy logging turned off',
    'rule: deleted',
    'silence: Losses growing',
    'silence: Node silent',
    'silence: Source silent',
    'silence: Workload silent',
  ]);
});

test('the same alerts shuffled within the disorder, read in any turns and cut anywhere', () => {
  assertProperty(
    property(
      array(nat(DISORDER_MS), { minLength: 1, maxLength: 30 }),
      integer({ min: 1, max: 200 }),
      array(nat(40), { maxLength: 4 }),
      (shuffles, turn, cuts) => {
        const log = logOf(shuffles);
        assert.deepEqual(
          read(() => localPlan(planned).create(0, callbacks), [log], { turn, cuts }),
          whole,
        );
      },
    ),
    { numRuns: 15 },
  );
});

test('the same alerts in a process for each lane, to which the enricher copies every notice', () => {
  const log = logOf([3_000, 17_000, 0]);
  const spread: Alert[] = [];
  for (let lane = 0; lane < LANES; lane++) {
    const isHere = ({ entity }: Flow['source']): boolean => partitionOf(entity!, LANES) === lane;
    const enriched = log.filter(({ value }) => value === null || isHere(value.source));
    const rekeyed = log.filter(
      ({ value, notice }) => !notice && (value === null || isHere(value.destination)),
    );
    spread.push(
      ...read(
        () => partitionedPlan(planned).create(lane, callbacks),
        [enriched, rekeyed].map((entries) => entries.map((entry, offset) => ({ ...entry, offset }))),
        { turn: 50, cuts: [3, 8] },
      ),
    );
  }
  assert.deepEqual(canonical(spread), whole);
});
