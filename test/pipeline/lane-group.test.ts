import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Detector } from '../../pipeline/contracts.ts';
import type { Cut } from '../../pipeline/cut.ts';
import { createLaneGroup, type LaneGroup } from '../../pipeline/lane-group.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { noticeOfLoss } from '../../pipeline/notice.ts';
import {
  newAlert,
  newEvidence,
  newLinks,
  newLoss,
  newParty,
  newWhy,
  type Alert,
  type Flow,
} from '../../schema/records.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { logEntry, markAt } from './fake-log.ts';

const DISORDER_MS = 4000;

/** Raises at every second copy, naming all copies so far: it tells any difference in what was folded and when. */
function historian(name: string): Detector {
  let seen: string[] = [name];
  return {
    key: 'endpoint',
    *observe(flow, role) {
      seen.push(`${flow.position}${role === 'source' ? '>' : '<'}`);
      if (seen.length % 2 === 0) yield alertOf(seen.join(' '), flow.endMs);
    },
    *notice({ record, timeMs }) {
      seen.push(`!${record.id}`);
      if (seen.length % 2 === 0) yield alertOf(seen.join(' '), timeMs);
    },
    advance: () => [],
    *snapshot() {
      yield Buffer.from(JSON.stringify(seen));
    },
    restore(chunks) {
      seen = JSON.parse(Buffer.concat([...chunks]).toString()) as string[];
    },
    status: () => ({ state: 'ready', keys: seen.length }),
  };
}

const alertOf = (rule: string, timeMs: number): Alert =>
  newAlert({
    id: rule,
    revision: 0,
    detector: 'historian',
    rule,
    score: 1,
    entity: newParty({ key: 'x' }),
    cluster: 'test',
    firstMs: timeMs,
    lastMs: timeMs,
    raisedMs: timeMs,
    count: 1,
    why: newWhy({ summary: '' }),
    evidence: newEvidence(),
    links: newLinks(),
  });

const HISTORIANS = 3;

/** Two lanes, each of which sees all, with detectors that are copied one by one. */
const laneGroup = (): LaneGroup =>
  createLaneGroup({
    lanes: [0, 1],
    feeds: 2,
    route(feed, _flow, _entry, to) {
      for (const lane of [0, 1]) to(lane, feed === 0 ? 'source' : 'destination');
    },
    detectors: (lane) =>
      Array.from({ length: HISTORIANS }, (_, i) => ({
        name: `historian ${i}`,
        detector: historian(`${lane}.${i}`),
        where: null,
      })),
    sliceMs: 0,
    maxWaiting: 1e6,
    stateKey: 'same',
    failed: (error) => {
      throw error;
    },
    late: () => assert.fail('nothing is late here'),
    overflowed: () => assert.fail('nothing overflows'),
  });

/**
 * A partition: flows of one origin and what else it told of, out of order by up to `DISORDER_MS`, with marks between
 * them that never say too much, and pieces that were delivered again as after a crash upstream.
 */
function partition(shuffles: readonly number[], again: readonly number[]): LogEntry<Flow>[] {
  const entries: LogEntry<Flow>[] = [];
  let greatestMs = -Infinity;
  const append = (entry: LogEntry<Flow>): void => void entries.push({ ...entry, offset: entries.length });
  const flows = shuffles.map((shuffle, position) =>
    aFlow({ position, startMs: T0 + position * 500 + (shuffle % DISORDER_MS) }),
  );
  for (const [i, flow] of flows.entries()) {
    append(logEntry(0, { value: flow, appendMs: T0 + 1e9 }));
    greatestMs = Math.max(greatestMs, flow.startMs);
    const told = noticeOfLoss(
      newLoss({ id: `l${i}`, where: 'test', sinceMs: 0, untilMs: flow.startMs }),
      'a',
      T0 + 1e9,
    );
    for (let copies = i % 4 === 3 ? again[i % again.length]! % 3 : -1; copies >= 0; copies--)
      append(logEntry(0, { notice: told, appendMs: T0 + 1e9 }));
    if (i % 3 === 2) append(logEntry(0, { mark: markAt(greatestMs - DISORDER_MS - 500) }));
    const back = again[i % again.length]!;
    for (const old of flows.slice(Math.max(0, i + 1 - back), i + 1))
      append(logEntry(0, { value: old, appendMs: T0 + 1e9 }));
  }
  append(logEntry(0, { mark: markAt(T0 + 1e9, { final: true }) }));
  return entries;
}

/** Reads both partitions to their end, in turns of the given lengths, and dies after some of the turns. */
function read(
  feeds: readonly (readonly LogEntry<Flow>[])[],
  turns: readonly number[],
  cuts: ReadonlySet<number>,
): string[] {
  const raised = new Set<string>();
  let group = laneGroup();
  let at = [0, 0];
  for (let turn = 0; at.some((offset, feed) => offset < feeds[feed]!.length); turn++) {
    const feed = turn % 2;
    const length = turns[turn % turns.length]!;
    const piece = feeds[feed]!.slice(at[feed], at[feed]! + length);
    at[feed]! += piece.length;
    for (const { rule } of group.take(feed, piece)) raised.add(rule);
    if (!cuts.has(turn)) continue;
    const { chunks, resume } = group.snapshot();
    // What is read after the snapshot and before the death is raised as well, and read again.
    const lost = feeds[1 - feed]!.slice(at[1 - feed], at[1 - feed]! + length);
    for (const { rule } of group.take(1 - feed, lost)) raised.add(rule);
    group = laneGroup();
    assert.deepEqual(group.restore(chunks), []);
    assert.deepEqual(group.resume, resume);
    at = [...resume];
  }
  return [...raised].sort();
}

test('two partitions read in any turns, delivered twice and cut anywhere: the same alerts', () => {
  const some = (max: number, minLength: number) => fc.array(fc.nat(max), { minLength, maxLength: 40 });
  fc.assert(
    fc.property(
      some(DISORDER_MS, 10),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 7 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(30), { maxLength: 6 }),
      (shuffles, again, turns, cuts) => {
        const whole = read([partition(shuffles, [0]), partition(shuffles, [0])], [1000], new Set());
        assert.ok(whole.length > 0);
        const feeds = [partition(shuffles, again), partition(shuffles, [...again].reverse())];
        assert.deepEqual(read(feeds, turns, new Set(cuts)), whole);
      },
    ),
    { numRuns: 300 },
  );
});

/**
 * Reads both partitions in turns. A snapshot begins with each of `begins` and is made a slice a turn; once it is whole
 * the reader dies, some turns later, and goes on from it.
 */
function readWhileSaving(
  feeds: readonly (readonly LogEntry<Flow>[])[],
  turns: readonly number[],
  begins: readonly number[],
): string[] {
  const raised = new Set<string>();
  let group = laneGroup();
  let at = [0, 0];
  let cut: Cut | null = null;
  let chunks: Uint8Array[] = [];
  let turn = 0;
  const waits = [...begins];
  let beginsIn = waits.shift() ?? Infinity;
  while (at.some((offset, feed) => offset < feeds[feed]!.length)) {
    const feed = turn % 2;
    const length = turns[turn++ % turns.length]!;
    const piece = feeds[feed]!.slice(at[feed], at[feed]! + length);
    at[feed]! += piece.length;
    for (const { rule } of group.take(feed, piece)) raised.add(rule);
    if (cut === null) {
      if (beginsIn-- > 0) continue;
      cut = group.cut();
      chunks = [];
    }
    const slice = cut.next();
    if (slice !== null) {
      chunks.push(...slice);
      continue;
    }
    group = laneGroup();
    assert.deepEqual(group.restore(chunks), []);
    assert.deepEqual(group.resume, cut.resume);
    at = [...cut.resume];
    cut = null;
    beginsIn = waits.shift() ?? Infinity;
  }
  return [...raised].sort();
}

test('a snapshot made while the fold goes on: the same alerts, and again when it is read before all has come again', () => {
  const some = (max: number, minLength: number) => fc.array(fc.nat(max), { minLength, maxLength: 60 });
  fc.assert(
    fc.property(
      some(DISORDER_MS, 20),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 7 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(12), { minLength: 1, maxLength: 5 }),
      (shuffles, again, turns, begins) => {
        const whole = read([partition(shuffles, [0]), partition(shuffles, [0])], [1000], new Set());
        assert.ok(whole.length > 0);
        const feeds = [partition(shuffles, again), partition(shuffles, [...again].reverse())];
        assert.deepEqual(readWhileSaving(feeds, turns, begins), whole);
      },
    ),
    { numRuns: 150 },
  );
});
