import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import kafkajs, { type KafkaMessage, type Message } from 'kafkajs';
import { compress, registerCodecs } from '../../../transport/kafka/codecs.ts';
import { crc32c } from '../../../transport/kafka/crc32c.ts';
import { batchOf, roomFor, writeRecords } from '../../../transport/kafka/record-batch.ts';

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<{ readonly records: KafkaMessage[]; readonly lastOffsetDelta: number }>;
const kafkajsCrc = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number;

async function batch(messages: readonly Message[], compression: number): Promise<Buffer> {
  const out = Buffer.alloc(roomFor(messages));
  const records = await compress(compression, out.subarray(0, writeRecords(messages, out)));
  return batchOf({ records, count: messages.length, compression, nowMs: 1_700_000_000_123 });
}

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 300 }));
const bytes = fc.uint8Array({ maxLength: 20_000 }).map((array) => Buffer.from(array));
const message = fc.record({
  key: fc.option(text),
  value: fc.option(bytes),
  headers: fc.option(
    fc.dictionary(
      // A name that every object has, such as 'constructor', is more than kafkajs can read.
      fc.string({ maxLength: 8 }).map((name) => `x-${name}`),
      fc.oneof(text, bytes, fc.array(text, { minLength: 2, maxLength: 3 })),
      { maxKeys: 3 },
    ),
    { nil: undefined },
  ),
});

const asBuffer = (one: string | Buffer): Buffer => Buffer.from(one);

describe('record batch', () => {
  test('what is written is what kafkajs reads', async () => {
    registerCodecs();
    const { None, GZIP } = kafkajs.CompressionTypes;
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 70 }),
        fc.constantFrom(None, GZIP),
        async (messages, compression) => {
          const written = await batch(messages as Message[], compression);
          const { records, lastOffsetDelta } = await decodeBatch(new Decoder(written));
          assert.equal(lastOffsetDelta, messages.length - 1);
          assert.equal(records.length, messages.length);
          for (const [i, record] of records.entries()) {
            const { key, value, headers } = messages[i]!;
            assert.equal(record.offset, String(i));
            assert.equal(record.timestamp, '1700000000123');
            assert.deepEqual(record.key, key === null ? null : Buffer.from(key));
            assert.deepEqual(record.value, value);
            const expected = Object.entries(headers ?? {}).map(([name, one]) => [
              name,
              Array.isArray(one) ? one.map(asBuffer) : asBuffer(one),
            ]);
            assert.deepEqual(
              Object.entries(record.headers ?? {}).map(([name, one]) => [name, one]),
              expected,
            );
          }
          assert.equal(written.readUInt32BE(17), kafkajsCrc(written.subarray(21)));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('the checksum is that of the published vectors', () => {
    // RFC 3720 appendix B.4, and the check value of the algorithm.
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e);
    assert.equal(crc32c(Buffer.from('xx123456789'), 2), 0xe3069283);
  });
});
