import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Alert, Flow } from '../../schema/records.ts';
import { seededRandom } from '../helpers/random.ts';
import { clusterFlows } from './cluster.ts';
import { address, addresses, flowsOf, life, node, pod, policy, ports, T0, type Traffic } from './scenario.ts';
import {
  afterBaseline,
  everyDetector,
  inOneProcess,
  inProcesses,
  LANES,
  whileSaving,
  written,
} from './together.ts';

const moves =
  (bytes: number) =>
  (flow: Flow): void => {
    flow.sourceBytes = bytes;
    flow.destinationBytes = 10_000;
  };
const login = (flow: Flow): void => {
  flow.startMs = flow.endMs - 3_000;
  flow.sourcePackets = 14;
  flow.destinationPackets = 12;
  flow.sourceBytes = 2_300;
  flow.destinationBytes = 2_200;
};
const tunnel = (flow: Flow): void => {
  flow.sourcePackets = 10;
  flow.destinationPackets = 10;
  flow.sourceBytes = 4_000;
  flow.destinationBytes = 4_000;
};
const hours = (flow: Flow): void => {
  flow.startMs = flow.endMs - 5 * 3_600_000;
  flow.sourceBytes = 2_000_000;
};
/** The data plane let it pass, and the policies deny it. */
const mismatched = (flow: Flow): void => {
  flow.policies = [{ ...policy('deny', 'bank'), inferred: true }];
};
/** Every ten minutes for two days. */
const usually = { at: '0s', every: '10m', times: 310, port: 443, fate: 'answered' } as const;

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
  // What those that look for something else need: a habit, and what breaks it.
  { ...usually, from: pod('shop/front'), to: address('203.0.113.5'), tune: moves(100_000) },
  {
    ...usually,
    at: '51h',
    every: '1m',
    times: 10,
    from: pod('shop/front'),
    to: address('203.0.113.5'),
    tune: moves(9e7),
  },
  { ...usually, from: pod('shop/pay'), to: pod('shop/front') },
  {
    ...usually,
    at: '2m',
    every: '5m',
    times: 600,
    from: pod('shop/stream'),
    to: pod('shop/cache'),
    tune: moves(2e7),
  },
  {
    ...usually,
    at: '50.2h',
    every: '5m',
    times: 14,
    from: pod('shop/stream'),
    to: pod('shop/cache'),
    tune: moves(9e8),
  },
  {
    at: '51.7h',
    every: '1s',
    times: 200,
    from: pod('shop/pay'),
    to: pod('bank/core'),
    port: 5432,
    fate: 'denied',
    policy: policy('only-api', 'bank'),
  },
  {
    at: '51.8h',
    every: '3ms',
    from: addresses('198.51', 3000),
    to: pod('shop/front'),
    times: 12_000,
    port: 443,
    fate: 'failed',
  },
  {
    at: '51.9h',
    every: '5s',
    times: 30,
    from: pod('shop/pay'),
    to: node('vm-1'),
    port: 22,
    fate: 'answered',
    tune: login,
  },
  {
    at: '52h',
    every: '1s',
    times: 120,
    from: pod('shop/pay'),
    to: pod('kube-system/coredns'),
    port: 53,
    protocol: 'udp',
    fate: 'answered',
    tune: tunnel,
  },
  {
    at: '52h',
    every: '1m',
    times: 20,
    from: pod('shop/pay'),
    to: address('192.0.2.77'),
    port: 3333,
    fate: 'answered',
  },
  {
    at: '52.5h',
    times: 1,
    from: pod('shop/pay'),
    to: address('203.0.113.99'),
    port: 443,
    fate: 'answered',
    tune: hours,
  },
  {
    at: '51.5h',
    every: '30s',
    times: 20,
    from: pod('shop/pay', { serviceAccount: 'default' }),
    to: node('master-0'),
    port: 6443,
    fate: 'answered',
  },
  {
    at: '51.5h',
    every: '30s',
    times: 40,
    from: pod('shop/pay'),
    to: pod('bank/core'),
    port: 5432,
    fate: 'allowed',
    tune: mismatched,
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
    // What has a duration of its own keeps it.
    startMs: flow.startMs < flow.endMs ? flow.startMs : flow.endMs - Math.floor(random() * 60_000),
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

test('all detectors together: the traffic of these properties makes them speak', async () => {
  const speaking = new Set((await expected()).map(({ detector }) => detector));
  const silent = (await detectors).detectors.map(({ name }) => name).filter((name) => !speaking.has(name));
  // A flow alone makes neither of these speak: policy changes do, and losses and reporters that fall silent.
  assert.deepEqual(silent, ['policy_change', 'silence']);
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
    { numRuns: 3 },
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
    { numRuns: 3 },
  );
});

test('all detectors together: the same alerts when it is cut anywhere and goes on from its snapshot', async () => {
  const plan = await detectors;
  const wanted = await expected();
  fc.assert(
    fc.property(indexes, (cuts) => same(inOneProcess(plan, written(byStart), cuts).alerts, wanted)),
    { numRuns: 3 },
  );
});

test('all detectors together: the same alerts when it dies of a snapshot that was made while the fold went on', async () => {
  const plan = await detectors;
  const wanted = await expected();
  fc.assert(
    fc.property(indexes, (begins) => same(whileSaving(plan, written(byStart), begins).alerts, wanted)),
    { numRuns: 3 },
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
