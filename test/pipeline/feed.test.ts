import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createFeed, resumeOffset } from '../../pipeline/feed.ts';
import { noticeOfLoss } from '../../pipeline/notice.ts';
import { newLoss, type Flow } from '../../schema/records.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { logEntry, markAt } from './fake-log.ts';

const flowAt = (offset: number) => logEntry(offset, { value: aFlow({ position: offset }) });

test('there is no watermark before all inputs were heard of; then it is the least of them', () => {
  const feed = createFeed();
  feed.admit(logEntry(0, { mark: markAt(T0 + 50, { input: 'a', of: 2 }) }));
  assert.equal(feed.watermarkMs(), -Infinity);
  feed.admit(logEntry(1, { mark: markAt(T0 + 20, { input: 'b', of: 2 }) }));
  assert.equal(feed.watermarkMs(), T0 + 20);
  feed.admit(logEntry(2, { mark: markAt(T0 + 90, { input: 'b', of: 2 }) }));
  assert.equal(feed.watermarkMs(), T0 + 50);
  feed.admit(logEntry(3, { mark: markAt(T0, { input: 'a', of: 2 }) }));
  assert.equal(feed.watermarkMs(), T0 + 50, 'a mark that goes back is none');
});

test('an input that has ended holds the others up no longer', () => {
  const feed = createFeed();
  feed.admit(logEntry(0, { mark: markAt(T0 + 10, { input: 'short', of: 2, final: true }) }));
  feed.admit(logEntry(1, { mark: markAt(T0 + 500, { input: 'long', of: 2 }) }));
  assert.equal(feed.watermarkMs(), T0 + 500);
  feed.admit(logEntry(2, { mark: markAt(T0 + 900, { input: 'long', of: 2, final: true }) }));
  assert.equal(feed.watermarkMs(), T0 + 900);
});

test('a source that was taken out of the configuration holds up nothing', () => {
  const before = createFeed();
  before.admit(logEntry(0, { mark: markAt(T0 + 10, { input: 'removed', of: 2 }) }));
  before.admit(logEntry(1, { mark: markAt(T0 + 20, { input: 'kept', of: 2 }) }));
  const after = createFeed();
  after.load(before.save([]));
  after.admit(logEntry(2, { mark: markAt(T0 + 5000, { input: 'kept', of: 1 }) }));
  assert.equal(after.watermarkMs(), T0 + 5000);
});

test('a source that was added is waited for', () => {
  const before = createFeed();
  before.admit(logEntry(0, { mark: markAt(T0 + 10, { input: 'old', of: 1 }) }));
  const after = createFeed();
  after.load(before.save([]));
  after.admit(logEntry(1, { mark: markAt(T0 + 90, { input: 'old', of: 2 }) }));
  assert.equal(after.watermarkMs(), -Infinity);
});

test('restored, it admits again exactly what still waited, and then goes on', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(39), { maxLength: 20 }), (waiting) => {
      const feed = createFeed();
      for (let offset = 0; offset < 40; offset++) assert.equal(feed.admit(flowAt(offset)), true);
      const state = feed.save(waiting);
      assert.equal(resumeOffset(state), waiting.length === 0 ? 40 : Math.min(...waiting));
      const restored = createFeed();
      restored.load(JSON.parse(JSON.stringify(state)) as typeof state);
      const again: number[] = [];
      for (let offset = resumeOffset(state); offset < 43; offset++)
        if (restored.admit(flowAt(offset))) again.push(offset);
      assert.deepEqual(again, [...waiting.sort((a, b) => a - b), 40, 41, 42]);
      assert.equal(restored.resume, 43);
    }),
  );
});

test('a state saved while it is still reading again forgets nothing of what waited', () => {
  const feed = createFeed();
  for (let offset = 0; offset < 10; offset++) feed.admit(flowAt(offset));
  const restored = createFeed();
  restored.load(feed.save([2, 5, 7]));
  assert.equal(restored.resume, 2);
  assert.equal(restored.admit(flowAt(2)), true);
  assert.equal(restored.resume, 5);
  const second = createFeed();
  second.load(restored.save([2]));
  const again = [2, 3, 4, 5, 6, 7, 8, 9, 10].filter((offset) => second.admit(flowAt(offset)));
  assert.deepEqual(again, [2, 5, 7, 10]);
});

test('event time stands still until what waited was read again', () => {
  const feed = createFeed();
  feed.admit(flowAt(0));
  feed.admit(logEntry(1, { mark: markAt(T0 + 10) }));
  const restored = createFeed();
  restored.load(feed.save([0]));
  assert.equal(restored.watermarkMs(), -Infinity);
  restored.admit(flowAt(0));
  assert.equal(restored.watermarkMs(), T0 + 10);
});

test('what the log no longer holds is not waited for', () => {
  const feed = createFeed();
  for (let offset = 0; offset < 5; offset++) feed.admit(flowAt(offset));
  feed.admit(logEntry(5, { mark: markAt(T0 + 10) }));
  const restored = createFeed();
  restored.load(feed.save([0, 1]));
  restored.admit(flowAt(6));
  assert.equal(restored.watermarkMs(), T0 + 10);
});

test('a notice is admitted once, whatever origin and position the flows around it have', () => {
  const loss = (id: string) => newLoss({ id, where: 'source.test', sinceMs: T0, untilMs: T0 });
  const told = (offset: number, id: string) =>
    logEntry<Flow>(offset, { notice: noticeOfLoss(loss(id), 'file:a', T0) });
  const before = createFeed();
  assert.deepEqual(
    [told(0, 'a'), flowAt(1), told(2, 'b'), told(3, 'a'), flowAt(4)].map((entry) => before.admit(entry)),
    [true, true, true, false, true],
  );
  const after = createFeed();
  after.load(before.save([2]));
  assert.equal(after.resume, 2);
  assert.deepEqual(
    [told(2, 'b'), told(3, 'a'), flowAt(4), told(5, 'b'), told(6, 'c')].map((entry) => after.admit(entry)),
    [true, false, false, false, true],
  );
});
