import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, array, constantFrom, integer, property } from 'fast-check';
import { create } from '../../detectors/threat_intel/index.ts';
import { readLists } from '../../detectors/threat_intel/lists.ts';
import { options } from '../../detectors/threat_intel/options.ts';
import { newRequest, type Severity } from '../../schema/records.ts';
import { detectorContract } from '../contracts/detectorContract.ts';
import { opened, runDetector } from './harness.ts';
import { address, flowsOf, pod, policy, type Traffic } from './scenario.ts';

const lists = [
  {
    name: 'c2-feed',
    category: 'c2' as const,
    entries: `# botnet servers
203.0.113.7
198.51.100.0/28 ; a network
2001:db8:bad::/48
evil.example
*.worse.example.
http://198.51.100.77/24/payload.exe
https://user:pass@drop.example:8443/x?y
[2001:db8::99]:443
0.0.0.0 hosts-form.example
"192.0.2.200","2026-01-01","csv"

`,
  },
  { name: 'tor-exits', category: 'tor' as const, entries: '192.0.2.1\n192.0.2.2\n10.0.0.0/8' },
];
const factory = create(options.parse({ lists }));
const web = pod('shop/web');
const inside = address('10.9.9.9');

interface Scenario {
  readonly name: string;
  readonly traffic: readonly Traffic[];
  readonly finds: readonly { readonly who: string; readonly severity: Severity; readonly says: RegExp }[];
}

const WEB = 'test/shop/Deployment/web';

const scenarios: readonly Scenario[] = [
  {
    name: 'a workload reaches a listed address',
    traffic: [{ at: '0s', times: 5, from: web, to: address('203.0.113.7'), port: 443, fate: 'answered' }],
    finds: [
      {
        who: WEB,
        severity: 'high',
        says: /^shop\/web talked to 203\.0\.113\.7, which is on the list c2-feed \(command and control; 1 flow, .*Ask the owner of shop\/web what it wants there\. If nobody knows why, isolate it/,
      },
    ],
  },
  {
    name: 'over IPv6, in a listed network',
    traffic: [
      { at: '0s', from: web, to: address('2001:db8:bad::1', { kind: 'public' }), port: 443, fate: 'allowed' },
    ],
    finds: [{ who: WEB, severity: 'high', says: /2001:db8:bad::1, which is on the list c2-feed/ }],
  },
  {
    name: 'what was denied is a control that worked',
    traffic: [
      { at: '0s', from: web, to: address('203.0.113.7'), port: 443, fate: 'denied', policy: policy('deny') },
    ],
    finds: [{ who: WEB, severity: 'low', says: /It was denied; find out what tried/ }],
  },
  {
    name: 'Tor is milder, a compliance scope a step worse',
    traffic: [
      { at: '0s', from: web, to: address('192.0.2.1'), port: 9001, fate: 'answered' },
      {
        at: '1m',
        from: pod('payments/card', { scopes: ['pci'] }),
        to: address('192.0.2.2'),
        port: 443,
        fate: 'answered',
      },
    ],
    finds: [
      { who: WEB, severity: 'medium', says: /tor-exits \(Tor;/ },
      { who: 'test/payments/Deployment/card', severity: 'high', says: /tor-exits/ },
    ],
  },
  {
    name: 'a name under a listed one is asked for',
    traffic: [
      {
        at: '0s',
        from: web,
        to: pod('kube-system/coredns'),
        port: 53,
        protocol: 'udp',
        fate: 'answered',
        tune(flow) {
          flow.request = { ...newRequest(), query: 'C2.Deep.Evil.Example.' };
        },
      },
    ],
    finds: [{ who: WEB, severity: 'high', says: /^shop\/web asked for a name on the list c2-feed/ }],
  },
  {
    name: 'listed addresses that were let in meet in one alert about what they reached',
    traffic: [
      {
        at: '0s',
        every: '1m',
        from: [address('203.0.113.7'), address('198.51.100.3')],
        to: web,
        port: 443,
        times: 6,
        fate: 'answered',
      },
    ],
    finds: [
      {
        who: WEB,
        severity: 'medium',
        says: /^shop\/web was reached by one address on the list c2-feed .*what answered there/,
      },
    ],
  },
  {
    name: 'a lasting connection to the port of a pool, and a third to that of a relay',
    traffic: [
      {
        at: '0s',
        from: web,
        to: address('192.0.2.50'),
        port: 3333,
        fate: 'answered',
        tune(flow) {
          flow.startMs = flow.endMs - 600_000;
        },
      },
      {
        at: '1h',
        every: '1s',
        times: 5,
        from: pod('shop/cart'),
        to: address('192.0.2.51'),
        port: 9001,
        fate: 'answered',
      },
    ],
    finds: [
      { who: WEB, severity: 'low', says: /on port 3333, as clients of mining do \(.*over 10 min\)/ },
      { who: 'test/shop/Deployment/cart', severity: 'low', says: /on port 9001, as clients of Tor do/ },
    ],
  },
  {
    name: 'silence: one short connection to such a port, a failed one, and one within the house',
    traffic: [
      { at: '0s', from: web, to: address('192.0.2.50'), port: 3333, fate: 'answered' },
      { at: '0s', every: '1m', times: 9, from: web, to: address('192.0.2.52'), port: 4444, fate: 'failed' },
      { at: '0s', every: '1m', times: 9, from: web, to: pod('shop/console'), port: 9001, fate: 'answered' },
    ],
    finds: [],
  },
  {
    name: 'silence: the neighbours of what is listed, and private ranges of a list',
    traffic: [
      {
        at: '0s',
        from: web,
        to: [address('203.0.113.8'), address('198.51.100.16'), address('198.51.100.78'), inside],
        port: 443,
        fate: 'answered',
      },
      { at: '0s', from: inside, to: web, port: 443, fate: 'answered' },
      {
        at: '0s',
        from: web,
        to: address('192.0.2.60', { hostname: 'notevil.example' }),
        port: 443,
        fate: 'answered',
      },
    ],
    finds: [],
  },
  {
    name: 'silence: a listed address knocks and nobody answers',
    traffic: [{ at: '0s', times: 40, from: address('203.0.113.7'), to: web, port: 22, fate: 'failed' }],
    finds: [],
  },
];

for (const scenario of scenarios) {
  test(`threat_intel: ${scenario.name}`, () => {
    const found = opened(runDetector(factory, flowsOf(scenario.traffic)).alerts);
    assert.deepEqual(
      found.map((alert) => ({ who: alert.entity.key, severity: alert.severity })),
      scenario.finds.map(({ who, severity }) => ({ who, severity })),
    );
    for (const [i, alert] of found.entries()) assert.match(alert.why.summary, scenario.finds[i]!.says);
  });
}

test('threat_intel: every form a line may have is read', () => {
  const read = readLists({ lists, maxEntries: 100 });
  assert.equal(read.size, 13);
  for (const ip of ['203.0.113.7', '198.51.100.15', '198.51.100.77', '192.0.2.200', '2001:db8::99'])
    assert.equal(read.address(ip)?.name, 'c2-feed', ip);
  for (const name of ['evil.example', 'a.b.worse.example', 'drop.example', 'hosts-form.example'])
    assert.equal(read.domain(name)?.name, 'c2-feed', name);
  assert.equal(read.address('198.51.100.76'), undefined);
  assert.equal(read.domain('example'), undefined);
});

test('threat_intel: a line that is nothing, one that is everything, and too many are refused with their place', () => {
  const reading = (entries: string, maxEntries = 10) =>
    readLists({ lists: [{ name: 'feed', category: 'other', entries }], maxEntries });
  assert.throws(() => reading('192.0.2.1\n<html>'), {
    code: 'config_invalid',
    message: /list "feed" line 2: found "<html>", expected an address, a network/,
  });
  assert.throws(() => reading('0.0.0.0/0'), { message: /line 1: 0\.0\.0\.0\/0 is too wide/ });
  assert.throws(() => reading('::/0'), { message: /too wide/ });
  assert.throws(() => reading('192.0.2.1\n192.0.2.2\n192.0.2.3', 2), {
    message: /more than 2 entries .* line 3/,
  });
});

test('threat_intel: addresses are found as a scan over all networks finds them', () => {
  const octet = integer({ min: 0, max: 3 });
  const network = array(octet, { minLength: 4, maxLength: 4 });
  assertProperty(
    property(
      array(network, { maxLength: 20 }),
      array(network, { maxLength: 20 }),
      constantFrom(24, 30, 32),
      (all, asked, prefix) => {
        const text = (part: readonly number[]): string =>
          part.map((n, i) => (i === 0 ? n + 50 : n)).join('.');
        const entries = all.map((part) => `${text(part)}/${prefix}`).join('\n');
        const read = readLists({ lists: [{ name: 'n', category: 'other', entries }], maxEntries: 100 });
        const number = (part: readonly number[]): number =>
          text(part)
            .split('.')
            .reduce((sum, n) => sum * 256 + Number(n), 0);
        const size = 2 ** (32 - prefix);
        for (const part of asked) {
          const expected = all.some(
            (one) => Math.floor(number(one) / size) === Math.floor(number(part) / size),
          );
          assert.equal(read.address(text(part)) !== undefined, expected);
        }
      },
    ),
  );
});

detectorContract({
  name: 'threat_intel',
  factory,
  alerting: flowsOf([
    { at: '0s', every: '10s', times: 40, from: web, to: address('203.0.113.7'), port: 443, fate: 'answered' },
    {
      at: '1m',
      every: '20s',
      times: 20,
      from: address('198.51.100.3'),
      to: web,
      port: 443,
      fate: ['denied', 'answered'],
    },
    {
      at: '2m',
      every: '20s',
      times: 20,
      from: pod('shop/cart'),
      to: address('192.0.2.51'),
      port: 9001,
      fate: 'allowed',
    },
    { at: '3h', times: 2, from: web, to: address('203.0.113.7'), port: 443, fate: 'denied' },
  ]),
  benign: flowsOf([
    { at: '0s', times: 50, from: web, to: address('192.0.2.77'), port: 443, fate: 'answered' },
    { at: '0s', times: 50, from: inside, to: web, port: 443, fate: 'answered' },
  ]),
  flood: (count) =>
    flowsOf([
      {
        at: '0s',
        every: '10ms',
        times: count,
        from: Array.from({ length: count }, (_, i) => pod(`flood/pod-${i}`)),
        to: address('192.0.2.51'),
        port: 9001,
        fate: 'allowed',
      },
    ]),
});
