import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Detector, DetectorContext, LearningState } from '../../pipeline/contracts.ts';
import type { LaneGroup } from '../../pipeline/lane-group.ts';
import { localPlan } from '../../pipeline/lane-plan.ts';
import { packLane, takeUp, withoutUnheard, type Learned } from '../../pipeline/learned.ts';
import type { Alert } from '../../schema/records.ts';
import { aFlow } from '../helpers/flows.ts';
import { anAlert } from '../incidents/fixtures.ts';
import { logEntry, markAt } from './fake-log.ts';

/** Remembers a word, and closes an alert of that name when event time passes. */
function remembering(word: string, state: LearningState): (context: DetectorContext) => Detector {
  return () => {
    let held = word;
    return {
      key: 'source',
      observe: () => [],
      advance: (watermarkMs) =>
        Number.isFinite(watermarkMs) && watermarkMs > 86_400_000
          ? [anAlert({ id: `${held} closes`, action: 'closed' }), anAlert({ id: `${held} rises` })]
          : [],
      snapshot: () => [Buffer.from(held)],
      restore(chunks) {
        held = [...chunks].map((chunk) => Buffer.from(chunk).toString()).join('');
      },
      status: () => ({ state, keys: held.length }),
    };
  };
}

function group(word: string, state: LearningState, content = 'options'): LaneGroup {
  const detectors = [
    { name: 'memory', factory: remembering(word, state), where: null, maxKeys: 10, content },
  ];
  return localPlan({ lanes: 2, detectors, maxWaiting: 100, evicted() {} }).create(0, {
    failed(error) {
      throw error;
    },
    late() {},
    overflowed() {},
  });
}

const learnedBy = (made: LaneGroup, unheard: readonly string[] = []): Learned => ({
  id: 'one',
  read: (lane) => Promise.resolve(packLane(lane, made.members[lane]!.state, unheard)),
});

const wordsOf = ({ members }: LaneGroup): string[] =>
  members.map(({ state }) => Buffer.concat([...state.detectors[0]!.detector.snapshot()]).toString());

const closedIds = (alerts: readonly Alert[]): string[] => alerts.map(({ id }) => id);

test('a new group takes up everything that was learned with the same options', async () => {
  const fresh = group('', 'ready');
  const { names, closings } = await takeUp(fresh, true, learnedBy(group('history', 'ready')));
  assert.deepEqual([names, closings, wordsOf(fresh)], [['memory'], [], ['history', 'history']]);
  assert.equal(fresh.inherited?.id, 'one');

  const other = group('', 'ready', 'other options');
  assert.deepEqual((await takeUp(other, true, learnedBy(group('history', 'ready')))).names, []);
  assert.deepEqual(wordsOf(other), ['', '']);
});

test('where there is a state, only detectors that still learn take it up, and what they had open is closed', async () => {
  const running = group('own', 'learning');
  running.take(0, [logEntry(0, { value: aFlow({ position: 1 }) }), logEntry(1, { mark: markAt(1000) })]);
  const { closings } = await takeUp(running, false, learnedBy(group('history', 'ready')));
  assert.deepEqual(closedIds(closings), ['own closes', 'own closes']);
  assert.deepEqual(wordsOf(running), ['history', 'history']);

  const ready = group('own', 'ready');
  assert.deepEqual((await takeUp(ready, false, learnedBy(group('history', 'ready')))).names, []);
  assert.deepEqual(wordsOf(ready), ['own', 'own']);
});

test('what was taken up is known after a restart', async () => {
  const first = group('', 'ready');
  await takeUp(first, true, learnedBy(group('history', 'ready'), ['a']));
  const second = group('', 'ready');
  second.restore(first.snapshot().chunks);
  assert.deepEqual(second.inherited, { id: 'one', unheard: ['a'] });
});

test('the end of what nobody heard the beginning of is left out, anything else is told', () => {
  const inherited = { id: 'one', unheard: ['a', 'b'] };
  const told = withoutUnheard(inherited, [
    anAlert({ id: 'a', action: 'closed' }),
    anAlert({ id: 'b', action: 'updated', revision: 3 }),
    anAlert({ id: 'c', action: 'closed' }),
  ]);
  assert.deepEqual(closedIds(told), ['b', 'c']);
  assert.deepEqual(inherited.unheard, []);
  assert.deepEqual(closedIds(withoutUnheard(inherited, [anAlert({ id: 'b', action: 'closed' })])), ['b']);
});

test('what is of another lane or version is refused', async () => {
  const made = group('history', 'ready');
  const wrong: Learned = { id: 'two', read: () => Promise.resolve(packLane(1, made.members[1]!.state, [])) };
  const one = group('', 'ready');
  const { names, refused } = await takeUp(one, true, wrong);
  assert.deepEqual([one.inherited?.id, names], ['two', []]);
  assert.match(refused ?? '', /lane 0/);
  const nothing: Learned = { id: 'two', read: () => Promise.resolve([]) };
  assert.match((await takeUp(group('', 'ready'), true, nothing)).refused ?? '', /lane 0/);
});
