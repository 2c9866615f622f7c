import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lineBuffer } from '../../../sinks/records/line-buffer.ts';

test('what is added is there in UTF-8, however often the memory is used again', () => {
  const lines = lineBuffer(1);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 })), (texts) => {
      lines.clear();
      for (const text of texts) lines.add(text);
      const expected = Buffer.concat(texts.map((text) => Buffer.from(text)));
      assert.equal(lines.length, expected.length);
      assert.ok(lines.bytes().equals(expected));
    }),
  );
});
