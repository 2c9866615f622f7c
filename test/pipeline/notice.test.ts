import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createReports,
  noticeOfChange,
  noticeOfLoss,
  noticeText,
  parseNotice,
} from '../../pipeline/notice.ts';
import { newLoss, newPolicyChange } from '../../schema/records.ts';
import { aFlow, T0 } from '../helpers/flows.ts';

const change = newPolicyChange({
  id: 'c1',
  timeMs: T0,
  cluster: 'test',
  verb: 'delete',
  kind: 'NetworkPolicy',
  name: 'web',
});
const loss = newLoss({ id: 'l1', where: 'source.test', sinceMs: T0 - 5, untilMs: T0 });

test('a notice is the same after it was written and read', () => {
  const report = createReports()(aFlow(), T0 + 1)!;
  for (const notice of [
    noticeOfChange(change, 'file:a', T0 + 1),
    noticeOfLoss(loss, 'file:b', T0 + 1),
    report,
  ])
    assert.deepEqual(parseNotice(noticeText(notice)), notice);
});

test('a record from the future is told of when it is read', () => {
  assert.equal(noticeOfChange({ ...change, timeMs: T0 + 1e12 }, 'file:a', T0 + 7).timeMs, T0 + 7);
  assert.equal(noticeOfLoss({ ...loss, untilMs: T0 + 1e12 }, 'file:a', T0 + 7).timeMs, T0 + 7);
});

test('what an older writer left out is as it is by default, what a newer one added is left out', () => {
  const { tenant: _, ...older } = change;
  const text = JSON.stringify({ ...noticeOfChange(change, 'a', T0), record: { ...older, mood: 'good' } });
  assert.deepEqual(parseNotice(text), noticeOfChange(change, 'a', T0));
});

test('a text that is no notice is none', () => {
  const record = { ...loss, id: 7 };
  for (const text of [
    '',
    '{}',
    'null',
    '[1]',
    JSON.stringify({ kind: 'loss', origin: 'a', timeMs: 1 }),
    JSON.stringify({ kind: 'loss', origin: 'a', timeMs: 1, record }),
    JSON.stringify({
      kind: 'report',
      origin: 'a',
      timeMs: 1,
      record: { id: '', cluster: '', collector: '' },
    }),
    JSON.stringify({ kind: 'flow', origin: 'a', timeMs: 1, record: loss }),
    JSON.stringify({ kind: 'loss', origin: 'a', timeMs: 'now', record: loss }),
  ])
    assert.equal(parseNotice(text), null, text);
});

test('a node is reported once for each minute it has flows in, and again where minutes mix', () => {
  const report = createReports();
  const minuteMs = Math.ceil(T0 / 60_000) * 60_000;
  const told = (node: string | null, afterMs: number, readMs = Infinity): string | null => {
    const notice = report({ ...aFlow({ startMs: minuteMs + afterMs }), node }, readMs);
    return notice?.kind === 'report' ? `${notice.record.node} ${notice.record.minuteMs - minuteMs}` : null;
  };
  assert.deepEqual(
    [told('n1', 5), told('n1', 9), told('n2', 7), told(null, 7), told('n1', 60_000), told('n1', 59_999)],
    ['n1 0', null, 'n2 0', 'null 0', 'n1 60000', 'n1 0'],
  );
  assert.equal(told('n3', 9e9, minuteMs), 'n3 0', 'a clock that is ahead tells of when it was read');
});
