import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Alert, Flow } from '../../schema/records.ts';
import { seededRandom } from '../helpers/random.ts';
import { clusterFlows } from './cluster.ts';
import { address, addresses, flowsOf, life, node, pod, policy, ports, T0, type Traffic } from './scenario.ts';
import { afterBaseline, everyDetector, inOneProcess, inProcesses, LANES, written } from './together.ts';

/** What happens on the third day, when everything has been learned. */
const incidents: readonly Traffic[] = [
  {
    at: '51h',
    every: '100ms',
    from: pod('life/client-1'),
    to: pod('shop/db'),
    port: ports(1, 400),
    fate: 'failed',
  },
  {
    at: '51.2h',
    every: '20s',
    from: address('203.0.113.9'),
    to: node('n1'),
    port: 22,
    times: 90,
    fate: 'answered',
  },
  {
    at: '51.3h',
    every: '5s',
    from: pod('life/client-2'),
    to: pod('bank/core'),
    port: 5432,
    times: 30,
    fate: 'denied',
    policy: policy('deny', 'bank'),
  },
  {
    at: '51.4h',
    every: '1s',
    from: pod('life/client-3'),
    to: addresses('10.1', 40),
    port: 22,
    fate: 'answered',
  },
  {
    at: '51.5h',
    every: '60s',
    from: pod('life/client-4'),
    to: address('198.51.100.7'),
    port: 443,
    times: 120,
    fate: 'answered',
  },
  {
    at: '51.6h',
    every: '10s',
    from: pod('life/client-5'),
    to: address('198.51.100.8'),
    port: 23,
    times: 20,
    fate: 'answered',
  },
];

/** A small cluster of two days and what happens in it after; each flow goes on for up to a minute before its end. */
const flows: readonly Flow[] = (() => {
  const random = seededRandom(5);
  const all = [
    ...clusterFlows({ days: 2.2, namespaces: 12, misconfigurations: 4, noisePerDay: 200 }),
    ...flowsOf([life, ...incidents]),
  ];
  return all.map((flow) => ({
    ...flow,
    startMs: flow.endMs - Math.floor(random() * 60_000),
    receivedMs: flow.endMs + 1000,
  }));
})();

const byStart = flows.toSorted((a, b) => a.startMs - b.startMs || (a.id < b.id ? -1 : 1));
const byEnd = flows.toSorted((a, b) => a.endMs - b.endMs || (a.id < b.id ? -1 : 1));
const detectors = everyDetector();

let whole: readonly Alert[] | null = null;
async function expected(): Promise<readonly Alert[]> {
  return (whole ??= inOneProcess(await detectors, written(byEnd)).alerts);
}

/** A difference in words: a diff of thousands of alerts takes minutes. */
function same(found: readonly Alert[], wanted: readonly Alert[]): void {
  const keyed = (alerts: readonly Alert[]): Map<string, string> =>
    new Map(
      alerts.map((alert) => [`${alert.detector} ${alert.id}-${alert.revision}`, JSON.stringify(alert)]),
    );
  const [there, should] = [keyed(found), keyed(wanted)];
  for (const [key, text] of should)
    assert.ok(there.get(key) === text, `${key} is\n${there.get(key)}\nnot\n${text}`);
  for (const key of there.keys()) assert.ok(should.has(key), `${key} should not be there`);
}

test('all detectors together: the traffic of these properties makes many of them speak', async () => {
  const speaking = new Set((await expected()).map(({ detector }) => detector));
  for (const detector of ['policy_denied', 'port_scan', 'new_edge', 'rule', 'lateral_movement', 'beacon'])
    assert.ok(speaking.has(detector), `${detector} is silent; ${[...speaking].join(', ')} speak`);
});

test('all detectors together: the same alerts from a file sorted by start and from one sorted by end', async () => {
  const { alerts, late } = inOneProcess(await detectors, written(byStart));
  assert.equal(late, 0);
  same(alerts, await expected());
});

const indexes = fc.array(fc.integer({ min: 0, max: flows.length - 1 }), { maxLength: 5 });

test('all detectors together: the same alerts from flows shuffled within what their source may be out of order', async () => {
  const plan = await detectors;
  const wanted = await expected();
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.constantFrom(1_000, 30_000, 300_000),
      (seed, disorderMs) => {
        const random = seededRandom(seed);
        const shuffled = flows
          .map((flow) => ({ flow, atMs: flow.startMs + random() * disorderMs }))
          .sort((a, b) => a.atMs - b.atMs)
          .map(({ flow }) => flow);
        const { alerts, late } = inOneProcess(plan, written(shuffled, disorderMs));
        assert.equal(late, 0);
        same(alerts, wanted);
      },
    ),
    { numRuns: 4 },
  );
});

test('all detectors together: the same alerts when what was read is delivered again, from any place to any other', async () => {
  const plan = await detectors;
  const wanted = await expected();
  fc.assert(
    fc.property(indexes, fc.integer({ min: 1, max: 3000 }), (places, length) => {
      const { flows: once, clockMs } = written(byEnd);
      const twice = once.map((flow, i) => ({ flow, clockMs: clockMs(i) }));
      for (const place of places.toSorted((a, b) => b - a)) {
        const from = Math.max(0, place - length);
        const again = twice.slice(from, place).map(({ flow }) => ({ flow, clockMs: twice[place]!.clockMs }));
        twice.splice(place, 0, ...again);
      }
      const input = { flows: twice.map(({ flow }) => flow), clockMs: (i: number) => twice[i]!.clockMs };
      same(inOneProcess(plan, input).alerts, wanted);
    }),
    { numRuns: 4 },
  );
});

test('all detectors together: the same alerts when it is cut anywhere and goes on from its snapshot', async () => {
  const plan = await detectors;
  const wanted = await expected();
  fc.assert(
    fc.property(indexes, (cuts) => same(inOneProcess(plan, written(byStart), cuts).alerts, wanted)),
    { numRuns: 4 },
  );
});

test('all detectors together: the same alerts from lanes that are spread over processes and move between them', async () => {
  const plan = await detectors;
  const wanted = await expected();
  same(inProcesses(plan, written(byStart), []).alerts, wanted);
  fc.assert(
    fc.property(indexes, (moves) => same(inProcesses(plan, written(byStart), moves).alerts, wanted)),
    { numRuns: 3 },
  );
});

test('all detectors together: who learned from history raises the alerts of who saw it live', async () => {
  const wanted = await expected();
  const input = written(byEnd);
  const cutMs = T0 + 50 * 3_600_000;
  const at = input.flows.findIndex(({ endMs }) => endMs > cutMs);
  // Whole as of its last flow: nothing of the history waits for the rest.
  const history = { flows: input.flows.slice(0, at), clockMs: () => cutMs };
  const found = await afterBaseline(await detectors, history, input.flows.slice(at));
  const openBefore = new Set(wanted.filter(({ raisedMs }) => raisedMs <= cutMs).map(({ id }) => id));
  const heard = new Set(
    wanted.filter(({ raisedMs, action }) => raisedMs > cutMs && action !== 'closed').map(({ id }) => id),
  );
  same(
    found,
    wanted.filter(({ raisedMs, id }) => raisedMs > cutMs && (!openBefore.has(id) || heard.has(id))),
  );
  assert.ok(found.length > 20, `${found.length} revisions`);
});

/** All detectors with few keys each, so that it takes little to fill them. */
async function withFewKeys(): Promise<{
  found: (flows: readonly Flow[]) => readonly Alert[];
  evicted: () => number;
}> {
  let evicted = 0;
  const plan = await detectors;
  const small = {
    ...plan,
    detectors: plan.detectors.map((each) => ({ ...each, maxKeys: LANES * 200 })),
    evicted: (_name: string, count: number) => void (evicted += count),
  };
  return {
    found: (all) => inOneProcess(small, written(all.toSorted((a, b) => a.endMs - b.endMs))).alerts,
    evicted: () => evicted,
  };
}

const about = (alerts: readonly Alert[], detector: string, workload: string): boolean =>
  alerts.some(
    ({ detector: by, entity, severity }) =>
      by === detector && entity.name === workload && severity !== 'info',
  );

const scan: Traffic = {
  at: '51h',
  every: '100ms',
  from: pod('life/client-1'),
  to: pod('shop/db'),
  port: ports(1, 400),
  fate: 'failed',
};

test('an adversary outside who fills the tables with made-up sources hides no scan by a workload', async () => {
  const { found, evicted } = await withFewKeys();
  const flood: Traffic = {
    at: '50.9h',
    every: '20ms',
    from: addresses('198.18', 20_000),
    to: pod('life/server-1'),
    port: ports(1, 997),
    fate: 'failed',
  };
  const alerts = found(flowsOf([life, flood, scan]));
  assert.ok(evicted() > 10_000, `${evicted()} keys given up`);
  assert.ok(about(alerts, 'port_scan', 'client-1'));
});

test('a workload that fills the tables with destinations of its own is found by doing so', async () => {
  const { found, evicted } = await withFewKeys();
  const flood: Traffic = {
    at: '50.9h',
    every: '50ms',
    from: pod('life/client-1'),
    to: addresses('10.7', 20_000),
    port: 443,
    fate: ['failed', 'answered'],
  };
  const alerts = found(flowsOf([life, flood]));
  assert.ok(evicted() > 10_000, `${evicted()} keys given up`);
  assert.ok(about(alerts, 'port_scan', 'client-1') || about(alerts, 'new_edge', 'client-1'));
});
