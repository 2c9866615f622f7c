import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import * as fc from 'fast-check';
import { codecOf, flowHead } from '../../schema/codec.ts';
import { schemas, type Flow } from '../../schema/records.ts';
import { arbitraryOf } from '../helpers/arbitraries.ts';
import { aFlow } from '../helpers/flows.ts';

const codec = codecOf('flow');
const generic = avro.Type.forSchema(JSON.parse(schemas.flow) as avro.Schema, { wrapUnions: 'never' });
/** Records that avsc decodes have a prototype of their own; a clone is plain. */
const plain = <T>(value: T): T => structuredClone(value);
const read = (bytes: Buffer): Flow => plain(generic.fromBuffer(bytes) as Flow);

/** Runs both and says what came of it: equal values, or an error each. */
function agree(bytes: Buffer): void {
  let expected: Flow | null = null;
  try {
    expected = read(bytes);
  } catch {
    assert.throws(() => codec.decode(bytes));
    return;
  }
  assert.deepEqual(plain(codec.decode(bytes)), expected);
}

const long = fc.string({ unit: 'binary', minLength: 100, maxLength: 400 });
/** Numbers as flows have them: beyond 2^48 avsc reads the whole flow, and what it makes is no plain object. */
const usual = (number: number): number => number % 2 ** 47;
const asUsual = (flow: Flow): Flow => ({
  ...flow,
  position: usual(flow.position),
  startMs: usual(flow.startMs),
  endMs: usual(flow.endMs),
  receivedMs: usual(flow.receivedMs),
  source: { ...flow.source, asn: flow.source.asn && usual(flow.source.asn) },
  destination: { ...flow.destination, asn: flow.destination.asn && usual(flow.destination.asn) },
  sourceBytes: flow.sourceBytes && usual(flow.sourceBytes),
  destinationBytes: flow.destinationBytes && usual(flow.destinationBytes),
  sourcePackets: flow.sourcePackets && usual(flow.sourcePackets),
  destinationPackets: flow.destinationPackets && usual(flow.destinationPackets),
});
const anyFlow = fc.oneof(
  arbitraryOf('flow'),
  fc
    .tuple(arbitraryOf('flow'), long, fc.string({ unit: 'grapheme-ascii', minLength: 60, maxLength: 200 }))
    .map(([flow, text, ascii]) => ({
      ...flow,
      origin: ascii,
      node: text,
      source: { ...flow.source, pod: ascii, labels: { [text]: ascii, [ascii]: text } },
    })),
);

test('flows are what avsc reads, the first time and when all of their parts are known', () => {
  fc.assert(
    fc.property(
      fc.array(anyFlow, { minLength: 1, maxLength: 6 }),
      fc.nat(9),
      fc.boolean(),
      (made, before, all) => {
        const flows = all ? made : made.map(asUsual);
        const seen = all ? plain<Flow> : (flow: Flow): Flow => flow;
        // Each is met with the endpoints of the others too, at other places and with other ports.
        const mixed = flows.flatMap((flow, i) => [
          flow,
          { ...flow, destination: { ...flows[(i + 1) % flows.length]!.source, port: i } },
        ]);
        const bytes = mixed.map((flow) => generic.toBuffer(flow));
        const frame = Buffer.concat([Buffer.alloc(before, 255), ...bytes, Buffer.alloc(5, 255)]);
        for (let round = 0; round < 3; round++) {
          let at = before;
          for (const each of bytes) {
            const expected = read(each);
            assert.deepEqual(seen(codec.decode(each)), expected);
            assert.deepEqual(seen(codec.decodeSpan(frame, at, at + each.length)), expected);
            const { id, origin, position, endMs } = expected;
            assert.deepEqual(flowHead(frame, at, at + each.length), { id, origin, position, endMs });
            at += each.length;
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a flow that is cut at any byte, or goes on behind its end, is refused', () => {
  fc.assert(
    fc.property(arbitraryOf('flow'), fc.double({ min: 0, max: 1, noNaN: true }), (flow, part) => {
      const bytes = generic.toBuffer(flow);
      codec.decode(bytes);
      const cut = Math.floor(part * bytes.length);
      if (cut < bytes.length) {
        assert.throws(() => codec.decode(bytes.subarray(0, cut)));
        assert.throws(() => codec.decodeSpan(bytes, 0, cut));
      }
      assert.throws(() => codec.decode(Buffer.concat([bytes, Buffer.from([0])])));
    }),
  );
});

/** A flow of which every number is a byte: with a byte changed, too, no count in it is large. */
const smallFlow = (): Flow => {
  const flow = aFlow({ position: 1, startMs: 1, endMs: 2 });
  const side = { ...flow.source, port: 6, labels: { app: 'a', tier: 'b' }, scopes: ['pci', 'dora'], asn: 7 };
  const policy = { kind: 'NetworkPolicy', tier: null, namespace: 'a', name: 'b', rule: null };
  const trace = {
    ...policy,
    direction: null,
    action: 'deny',
    staged: true,
    truncated: false,
    inferred: true,
  };
  return {
    ...flow,
    sourceBytes: 4,
    source: side,
    destination: { ...side, ip: '10.0.0.9' },
    service: { namespace: null, name: 'db', portName: 'sql' },
    policies: [trace, { ...trace, name: null }],
    request: { method: 'GET', path: '/', status: 2, query: null },
  };
};

test('bytes with any one byte changed are read as avsc reads them, or refused as it refuses them', () => {
  const bytes = generic.toBuffer(smallFlow());
  assert.ok(bytes.every((byte) => byte < 0x80));
  for (let i = 0; i < 3; i++) codec.decode(bytes);
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0, 1, 2, 3, 4, 5, 63, 127]) {
      const changed = Buffer.from(bytes);
      changed[at] = byte;
      agree(changed);
    }
  }
});

test('blocks that give their size, and several blocks in a row, are read', () => {
  const flow = { ...aFlow(), policies: [], request: null, malformed: false, inventoryStale: false };
  const bytes = generic.toBuffer(flow);
  // The last four bytes are: no policies, no request, two flags. One policy of ten bytes follows in each block.
  const head = bytes.subarray(0, bytes.length - 4);
  const policy = Buffer.alloc(10);
  const [one, end] = [Buffer.from([2]), Buffer.from([0])];
  const sized = Buffer.from([1, 20]);
  const rest = Buffer.from([0, 0, 0]);
  for (const blocks of [
    [one, policy, one, policy, end],
    [sized, policy, end],
    [one, policy, sized, policy, end],
  ]) {
    const written = Buffer.concat([head, ...blocks, rest]);
    assert.equal(codec.decode(written).policies.length, blocks.length >> 1);
    agree(written);
  }
});

test('numbers of any length are read as avsc reads them', () => {
  const flow = aFlow();
  for (const number of [0, 63, 64, 2 ** 27, 2 ** 28, 2 ** 31, 2 ** 34, 2 ** 48 - 1, 2 ** 48, 2 ** 52])
    for (const sourceBytes of [number, -number, number + 1, -number - 1].filter((n) => n > -(2 ** 52)))
      agree(generic.toBuffer({ ...flow, sourceBytes, position: sourceBytes }));
  for (const number of [2 ** 31 - 1, -(2 ** 31), 2 ** 30, -(2 ** 30), 2 ** 28])
    agree(generic.toBuffer({ ...flow, protocol: number, aggregated: number }));
});

test('flows have endpoints of their own, and share labels and policies that come again', () => {
  const bytes = generic.toBuffer(smallFlow());
  const other = generic.toBuffer({ ...smallFlow(), id: 'other', source: { ...smallFlow().source, port: 9 } });
  for (let i = 0; i < 2; i++) codec.decode(bytes);
  const first = codec.decode(bytes);
  const second = codec.decode(other);
  assert.equal(first.source.labels, second.source.labels);
  assert.equal(first.policies, second.policies);
  assert.notEqual(first.source, second.source);
  assert.deepEqual([first.source.port, second.source.port], [6, 9]);
  first.source.pod = 'renamed';
  first.source.port = 1;
  assert.deepEqual(codec.decode(other), read(other));
});

test('what a flow was read from may be used for something else afterwards', () => {
  const bytes = generic.toBuffer(smallFlow());
  const buffer = Buffer.alloc(bytes.length);
  for (let i = 0; i < 5; i++) {
    bytes.copy(buffer);
    const flow = codec.decode(buffer);
    buffer.fill(255);
    assert.deepEqual(flow, read(bytes));
  }
});

test('bytes in memory that threads share are read', () => {
  const bytes = generic.toBuffer(smallFlow());
  const shared = Buffer.from(new SharedArrayBuffer(bytes.length + 7), 7);
  bytes.copy(shared);
  assert.deepEqual(codec.decode(shared), read(bytes));
});
