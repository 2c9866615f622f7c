import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KafkaMessage } from 'kafkajs';
import { noticeOfChange } from '../../../pipeline/notice.ts';
import { codecOf } from '../../../schema/codec.ts';
import { newPolicyChange } from '../../../schema/records.ts';
import { decodeMessages } from '../../../transport/kafka/decode.ts';
import { encodeEntries } from '../../../transport/kafka/encode.ts';

const codec = codecOf('flow');
const change = newPolicyChange({
  id: 'c1',
  timeMs: 5,
  cluster: 'test',
  verb: 'delete',
  kind: 'NetworkPolicy',
  name: 'web',
});
const notice = noticeOfChange(change, 'audit:a', 9);

const encode = (maxBytes: number) =>
  encodeEntries([{ partition: 3, key: null, value: null, raw: 2, notice }], {
    codec,
    prefix: Buffer.alloc(0),
    values: {
      get: () => null,
      set() {},
      lease: { room: () => assert.fail('no value'), taken() {}, done() {} },
    } as unknown as Parameters<typeof encodeEntries>[1]['values'],
    marks: true,
    maxBytes,
    maxRecords: 10,
  });

const read = (headers: KafkaMessage['headers']) =>
  decodeMessages(
    [
      { key: null, value: null, timestamp: '7', attributes: 0, offset: '4', headers },
    ] as unknown as KafkaMessage[],
    'flow',
    {
      own: () => ({ prefix: Buffer.from('x'), decode: codec.decode }),
      known: () => null,
    } as unknown as Parameters<typeof decodeMessages>[2],
  ).entries[0]!;

test('a notice is a message without a value, and is read from its header', () => {
  const [{ partition, messages } = assert.fail('nothing encoded')] = encode(10_000);
  const [message] = messages;
  assert.deepEqual([partition, message!.value], [3, null]);
  const entry = read(message!.headers);
  assert.deepEqual(
    [entry.notice, entry.value, entry.mark, entry.raw, entry.offset, entry.error],
    [notice, null, null, 2, 4, undefined],
  );
});

test('a notice counts with its length, and one that is none is kept as undecodable', () => {
  assert.throws(() => encode(100), { code: 'record_unencodable' });
  const entry = read({ 'weir-notice': '{"kind":"loss"}' });
  assert.match(entry.error ?? '', /the notice \{"kind":"loss"\} is malformed/);
  assert.equal(entry.notice, undefined);
});
