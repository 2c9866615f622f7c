import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Detector, Role } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import { createLaneGroup, type LaneGroup, type LaneGroupOptions } from '../../pipeline/lane-group.ts';
import type { LogEntry } from '../../pipeline/log.ts';
import { noticeOfLoss, type Notice } from '../../pipeline/notice.ts';
import { newLoss, type Flow } from '../../schema/records.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { logEntry, markAt } from './fake-log.ts';

/** A detector that only remembers what it was shown. */
function watcher(key: Detector['key'], late?: 'fold'): Detector & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    key,
    seen,
    ...(late ? { late } : {}),
    observe(flow, role) {
      seen.push(`${flow.position}${{ source: '>', destination: '<', rule: 'r' }[role]}`);
      return [];
    },
    advance: () => [],
    *snapshot() {
      yield Buffer.from(JSON.stringify(seen));
    },
    restore(chunks) {
      seen.push(...(JSON.parse(Buffer.concat([...chunks]).toString()) as string[]));
    },
    status: () => ({ state: 'ready', keys: seen.length }),
  };
}

const positionOf = (item: Flow | Notice): number => ('position' in item ? item.position : -1);

/** One lane, fed by the copies of initiators and those of responders, to be written down in any order. */
function laneOf(
  detectors: readonly Detector[],
  options: Partial<LaneGroupOptions> & { readonly only?: (flow: Flow) => boolean } = {},
) {
  const late: (number | null)[] = [];
  const overflowed: number[] = [];
  const failed: string[] = [];
  const group = createLaneGroup({
    lanes: [0],
    feeds: 2,
    route: (feed, _flow, { role }, to) => to(0, role ?? (feed === 0 ? 'source' : 'destination')),
    detectors: () =>
      detectors.map((detector, i) => ({ name: `d${i}`, detector, where: options.only ?? null })),
    maxWaiting: 1000,
    stateKey: '',
    failed: (_error, item, name) => failed.push(`${name} ${positionOf(item)}`),
    late: (_role, endMs) => late.push(endMs === null ? null : endMs - T0),
    overflowed: (count) => overflowed.push(count),
    ...options,
  });
  const offsets = [0, 0];
  const put = (feed: number, entry: Partial<LogEntry<Flow>>): void =>
    void group.take(feed, [logEntry<Flow>(offsets[feed]!++, { appendMs: T0 + 1e9, ...entry })]);
  return {
    group,
    late,
    overflowed,
    failed,
    offer: (position: number, afterMs: number, role: Role = 'source'): void => {
      const value = aFlow({ position, origin: `o${position}`, startMs: T0 + afterMs });
      if (role === 'rule') put(1, { value, role });
      else put(role === 'source' ? 0 : 1, { value });
    },
    tell: (id: string, afterMs: number): void => {
      const loss = newLoss({ id, where: 'source.test', sinceMs: T0, untilMs: T0 + afterMs });
      put(0, { notice: { ...noticeOfLoss(loss, 'a', T0 + 1e6), timeMs: T0 + afterMs } });
    },
    advance: (afterMs: number): void => {
      for (const feed of [0, 1]) put(feed, { mark: markAt(T0 + afterMs) });
    },
  };
}

test('copies for rules are shown to those who asked for them alone, after those of the sides', () => {
  const detectors = [watcher('source'), watcher('destination'), watcher('endpoint'), watcher('rule')];
  const { offer, advance } = laneOf(detectors);
  for (const role of ['rule', 'destination', 'source'] as const) offer(1, 100, role);
  advance(1000);
  assert.deepEqual(
    detectors.map(({ seen }) => seen.join(' ')),
    ['1>', '1<', '1> 1<', '1> 1< 1r'],
  );
});

test('a partition that holds a copy for a side and one for a rule gives both, and neither twice', () => {
  const detector = watcher('rule');
  const group = createLaneGroup({
    lanes: [0],
    feeds: 1,
    route: (_feed, _flow, { role }, to) => to(0, role ?? 'destination'),
    detectors: () => [{ name: 'd', detector, where: null }],
    maxWaiting: 100,
    stateKey: '',
    failed: () => {},
    late: () => {},
    overflowed: () => {},
  });
  const value = aFlow({ position: 7, startMs: T0 });
  const copies = [logEntry(0, { value }), logEntry(1, { value, role: 'rule' })];
  group.take(0, [...copies, logEntry(2, { value }), logEntry(3, { value, role: 'rule' })]);
  group.take(0, [logEntry(4, { mark: markAt(T0 + 1e6) })]);
  assert.deepEqual(detector.seen, ['7<', '7r']);
});

test('a detector meets the copies of its side, in order of time', () => {
  const detectors = [watcher('source'), watcher('destination'), watcher('endpoint')];
  const { offer, advance } = laneOf(detectors);
  for (const [position, afterMs] of [
    [1, 900],
    [2, 100],
  ] as const)
    for (const role of ['destination', 'source'] as const) offer(position, afterMs, role);
  advance(99);
  assert.deepEqual(detectors[2]!.seen, []);
  advance(1000);
  assert.deepEqual(
    detectors.map(({ seen }) => seen.join(' ')),
    ['2> 1>', '2< 1<', '2> 2< 1> 1<'],
  );
});

test('each late copy is told, and shown only to a detector that can still fold it', () => {
  const rate = watcher('endpoint');
  const membership = watcher('endpoint', 'fold');
  const { offer, advance, late } = laneOf([rate, membership]);
  advance(1000);
  offer(7, 1000, 'source');
  offer(7, 1000, 'destination');
  assert.deepEqual([rate.seen, membership.seen, late], [[], ['7>', '7<'], [1000, 1000]]);
});

test('too many waiting flows: the oldest second is judged early and counted, nothing is dropped', () => {
  const detector = watcher('source');
  const { group, offer, advance, overflowed, late } = laneOf([detector], { maxWaiting: 3 });
  for (const [position, afterMs] of [5000, 100, 200, 9000].entries()) offer(position, afterMs);
  assert.deepEqual([detector.seen, overflowed, group.waiting], [['1>', '2>'], [2], 2]);
  offer(4, 300);
  assert.deepEqual(late, [300], 'what belongs before the early ones is late now');
  advance(10_000);
  assert.deepEqual(detector.seen, ['1>', '2>', '0>', '3>']);
});

test('a flow that is none of a detector’s business is not shown to it', () => {
  const detector = watcher('source');
  const { offer, advance, failed } = laneOf([detector], {
    only(flow) {
      if (flow.position === 3) throw new Error('this filter cannot be applied');
      return flow.position % 2 === 0;
    },
  });
  for (const position of [0, 1, 2, 3]) offer(position, position);
  advance(10);
  assert.deepEqual(detector.seen, ['0>', '2>']);
  assert.deepEqual(failed, ['d0 3'], 'a filter that throws is the record’s fault, as a detector is');
});

function groupOf(detector: Detector, stateKey = 'same'): LaneGroup {
  return createLaneGroup({
    lanes: [0],
    feeds: 1,
    route: (_feed, _flow, _entry, to) => to(0, 'source'),
    detectors: () => [{ name: 'watcher', detector, where: null }],
    maxWaiting: 1e6,
    stateKey,
    failed: (error) => {
      throw error;
    },
    late: () => assert.fail('nothing is late here'),
    overflowed: () => {},
  });
}

const flowEntry = (position: number) =>
  logEntry(position, { value: aFlow({ position, startMs: T0 + position }), appendMs: T0 + 1e9 });

test('a snapshot whose header is larger than a chunk is cut and joined; what waited waits again', () => {
  const COUNT = 500_000;
  const detector = watcher('source');
  const group = groupOf(detector);
  group.take(
    0,
    Array.from({ length: 10 }, (_, i) => flowEntry(i)),
  );
  group.take(0, [logEntry(10, { mark: markAt(T0 + 4) })]);
  const flow = aFlow({ startMs: T0 + 1000 });
  const many = Array.from({ length: COUNT }, (_, i) =>
    logEntry(11 + i, { value: { ...flow, position: 11 + i }, appendMs: T0 + 1e9 }),
  );
  group.take(0, many);
  const { chunks, resume } = group.snapshot();
  assert.ok(chunks.length > 2, `${chunks.length} chunks`);
  for (const chunk of chunks) assert.ok(chunk.length <= 1_000_000);
  assert.deepEqual(resume, [5], 'reading goes on at the first that waited');

  const other = watcher('source');
  const restored = groupOf(other);
  assert.deepEqual(restored.restore(chunks), []);
  assert.deepEqual(other.seen, ['0>', '1>', '2>', '3>', '4>']);
  restored.take(0, [...Array.from({ length: 5 }, (_, i) => flowEntry(5 + i)), ...many]);
  assert.equal(restored.waiting, 5 + COUNT);
});

test('keys spread over other lanes: the detector starts anew, the place in the log stays', () => {
  const group = groupOf(watcher('source'), 'four lanes');
  group.take(0, [flowEntry(0), logEntry(1, { mark: markAt(T0 + 5) })]);
  const { chunks } = group.snapshot();
  const fresh = watcher('source');
  const restored = groupOf(fresh, 'eight lanes');
  assert.deepEqual(restored.restore(chunks), ['watcher']);
  assert.deepEqual([fresh.seen, restored.resume], [[], [2]]);
});

test('a detector that is added, removed or changed leaves the others what they learned', () => {
  const groupWith = (contents: Readonly<Record<string, string>>) => {
    const seen = new Map(Object.keys(contents).map((name) => [name, watcher('source')]));
    const group = createLaneGroup({
      lanes: [0],
      feeds: 1,
      route: (_feed, _flow, _entry, to) => to(0, 'source'),
      detectors: () =>
        Object.entries(contents).map(([name, contentVersion]) => ({
          name,
          contentVersion,
          detector: seen.get(name)!,
          where: null,
        })),
      maxWaiting: 1e6,
      stateKey: 'same',
      failed: (error) => {
        throw error;
      },
      late: () => assert.fail('nothing is late here'),
      overflowed: () => {},
    });
    return { group, seen: () => Object.fromEntries([...seen].map(([name, one]) => [name, one.seen])) };
  };
  const before = groupWith({ removed: 'a', changed: 'a', steady: 'a', moved: 'a' });
  before.group.take(0, [flowEntry(0), logEntry(1, { mark: markAt(T0 + 5) })]);
  const after = groupWith({ moved: 'a', added: 'a', steady: 'a', changed: 'b' });
  assert.deepEqual(after.group.restore(before.group.snapshot().chunks), ['added', 'changed']);
  assert.deepEqual(after.seen(), { moved: ['0>'], added: [], steady: ['0>'], changed: [] });
  assert.deepEqual(after.group.resume, [2]);
});

test('a state that one detector refuses starts that one anew, and the others go on', () => {
  const groupWith = (version: number): { group: LaneGroup; seen: string[][] } => {
    const steady = watcher('source');
    const changed = watcher('source');
    const refusing: Detector = {
      ...changed,
      *snapshot() {
        yield Buffer.from(String(version));
      },
      restore([chunk]) {
        if (String(Buffer.from(chunk!)) !== String(version))
          throw new WeirError('state_unusable', `state of version ${String(chunk)}`);
      },
    };
    const group = createLaneGroup({
      lanes: [0],
      feeds: 1,
      route: (_feed, _flow, _entry, to) => to(0, 'source'),
      detectors: () => [
        { name: 'changed', detector: refusing, where: null },
        { name: 'steady', detector: steady, where: null },
      ],
      maxWaiting: 1e6,
      stateKey: 'same',
      failed: (error) => {
        throw error;
      },
      late: () => assert.fail('nothing is late here'),
      overflowed: () => {},
    });
    return { group, seen: [changed.seen, steady.seen] };
  };
  const before = groupWith(1);
  before.group.take(0, [flowEntry(0), logEntry(1, { mark: markAt(T0 + 5) })]);
  const after = groupWith(2);
  assert.deepEqual(after.group.restore(before.group.snapshot().chunks), ['changed']);
  assert.deepEqual(after.seen, [[], ['0>']]);
  assert.deepEqual(after.group.resume, [2]);
});

test('a state of another version is refused by its name', () => {
  const { chunks } = groupOf(watcher('source')).snapshot();
  const header = Buffer.from(chunks.at(-2)!).toString('latin1').replace('"version":2', '"version":9');
  assert.throws(() => groupOf(watcher('source')).restore([Buffer.from(header, 'latin1'), chunks.at(-1)!]), {
    code: 'state_unusable',
    message: /version 9, expected 2/,
  });
  assert.throws(() => groupOf(watcher('source')).restore([]), { code: 'state_unusable' });
});

test('notices are shown in order with the flows to the detectors that look at them', () => {
  const seen: string[] = [];
  const both: Detector = {
    ...watcher('source'),
    observe: (flow) => (seen.push(`flow ${flow.position}`), []),
    notice: ({ record }) => (seen.push(record.id), []),
  };
  const { group, offer, tell, advance, late } = laneOf([both, watcher('source')]);
  tell('second', 500);
  offer(1, 900);
  offer(2, 100);
  assert.equal(group.waiting, 3);
  assert.equal(group.snapshot().resume[0], 0, 'what waits is read again, the notice first');
  advance(1000);
  tell('late', 1000);
  assert.deepEqual([seen, late], [['flow 2', 'second', 'flow 1'], [null]]);
});

test('a notice that a detector fails on is told, and the fold goes on', () => {
  const broken: Detector = {
    ...watcher('source'),
    notice() {
      throw new Error('this detector has a bug');
    },
  };
  const { tell, advance, failed } = laneOf([broken]);
  tell('l1', 0);
  advance(0);
  assert.deepEqual(failed, ['d0 -1']);
});
