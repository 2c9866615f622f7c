import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readLabels, uidsByPosition, unpacked } from '../../evaluate/labels.ts';
import { kindOf } from '../../evaluate/kinds.ts';

test('labels are read with quotes, other orders of columns, and words for the same thing', () => {
  const labels = readLabels(
    'uid,label,detail\nC1,Malicious,"CONNECT x (beacon, score 0.9)"\nC2,benign,\r\nC3,Background,"say ""hi"""\n\nC4,Normal\n',
  );
  assert.deepEqual(
    [...labels],
    [
      ['C1', { truth: 'malicious', detail: 'CONNECT x (beacon, score 0.9)' }],
      ['C2', { truth: 'benign', detail: '' }],
      ['C3', { truth: 'unlabelled', detail: 'say "hi"' }],
      ['C4', { truth: 'benign', detail: '' }],
    ],
  );
  const turned = readLabels('label,extra,uid\nMalicious,x,C9\n');
  assert.deepEqual([...turned], [['C9', { truth: 'malicious', detail: '' }]]);
  assert.equal(readLabels('C1,Malicious,no header\n').get('C1')?.truth, 'malicious');
});

test('rows are found again by the byte at which they begin, in text and in JSON', () => {
  const text = '#separator \\x09\n#fields\tts\tuid\tid.orig_h\n1.0\tCä\t10.0.0.1\n2.0\tC2\t10.0.0.2';
  const first = Buffer.byteLength('#separator \\x09\n#fields\tts\tuid\tid.orig_h\n');
  assert.deepEqual(
    [...uidsByPosition(Buffer.from(text))],
    [
      [first, 'Cä'],
      [first + Buffer.byteLength('1.0\tCä\t10.0.0.1\n'), 'C2'],
    ],
  );
  assert.deepEqual(
    [...uidsByPosition(Buffer.from('{"ts":1,"uid":"J1"}\n{"ts":2, "uid": "J2"}\n'))],
    [
      [0, 'J1'],
      [20, 'J2'],
    ],
  );
  assert.equal(unpacked(gzipSync('abc')).toString(), 'abc');
  assert.equal(unpacked(Buffer.from('abc')).toString(), 'abc');
});

test('kinds of attack follow from what labels say, the detail before the case', () => {
  assert.equal(kindOf(['scan|port_scan.pcap']), 'scan');
  assert.equal(kindOf(['DoS|pkt.TCP.synflood.spoofed']), 'flood');
  assert.equal(kindOf(['CVE-2020-13379 Grafana SSRF/DoS|file=x']), 'exploit');
  assert.equal(kindOf(['derived:nmap ssh-brute 40 passwords']), 'brute_force');
  assert.equal(kindOf(['From_malicious-To_malicious-Malware_data_exfiltration-RemcosRAT']), 'c2');
  assert.equal(kindOf(['Node-RED reconnaissance|file=x']), 'reconnaissance');
  assert.equal(kindOf(['', 'ddos-x', 'one victim']), 'flood');
  assert.equal(kindOf(['', 'case7', '']), 'other');
});
