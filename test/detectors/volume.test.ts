import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/volume/index.ts';
import { options } from '../../detectors/volume/options.ts';
import type { DetectorFactory } from '../../pipeline/contracts.ts';
import type { Alert, Endpoint, Flow, Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { generator } from './cluster.ts';
import { opened, runDetector } from './harness.ts';
import { address, flowsOf, pod, T0, type Traffic } from './scenario.ts';
import { readCase } from './zeek.ts';

const factory = create(options.parse({}));
const web = pod('shop/web');
const WEB = 'test/shop/Deployment/web';
const DAY = 288;
const WEEK = 7 * DAY;

/** How busy it is: nights and days off are a fifth of a working day. */
function busyness(bucket: number): number {
  const hour = Math.floor(bucket / 12) % 24;
  const isWorkday = Math.floor(bucket / DAY) % 7 < 5;
  return isWorkday && hour >= 7 && hour < 19 ? 1 : 0.2;
}

interface Life {
  readonly who?: Endpoint;
  readonly peer?: Endpoint;
  /** Spans of five minutes from the beginning of the scenario. */
  readonly from?: number;
  readonly to: number;
  /** Bytes in a span of the busy day, of which a tenth is received. */
  readonly bytes?: number;
  /** What is multiplied to the bytes of a span. */
  readonly change?: (bucket: number) => number;
  readonly tune?: (flow: Flow) => void;
}

/** One flow each span, as much as there is at that hour, with a little noise. */
function life({ who = web, peer = pod('shop/api'), from = 0, to, bytes = 1e8, change, tune }: Life): Flow[] {
  const random = generator(7);
  const flows = flowsOf([
    { at: `${from * 5}m`, every: '5m', times: to - from, from: who, to: peer, fate: 'answered' },
  ]);
  return flows.filter((flow, i) => {
    const bucket = from + i;
    const total = bytes * busyness(bucket) * (0.7 + 0.6 * random()) * (change?.(bucket) ?? 1);
    flow.sourceBytes = Math.round(total * 0.9);
    flow.destinationBytes = Math.round(total * 0.1);
    flow.startMs += 30_000;
    flow.endMs = flow.startMs + 1_000;
    flow.receivedMs = flow.endMs;
    flow.origin = `${who.entity}`;
    flow.id = `${who.entity} ${bucket}`;
    tune?.(flow);
    return total > 0;
  });
}

const between =
  (from: number, to: number, factor: number) =>
  (bucket: number): number =>
    bucket >= from && bucket < to ? factor : 1;

/** Two weeks, then the Tuesday of the third at ten in the morning. */
const TUESDAY = 2 * WEEK + DAY + 120;

interface Scenario {
  readonly name: string;
  readonly flows: () => readonly Flow[];
  readonly finds: readonly {
    readonly who: string;
    readonly rule: string;
    readonly severity: Severity;
    readonly says: RegExp;
  }[];
}

const scenarios: readonly Scenario[] = [
  {
    name: 'ten times as much for half an hour of a working day',
    flows: () => life({ to: TUESDAY + 20, change: between(TUESDAY, TUESDAY + 6, 10) }),
    finds: [
      {
        who: WEB,
        rule: 'Traffic rose',
        severity: 'low',
        says: /^shop\/web moved (\d\d\d MB|1\.\d GB) within five minutes, 90 % of it sent, and too much for 15 min now, where (8|9|10)\d MB is usual at this hour of the week and 1\d\d MB was nearly never exceeded\. Among those at the other side is test\/shop\/Deployment\/api\. Ask the owner of shop\/web which release, job or customer changed it/,
      },
    ],
  },
  {
    name: 'five times as much in the night, which is no more than by day',
    flows: () => life({ to: TUESDAY + 180, change: between(TUESDAY + 150, TUESDAY + 156, 6), bytes: 2e8 }),
    finds: [{ who: WEB, rule: 'Traffic rose', severity: 'low', says: /where (3|4)\d MB is usual/ }],
  },
  {
    name: 'a hundred times as much is worse',
    flows: () => life({ to: TUESDAY + 20, change: between(TUESDAY, TUESDAY + 6, 100) }),
    finds: [{ who: WEB, rule: 'Traffic rose', severity: 'medium', says: /GB within/ }],
  },
  {
    name: 'a tenth of what it was, for half an hour',
    flows: () => life({ to: TUESDAY + 20, change: between(TUESDAY, TUESDAY + 6, 0.05) }),
    finds: [
      {
        who: WEB,
        rule: 'Traffic fell',
        severity: 'low',
        says: /^shop\/web moved only \d\.\d MB within five minutes, and too little for 15 min now, where (8|9|10)\d MB is usual.*Ask the owner of shop\/web whether it is down/,
      },
    ],
  },
  {
    name: 'nothing at all, while others of its lane go on',
    flows: () => [
      ...life({ to: TUESDAY + 20, change: between(TUESDAY, TUESDAY + 6, 0), peer: address('203.0.113.7') }),
      ...life({
        who: pod('other/one'),
        peer: address('203.0.113.8'),
        to: TUESDAY + 20,
        bytes: 5e6,
      }),
    ],
    finds: [{ who: WEB, rule: 'Traffic fell', severity: 'low', says: /moved only 0 B within five minutes/ }],
  },
  {
    name: 'in connections, of what counts no bytes',
    flows: () =>
      life({
        to: TUESDAY + 20,
        bytes: 2_000,
        change: between(TUESDAY, TUESDAY + 6, 10),
        tune(flow) {
          flow.connectionsStarted = flow.sourceBytes;
          flow.sourceBytes = flow.destinationBytes = null;
        },
      }),
    finds: [
      {
        who: WEB,
        rule: 'Traffic rose',
        severity: 'low',
        says: /moved \d+ connections within five minutes, and too much/,
      },
    ],
  },
  {
    name: 'in the first week a rise is told only',
    flows: () => life({ to: 2 * DAY + 140, change: between(2 * DAY + 120, 2 * DAY + 130, 20) }),
    finds: [{ who: WEB, rule: 'Traffic rose', severity: 'info', says: /too much for 15 min/ }],
  },
  {
    name: 'silence: three weeks of days, nights and days off',
    flows: () => life({ to: 3 * WEEK }),
    finds: [],
  },
  {
    name: 'silence: ten minutes of ten times as much, then ten minutes of nothing',
    flows: () => [
      ...life({
        to: TUESDAY + 20,
        change: (bucket) =>
          bucket >= TUESDAY && bucket < TUESDAY + 2
            ? 10
            : bucket >= TUESDAY + 4 && bucket < TUESDAY + 6
              ? 0
              : 1,
      }),
      ...life({ who: pod('other/one'), to: TUESDAY + 20, bytes: 5e6 }),
    ],
    finds: [],
  },
  {
    name: 'silence: twice as much all day, and what is little, whatever it was before',
    flows: () => [
      ...life({ to: TUESDAY + 100, change: between(TUESDAY, TUESDAY + 100, 2) }),
      ...life({
        who: pod('other/one'),
        to: TUESDAY + 100,
        bytes: 20_000,
        change: between(TUESDAY, TUESDAY + 100, 100),
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: on the first day, whatever happens',
    flows: () => life({ to: DAY, change: (bucket) => (bucket > 100 && bucket < 130 ? 50 : 1) }),
    finds: [],
  },
  {
    name: 'silence: the whole lane stops, and comes back after hours',
    flows: () => life({ to: TUESDAY + 60, change: between(TUESDAY, TUESDAY + 40, 0) }),
    finds: [],
  },
  {
    name: 'silence: a day of one connection, told of in one flow',
    flows: () => [
      ...life({ to: TUESDAY + 20 }),
      ...life({
        peer: pod('shop/long'),
        from: TUESDAY,
        to: TUESDAY + 1,
        bytes: 1e11,
        tune: (flow) => void ((flow.startMs -= 86_400_000), (flow.id = 'long')),
      }),
    ],
    finds: [],
  },
  {
    name: 'silence: what was denied, or told of by the other side too',
    flows: () => [
      ...life({ to: TUESDAY + 20 }),
      ...['deny', 'twice'].flatMap((kind) =>
        life({
          peer: pod('shop/far'),
          from: TUESDAY,
          to: TUESDAY + 10,
          bytes: 1e11,
          tune(flow) {
            flow.id += kind;
            if (kind === 'deny') flow.verdict = 'deny';
            else flow.counted = false;
          },
        }),
      ),
    ],
    finds: [],
  },
  {
    name: 'silence: the internet, which has no owner',
    flows: () =>
      life({
        who: address('198.51.100.9'),
        peer: address('203.0.113.9'),
        to: TUESDAY + 20,
        change: between(TUESDAY, TUESDAY + 10, 100),
      }),
    finds: [],
  },
];

/** What is found of one entity; the other side of its flows has as much to tell. */
const about = (alerts: readonly Alert[], name: string): readonly Alert[] =>
  opened(alerts).filter(({ entity }) => entity.name === name);

for (const scenario of scenarios) {
  test(`volume: ${scenario.name}`, () => {
    const { alerts } = runDetector(factory, scenario.flows(), { lanes: 1 });
    const found = scenario.finds.length === 0 ? opened(alerts) : about(alerts, 'web');
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, rule: alert.rule, severity: alert.severity })),
      scenario.finds.map(({ who, rule, severity }) => ({ who, rule, severity })),
      found.map(({ why }) => why.summary).join('\n'),
    );
    for (const [i, alert] of found.entries()) {
      assert.match(alert.why.summary, scenario.finds[i]!.says);
      const [first] = alert.why.factors;
      assert.ok(first!.expected !== null && first!.threshold !== null);
      assert.ok(alert.why.historyMs >= 86_400_000);
      assert.equal(alert.why.learning, alert.severity === 'info');
    }
  });
}

test('volume: it is told within the third span of a rise, and at the end of the third of a fall', () => {
  for (const [factor, spans] of [
    [10, 2],
    [0.02, 3],
  ] as const) {
    const flows = life({ to: TUESDAY + 20, change: between(TUESDAY, TUESDAY + 6, factor) });
    const [first] = about(runDetector(factory, flows, { lanes: 1 }).alerts, 'web');
    const beganMs = T0 + TUESDAY * 300_000;
    const afterMs = first!.raisedMs - beganMs;
    assert.ok(afterMs >= spans * 300_000 && afterMs <= spans * 300_000 + 60_000, `${afterMs} ms`);
  }
});

test('volume: a fall that goes on for hours is one alert', () => {
  const flows = [
    ...life({ to: TUESDAY + 60, change: between(TUESDAY, TUESDAY + 40, 0), peer: address('203.0.113.7') }),
    ...life({ who: pod('other/one'), to: TUESDAY + 60, bytes: 5e6, peer: address('203.0.113.8') }),
  ];
  const { alerts } = runDetector(factory, flows, { lanes: 1 });
  assert.equal(opened(alerts).length, 1);
  const last = alerts.at(-1)!;
  assert.equal(last.action, 'closed');
  assert.match(last.why.summary, /too little for 3\.3 h now/);
  assert.equal(last.lastMs, T0 + (TUESDAY + 40) * 300_000);
});

test('volume: the same rise on the next day is told again, one of every night no more after some, one that stays once', () => {
  const daily = (days: number): number => {
    const change = (bucket: number): number =>
      bucket >= TUESDAY + 150 &&
      bucket < TUESDAY + days * DAY &&
      (bucket - TUESDAY) % DAY >= 150 &&
      (bucket - TUESDAY) % DAY < 156
        ? 60
        : 1;
    const flows = life({ to: TUESDAY + days * DAY + 20, change });
    return about(runDetector(factory, flows, { lanes: 1 }).alerts, 'web').length;
  };
  assert.equal(daily(2), 2);
  const told = daily(25);
  assert.ok(told >= 2 && told <= 8, `${told} alerts`);
  const stays = life({ to: 4 * WEEK, change: between(TUESDAY, 5 * WEEK, 12) });
  const { alerts } = runDetector(factory, stays, { lanes: 1 });
  assert.equal(about(alerts, 'web').length, 1);
  const closed = alerts.find(({ action, entity }) => action === 'closed' && entity.name === 'web')!;
  assert.ok(closed.raisedMs < T0 + (TUESDAY + 2 * DAY) * 300_000);
});

test('volume: of the spans of benign entities fewer than 1 in 1,000 are flagged, whatever they look like', (t) => {
  const random = generator(11);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  /** Busy by day on five days of the week, a tenth of it at night and on days off. */
  const office = (bucket: number): number => {
    const hour = (bucket % DAY) / 12;
    const isBusy = bucket % WEEK < 5 * DAY && hour >= 7 && hour < 19;
    return (isBusy ? 1 : 0.1) * Math.exp(0.5 * normal());
  };
  /** A release every Tuesday at ten: ten minutes of eight times as much while caches fill, then a third more or less than before. */
  const released = (bucket: number): number => {
    const since = bucket - TUESDAY;
    const isFilling = ((since % WEEK) + WEEK) % WEEK < 2;
    return (isFilling ? 8 : 1) * (Math.floor(since / WEEK) % 2 === 0 ? 1.33 : 1) * office(bucket);
  };
  /** A backup every night from one to two, a full one on Sundays. */
  const backedUp = (bucket: number): number => {
    const hour = (bucket % DAY) / 12;
    const isBackup = hour >= 1 && hour < 2;
    return (isBackup ? (bucket % WEEK >= 6 * DAY ? 60 : 15) : 1) * office(bucket);
  };
  /** Steady, bursty over four decades, hourly jobs, mostly idle, growing by a tenth a week, and the three above. */
  const shapes: readonly ((bucket: number) => number)[] = [
    () => Math.exp(0.3 * normal()),
    () => Math.exp(2 * normal()),
    (bucket) => (bucket % 12 === 0 ? 50 : 0.01) * Math.exp(0.5 * normal()),
    () => (random() < 0.02 ? 30 * random() : 0),
    (bucket) => 1.1 ** (bucket / WEEK) * Math.exp(normal()),
    office,
    released,
    backedUp,
  ];
  let spans = 0;
  const flows = shapes.flatMap((shape, kind) =>
    [0, 1, 2].flatMap((i) => {
      const made = life({
        who: pod(`shape-${kind}/pod-${i}`),
        peer: address('203.0.113.7'),
        to: 4 * WEEK,
        bytes: 3e7 * 4 ** i,
        change: shape,
      });
      spans += 3 * WEEK;
      return made;
    }),
  );
  const { alerts } = runDetector(factory, flows, { lanes: 1 });
  const flagged = alerts
    .filter(({ action }) => action === 'closed')
    .reduce((sum, { firstMs, lastMs }) => sum + Math.floor((lastMs - firstMs) / 300_000) + 1, 0);
  t.diagnostic(`${flagged} of ${spans} benign spans flagged, ${opened(alerts).length} alerts`);
  assert.ok(flagged / spans < 0.001, `${flagged} of ${spans}`);
});

test('volume: strange numbers and times raise nothing and break nothing', () => {
  const strange = [Number.NaN, -1e12, Number.POSITIVE_INFINITY, null];
  const odd = (name: string, tune: (flow: Flow, i: number) => void): Flow[] => {
    let i = 0;
    return life({
      who: web,
      from: WEEK,
      to: WEEK + 8,
      tune(flow) {
        flow.id += name;
        tune(flow, i++);
      },
    });
  };
  const flows = [
    ...life({ to: WEEK + 20 }),
    ...odd('numbers', (flow, i) => {
      flow.sourceBytes = strange[i % 4]!;
      flow.destinationBytes = strange[(i + 1) % 4]!;
      flow.connectionsStarted = strange[(i + 2) % 4]!;
    }),
    ...odd('ports', (flow) => void (flow.source.port = flow.destination.port = null)),
    ...odd('early', (flow) => void (flow.startMs = flow.endMs = -1e13)),
    ...odd('future', (flow) => void (flow.startMs = flow.endMs = 9e15)),
    ...odd('never', (flow) => void (flow.endMs = Number.NaN)),
  ];
  assert.deepEqual(opened(runDetector(factory, flows, { lanes: 1 }).alerts), []);
});

const quick = create(options.parse({ learnMs: 7_200_000, seasonMs: 7_200_000 }));

/** Five-minute buckets of private hosts two hours and more after their first flow, and those of them that alerts last into. */
function countFlagged(one: DetectorFactory, flows: readonly Flow[]): { judged: number; flagged: number } {
  const first = new Map<string, number>();
  const buckets = new Set<string>();
  for (const { source, destination, endMs } of flows)
    for (const { kind, ip } of [source, destination]) {
      if (kind !== 'private' || ip === null) continue;
      const bucket = Math.floor(endMs / 300_000);
      first.set(ip, Math.min(first.get(ip) ?? bucket, bucket));
      buckets.add(`${bucket} ${ip}`);
    }
  const judged = [...buckets].filter((key) => {
    const [bucket = '', ip = ''] = key.split(' ');
    return Number(bucket) >= first.get(ip)! + 24;
  });
  const flagged = new Set<string>();
  for (const { action, entity, firstMs, lastMs } of runDetector(one, flows).alerts)
    if (action === 'closed')
      for (let at = Math.floor(firstMs / 300_000); at <= Math.floor(lastMs / 300_000); at++)
        flagged.add(`${at} ${entity.ip}`);
  return { judged: judged.length, flagged: judged.filter((key) => flagged.has(key)).length };
}

test('volume: flags nothing of recordings of ordinary traffic when it learned for two hours only; the quantile alone would', (t) => {
  const eager = create(
    options.parse({
      learnMs: 7_200_000,
      seasonMs: 7_200_000,
      riseBytes: 1_000,
      fallBytes: 100,
      buckets: 1,
      riseFactor: 1.001,
      fallFactor: 0.99,
    }),
  );
  const sums = { judged: 0, quick: 0, eager: 0 };
  for (const name of [
    'benign-ubuntu-2023-02-20',
    'iot-benign',
    'k8s-benign-first-half',
    'rita-missing-host-3days',
    'rita-proxy-rolling-2h-background',
  ]) {
    const found = readCase(name);
    // The labelled flows are not part of the project; its own scenarios cover the same.
    if (found === null) return t.diagnostic('the labelled flows are not beside the repository');
    const { judged, flagged } = countFlagged(quick, found.flows);
    sums.judged += judged;
    sums.quick += flagged;
    sums.eager += countFlagged(eager, found.flows).flagged;
  }
  t.diagnostic(`${sums.quick} of ${sums.judged} buckets, ${sums.eager} by the quantile alone`);
  assert.equal(sums.quick, 0);
  assert.ok(sums.judged > 900 && sums.eager > 50);
});

detectorContract({
  name: 'volume',
  factory: quick,
  alerting: [
    ...life({ to: 95, change: between(60, 66, 20), bytes: 1e9 }),
    ...life({ who: pod('shop/batch'), to: 95, bytes: 1e9, change: between(70, 80, 0.01) }),
    ...life({ who: pod('shop/gone'), to: 95, bytes: 1e9, change: between(80, 90, 0) }),
    ...Array.from({ length: 4 }, (_, i) =>
      life({ who: pod(`life/pod-${i}`), to: 95, bytes: 1e4, peer: pod(`life/peer-${i}`) }),
    ).flat(),
  ],
  benign: life({ to: 80 }),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: web,
        fate: 'answered',
      } satisfies Traffic,
    ]),
});
