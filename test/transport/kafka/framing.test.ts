import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import kafkajs from 'kafkajs';
import * as fc from 'fast-check';
import { registerCodecs } from '../../../transport/kafka/codecs.ts';
import { confluentPrefix, singleObjectPrefix, unframe } from '../../../transport/kafka/framing.ts';
import { parseMark } from '../../../transport/kafka/marks.ts';

const payload = Buffer.from('payload');

describe('framing', () => {
  test('single-object encoding', () => {
    const framed = unframe(
      Buffer.concat([singleObjectPrefix(Buffer.from('0123456789abcdef', 'hex')), payload]),
      {},
    );
    assert.deepEqual(framed?.schema, { form: 'fingerprint', name: 'f:0123456789abcdef' });
    assert.equal(framed.payload.toString(), 'payload');
  });

  test('Confluent: an id in the value', () => {
    const framed = unframe(Buffer.concat([confluentPrefix(4_000_000_000), payload]), {});
    assert.deepEqual(framed?.schema, { form: 'id', name: 'i:4000000000', id: 4_000_000_000 });
    assert.equal(framed.payload.toString(), 'payload');
  });

  test('Confluent: a GUID in the value, and in the header', () => {
    const guid = '01234567-89ab-cdef-0123-456789abcdef';
    const bytes = Buffer.concat([Buffer.from([1]), Buffer.from(guid.replaceAll('-', ''), 'hex')]);
    const inValue = unframe(Buffer.concat([bytes, payload]), {});
    const inHeader = unframe(payload, { __value_schema_id: bytes });
    for (const framed of [inValue, inHeader]) {
      assert.deepEqual(framed?.schema, { form: 'guid', name: `g:${guid}`, guid });
      assert.equal(framed.payload.toString(), 'payload');
    }
  });

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.option(fc.uint8Array({ maxLength: 20 })),
        (value, header) => {
          const headers = header === null ? {} : { __value_schema_id: Buffer.from(header) };
          const framed = unframe(Buffer.from(value), headers);
          if (framed) assert.ok(framed.payload.length <= value.length);
        },
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseMark(text)));
    for (const text of ['null', '[]', '{"input":1}', '{"input":"a","of":1.5,"watermarkMs":1}']) {
      assert.equal(parseMark(text), null);
    }
  });
});

describe('codecs', () => {
  registerCodecs();
  const codecs = kafkajs.CompressionCodecs as Record<
    number,
    () => { compress(e: { buffer: Buffer }): Promise<Buffer>; decompress(b: Buffer): Promise<Buffer> }
  >;
  const lines = Buffer.from('allow 10.0.0.1 -> 10.0.0.2\n'.repeat(1_000));

  test('gzip there and back', async () => {
    const gzip = codecs[kafkajs.CompressionTypes.GZIP]!();
    const small = await gzip.compress({ buffer: lines });
    assert.ok(small.length < lines.length / 20);
    assert.ok((await gzip.decompress(small)).equals(lines));
  });

  for (const [name, library] of [
    ['Snappy', 'snappy'],
    ['LZ4', 'lz4-napi'],
    ['ZSTD', 'zstd-napi'],
  ] as const) {
    test(`${name} works, or says which package is needed and makes kafkajs give up`, async () => {
      const codec = codecs[kafkajs.CompressionTypes[name]]!();
      try {
        assert.ok((await codec.decompress(await codec.compress({ buffer: lines }))).equals(lines));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'log_misconfigured');
        assert.equal((error as { retriable?: boolean }).retriable, false);
        assert.match((error as Error).message, new RegExp(`npm install ${library}$`));
      }
    });
  }
});
