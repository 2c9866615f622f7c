import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { jsonLine } from '../../../sinks/formats/text.ts';

test('no JSON text holds what a receiver may split at, and it says the same as before', () => {
  const char = fc.oneof(
    fc.constantFrom('\u007f', '\u0085', '\u2028', '\u2029', '\n'),
    fc.string({ unit: 'binary' }),
  );
  fc.assert(
    fc.property(fc.array(char), (parts) => {
      const value = parts.join('');
      const line = jsonLine(JSON.stringify(value));
      assert.doesNotMatch(line, /[\u007f-\u009f\u2028\u2029]/);
      assert.equal(JSON.parse(line), value);
    }),
  );
});
