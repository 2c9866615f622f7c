import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { newEndpoint, newFlow } from '../../../schema/records.ts';
import type { z } from 'zod';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { encoder } from '../../../sinks/syslog/encode.ts';
import { options } from '../../../sinks/syslog/options.ts';
import { sinkKinds } from '../../../sinks/base-options.ts';
import { aFlow, T0 } from '../../helpers/flows.ts';
import { examples } from '../ecs/examples.ts';
import { parseCef } from '../formats/parse-cef.ts';
import { parseRfc5424 } from './parse-rfc5424.ts';
import { anAlert, delivery, nastyStrings } from './records.ts';

type Format = z.output<typeof options>['format'];

/** The message as one text, with its length in UTF-8. */
function encode(format: Format, maxBytes = 65_536, more: object = {}) {
  const make = encoder({
    options: options.parse({ to: 'tcp://localhost', format, ...more }),
    version: '1.2.3',
  });
  return (item: Delivery, resent: boolean) => {
    const { head, body, shortened } = make(item, resent, maxBytes);
    const text = head + body;
    return { text, bytes: Buffer.byteLength(text), shortened };
  };
}

/** Through UTF-8 and back, as a receiver sees it. */
const received = (text: string): string => Buffer.from(text).toString();

/** Any UTF-16 units, lone surrogates and control characters included. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xff }),
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(...Array.from('\\|=]["\n\r \t', (char) => char.charCodeAt(0))),
    ),
    { maxLength: 60 },
  )
  .map((units) => String.fromCharCode(...units));

const cefExpected = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) =>
    char === '\n' || char === '\r' ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

test('the header names the record, never the sender', () => {
  const alert = parseRfc5424(encode('json')(delivery('alert', anAlert('A1')), false).text);
  assert.deepEqual(
    [
      alert.facility,
      alert.severity,
      alert.hostname,
      alert.appName,
      alert.procId,
      alert.msgId,
      alert.timestamp,
    ],
    [20, 3, 'prod-eu-1', 'weir', '-', 'port_scan', new Date(T0 + 2000).toISOString()],
  );
  assert.deepEqual(alert.data, { 'weir@32473': { id: 'A1', rev: '2', kind: 'alert' } });

  const denied = parseRfc5424(encode('json')(delivery('flow', aFlow({ verdict: 'deny' })), true).text);
  assert.deepEqual([denied.severity, denied.hostname, denied.msgId], [5, 'n1', 'flow']);
  assert.equal(denied.data['weir@32473']!['resent'], '1');
  const allowed = parseRfc5424(encode('json')(delivery('flow', aFlow()), false).text);
  assert.equal(allowed.severity, 6);
});

test('a time without four-digit year is NILVALUE', () => {
  for (const endMs of [-1, 253_402_300_800_000, Number.NaN, 9e15]) {
    assert.equal(parseRfc5424(encode('json')(delivery('flow', aFlow({ endMs })), false).text).timestamp, '-');
  }
});

test('json: any text arrives as it was, on one line', () => {
  const check = (text: string): void => {
    const flow = aFlow();
    flow.cluster = text;
    flow.node = text;
    flow.source.pod = text;
    const message = encode('json')(delivery('flow', flow), false);
    assert.doesNotMatch(message.text, /[\p{Cc}\u2028\u2029]/u);
    const parsed = JSON.parse(parseRfc5424(received(message.text)).message) as { source: { pod?: string } };
    assert.equal(parsed.source.pod, text);
  };
  for (const text of nastyStrings) check(text);
  fc.assert(fc.property(anyText, check));
});

test('cef: any text gives one event with the right values', () => {
  const check = (text: string): void => {
    const alert = anAlert('A2', text);
    alert.detector = text;
    alert.rule = text;
    const message = encode('cef')(delivery('alert', alert), false);
    assert.doesNotMatch(message.text, /[\p{Cc}\u2028\u2029]/u);
    const event = parseCef(parseRfc5424(received(message.text)).message);
    const expected = received(cefExpected(text));
    if (text === '') return;
    assert.equal(event.extension['reason'], expected);
    assert.equal(event.extension['cs4'], expected);
    assert.equal(event.extension['sourceServiceName'], expected);
    assert.equal(event.extension['externalId'], 'A2');
    assert.equal(event.extension['dpt'], '443');
    const oneLine = received(text.replace(/\r\n|[\r\n]/g, ' '));
    assert.equal(event.classId, cefExpected(oneLine));
    assert.equal(event.extension['msg'], expected);
  };
  for (const text of nastyStrings) check(text);
  fc.assert(fc.property(anyText, check));
});

test('cef: fields of an alert', () => {
  const event = parseCef(
    parseRfc5424(encode('cef')(delivery('alert', anAlert('A3', 'x')), false).text).message,
  );
  assert.deepEqual(
    { ...event, extension: { ...event.extension } },
    {
      version: 0,
      vendor: 'Weir',
      product: 'weir',
      deviceVersion: '1.2.3',
      classId: 'port_scan',
      name: 'Port scan',
      severity: '8',
      extension: {
        externalId: 'A3',
        cat: 'alert/escalated',
        start: String(T0),
        end: String(T0 + 1000),
        rt: String(T0 + 2000),
        cnt: '17',
        act: 'blocked',
        outcome: 'failure',
        reason: 'x',
        msg: 'Port scan',
        dvchost: 'prod-eu-1',
        proto: 'TCP',
        src: '10.0.0.7',
        spt: '40000',
        shost: 'web-1.shop',
        sourceServiceName: 'x',
        c6a3: '2001:db8::5',
        c6a3Label: 'Destination IPv6 Address',
        dpt: '443',
        cs1: 'shop/x',
        cs1Label: 'PolicyName',
        cs2: 'shop',
        cs2Label: 'SourceNamespace',
        cs3: 'x',
        cs3Label: 'DestinationNamespace',
        cs4: 'x',
        cs4Label: 'Tenant',
        cs6: 'prod-eu-1',
        cs6Label: 'Cluster',
        cn3: '2',
        cn3Label: 'Revision',
        cfp1: '0.75',
        cfp1Label: 'AnomalyScore',
        flexString1: 'x',
        flexString1Label: 'Entity',
      },
    },
  );
});

test('what is too long is shortened, stays parseable and says so', () => {
  for (const text of [
    'y'.repeat(1_000_000),
    '🦆'.repeat(500_000),
    '\\|=]"\n'.repeat(100_000),
    '\u0000'.repeat(100_000),
  ]) {
    for (const maxBytes of [480, 1452, 8096]) {
      for (const format of ['json', 'cef'] as const) {
        const alert = anAlert('A4', text);
        alert.evidence = { ...alert.evidence, peers: Array.from({ length: 2000 }, () => text.slice(0, 50)) };
        const message = encode(format, maxBytes)(delivery('alert', alert), true);
        assert.ok(message.shortened);
        assert.ok(message.bytes <= maxBytes, `${format} ${message.bytes} > ${maxBytes}`);
        const parsed = parseRfc5424(received(message.text));
        assert.deepEqual(parsed.data['weir@32473'], {
          id: 'A4',
          rev: '2',
          kind: 'alert',
          resent: '1',
          truncated: '1',
        });
        if (format === 'json') {
          const record = JSON.parse(parsed.message) as { id: string; truncated: boolean };
          assert.equal(record.id, 'A4');
          assert.equal(record.truncated, true);
        } else {
          const { extension } = parseCef(parsed.message);
          assert.equal(extension['externalId'], 'A4');
          assert.equal(extension['weirTruncated'], '1');
        }
      }
    }
  }
});

test('hostile header values fit the smallest limit', () => {
  const endpoint = newEndpoint();
  const long = '] "\n'.repeat(10_000);
  const flow = newFlow({
    id: long,
    origin: long,
    position: 0,
    cluster: long,
    collector: long,
    startMs: 0,
    endMs: 0,
    receivedMs: 0,
    source: endpoint,
    destination: endpoint,
  });
  flow.node = long;
  for (const format of ['json', 'cef'] as const) {
    const message = encode(format, 480)(delivery('flow', flow), false);
    parseRfc5424(received(message.text));
  }
});

test('facility and severity are mapped by kind', () => {
  const make = encode('json', 65_536, {
    facility: 'local0',
    facilities: { alert: 'authpriv' },
    severities: { high: 1, flow: 7 },
  });
  const alert = parseRfc5424(make(delivery('alert', anAlert('A1')), false).text);
  const flow = parseRfc5424(make(delivery('flow', aFlow()), false).text);
  assert.deepEqual([alert.facility, alert.severity, flow.facility, flow.severity], [10, 1, 16, 7]);
});

/** What `ecs-json` and `ocsf` say of themselves, and the id of the event. */
function marksOf(format: 'ecs-json' | 'ocsf', text: string): { marks: unknown; id: unknown } {
  const document = JSON.parse(text.slice(text.indexOf('{'))) as {
    tags?: unknown;
    event?: { id: string };
    metadata?: { labels?: unknown; uid: string };
  };
  return format === 'ocsf'
    ? { marks: document.metadata?.labels, id: document.metadata?.uid }
    : { marks: document.tags, id: document.event?.id };
}

test('rfc 3164: ecs-json and ocsf say that they were sent before, of whatever kind and length they are', () => {
  const items = [
    ...sinkKinds.flatMap((kind) => examples[kind].map((record) => delivery(kind, record as never))),
    ...nastyStrings.map((text, n) => delivery('alert', anAlert(`N${n}`, text))),
    delivery('alert', anAlert('spoof', '"tags":["truncated"]} "metadata":{"labels":["resent"]}')),
  ];
  for (const format of ['ecs-json', 'ocsf'] as const)
    for (const maxBytes of [480, 1500, 65_536]) {
      const make = encode(format, maxBytes, { header: 'rfc3164' });
      for (const item of items) {
        const [first, again] = [make(item, false), make(item, true)];
        const before = marksOf(format, first.text);
        assert.deepEqual(before.marks, first.shortened ? ['truncated'] : undefined);
        const after = marksOf(format, again.text);
        assert.deepEqual(after.marks, again.shortened ? ['truncated', 'resent'] : ['resent']);
        assert.equal(after.id, before.id);
        assert.ok(again.bytes <= maxBytes, `${again.bytes} bytes of ${maxBytes}`);
      }
    }
  // Structured data has the place for it.
  assert.equal(marksOf('ocsf', encode('ocsf')(items[0]!, true).text.replace(/^.*?\] /, '')).marks, undefined);
});

test('rfc 3164: the old header, with the marks in the payload', () => {
  const old = { header: 'rfc3164' };
  const alert = delivery('alert', anAlert('A1'));
  assert.match(
    encode('json', 65_536, old)(alert, true).text,
    /^<163>Nov 14 22:13:22 prod-eu-1 weir: \{"id":"A1",.*,"resent":true\}$/,
  );
  assert.match(
    encode('cef', 65_536, old)(alert, true).text,
    /^<163>Nov 14 22:13:22 prod-eu-1 CEF:0\|.* weirResent=1$/,
  );
  assert.match(encode('leef')(alert, true).text, /^<163>Nov 14 22:13:22 prod-eu-1 LEEF:2\.0\|.*\^resent=1$/);
  assert.match(
    encode('leef')(delivery('flow', aFlow({ endMs: Date.UTC(2026, 0, 2, 3, 4, 5) })), false).text,
    /^<166>Jan  2 03:04:05 n1 LEEF/,
  );
  for (const endMs of [-1, Number.NaN, 9e15])
    assert.match(
      encode('cef', 65_536, old)(delivery('flow', aFlow({ endMs })), false).text,
      /^<166>Jan  1 00:00:00 n1 CEF/,
    );
  const host = anAlert('A1');
  host.cluster = 'a b\n<1>forged';
  assert.match(
    encode('cef', 65_536, old)(delivery('alert', host), false).text,
    /^<163>Nov 14 22:13:22 a_b_<1>forged CEF:0/,
  );
});
