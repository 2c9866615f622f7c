import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createHeldParts } from '../../schema/held-parts.ts';

/** Two pieces with a byte between them, and something behind them. The second says how long it is, as Avro does. */
function laid(first: Uint8Array, text: Uint8Array) {
  const second = Buffer.concat([Buffer.of(text.length), text]);
  const bytes = Buffer.concat([Buffer.of(7), first, Buffer.of(9), second, Buffer.of(8, 8)]);
  const firstEnd = 1 + first.length;
  const places = { first: 1, firstEnd, second: firstEnd + 1, secondEnd: firstEnd + 1 + second.length };
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), places };
}

const piece = fc.uint8Array({ maxLength: 9, max: 2 });

test('a part is found by its bytes alone, also among others of the same hash', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, piece, fc.nat(3)), { maxLength: 60 }), (all) => {
      const parts = createHeldParts<string>();
      const held = new Set<string>();
      for (const [first, text, hash] of all) {
        const { view, places } = laid(first, text);
        const find = (end: number): number =>
          parts.find(view, hash, places.first, places.firstEnd, places.second, end);
        const name = `${hash} ${first.join()} ${text.join()}`;
        const found = find(places.secondEnd);
        assert.equal(found < 0 ? null : parts.valueOf(found), held.has(name) ? name : null);
        if (found < 0) {
          const alike = [...held].filter((other) => other.startsWith(`${hash} `)).length;
          parts.hold(view, hash, places, name);
          if (alike < 8) held.add(name);
        } else {
          assert.equal(parts.lengthOf(found), text.length + 1);
          assert.equal(find(places.secondEnd - 1), -1);
        }
      }
    }),
  );
});

test('many parts are held, and given up when there are too many', () => {
  const parts = createHeldParts<number>();
  const at = (i: number) => {
    const first = Buffer.alloc(4);
    first.writeInt32LE(i);
    return laid(first, Buffer.from(`part ${i}`));
  };
  const find = (i: number): number | null => {
    const { view, places } = at(i);
    const part = parts.find(view, i * 31, places.first, places.firstEnd, places.second, places.secondEnd);
    return part < 0 ? null : parts.valueOf(part);
  };
  const most = 1 << 16;
  for (let i = 0; i < most; i++) parts.hold(at(i).view, i * 31, at(i).places, i);
  for (let i = 0; i < most; i += 97) assert.equal(find(i), i);
  parts.hold(at(most).view, most * 31, at(most).places, most);
  assert.equal(find(most), most);
  assert.equal(find(0), null);
});

test('what is too large is not held', () => {
  const parts = createHeldParts<number>();
  const { view, places } = laid(new Uint8Array(1 << 14), new Uint8Array(4));
  parts.hold(view, 1, places, 1);
  assert.equal(parts.find(view, 1, places.first, places.firstEnd, places.second, places.secondEnd), -1);
});
