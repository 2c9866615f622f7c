import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../../detectors/beacon/index.ts';
import { options } from '../../detectors/beacon/options.ts';
import {
  beyondChance,
  chances,
  evenness,
  robustEvenness,
  type Chance,
} from '../../detectors/beacon/rhythm.ts';
import type { Alert } from '../../schema/records.ts';
import { seededRandom } from '../helpers/random.ts';
import { opened, runDetector } from './harness.ts';
import { address, flowsOf, pod, T0 } from './scenario.ts';

const factory = create(options.parse({}));
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Random = () => number;

const exponential = (random: Random, mean: number): number => -mean * Math.log(1 - random());

/** Of mean 0 and standard deviation 1. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Milliseconds to the next call. */
type Gap = (random: Random) => number;
/** Bytes sent and received in a call. */
type Sizes = (random: Random) => readonly [number, number];

/** Sleeps with a share of jitter either way. */
const sleep =
  (ms: number, jitter = 0): Gap =>
  (random) =>
    ms * (1 + 2 * jitter * (random() - 0.5));

/** Calls that are lost one in so many. */
const losing =
  (gap: Gap, share: number): Gap =>
  (random) => {
    let ms = gap(random);
    while (random() < share) ms += gap(random);
    return ms;
  };

/** Now and then an order, which makes some calls at once. */
const withTasks = (gap: Gap, share: number): Gap => {
  let left = 0;
  return (random) => {
    if (left-- > 0) return 300 + random() * 1_500;
    left = random() < share ? 3 + Math.floor(random() * 15) : 0;
    return gap(random);
  };
};

/** Many calls with little between them, then nothing for long. */
const inBursts = (within: Gap, most: number, between: Gap): Gap => {
  let left = 0;
  return (random) => {
    if (left-- > 0) return within(random);
    left = 5 + Math.floor(random() * most);
    return between(random);
  };
};

const atRandom =
  (ms: number): Gap =>
  (random) =>
    exponential(random, ms);

const nothingToSay: Sizes = () => [400, 200];
const checksIn: Sizes = (random) =>
  random() < 0.2 ? [500 + random() * 20_000, 500 + random() * 40_000] : [400, 200];
const fetches: Sizes = (random) => [300 + random() * 900, 200 + exponential(random, 6_000)];

/** What a workload's calls to one address of the internet raise, from severity low on. */
function raised(gap: Gap, sizes: Sizes, spanMs: number, seed: number): Alert[] {
  const random = seededRandom(seed);
  const times: number[] = [];
  for (let at = random() * SECOND; at < spanMs; at += gap(random)) times.push(Math.round(at));
  const flows = flowsOf([
    {
      at: '0s',
      times: times.length,
      from: pod('shop/web'),
      to: address('203.0.113.9'),
      port: 443,
      fate: 'answered',
      tune(flow, index) {
        flow.startMs = T0 + times[index]!;
        flow.endMs = flow.startMs + 100 + Math.floor(random() * 400);
        flow.receivedMs = flow.endMs + SECOND;
        [flow.sourceBytes, flow.destinationBytes] = sizes(random);
      },
    },
  ]);
  return opened(runDetector(factory, flows, { lanes: 1, maxKeys: 1_000 }).alerts).filter(
    ({ severity }) => severity !== 'info',
  );
}

const SEEDS = [1, 2, 3, 4, 5, 6];

const channels: readonly (readonly [name: string, gap: () => Gap, spanMs: number])[] = [
  ['five seconds, no jitter', () => sleep(5 * SECOND), 5 * MINUTE],
  ['five seconds, a fifth of jitter', () => sleep(5 * SECOND, 0.2), 5 * MINUTE],
  ['two seconds, 15 % of jitter', () => sleep(2 * SECOND, 0.15), 5 * MINUTE],
  ['ten seconds, half of jitter, with orders', () => withTasks(sleep(10 * SECOND, 0.5), 0.02), HOUR],
  ['a minute, a fifth of jitter, one call in ten lost', () => losing(sleep(MINUTE, 0.2), 0.1), HOUR],
  ['a minute, half of jitter', () => sleep(MINUTE, 0.5), HOUR],
  ['a minute, four fifths of jitter', () => sleep(MINUTE, 0.8), 6 * HOUR],
  ['five minutes, a third of jitter, with orders', () => withTasks(sleep(5 * MINUTE, 0.3), 0.05), 6 * HOUR],
  ['half an hour, a third of jitter', () => sleep(30 * MINUTE, 0.3), 24 * HOUR],
  ['two hours, a fifth of jitter', () => sleep(2 * HOUR, 0.2), 48 * HOUR],
];

for (const [name, gap, spanMs] of channels) {
  test(`beacon: a channel that sleeps for ${name} is found`, () => {
    for (const sizes of [nothingToSay, checksIn])
      for (const seed of SEEDS) assert.equal(raised(gap(), sizes, spanMs, seed).length, 1, `seed ${seed}`);
  });
}

const ordinary: readonly (readonly [name: string, gap: () => Gap, spanMs: number])[] = [
  ['requests of many users, six a minute', () => atRandom(10 * SECOND), 6 * HOUR],
  ['requests of many users, one a minute', () => atRandom(MINUTE), 24 * HOUR],
  [
    'a person who reads and follows links',
    () => (random) => 20 * SECOND * Math.exp(2 * normal(random)),
    24 * HOUR,
  ],
  [
    'sessions with pauses between them',
    () => inBursts(atRandom(8 * SECOND), 20, atRandom(20 * MINUTE)),
    24 * HOUR,
  ],
  [
    'a queue that is worked off, call after call',
    () =>
      inBursts(
        (random) => 800 + exponential(random, 200),
        80,
        (random) => 10 * MINUTE + exponential(random, 20 * MINUTE),
      ),
    24 * HOUR,
  ],
  [
    'a package update once a day, 150 files one after the other',
    () => inBursts((random) => 300 + exponential(random, 700), 150, sleep(24 * HOUR)),
    48 * HOUR,
  ],
];

for (const [name, gap, spanMs] of ordinary) {
  test(`beacon: silence: ${name}`, () => {
    for (const sizes of [nothingToSay, fetches])
      for (const seed of SEEDS) assert.deepEqual(raised(gap(), sizes, spanMs, seed), [], `seed ${seed}`);
  });
}

/** Share of sets of calls at random whose measure is beyond what it calls unlikely. */
function beyond(measure: (gaps: readonly number[]) => number, chance: Chance, calls: number): number {
  const SETS = 20_000;
  const random = seededRandom(calls);
  let found = 0;
  for (let set = 0; set < SETS; set++) {
    const gaps = Array.from({ length: calls - 1 }, () =>
      set % 2 === 0 ? exponential(random, 1) : Math.exp(normal(random)),
    );
    if (beyondChance(measure(gaps), calls, chance) >= 0.7) found++;
  }
  return found / SETS;
}

test('beacon_chance: calls at random are as regular as is asked in about one of 10,000 cases', () => {
  for (const calls of [10, 14, 20, 32, 64]) {
    assert.ok(beyond(evenness, chances.evenness, calls) <= 4e-4, `evenness of ${calls} calls`);
    assert.ok(beyond(robustEvenness, chances.robustEvenness, calls) <= 4e-4, `by medians, of ${calls} calls`);
  }
});

test('beacon: one scale for measures that chance treats differently', () => {
  const chance = { base: 0.2, slope: 1.6 };
  assert.equal(beyondChance(0.4, 64, chance), 0.7);
  assert.equal(beyondChance(1, 64, chance), 1);
  assert.equal(beyondChance(0.2, 64, chance), 0.35);
  assert.equal(beyondChance(0.7, 64, chance), 0.85);
  assert.equal(beyondChance(0.4, 64, chance, 0.8), 0.35);
  assert.equal(robustEvenness([60, 60, 60, 1_000]), 1);
  assert.equal(robustEvenness([5]), 0);
});
