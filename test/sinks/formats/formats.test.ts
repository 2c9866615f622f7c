import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { formatNames, type FormatName } from '../../../sinks/formats/format-options.ts';
import { payload } from '../../../sinks/formats/index.ts';
import type { FormatSettings } from '../../../sinks/formats/payload.ts';
import { aFlow } from '../../helpers/flows.ts';
import { anAlert, delivery, nastyStrings } from '../syslog/records.ts';
import { parseCef } from './parse-cef.ts';
import { leefExpected, parseLeef } from './parse-leef.ts';
import { aChange, aLoss, anAccess, anIncident } from './records.ts';

const format = (name: FormatName, fields: FormatSettings['fields'] = {}, version: 0 | 1 = 0) =>
  payload(name, { version: '1.2.3', fields }, version);

const visible = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Through UTF-8 and back, as a receiver sees it. */
const received = (text: string): string => Buffer.from(text).toString();
const cefExpected = (text: string): string =>
  received(text.replace(/[^\n\r]/gu, (char) => (char.length === 1 ? visible(char) : char)));

/** One record of each kind, whose free texts are all `text`. */
function everyKind(text: string): Delivery[] {
  const flow = aFlow({ verdict: 'deny' });
  flow.node = text;
  flow.cluster = text;
  flow.dropReason = text;
  flow.source = { ...flow.source, pod: text, namespace: text, workload: text, tenant: text, hostname: text };
  flow.destination.workload = text;
  return [
    delivery('flow', flow),
    delivery('alert', anAlert('A1', text)),
    delivery('incident', anIncident('I1', text)),
    delivery('policy_change', aChange('C1', text)),
    delivery('loss', aLoss('L1', text)),
    delivery('access', anAccess('X1', text)),
  ];
}

/** Parses one line strictly, and gives the id in it. */
const idIn: Readonly<Record<FormatName, (line: string) => unknown>> = {
  json: (line) => (JSON.parse(line) as { id: string }).id,
  cef: (line) => parseCef(line).extension['externalId'],
  leef: (line) => parseLeef(line).attributes['externalId'],
  'ecs-json': (line) => (JSON.parse(line) as { event: { id: string } }).event.id.replace(/-2$/, ''),
  ocsf: (line) => (JSON.parse(line) as { metadata: { uid: string } }).metadata.uid.replace(/-\d$/, ''),
};

test('any text in any field of any record gives one event in every format, whole or shortened', () => {
  const make = Object.fromEntries(formatNames.map((name) => [name, format(name)])) as Record<
    FormatName,
    ReturnType<typeof format>
  >;
  const check = (text: string): void => {
    for (const item of everyKind(text))
      for (const name of formatNames)
        for (const cap of [null, 512, 16, 0]) {
          const line = received(make[name](item, cap));
          assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u, name);
          assert.equal(idIn[name](line), item.record.id, `${name} ${item.kind} ${cap}`);
        }
  };
  nastyStrings.forEach(check);
  check('');
  const anyText = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff })), {
      maxLength: 40,
    })
    .map((units) => String.fromCharCode(...units));
  fc.assert(fc.property(anyText, check), { numRuns: 50 });
});

test('a megabyte of text in every field is cut to what is asked for', () => {
  for (const text of ['x'.repeat(1_000_000), '|=\\^\n'.repeat(200_000), '\u0000'.repeat(1_000_000)])
    for (const item of everyKind(text))
      for (const name of formatNames) {
        const line = received(format(name)(item, 16));
        assert.ok(line.length < 20_000, `${name} ${item.kind}: ${line.length}`);
        assert.equal(idIn[name](line), item.record.id);
        assert.ok(Buffer.byteLength(format(name)(item, 0)) <= 250);
      }
});

test('cef: the name of an event belongs to the detector, the rule of a user is in msg', () => {
  const alert = anAlert('A1');
  alert.detector = 'rule';
  alert.rule = 'Nobody talks to the vault | but us';
  const event = parseCef(format('cef')(delivery('alert', alert), null));
  assert.deepEqual([event.classId, event.name, event.extension['msg']], ['rule', 'Rule', alert.rule]);
});

test('cef: act is blocked or allowed, or absent', () => {
  const acts = (['blocked', 'allowed', 'mixed', 'unknown'] as const).map((outcome) => {
    const alert = { ...anAlert('A1'), outcome };
    const { extension } = parseCef(format('cef')(delivery('alert', alert), null));
    return [extension['act'], extension['outcome']];
  });
  assert.deepEqual(acts, [
    ['blocked', 'failure'],
    ['allowed', 'success'],
    [undefined, undefined],
    [undefined, undefined],
  ]);
  const flows = (['allow', 'deny', 'audit', 'error', 'unknown'] as const).map(
    (verdict) => parseCef(format('cef')(delivery('flow', aFlow({ verdict })), null)).extension['act'],
  );
  assert.deepEqual(flows, ['allowed', 'blocked', 'allowed', undefined, undefined]);
});

test('cef: version 1 names the framework and the technique; IPv6 stays in its own fields', () => {
  const alert = anAlert('A1');
  alert.attack = [{ tacticId: 'TA0007', tactic: 'Discovery', techniqueId: 'T1046', technique: 'x' }];
  const [old, now] = ([0, 1] as const).map((version) =>
    format('cef', {}, version)(delivery('alert', alert), null),
  );
  assert.equal(parseCef(old!).version, 0);
  assert.equal(parseCef(old!).extension['frameworkName'], undefined);
  const event = parseCef(now!);
  assert.equal(event.version, 1);
  assert.deepEqual(
    [event.extension['frameworkName'], event.extension['threatAttackID'], event.extension['c6a3']],
    ['MITRE ATT&CK', 'T1046', '2001:db8::5'],
  );
});

test('cef: what is no address is not written where an address belongs', () => {
  const alert = anAlert('A1');
  alert.source!.address = 'fe80::1 act=allowed';
  alert.destination!.address = '10.0.0.1 dst=10.0.0.2';
  const { extension } = parseCef(format('cef')(delivery('alert', alert), null));
  for (const key of ['src', 'dst', 'c6a2', 'c6a3']) assert.equal(extension[key], undefined);
});

test('leef: fields of an alert', () => {
  const event = parseLeef(format('leef')(delivery('alert', anAlert('A1', 'x')), null));
  assert.deepEqual(
    [event.vendor, event.product, event.version, event.eventId],
    ['Weir', 'weir', '1.2.3', 'port_scan'],
  );
  const { attributes } = event;
  assert.deepEqual(
    ['sev', 'src', 'dst', 'srcPort', 'dstPort', 'proto', 'policy', 'action', 'devTime', 'name'].map(
      (name) => attributes[name],
    ),
    [
      '8',
      '10.0.0.7',
      '2001:db8::5',
      '40000',
      '443',
      'TCP',
      'shop/x',
      'blocked',
      '1700000002000',
      'Port scan',
    ],
  );
});

test('leef and cef: every value is the one that was sent', () => {
  for (const text of nastyStrings) {
    const item = delivery('alert', anAlert('A1', text));
    const leef = parseLeef(received(format('leef')(item, null))).attributes;
    const cef = parseCef(received(format('cef')(item, null))).extension;
    for (const [ours, theirs] of [
      ['reason', 'reason'],
      ['tenant', 'cs4'],
      ['srcService', 'sourceServiceName'],
      ['entity', 'flexString1'],
    ] as const) {
      assert.equal(leef[ours], leefExpected(text));
      assert.equal(cef[theirs], cefExpected(text));
    }
  }
});

test('fields of users: added, replaced, left out, constant, labelled', () => {
  const alert = anAlert('A1', 'x');
  alert.owner = 'team\nred=1';
  alert.scopes = ['pci', 'sox'];
  const fields: FormatSettings['fields'] = {
    alert: {
      cs3: { field: 'owner', label: 'Owner' },
      duser: 'scopes',
      deviceFacility: { value: 'payments' },
      reason: null,
      cn1: 'evidence.flows.timeMs',
    },
  };
  const { extension } = parseCef(format('cef', fields)(delivery('alert', alert), null));
  assert.deepEqual(
    ['cs3', 'cs3Label', 'duser', 'deviceFacility', 'reason', 'cn1'].map((name) => extension[name]),
    ['team\nred=1', 'Owner', 'pci,sox', 'payments', undefined, undefined],
  );
  const leef = parseLeef(
    format('leef', { alert: { identHostName: 'owner', sev: { value: '7' } } })(
      delivery('alert', alert),
      null,
    ),
  );
  assert.deepEqual([leef.attributes['identHostName'], leef.attributes['sev']], ['team\\u000ared=1', '7']);

  const more = { alert: { team: 'owner', tier: { value: 'gold' } } };
  const at = (name: FormatName): Record<string, Record<string, unknown>> =>
    JSON.parse(format(name, more)(delivery('alert', alert), null)) as Record<string, Record<string, unknown>>;
  assert.deepEqual([at('json')['team'], at('json')['tier']], [alert.owner, 'gold']);
  assert.deepEqual(at('ecs-json')['labels'], { team: alert.owner, tier: 'gold' });
  assert.equal(at('ocsf')['unmapped']!['team'], alert.owner);
  assert.equal(at('ocsf')['unmapped']!['revision'], 2);
});

test('fields of users that cannot be are refused with the place', () => {
  const wrong: [FormatName, FormatSettings['fields'], RegExp][] = [
    ['cef', { alert: { cs3: 'ownr' } }, /fields\.alert\.cs3: .*no field 'ownr'; did you mean 'owner'/],
    ['cef', { alert: { 'a b': 'owner' } }, /fields\.alert: 'a b' cannot be the name of a field/],
    ['cef', { alert: { externalId: null } }, /fields\.alert\.externalId/],
    ['leef', { flow: { 'x=y^z': 'node' } }, /cannot be the name/],
    ['json', { alert: { severity: 'owner' } }, /can be added to this format, not replaced/],
    ['json', { alert: { x: null } }, /not replaced or left out/],
    ['ocsf', { alert: { x: { field: 'owner', value: 'y' } } }, /either 'field' or 'value'/],
  ];
  for (const [name, fields, message] of wrong)
    assert.throws(() => format(name, fields), { code: 'config_invalid', message });
});
