import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { networkTable } from '../../query/networks.ts';
import { networkHas, parseNetwork } from '../../query/address.ts';

const v4 = fc.tuple(fc.nat(255), fc.nat(3), fc.nat(3), fc.nat(255)).map((parts) => parts.join('.'));
const group = fc.constantFrom('0', '1', 'fe80', 'fd00', 'ffff', '2001');
const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
const edges = fc.constantFrom(
  '0.0.0.0',
  '255.255.255.255',
  '10.255.255.255',
  '11.0.0.0',
  '::',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
);
const cidr = fc.oneof(
  fc
    .tuple(fc.oneof(v4, fc.constantFrom('0.0.0.0', '255.255.255.255')), fc.nat(32))
    .map(([ip, prefix]) => `${ip}/${prefix}`),
  fc.tuple(v6, fc.nat(128)).map(([ip, prefix]) => `${ip}/${prefix}`),
);

test('the flattened intervals agree with trying every network', () => {
  fc.assert(
    fc.property(
      fc.array(cidr, { maxLength: 30 }),
      fc.array(fc.oneof(v4, v6, edges), { minLength: 1, maxLength: 30 }),
      (cidrs, ips) => {
        const table = networkTable(cidrs.map((text, value) => ({ cidr: text, value })));
        const networks = cidrs.map((text, value) => ({ network: parseNetwork(text)!, value }));
        for (const ip of [...ips, ...cidrs.map((text) => text.split('/')[0]!)]) {
          const expected = networks
            .filter(({ network }) => networkHas(network, ip))
            .sort((a, b) => b.network.prefix - a.network.prefix || a.value - b.value)
            .map(({ value }) => value);
          assert.deepEqual(table.find(ip), expected, ip);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('the narrowest network comes first, whatever the order', () => {
  const entries = ['10.0.0.0/8', '10.1.0.0/16', '0.0.0.0/0', '10.1.2.0/24', 'fd00::/8', 'fd00::/64'];
  for (const order of [entries, [...entries].reverse()]) {
    const table = networkTable(order.map((text) => ({ cidr: text, value: text })));
    assert.deepEqual(table.find('10.1.2.3'), ['10.1.2.0/24', '10.1.0.0/16', '10.0.0.0/8', '0.0.0.0/0']);
    assert.deepEqual(table.find('10.1.3.3'), ['10.1.0.0/16', '10.0.0.0/8', '0.0.0.0/0']);
    assert.deepEqual(table.find('11.0.0.0'), ['0.0.0.0/0']);
    assert.deepEqual(table.find('fd00::1'), ['fd00::/64', 'fd00::/8']);
    assert.deepEqual(table.find('fe00::'), []);
    assert.deepEqual(
      table.find('::ffff:10.1.2.3'),
      table.find('10.1.2.3'),
      'an IPv4-mapped address is its IPv4 address',
    );
  }
});

test('text that is no address is in no network, and text that is no network is refused', () => {
  const table = networkTable([{ cidr: '0.0.0.0/0', value: 1 }]);
  for (const text of ['', 'host', '1.2.3', '01.2.3.4', '1.2.3.4.5', '::1::'])
    assert.deepEqual(table.find(text), [], text);
  assert.throws(
    () => networkTable([{ cidr: '10.0.0.0/33', value: 1 }]),
    /"10\.0\.0\.0\/33" is not a network/,
  );
});
