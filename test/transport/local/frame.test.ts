import assert from 'node:assert/strict';
import test from 'node:test';
import { noticeOfLoss } from '../../../pipeline/notice.ts';
import { codecOf } from '../../../schema/codec.ts';
import { newLoss } from '../../../schema/records.ts';
import { decodeFrame, encodeFrame } from '../../../transport/local/frame.ts';
import { aFlow } from '../../helpers/flows.ts';

test('a frame holds records of any size, whatever room is left when they come', () => {
  const codec = codecOf('flow');
  for (const length of [0, 100, 500, 700, 900, 1100, 1300, 5000, 200_000]) {
    const flows = [0, 1, 2, 3].map((position) => {
      const flow = aFlow({ position });
      flow.source.labels = { filler: 'x'.repeat(position === 2 ? length : 10 * position) };
      return flow;
    });
    const { bytes, entries } = encodeFrame(
      codec,
      flows.map((value) => ({ partition: 0, key: null, value })),
      { firstOffset: 7, appendMs: 1 },
    );
    const read = decodeFrame(bytes, codec);
    assert.deepEqual(
      read.map(({ offset, value }) => [offset, value?.source.labels]),
      flows.map((flow, i) => [7 + i, flow.source.labels]),
    );
    for (const [i, entry] of entries.entries()) assert.deepEqual(entry.bytes, read[i]!.bytes);
  }
});

test('a copy for a rule is told from the others when it is read', () => {
  const codec = codecOf('flow');
  const entries = [{}, { role: 'rule' as const }, { role: 'rule' as const, clockMs: 5 }].map((parts) => ({
    partition: 0,
    key: null,
    value: aFlow(),
    ...parts,
  }));
  const frame = encodeFrame(codec, entries, { firstOffset: 0, appendMs: 1 });
  for (const read of [frame.entries, decodeFrame(frame.bytes, codec)])
    assert.deepEqual(
      read.map(({ role, clockMs }) => [role, clockMs]),
      [
        [undefined, null],
        ['rule', null],
        ['rule', 5],
      ],
    );
});

test('a notice lies among the records and is read where it was written', () => {
  const codec = codecOf('flow');
  const loss = newLoss({ id: 'l1', where: 'source.test', sinceMs: 1, untilMs: 2 });
  loss.detail = 'x'.repeat(70_000);
  const notice = noticeOfLoss(loss, 'file:a', 3);
  const entries = [{ value: aFlow() }, { value: null, notice }, { value: aFlow({ position: 1 }) }].map(
    (parts) => ({
      partition: 0,
      key: null,
      ...parts,
    }),
  );
  const frame = encodeFrame(codec, entries, { firstOffset: 0, appendMs: 1 });
  for (const read of [frame.entries, decodeFrame(frame.bytes, codec)])
    assert.deepEqual(
      read.map(({ value, notice: told }) => [value?.position ?? null, told]),
      [
        [0, undefined],
        [null, notice],
        [1, undefined],
      ],
    );
});
