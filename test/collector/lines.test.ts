import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { collectLines, type WrapperName } from '../../collector/inputs/lines/collect.ts';
import { identityLength, identityOf } from '../../collector/inputs/lines/identity.ts';
import { splitter } from '../../collector/inputs/lines/split.ts';
import { glob, matchesGlob } from '../../collector/inputs/file/glob.ts';
import { byAge, sequenceOf } from '../../collector/inputs/file/order.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../helpers/directory.ts';

interface Events {
  lines: [number, string, boolean][];
  tooLong: [number, number, string][];
  positions: number[];
}

function cut(bytes: Buffer, sizes: readonly number[], maxLineBytes: number): Events {
  const events: Events = { lines: [], tooLong: [], positions: [] };
  const split = splitter(maxLineBytes);
  const sink = {
    line: (...found: [number, string, boolean]) => void events.lines.push(found),
    tooLong: (...found: [number, number, string]) => void events.tooLong.push(found),
  };
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? bytes.length);
    // A copy that is overwritten afterwards, as a buffer that is used again.
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    split.push(chunk, sink);
    chunk.fill(0);
    at += size;
  }
  split.end(sink);
  assert.equal(split.position(), bytes.length);
  return events;
}

const content = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.constantFrom('\n', '\r\n', '\n\n', '\r', 'é', '\u0000'),
      fc.uint8Array({ maxLength: 6 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

test('any chunking gives the same lines', () => {
  fc.assert(
    fc.property(
      content,
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 4, max: 64 }),
      (bytes, sizes, max) => {
        const whole = cut(bytes, [bytes.length], max);
        assert.deepEqual(cut(bytes, sizes, max), whole);
        assert.deepEqual(cut(bytes, [1], max), whole);
      },
    ),
  );
});

test('lines, positions and what was skipped make up the content', () => {
  fc.assert(
    fc.property(content, (bytes) => {
      const { lines } = cut(bytes, [7], 1 << 20);
      const expected: [number, string][] = [];
      let at = 0;
      for (const part of bytes.toString('latin1').split('\n')) {
        // Zero bytes where a line begins are the hole of a truncated file.
        let hole = 0;
        while (part[hole] === '\0') hole++;
        const raw = Buffer.from(part.slice(hole).replace(/\r$/, ''), 'latin1');
        if (raw.length > 0) expected.push([at + hole, raw.toString('utf8')]);
        at += part.length + 1;
      }
      assert.deepEqual(
        lines.map(([position, text]) => [position, text]),
        expected,
      );
    }),
  );
});

test('memory is bounded by the maximum line, however long the line is', () => {
  const split = splitter(1000);
  let found = 0;
  const sink = {
    line: () => void found++,
    tooLong: (position: number, length: number, head: string) =>
      assert.deepEqual([position, length, head.length], [4, 100_000_000, 1000]),
  };
  split.push(Buffer.from('abc\n'), sink);
  const chunk = Buffer.alloc(1_000_000, 120);
  for (let i = 0; i < 100; i++) split.push(chunk, sink);
  assert.equal(split.position(), 4);
  split.push(Buffer.from('\nnext\n'), sink);
  assert.equal(found, 2);
  assert.equal(split.position(), 100_000_010);
});

test('bytes that are no UTF-8 become the replacement character and are told', () => {
  const { lines } = cut(Buffer.from([0x61, 0xff, 0x62, 10, 0x63, 10]), [3], 100);
  assert.deepEqual(lines, [
    [0, 'a\uFFFDb', false],
    [4, 'c', true],
  ]);
});

function unwrap(wrapper: WrapperName, input: readonly string[], maxLineBytes = 1000) {
  const lines = collectLines({ wrapper, maxLineBytes, place: () => 'x.log', replaced() {} });
  input.forEach((text, i) => lines.line(i * 100, text, true));
  const heldFrom = lines.heldFrom();
  lines.end();
  const { lines: found, rejects } = lines.take();
  return {
    found: found.map(({ position, text, timeMs, node, cluster }) => ({
      position,
      text,
      timeMs,
      node,
      cluster,
    })),
    rejects,
    heldFrom,
  };
}
const bare = (position: number, text: string, timeMs: number | null = null) => ({
  position,
  text,
  timeMs,
  node: null,
  cluster: null,
});

test('lines of a container log (CRI) are unwrapped, and parts joined at the first', () => {
  const at = Date.parse('2024-06-10T16:28:38.293Z');
  const { found, heldFrom } = unwrap('auto', [
    '2024-06-10T16:28:38.293123456Z stdout F whole',
    '2024-06-10T16:28:38.293Z stdout P half ',
    '2024-06-10T16:28:38.293Z stderr F other stream',
    '2024-06-10T16:28:38.293+00:00 stdout F and half',
    'no container line',
    '2024-06-10T16:28:38.293Z|00069|acl_log(ovn_pinctrl0)|INFO|stdout F no',
    '2024-06-10T16:28:38.293Z stdout P never ended',
  ]);
  assert.equal(heldFrom, 600);
  assert.deepEqual(found, [
    bare(0, 'whole', at),
    bare(100, 'half and half', at),
    bare(200, 'other stream', at),
    bare(400, 'no container line'),
    bare(500, '2024-06-10T16:28:38.293Z|00069|acl_log(ovn_pinctrl0)|INFO|stdout F no'),
    bare(600, 'never ended', at),
  ]);
});

test('parts that come to more than the maximum are rejected', () => {
  const { found, rejects } = unwrap('cri', [
    '2024-06-10T16:28:38.293Z stdout P ' + 'x'.repeat(600),
    '2024-06-10T16:28:38.293Z stdout P ' + 'x'.repeat(600),
    '2024-06-10T16:28:38.293Z stdout F end',
    '2024-06-10T16:28:38.293Z stdout F next',
  ]);
  assert.equal(rejects[0]?.code, 'line_too_long');
  assert.equal(rejects[0]?.position, 0);
  assert.equal(found.at(-1)?.text, 'next');
});

test('a line in too many parts is one reject, and its other parts are no lines of their own', () => {
  const part = (stream: string, text: string): string => `2024-06-10T16:28:38.293Z ${stream} P ${text}`;
  const full = (stream: string, text: string): string => `2024-06-10T16:28:38.293Z ${stream} F ${text}`;
  const { found, rejects } = unwrap('cri', [
    part('stdout', 'x'.repeat(600)),
    full('stderr', 'small and whole'),
    part('stdout', 'x'.repeat(600)),
    part('stdout', 'x'.repeat(600)),
    part('stderr', 'another '),
    full('stdout', 'the end of the long one'),
    full('stderr', 'line'),
    full('stdout', 'next'),
  ]);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['small and whole', 'another line', 'next'],
  );
  assert.deepEqual(
    rejects.map(({ position, code }) => [position, code]),
    [[0, 'line_too_long']],
  );
  assert.match(rejects[0]?.reason ?? '', /the parts of a stdout line come to more than 1000 bytes/);
});

test('a byte order mark is no part of the first line', () => {
  const { found } = unwrap('auto', ['\uFEFF#separator \\x09', '\uFEFFx']);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['#separator \\x09', '\uFEFFx'],
  );
});

test('lines of docker’s json-file are unwrapped', () => {
  const { found } = unwrap('auto', [
    '{"log":"part ","stream":"stdout","time":"2024-06-10T16:28:38.293Z"}',
    '{"log":"end\\n","stream":"stdout","time":"2024-06-10T16:28:38.294Z"}',
    '{"log":5}',
  ]);
  assert.deepEqual(found, [
    bare(0, 'part end', Date.parse('2024-06-10T16:28:38.294Z')),
    bare(200, '{"log":5}'),
  ]);
});

test('the log forwarder’s JSON gives time, node and cluster', () => {
  const { found, rejects } = unwrap('openshift-logging', [
    '{"message":"a line","hostname":"node-1","openshift":{"cluster_id":"c-1"},"@timestamp":"2024-06-10T16:28:38.293Z"}',
    '{"message":"b","kubernetes":{"host":"node-2"}}',
    '{"message":"c","kubernetes.host":"node-3","openshift.cluster_id":"c-3"}',
    '{"nothing":1}',
    'no json',
  ]);
  assert.deepEqual(found, [
    {
      position: 0,
      text: 'a line',
      timeMs: Date.parse('2024-06-10T16:28:38.293Z'),
      node: 'node-1',
      cluster: 'c-1',
    },
    { position: 100, text: 'b', timeMs: null, node: 'node-2', cluster: null },
    { position: 200, text: 'c', timeMs: null, node: 'node-3', cluster: 'c-3' },
  ]);
  assert.deepEqual(
    rejects.map(({ position, code }) => [position, code]),
    [
      [300, 'line_malformed'],
      [400, 'line_malformed'],
    ],
  );
});

test('entries of the journal give their time and the host that wrote them', () => {
  const { found, rejects } = unwrap('journald', [
    '{"__REALTIME_TIMESTAMP":"1718036918293123","_HOSTNAME":"node-1","MESSAGE":"text","__CURSOR":"s=ab;i=1"}',
    '{"__REALTIME_TIMESTAMP":"1718036918293123","_HOSTNAME":"node-1","MESSAGE":[104,105,255]}',
    '{"__REALTIME_TIMESTAMP":"1718036918293123"}',
    '{"MESSAGE":"no journal"}',
  ]);
  assert.deepEqual(found, [
    { position: 0, text: 'text', timeMs: 1718036918293, node: 'node-1', cluster: null },
    { position: 100, text: 'hi\uFFFD', timeMs: 1718036918293, node: 'node-1', cluster: null },
  ]);
  assert.equal(rejects[0]?.position, 300);
});

test('a message that journalctl left out because it is long is rejected, not passed over', () => {
  const { found, rejects } = unwrap('journald', [
    '{"__REALTIME_TIMESTAMP":"1718036918293123","MESSAGE":null}',
    '{"__REALTIME_TIMESTAMP":"1718036918293123","MESSAGE":["first","second"]}',
    '{"__REALTIME_TIMESTAMP":"1718036918293123","MESSAGE":[]}',
  ]);
  assert.deepEqual(
    found.map(({ text }) => text),
    ['first'],
  );
  assert.deepEqual(
    rejects.map(({ position, code }) => [position, code]),
    [[0, 'line_malformed']],
  );
  assert.match(rejects[0]?.reason ?? '', /journalctl -o json --all with a MESSAGE, found .*"MESSAGE\\":null/);
});

test('an identity is there with the first record line and stays as the content grows', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 400 }), { minLength: 1, maxLength: 12 }), (lines) => {
      const whole = Buffer.from(lines.map((text) => `${text.replaceAll('\n', ' ')}\n`).join(''));
      let known: string | null = null;
      for (let length = 1; length <= whole.length; length += 37) {
        const now = identityOf(whole.subarray(0, length), false);
        if (known !== null) assert.equal(now, known);
        known = now;
      }
    }),
  );
  assert.equal(identityLength(Buffer.from('#fields\n\n\r\nrecord\nnext\n')), 18);
  assert.equal(identityOf(Buffer.from('# only a header\n'), false), null);
  assert.notEqual(identityOf(Buffer.from('# only a header\n'), true), null);
});

test('patterns', async (t) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'a', 'b', 'c'), { recursive: true });
  for (const path of ['x.log', 'x.log.1', 'y.txt', '.hidden.log', 'a/x.log', 'a/b/c/z.log'])
    writeFileSync(join(root, path), '');
  const found = async (pattern: string): Promise<string[]> =>
    (await glob(join(root, pattern))).paths.map((path) => path.slice(root.length + 1));
  assert.deepEqual(await found('x.log*'), ['x.log', 'x.log.1']);
  assert.deepEqual(await found('?.log'), ['x.log']);
  assert.deepEqual(await found('[xy].*'), ['x.log', 'x.log.1', 'y.txt']);
  assert.deepEqual(await found('**/*.log'), ['a/b/c/z.log', 'a/x.log', 'x.log']);
  assert.deepEqual(await found('*/b/*/z.log'), ['a/b/c/z.log']);
  assert.deepEqual(await found('not/there'), ['not/there']);
  assert.ok(matchesGlob(join(root, '**/*.log'), join(root, 'a/b/c/z.log')));
  assert.ok(!matchesGlob(join(root, '*.log'), join(root, 'a/x.log')));
});

test('rotated files are read oldest first', () => {
  const names = ['x.log', 'x.log.10.gz', 'x.log.2', 'x.log.1'];
  const order = (paths: readonly string[]): string[] =>
    [...paths].sort((a, b) => byAge(sequenceOf(a), sequenceOf(b)));
  assert.deepEqual(order(names), ['x.log.10.gz', 'x.log.2', 'x.log.1', 'x.log']);
  assert.equal(new Set(names.map((name) => sequenceOf(name).series)).size, 1);
  const zeek = ['conn.log', 'conn.11:00:00-12:00:00.log.gz', 'conn.10:00:00-11:00:00.log.gz'];
  assert.deepEqual(order(zeek), [
    'conn.10:00:00-11:00:00.log.gz',
    'conn.11:00:00-12:00:00.log.gz',
    'conn.log',
  ]);
  assert.equal(new Set(zeek.map((name) => sequenceOf(name).series)).size, 1);
});
