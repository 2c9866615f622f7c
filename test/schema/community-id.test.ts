import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { communityId, type FlowTuple } from '../../schema/community-id.ts';

const tuple = (
  protocol: number,
  source: string,
  sourcePort: number | null,
  destination: string,
  destinationPort: number | null,
): FlowTuple => ({
  protocol,
  source,
  sourcePort,
  destination,
  destinationPort,
});

/** The published formula, over bytes written out by hand. */
const formula = (hex: string): string =>
  `1:${createHash('sha1')
    .update(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
    .digest('base64')}`;

test('the formula, with the lesser end first', () => {
  const there = tuple(6, '128.232.110.120', 34_855, '66.35.250.204', 80);
  assert.equal(communityId(there), '1:LQU9qZlK+B5F3KDmev6m5PMibrg=');
  assert.equal(communityId(there), formula('0000 4223facc 80e86e78 06 00 0050 8827'));
  assert.equal(communityId(there, 1), formula('0001 4223facc 80e86e78 06 00 0050 8827'));
  assert.equal(
    communityId(tuple(17, '10.0.0.1', 53, '10.0.0.1', 9)),
    formula('0000 0a000001 0a000001 11 00 0009 0035'),
    'equal addresses: by port',
  );
  const six = `0000 20010db8${'0'.repeat(23)}1 20010db8${'0'.repeat(23)}2 84 00 0007 0008`;
  assert.equal(communityId(tuple(132, '2001:db8::1', 7, '2001:db8:0:0::2', 8)), formula(six));
});

test('a protocol without ports is hashed without them', () => {
  assert.equal(
    communityId(tuple(47, '10.0.0.2', null, '10.0.0.1', null)),
    formula('0000 0a000001 0a000002 2f 00'),
  );
  assert.equal(communityId(tuple(47, '10.0.0.2', 1, '10.0.0.1', 2)), formula('0000 0a000001 0a000002 2f 00'));
});

test('ICMP: question and answer are one, other messages have a direction', () => {
  const echo = formula('0000 0a000001 0a000002 01 00 0008 0000');
  assert.equal(communityId(tuple(1, '10.0.0.1', 8, '10.0.0.2', 0)), echo);
  assert.equal(communityId(tuple(1, '10.0.0.2', 0, '10.0.0.1', 0)), echo);
  assert.equal(
    communityId(tuple(1, '10.0.0.2', 3, '10.0.0.1', 1)),
    formula('0000 0a000002 0a000001 01 00 0003 0001'),
    'unreachable',
  );
  assert.notEqual(
    communityId(tuple(1, '10.0.0.1', 3, '10.0.0.2', 1)),
    communityId(tuple(1, '10.0.0.2', 3, '10.0.0.1', 1)),
  );
  assert.equal(
    communityId(tuple(58, 'fe80::1', 135, 'fe80::2', 0)),
    communityId(tuple(58, 'fe80::2', 136, 'fe80::1', 0)),
  );
});

test('where it is not defined there is none', () => {
  assert.equal(communityId(tuple(6, '10.0.0.1', null, '10.0.0.2', 80)), null);
  assert.equal(communityId(tuple(6, '10.0.0.1', 1, 'fd00::1', 80)), null);
  assert.equal(communityId(tuple(6, 'host', 1, '10.0.0.2', 80)), null);
  assert.equal(communityId(tuple(1, '10.0.0.1', null, '10.0.0.2', null)), null);
});

test('both directions of a connection agree, and texts of one address do', () => {
  const port = fc.nat(65_535);
  fc.assert(
    fc.property(
      fc.ipV4(),
      port,
      fc.ipV4(),
      port,
      fc.constantFrom(6, 17, 132),
      fc.nat(65_535),
      (a, aPort, b, bPort, protocol, seed) => {
        const id = communityId(tuple(protocol, a, aPort, b, bPort), seed);
        assert.match(id!, /^1:[A-Za-z0-9+/]{27}=$/);
        assert.equal(id, communityId(tuple(protocol, b, bPort, a, aPort), seed));
      },
    ),
  );
  assert.equal(
    communityId(tuple(6, '::ffff:1.2.3.4', 1, '0:0::1', 2)),
    communityId(tuple(6, '::ffff:102:304', 1, '::1', 2)),
  );
});

test('the baselines of the specification, where they are at hand', () => {
  for (const [name, seed, encoding] of [
    ['deflt', 0, 'base64'],
    ['seed1', 1, 'base64'],
    ['nob64', 0, 'hex'],
  ] as const) {
    const path = `../shared/reference/cid_${name}.json`;
    if (!existsSync(path)) continue;
    const vectors = JSON.parse(readFileSync(path, 'utf8')) as {
      proto: number;
      saddr: string;
      daddr: string;
      sport: number | null;
      dport: number | null;
      communityid: string;
    }[];
    assert.ok(vectors.length > 0);
    for (const v of vectors) {
      const id = communityId(tuple(v.proto, v.saddr, v.sport, v.daddr, v.dport), seed)!;
      const text = encoding === 'hex' ? `1:${Buffer.from(id.slice(2), 'base64').toString('hex')}` : id;
      assert.equal(text, v.communityid, JSON.stringify(v));
    }
  }
});
