import { test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { colours, wantsColour } from '../../../cli/format/colours.ts';
import { csvLine } from '../../../cli/format/csv.ts';
import { jsonLine } from '../../../cli/format/json.ts';
import { alertLine, endpointText, flowLine, policyText } from '../../../cli/format/records.ts';
import { columnsFor, tableLines, type Column } from '../../../cli/format/table.ts';
import { cut, pad, safeText, widthOf, wrap } from '../../../cli/format/text.ts';
import {
  bytesText,
  clockText,
  countText,
  numberText,
  spanText,
  timeText,
} from '../../../cli/format/units.ts';
import {
  newAlert,
  newEndpoint,
  newEvidence,
  newFlow,
  newLinks,
  newParty,
  newPolicyRef,
  newWhy,
} from '../../../schema/records.ts';

const plain = colours(false);

test('times, spans, sizes and counts', () => {
  const ms = Date.UTC(2026, 10, 24, 2, 14, 22, 7);
  assert.equal(timeText(ms), '2026-11-24 02:14:22');
  assert.equal(timeText(ms, { millis: true }), '2026-11-24 02:14:22.007');
  assert.equal(clockText(ms), '02:14:22.007');
  assert.equal(timeText(Number.NaN), '?');
  const spans: [number, string][] = [
    [0, '0ms'],
    [850, '850ms'],
    [1_999, '1s'],
    [725_500, '12m5s'],
    [273_600_000, '3d4h'],
    [-5_000, '-5s'],
  ];
  for (const [span, text] of spans) assert.equal(spanText(span), text);
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1_234, '1.2 kB'],
    [999_600, '1.0 MB'],
    [20e9, '20 GB'],
    [5e15, '5000 TB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(bytesText(bytes), text);
  assert.equal(numberText(1_234_567), '1,234,567');
  assert.equal(countText(1, 'flow'), '1 flow');
  assert.equal(countText(2_000, 'flow'), '2,000 flows');
});

test('colour is for terminals, and NO_COLOR wins', () => {
  assert.equal(wantsColour({ isTTY: true }, {}), true);
  assert.equal(wantsColour({ isTTY: true }, { NO_COLOR: '1', FORCE_COLOR: '1' }), false);
  assert.equal(wantsColour({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(wantsColour({}, {}), false);
  assert.equal(wantsColour({}, { FORCE_COLOR: '1' }), true);
  assert.equal(colours(true).red('x'), '\u001b[31mx\u001b[39m');
  assert.equal(plain.red('x'), 'x');
});

test('no text can move the cursor', () => {
  assert.equal(safeText('a\u001b[2Jb\nc\u202ed'), 'a\\x1b[2Jb\\x0ac\\u202ed');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/\p{Cc}/u.test(safeText(text))));
});

test('widths count wide characters, not code units or colour codes', () => {
  assert.equal(widthOf('abc'), 3);
  assert.equal(widthOf('日本'), 4);
  assert.equal(widthOf('e\u0301'), 1);
  assert.equal(widthOf(colours(true).red('abc')), 3);
  assert.equal(cut('日本語', 5), '日本…');
  assert.equal(cut('abc', 3), 'abc');
  assert.equal(cut('abcd', 1), '…');
  assert.equal(pad('日', 4) + '|', '日  |');
  fc.assert(
    fc.property(fc.string(), fc.nat({ max: 30 }), (text, width) => widthOf(cut(text, width)) <= width),
  );
});

test('a table fits the terminal by cutting its widest columns', () => {
  type Row = { name: string; count: number; note: string | null };
  const columns: Column<Row>[] = [
    { title: 'NAME', text: (row) => row.name, shrink: false },
    { title: 'COUNT', text: (row) => String(row.count), align: 'right' },
    { title: 'NOTE', text: (row) => row.note, style: (_, { red }) => red },
  ];
  const rows: Row[] = [
    { name: 'first', count: 1, note: 'x'.repeat(50) },
    { name: 'second', count: 12_345, note: null },
  ];
  assert.deepEqual(tableLines(columns, rows, { width: 30, colours: plain }), [
    'NAME    COUNT  NOTE',
    `first       1  ${'x'.repeat(14)}…`,
    'second  12345  -',
  ]);
  const wide = tableLines(columns, rows, { width: null, colours: plain, header: false });
  assert.equal(wide[0], `first       1  ${'x'.repeat(50)}`);
  for (const line of tableLines(columns, rows, { width: 30, colours: colours(true) }))
    assert.ok(widthOf(line) <= 30);
  assert.equal(tableLines(columns, [], { width: 30, colours: plain }).length, 1);
});

test('a narrow terminal shows shorter texts, then fewer columns, and never breaks a line', () => {
  type Row = { time: string; what: string; more: string; id: string };
  const columns: Column<Row>[] = [
    { title: 'TIME', text: (row) => row.time, brief: (row) => row.time.slice(0, 5), shrink: false },
    { title: 'MORE', text: (row) => row.more, min: 8, dispensable: 2 },
    { title: 'WHAT', text: (row) => row.what, min: 6, dispensable: 1 },
    { title: 'ID', text: (row) => row.id, shrink: false },
  ];
  const rows: Row[] = [{ time: '12:34.567', what: 'something', more: 'a longer text', id: 'x1' }];
  const at = (width: number): string[] => tableLines(columns, rows, { width, colours: plain });
  assert.equal(at(60)[1], '12:34.567  a longer text  something  x1');
  assert.equal(at(35)[1], '12:34  a longer text  something  x1');
  assert.equal(at(30)[1], '12:34  a longe…  something  x1');
  assert.equal(at(22)[1], '12:34  something  x1');
  assert.equal(at(12)[1], '12:34  x1');
  for (let width = 9; width < 60; width++)
    for (const line of at(width)) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
  assert.deepEqual(
    columnsFor(columns, rows, null).map(({ title }) => title),
    ['TIME', 'MORE', 'WHAT', 'ID'],
  );
});

test('long texts are broken between words', () => {
  assert.deepEqual(wrap('one two three', 8), ['one two', 'three']);
  assert.deepEqual(wrap('one two three', null), ['one two three']);
  assert.deepEqual(wrap('unbreakable word', 5), ['unbreakable', 'word']);
});

test('no cell of a CSV is a formula, wherever a spreadsheet begins one', () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      '=',
      '+',
      '-',
      '@',
      '\t',
      '\r',
      '\n',
      ';',
      ',',
      '"',
      "'",
      ' ',
      'a',
      '1',
      '\u00a0',
      '\uff1d',
      '\ufeff',
    ),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (texts) => {
      const line = csvLine(texts);
      // Cells of one who heeds quotes, and of those who split at something else and do not.
      const quoted: string[] = [];
      let inQuotes = false;
      let cell = '';
      for (const character of line.slice(0, -2)) {
        if (character === '"') inQuotes = !inQuotes;
        else if (character === ',' && !inQuotes) {
          quoted.push(cell);
          cell = '';
        } else cell += character;
      }
      quoted.push(cell);
      const split = line.slice(0, -2).split(/[;\t\r\n]/);
      for (const each of [...quoted, ...split])
        assert.doesNotMatch(each, /^[\s\ufeff"]*[=+\-@\uff1d]/, JSON.stringify([texts, line]));
    }),
    { numRuns: 5000 },
  );
});

test('CSV is RFC 4180 and holds no formula', () => {
  assert.equal(csvLine(['a', 1, null, true, 'b,c', 'd"e', 'f\ng']), 'a,1,,true,"b,c","d""e","f\ng"\r\n');
  assert.equal(
    csvLine(['=1+1', '+x', '-x', '@x', '\tx', '\n=x', -5]),
    "'=1+1,'+x,'-x,'@x,\"'\tx\",\"'\n'=x\",-5\r\n",
  );
});

test('JSON lines leave out what is absent', () => {
  assert.equal(
    jsonLine({ a: null, b: 1, c: 2n, d: new Uint8Array([1]), e: { f: null } }),
    '{"b":1,"c":"2","d":"AQ==","e":{}}\n',
  );
});

test('a flow is one line', () => {
  const flow = newFlow({
    id: 'x',
    origin: 'o',
    position: 1,
    cluster: 'c',
    collector: 'ovn_acl',
    startMs: 0,
    endMs: 1_000,
    receivedMs: 0,
    source: { ...newEndpoint(), ip: '10.0.0.1', namespace: 'shop', pod: 'cart\u001b[0m', port: 40_000 },
    destination: { ...newEndpoint(), ip: 'fd00::1', port: 80 },
  });
  flow.verdict = 'deny';
  flow.protocol = 6;
  flow.aggregated = 3;
  flow.policies = [
    { ...newPolicyRef(), kind: 'NetworkPolicy', namespace: 'shop', name: 'no', action: 'deny' },
  ];
  assert.equal(
    flowLine(flow, plain),
    '1970-01-01 00:00:01.000  DENY   TCP   shop/cart\\x1b[0m (10.0.0.1):40000 -> [fd00::1]:80  x3  NetworkPolicy shop/no',
  );
  assert.equal(endpointText(newEndpoint()), '?');
  assert.equal(
    endpointText({ ...newEndpoint(), kind: 'host', node: 'worker-1', ip: '1.2.3.4' }),
    'worker-1 (1.2.3.4)',
  );
  assert.equal(policyText([]), null);
  assert.equal(policyText([{ ...newPolicyRef(), action: 'default_deny' }]), 'default deny');
});

test('an alert is one line', () => {
  const alert = newAlert({
    id: 'a1',
    revision: 1,
    detector: 'port_scan',
    rule: 'r',
    score: 1,
    entity: newParty({ key: 'k' }),
    cluster: 'c',
    firstMs: 0,
    lastMs: 0,
    raisedMs: 0,
    count: 40,
    why: newWhy({ summary: '10.0.0.1 probed 40 ports' }),
    evidence: newEvidence(),
    links: newLinks(),
  });
  alert.severity = 'high';
  alert.action = 'updated';
  assert.equal(
    alertLine(alert, plain),
    '1970-01-01 00:00:00  HIGH      port_scan  10.0.0.1 probed 40 ports [updated, 40 flows, a1]',
  );
});
