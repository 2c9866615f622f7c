import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localTimes } from '../../collector/decode/times.ts';
import type { Flow } from '../../schema/records.ts';
import { decodeAll, sample } from './decoding.ts';

const packet = {
  timestamp: '2026-09-28T18:52:30.943369-0300',
  dvc: 'Netfilter',
  'raw.pktlen': 60,
  'raw.pktcount': 1,
  'oob.prefix': 'forward-drop',
  'oob.time.sec': 1790632350,
  'oob.time.usec': 943369,
  'oob.hook': 2,
  'oob.family': 2,
  'ip.protocol': 6,
  src_port: 43936,
  dest_port: 5432,
  'tcp.syn': 1,
  'tcp.ack': 0,
  src_ip: '192.168.10.20',
  dest_ip: '192.168.20.30',
};
const entry = {
  timestamp: '2026-11-23T02:08:05',
  'orig.ip.protocol': 6,
  'orig.l4.sport': 37716,
  'orig.l4.dport': 8080,
  'orig.raw.pktlen': 216,
  'orig.raw.pktcount': 4,
  'reply.l4.sport': 8080,
  'reply.raw.pktlen': 164,
  'reply.raw.pktcount': 3,
  'ct.id': 1,
  'ct.event': 4,
  'flow.start.sec': 1795399524,
  'flow.start.usec': 711895,
  'flow.end.sec': 1795399644,
  'flow.end.usec': 716809,
  src_ip: '10.90.1.2',
  dest_ip: '10.90.2.2',
  'reply.ip.saddr.str': '10.90.2.2',
  'reply.ip.daddr.str': '10.90.1.2',
};

const one = async (record: object, options: object = {}): Promise<Flow> => {
  const { flows, rejects } = await decodeAll('ulogd', [JSON.stringify(record)], { options });
  assert.deepEqual(rejects, []);
  return flows[0]!;
};

test('a packet of NFLOG', async () => {
  const flow = await one(packet);
  assert.deepEqual(
    [flow.endMs, flow.unit, flow.verdict, flow.verdictRaw, flow.reporter],
    [1790632350943, 'packet', 'deny', 'forward-drop', 'transit'],
  );
  assert.deepEqual(
    [flow.source.ip, flow.source.port, flow.destination.port, flow.protocol, flow.tcpFlags, flow.sourceBytes],
    ['192.168.10.20', 43936, 5432, 6, 2, 60],
  );
  assert.deepEqual([flow.initiatorGuessed, flow.connectionsStarted], [false, 1]);
  const local = await one({ ...packet, 'oob.hook': 1 });
  assert.deepEqual([local.direction, local.reporter], ['ingress', 'destination']);
  assert.deepEqual([(await one({ ...packet, 'oob.hook': 3 })).direction], ['egress']);
});

test('prefixes: the defaults, and rules of one’s own in order', async () => {
  const verdict = async (
    prefix: string,
    options: object = {},
  ): Promise<[string, string | null, string | null]> => {
    const flow = await one({ ...packet, 'oob.prefix': prefix }, options);
    return [flow.verdict, flow.policies[0]?.namespace ?? null, flow.policies[0]?.name ?? null];
  };
  assert.deepEqual(await verdict('A|default/allow-web '), ['allow', 'default', 'allow-web']);
  assert.deepEqual(await verdict('D|default/deny-all '), ['deny', 'default', 'deny-all']);
  assert.deepEqual(await verdict('INPUT-REJECT: '), ['deny', null, null]);
  assert.deepEqual(await verdict('[UFW BLOCK] '), ['deny', null, null]);
  assert.deepEqual(await verdict('fw-accept'), ['allow', null, null]);
  assert.deepEqual(await verdict('calico-packet: '), ['unknown', null, null]);
  const prefixes = [
    { prefix: 'fw-*', verdict: 'audit', policy: { kind: 'nftables', name: 'edge' } },
    { regex: '^x:(?<namespace>[^:]+):(?<policy>[^:]+)', verdict: 'allow' },
  ];
  assert.deepEqual(await verdict('fw-accept', { prefixes }), ['audit', null, 'edge']);
  assert.deepEqual(await verdict('x:ns:pol', { prefixes }), ['allow', 'ns', 'pol']);
  assert.deepEqual(await verdict('drop', { prefixes }), ['unknown', null, null]);
  assert.equal((await one({ ...packet, 'oob.prefix': undefined, action: 'blocked' })).verdict, 'deny');
  await assert.rejects(
    one(packet, { prefixes: [{ prefix: 'a', regex: 'b', verdict: 'allow' }] }),
    /either prefix or regex/,
  );
  await assert.rejects(one(packet, { prefixes: [{ regex: '(', verdict: 'allow' }] }), /regular expression/);
});

test('a time stamp with a zone, and one without in the configured zone', async () => {
  const untimed = { ...packet, 'oob.time.sec': undefined };
  assert.equal((await one(untimed)).endMs, 1790632350943);
  const local = { ...untimed, timestamp: '2026-07-01T12:00:00.5' };
  assert.equal((await one(local)).endMs, Date.parse('2026-07-01T12:00:00.500Z'));
  assert.equal(
    (await one(local, { timezone: 'Europe/Berlin' })).endMs,
    Date.parse('2026-07-01T10:00:00.500Z'),
  );
  const berlin = localTimes('Europe/Berlin');
  assert.equal(berlin('2026-01-01T12:00:00'), Date.parse('2026-01-01T11:00:00Z'));
  // 02:30 comes twice on the day the clocks go back; the earlier one is taken.
  assert.equal(berlin('2026-10-25T02:30:00'), Date.parse('2026-10-25T00:30:00Z'));
  assert.equal(berlin('2026-10-25T03:30:00'), Date.parse('2026-10-25T02:30:00Z'));
  assert.equal(localTimes('America/New_York')('2026-03-08T03:30:00'), Date.parse('2026-03-08T07:30:00Z'));
  assert.equal(berlin('yesterday'), null);
});

test('a connection of NFCT, with both directions', async () => {
  const flow = await one(entry);
  assert.deepEqual([flow.unit, flow.startMs, flow.endMs], ['connection', 1795399524711, 1795399644716]);
  assert.deepEqual(
    [flow.sourceBytes, flow.sourcePackets, flow.destinationBytes, flow.destinationPackets],
    [216, 4, 164, 3],
  );
  assert.deepEqual(
    [flow.connectionsStarted, flow.connectionsCompleted, flow.connectionsLive, flow.service],
    [1, 1, 0, null],
  );
  const unanswered = await one({ ...entry, 'reply.raw.pktcount': 0, 'reply.raw.pktlen': 0 });
  assert.deepEqual(
    [unanswered.connectionsStarted, unanswered.connectionsCompleted, unanswered.connectionsLive],
    [1, 0, 0],
  );
  const begun = await one({ ...entry, 'ct.event': 1, 'flow.end.sec': undefined });
  assert.deepEqual(
    [begun.connectionsStarted, begun.connectionsCompleted, begun.counted, begun.verdictRaw],
    [1, null, false, 'NEW'],
  );
});

test('a destination that was translated: who answers, reached through what was asked for', async () => {
  const flow = await one({ ...entry, dest_ip: '172.30.0.10', 'orig.l4.dport': 80, 'reply.l4.sport': 8080 });
  assert.deepEqual(
    [flow.destination.ip, flow.destination.port, flow.service?.name],
    ['10.90.2.2', 8080, '172.30.0.10:80'],
  );
});

test('bad records are rejected with their place', async () => {
  const { flows, rejects } = await decodeAll('ulogd', [
    '{}',
    'x',
    '{"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}',
  ]);
  assert.equal(flows.length, 0);
  assert.match(
    rejects[2]?.reason ?? '',
    /x\.log, position 5: expected a time in oob\.time\.sec or timestamp/,
  );
});

test('the shared samples are read', async () => {
  for (const [name, count] of [
    ['ulogd2-nfct-own-capture.json', 3],
    ['ulogd2-nflog-own-capture.json', 6],
    ['ulogd2-nflog.json', 1],
  ] as const) {
    const lines = sample(name);
    if (lines.length === 0) continue;
    const { flows, rejects } = await decodeAll('ulogd', lines);
    assert.deepEqual([flows.length, rejects.length], [count, 0]);
  }
});

test('ports of protocols that have no common name for them; flags that are not there are unknown', async () => {
  const { src_port: _1, dest_port: _2, ...portless } = packet;
  const sctp = await one({ ...portless, 'ip.protocol': 132, 'sctp.sport': 36412, 'sctp.dport': 38412 });
  assert.deepEqual([sctp.source.port, sctp.destination.port], [36412, 38412]);
  const { 'tcp.syn': _3, 'tcp.ack': _4, ...flagless } = packet;
  assert.equal((await one(flagless)).tcpFlags, null);
  assert.equal((await one({ ...flagless, 'tcp.syn': 0 })).tcpFlags, 0);
});
