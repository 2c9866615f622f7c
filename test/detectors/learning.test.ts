import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBaseline } from '../../detectors/baseline.ts';
import { addText, finishHash, newHash, startHash, type Hash } from '../../detectors/hash.ts';
import { createKnownGood, knownGoodEntries } from '../../detectors/known-good/index.ts';
import { createLearning } from '../../detectors/learning.ts';
import { duration, listed, stepped } from '../../detectors/words.ts';
import { flowsOf, node, pod, type Traffic } from './scenario.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function hashOf(text: string): Hash {
  const hash = newHash();
  startHash(hash);
  addText(hash, text);
  finishHash(hash);
  return hash;
}

const learning = (maxKeys = 100) =>
  createLearning({
    name: 'l',
    maxKeys,
    learnMs: DAY_MS,
    saturateMs: 20 * MINUTE_MS,
    saturateFlows: 50,
    staleMs: 7 * DAY_MS,
    evict: () => {},
  });

/** Shows a key one flow a minute and gives the slot. */
function show(held: ReturnType<typeof learning>, key: Hash, minutes: number, from = 0): number {
  let slot = -1;
  for (let i = 0; i <= minutes; i++) slot = held.meet(key, from + i * MINUTE_MS);
  return slot;
}

test('learning: a key is ready after a day, and judged by what it was before the new thing', () => {
  const held = learning();
  const key = hashOf('a');
  const slot = held.meet(key, 0);
  assert.equal(held.meetNew(slot, 0), 'learning');
  held.meet(key, DAY_MS - 1);
  assert.equal(held.meetNew(slot, DAY_MS - 1), 'learning');
  held.meet(key, DAY_MS);
  assert.equal(held.meetNew(slot, DAY_MS), 'ready');
  assert.equal(held.ready, 1);
});

test('learning: nothing new for half of an hour is early readiness, and one burst does not undo it', () => {
  const held = learning();
  const key = hashOf('a');
  const slot = show(held, key, 60);
  assert.equal(held.meetNew(slot, 60 * MINUTE_MS), 'saturated');
  assert.equal(held.meetNew(slot, 60 * MINUTE_MS + 1), 'saturated');
});

test('learning: something new in the later half of its life is not saturated, nor is a handful of flows', () => {
  const held = learning();
  const busy = show(held, hashOf('busy'), 60);
  for (const minute of [5, 9, 17, 25, 45]) {
    assert.equal(held.meetNew(busy, minute * MINUTE_MS), 'learning');
  }
  const rare = held.meet(hashOf('rare'), 0);
  held.meet(hashOf('rare'), 60 * MINUTE_MS);
  assert.equal(held.meetNew(rare, 60 * MINUTE_MS), 'learning');
});

test('learning: a key that was away for longer than `staleMs` begins anew', () => {
  const held = learning();
  const key = hashOf('a');
  const slot = show(held, key, 10);
  held.meet(key, DAY_MS);
  assert.equal(held.meetNew(slot, DAY_MS), 'ready');
  held.meet(key, 9 * DAY_MS);
  assert.equal(held.meetNew(slot, 9 * DAY_MS), 'learning');
  assert.equal(held.ready, 0);
});

test('learning: what was learned survives a snapshot; a key that gave way begins anew', () => {
  const held = learning(2);
  const slot = held.meet(hashOf('a'), 0);
  held.meet(hashOf('a'), DAY_MS);
  held.meetNew(slot, DAY_MS);
  const other = learning(2);
  other.restore(new Map(held.sections()));
  assert.equal(other.ready, 1);
  assert.equal(other.ageMs(other.meet(hashOf('a'), 2 * DAY_MS), 2 * DAY_MS), 2 * DAY_MS);
  for (const name of ['b', 'c', 'd']) other.meet(hashOf(name), 2 * DAY_MS);
  assert.equal(other.ready, 0);
  assert.equal(other.meetNew(other.meet(hashOf('a'), 2 * DAY_MS), 2 * DAY_MS), 'learning');
});

test('baseline: each cluster learns from its own first flow, and a clock gone wrong does not end it', () => {
  const held = createBaseline('b', DAY_MS);
  assert.equal(held.isLearning('a', 5), true);
  held.pass('a', 0);
  held.pass('b', 10 * DAY_MS);
  assert.equal(held.isLearning('a', DAY_MS + 1), false);
  assert.equal(held.isLearning('b', 10 * DAY_MS + 1), true);
  assert.equal(held.historyMs('b', 11 * DAY_MS), DAY_MS);
  held.pass('c', 0);
  held.pass('c', 400 * DAY_MS);
  assert.equal(held.isLearning('c', 400 * DAY_MS + 1), true);
  const other = createBaseline('b', DAY_MS);
  other.restore(new Map([held.section()]));
  assert.equal(other.historyMs('b', 11 * DAY_MS), DAY_MS);
});

test('baseline: a thousand names of clusters cost as much as 256', () => {
  const held = createBaseline('b', DAY_MS);
  for (let i = 0; i < 1_000; i++) held.pass(`cluster-${i}`, i);
  const [, bytes] = held.section();
  assert.equal((JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown[]).length, 257);
  assert.equal(held.isLearning('cluster-999', 1_000), true);
});

const first = (line: Omit<Traffic, 'at' | 'fate'>) => flowsOf([{ at: '0s', fate: 'answered', ...line }])[0]!;

test('known good: each kind of traffic is named, and what only looks like it is not', () => {
  const groups = [...new Set(knownGoodEntries.map(({ group }) => group))];
  const known = createKnownGood(groups);
  const cases = [
    ['kubelet-probe', first({ from: node('w'), to: pod('shop/web'), port: 8080 })],
    ['node-to-api-server', first({ from: node('w'), to: node('m'), port: 6443 })],
    ['api-server-to-kubelet', first({ from: node('m'), to: node('w'), port: 10250 })],
    [
      'cluster-dns',
      first({ from: pod('shop/web'), to: pod('kube-system/coredns'), port: 53, protocol: 'udp' }),
    ],
    ['core-controllers', first({ from: pod('kube-system/coredns'), to: node('m'), port: 6443 })],
    ['openshift-controllers', first({ from: pod('openshift-dns/dns-operator'), to: node('m'), port: 6443 })],
    ['kubelet-scrape', first({ from: pod('kube-system/metrics-server'), to: node('w'), port: 10250 })],
    ['ovn-databases', first({ from: node('w'), to: node('m'), port: 6642 })],
    ['overlay-tunnels', first({ from: node('w'), to: node('m'), port: 6081, protocol: 'udp' })],
    [null, first({ from: pod('shop/web'), to: node('m'), port: 6443 })],
    [null, first({ from: pod('shop/web'), to: node('w'), port: 10250 })],
    [null, first({ from: pod('shop/coredns'), to: pod('shop/dns'), port: 53, protocol: 'udp' })],
    [null, first({ from: pod('shop/web'), to: pod('shop/api'), port: 6642 })],
  ] as const;
  for (const [name, flow] of cases) assert.equal(known(flow)?.name ?? null, name);
});

test('known good: only the groups asked for', () => {
  const known = createKnownGood(['dns']);
  assert.equal(known(first({ from: node('w'), to: pod('shop/web'), port: 8080 })), null);
});

test('words: spans, lists and steps', () => {
  assert.deepEqual([900, 90_000, 600_000, 7_200_000, 259_200_000].map(duration), [
    'less than a second',
    '90 s',
    '10 min',
    '2.0 h',
    '3.0 d',
  ]);
  assert.equal(listed(['a', 'b', 'c'], 3, 2), 'a, b and 1 more');
  assert.equal(listed(['a'], 1), 'a');
  assert.equal(stepped('low', -3), 'info');
  assert.equal(stepped('high', 5), 'critical');
});
