import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOfAcl } from '../../collector/ovn_acl/policy_name.ts';
import type { Flow } from '../../schema/records.ts';
import { collecting, decodeAll, decoderOf, linesOf, sample } from './decoding.ts';

interface Packet {
  time?: string;
  serial?: number;
  name?: string;
  verdict?: string;
  direction?: string;
  flow?: string;
  flags?: string;
}

const tuple =
  'nw_src=10.131.0.39,nw_dst=10.129.2.35,nw_tos=0,nw_ecn=0,nw_ttl=62,nw_frag=no,tp_src=58496,tp_dst=8080';

function acl(packet: Packet = {}): string {
  const {
    time = '2023-11-02T16:28:54.139Z',
    serial = 4,
    name = 'NP:shop:Ingress',
    verdict = 'drop',
    direction = 'to-lport',
    flags = 'syn',
  } = packet;
  const flow =
    packet.flow ??
    `tcp,vlan_tci=0x0000,dl_src=0a:58:0a:81:02:01,dl_dst=0a:58:0a:81:02:23,${tuple},tcp_flags=${flags}`;
  return `${time}|${String(serial).padStart(5, '0')}|acl_log(ovn_pinctrl0)|INFO|name="${name}", verdict=${verdict}, severity=alert, direction=${direction}: ${flow}`;
}

const one = async (packet: Packet): Promise<Flow> => {
  const { flows, rejects } = await decodeAll('ovn_acl', [acl(packet)]);
  assert.deepEqual(rejects, []);
  assert.equal(flows.length, 1);
  return flows[0]!;
};

test('a dropped SYN', async () => {
  const flow = await one({});
  assert.equal(flow.verdict, 'deny');
  assert.equal(flow.verdictRaw, 'drop');
  assert.equal(flow.reporter, 'destination');
  assert.equal(flow.direction, 'ingress');
  assert.equal(flow.unit, 'packet');
  assert.equal(flow.startMs, Date.parse('2023-11-02T16:28:54.139Z'));
  assert.deepEqual(
    [flow.source.ip, flow.source.port, flow.destination.ip, flow.destination.port],
    ['10.131.0.39', 58496, '10.129.2.35', 8080],
  );
  assert.deepEqual([flow.protocol, flow.tcpFlags, flow.initiatorGuessed, flow.counted], [6, 2, false, true]);
  assert.deepEqual(
    flow.policies.map(({ kind, namespace, name, direction, action }) => ({
      kind,
      namespace,
      name,
      direction,
      action,
    })),
    [{ kind: 'NetworkPolicy', namespace: 'shop', name: null, direction: 'ingress', action: 'default_deny' }],
  );
});

test('lines of one tuple, ACL and verdict in one aligned bucket are one flow at the first position', async () => {
  const at = (s: string): string => `2024-06-10T18:11:${s}Z`;
  const name = 'BANP:default:Ingress:0';
  const lines = [
    acl({ time: at('58.263'), serial: 22, name, verdict: 'allow' }),
    acl({ time: at('58.264'), serial: 23, name, verdict: 'allow', flags: 'psh|ack' }),
    acl({ time: at('58.300'), serial: 24 }),
    acl({ time: at('59.999'), serial: 25, name, verdict: 'allow', flags: 'fin|ack' }),
    acl({ time: '2024-06-10T18:12:00.000Z', serial: 26, name, verdict: 'allow', flags: 'ack' }),
  ];
  const { flows, losses } = await decodeAll('ovn_acl', lines);
  const offsets = linesOf(lines).map((line) => line.position);
  assert.deepEqual(
    flows.map(({ position, aggregated, tcpFlags }) => [position, aggregated, tcpFlags]),
    [
      [offsets[0], 3, 2 | 8 | 16 | 1],
      [offsets[2], 1, 2],
      [offsets[4], 1, 16],
    ],
  );
  assert.equal(flows[0]?.startMs, Date.parse(at('58.263')));
  assert.equal(flows[0]?.endMs, Date.parse(at('59.999')));
  assert.equal(flows[0]?.sourcePackets, 3);
  assert.deepEqual(losses, []);
});

test('flows are the same from any checkpoint, which is at the beginning of a bucket', async () => {
  const lines = linesOf(
    Array.from({ length: 120 }, (_, i) =>
      acl({
        time: new Date(1_718_000_000_000 + i * 700).toISOString(),
        serial: i + 1 + (i > 60 ? 3 : 0),
        flow: `tcp,nw_src=10.0.0.${i % 5},nw_dst=10.0.1.1,tp_src=40000,tp_dst=${80 + (i % 3)},tcp_flags=syn`,
      }),
    ),
  );
  const whole = await decoderOf('ovn_acl');
  const all = collecting();
  for (const line of lines) whole.decode(line, all);
  whole.atEnd?.(0, true, all);
  for (let cut = 1; cut < lines.length; cut += 13) {
    const first = await decoderOf('ovn_acl');
    const out = collecting();
    for (const line of lines.slice(0, cut)) first.decode(line, out);
    const held = first.checkpoint?.();
    assert.ok(held?.position !== undefined && out.flows.every((flow) => flow.position < held.position!));
    const second = await decoderOf(
      'ovn_acl',
      {},
      { state: JSON.parse(JSON.stringify(held.state)) as unknown },
    );
    for (const line of lines.filter(({ position }) => position >= held.position!)) second.decode(line, out);
    second.atEnd?.(0, true, out);
    assert.deepEqual(out.flows, all.flows);
    assert.deepEqual(new Set(out.losses.map((loss) => loss.id)), new Set(all.losses.map((loss) => loss.id)));
  }
});

test('time alone closes a bucket: when it is over, or when nothing came for as long', async () => {
  const decoder = await decoderOf('ovn_acl');
  const out = collecting();
  const timeMs = Date.parse('2023-11-02T16:28:54.139Z');
  decoder.decode(linesOf([acl()])[0]!, out);
  decoder.atEnd?.(timeMs + 2000, false, out);
  assert.equal(out.flows.length, 0);
  decoder.atEnd?.(Date.parse('2023-11-02T16:29:01.000Z'), false, out);
  assert.equal(out.flows.length, 1);
  assert.equal(decoder.checkpoint?.()?.position, undefined);
  decoder.decode(linesOf([acl({ time: '2043-11-02T16:28:54.139Z' })], 9000)[0]!, out);
  decoder.atEnd?.(timeMs, false, out);
  decoder.atEnd?.(timeMs + 11_000, false, out);
  assert.equal(out.flows.length, 2);
});

test('several nodes in one origin, one with its clock years ahead', async () => {
  const decoder = await decoderOf('ovn_acl');
  const out = collecting();
  const base = 1_718_000_000_000;
  let position = 0;
  for (let i = 0; i < 60; i++) {
    for (const [node, offset] of [
      ['a', 0],
      ['b', 40],
      ['ahead', 3 * 365 * 86_400_000],
    ] as const) {
      decoder.decode(
        {
          position: position++,
          text: acl({ time: new Date(base + i * 1000 + offset).toISOString(), serial: i + 1 }),
          timeMs: null,
          node,
          cluster: null,
        },
        out,
      );
    }
  }
  decoder.atEnd?.(0, true, out);
  assert.equal(
    out.flows.reduce((sum, flow) => sum + flow.aggregated, 0),
    180,
  );
  assert.ok(out.flows.length <= 3 * 6 * 3, `${out.flows.length} flows`);
  assert.deepEqual(new Set(out.flows.map((flow) => flow.node)), new Set(['a', 'b', 'ahead']));
  const positions = out.flows.map((flow) => flow.position);
  assert.deepEqual(
    positions,
    [...positions].sort((a, b) => a - b),
  );
});

test('who began the connection', async () => {
  const reply = await one({
    direction: 'from-lport',
    verdict: 'allow',
    name: 'NP:a:b:Egress:0',
    flow: 'tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=8080,tp_dst=40000,tcp_flags=syn|ack',
  });
  assert.deepEqual(
    [reply.source.ip, reply.source.port, reply.destination.ip, reply.initiatorGuessed],
    ['10.0.0.2', 40000, '10.0.0.1', false],
  );
  assert.deepEqual(
    [reply.reporter, reply.direction, reply.destinationPackets, reply.sourcePackets],
    ['destination', 'egress', 1, null],
  );
  const middle = await one({
    flow: 'tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=443,tp_dst=40000,tcp_flags=ack',
  });
  assert.deepEqual([middle.source.ip, middle.initiatorGuessed], ['10.0.0.2', true]);
  const ping = await one({ flow: 'icmp,nw_src=10.0.0.1,nw_dst=10.0.0.2,icmp_type=8,icmp_code=0' });
  assert.deepEqual(
    [ping.protocol, ping.icmpType, ping.icmpCode, ping.source.port, ping.initiatorGuessed],
    [1, 8, 0, null, false],
  );
  const pong = await one({ flow: 'icmp6,ipv6_src=fd00::1,ipv6_dst=fd00::2,icmp_type=129,icmp_code=0' });
  assert.deepEqual([pong.protocol, pong.source.ip, pong.initiatorGuessed], [58, 'fd00::2', false]);
});

test('IPv6 in canonical form', async () => {
  const flow = await one({
    flow: 'tcp6,vlan_tci=0x0000,dl_src=0a:58:0a:81:02:01,ipv6_src=FD00:0:0::001,ipv6_dst=2001:db8::0:1,ipv6_label=0x1,nw_ttl=64,tp_src=40000,tp_dst=443,tcp_flags=syn',
  });
  assert.deepEqual([flow.source.ip, flow.destination.ip, flow.protocol], ['fd00::1', '2001:db8::1', 6]);
});

test('verdicts', async () => {
  for (const [raw, verdict] of [
    ['allow', 'allow'],
    ['drop', 'deny'],
    ['reject', 'deny'],
    ['pass', 'unknown'],
    ['novel', 'unknown'],
  ] as const) {
    const flow = await one({ verdict: raw, name: 'ANP:admin:Ingress:1' });
    assert.deepEqual([flow.verdict, flow.verdictRaw], [verdict, raw]);
  }
  assert.equal((await one({ verdict: 'pass', name: 'ANP:admin:Ingress:1' })).policies[0]?.action, 'pass');
});

test('which of two reporters is counted', async () => {
  const egress = (dst: string, verdict: string): Promise<Flow> =>
    one({
      direction: 'from-lport',
      verdict,
      flow: `tcp,nw_src=10.0.0.1,nw_dst=${dst},tp_src=40000,tp_dst=443,tcp_flags=syn`,
    });
  assert.equal((await egress('10.0.0.2', 'allow')).counted, false);
  assert.equal((await egress('10.0.0.2', 'drop')).counted, true);
  assert.equal((await egress('93.184.216.34', 'allow')).counted, true);
});

test('an egress firewall is about what leaves the pod, although its ACL is to-lport', async () => {
  const flow = await one({
    name: 'EF:shop:3',
    flow: 'tcp,nw_src=10.0.0.1,nw_dst=93.184.216.34,tp_src=40000,tp_dst=443,tcp_flags=syn',
  });
  assert.deepEqual(
    [flow.direction, flow.reporter, flow.policies[0]?.direction, flow.source.ip],
    ['egress', 'source', 'egress', '10.0.0.1'],
  );
});

test('names of ACLs', () => {
  const policy = (name: string, verdict = 'drop') => {
    const found = policyOfAcl(name, { verdict, direction: 'egress' });
    return found && [found.kind, found.namespace, found.name, found.rule, found.action, found.truncated];
  };
  assert.deepEqual(policy('NP:ns:policy:Egress:12'), ['NetworkPolicy', 'ns', 'policy', '12', 'deny', false]);
  assert.deepEqual(policy('NP:ns:Egress'), ['NetworkPolicy', 'ns', null, null, 'default_deny', false]);
  assert.deepEqual(policy('NP:ns:Egress', 'allow'), ['NetworkPolicy', 'ns', null, null, 'allow', false]);
  assert.deepEqual(policy('EF:ns:3'), ['EgressFirewall', 'ns', 'default', '3', 'deny', false]);
  assert.deepEqual(policy('ANP:name:Ingress:0', 'pass'), [
    'AdminNetworkPolicy',
    null,
    'name',
    '0',
    'pass',
    false,
  ]);
  assert.deepEqual(policy('BANP:default:Ingress:0'), [
    'BaselineAdminNetworkPolicy',
    null,
    'default',
    '0',
    'deny',
    false,
  ]);
  assert.deepEqual(policy('np/allow.all.kube-system/IPv4/7', 'allow'), [
    'NetworkPolicy',
    'kube-system',
    'allow.all',
    '7',
    'allow',
    false,
  ]);
  assert.deepEqual(policy('<unnamed>'), null);
  assert.deepEqual(policy('something else'), [null, null, 'something else', null, 'deny', false]);
  const cut = (name: string): string => name.slice(0, 63);
  const long = 'n'.repeat(50);
  assert.deepEqual(policy(cut(`NP:${long}:policy-of-a-long-name:Egress:0`)), [
    'NetworkPolicy',
    long,
    'policy-of',
    null,
    'deny',
    true,
  ]);
  assert.deepEqual(policy(cut(`NP:${'n'.repeat(54)}:Ingress`)), [
    'NetworkPolicy',
    'n'.repeat(54),
    null,
    null,
    'default_deny',
    true,
  ]);
  assert.deepEqual(policy(cut(`NP:${'n'.repeat(63)}:Ingress`)), [
    'NetworkPolicy',
    'n'.repeat(60),
    null,
    null,
    'deny',
    true,
  ]);
  assert.deepEqual(policy(cut(`NP:short:${'p'.repeat(60)}:Ingress:0`)), [
    'NetworkPolicy',
    'short',
    'p'.repeat(54),
    null,
    'deny',
    true,
  ]);
});

test('a line that the next one ran into tells of its own packet, as malformed', async () => {
  const flow = await one({
    flow: `tcp,dl_src=0a:58:0a:80:02:19,${tuple},tcp_flags=fin|ack=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=55704,tp_dst=9090,tcp_flags=ack`,
  });
  assert.deepEqual(
    [flow.malformed, flow.source.port, flow.destination.port, flow.tcpFlags],
    [true, 58496, 8080, 17],
  );
  const whole = await one({ flow: `tcp,${tuple},tcp_flags=syn${acl({ time: '2023-11-02T16:28:55.139Z' })}` });
  assert.deepEqual([whole.malformed, whole.source.ip, whole.tcpFlags], [true, '10.131.0.39', 2]);
});

test('lines of other modules are left out, and their serials are known', async () => {
  const { flows, skipped, losses, rejects } = await decodeAll('ovn_acl', [
    acl({ serial: 7 }),
    '2023-11-02T16:28:54.500Z|00008|pinctrl(ovn_pinctrl0)|INFO|DHCPACK 0a:58:0a:81:02:23 10.129.2.35',
    '2023-11-02T16:28:54.600Z|00912|binding|INFO|Claiming lport shop_web for this chassis.',
    acl({ serial: 9 }),
    'not a log line at all',
  ]);
  assert.deepEqual(
    [flows.length, flows[0]?.aggregated, skipped, losses, rejects.length],
    [1, 2, ['other_module', 'other_module'], [], 1],
  );
  assert.match(
    rejects[0]?.reason ?? '',
    /x\.log, position \d+: expected an Open vSwitch log line.*"not a log line at all"/,
  );
});

test('a gap of serials is a loss, a restart is not', async () => {
  const { losses } = await decodeAll('ovn_acl', [
    acl({ serial: 23 }),
    acl({ serial: 26 }),
    acl({ serial: 1 }),
    acl({ serial: 2 }),
  ]);
  assert.deepEqual(
    losses.map(({ why, count, fromPosition, toPosition }) => ({ why, count, fromPosition, toPosition })),
    [{ why: 'sequence_gap', count: 2, fromPosition: 24, toPosition: 25 }],
  );
});

test('a second with as many lines as the limit lets through is a loss of unknown extent', async () => {
  const burst = Array.from({ length: 20 }, (_, i) =>
    acl({ serial: i + 1, time: `2023-11-02T16:28:54.${100 + i}Z` }),
  );
  const { losses } = await decodeAll('ovn_acl', burst);
  assert.deepEqual(
    losses.map(({ why, count, sinceMs }) => [why, count, sinceMs]),
    [['rate_limiter', null, Date.parse('2023-11-02T16:28:54Z')]],
  );
  assert.deepEqual((await decodeAll('ovn_acl', burst, { options: { rateLimit: 500 } })).losses, []);
  assert.deepEqual((await decodeAll('ovn_acl', burst, { options: { rateLimit: 0 } })).losses, []);
});

test('wrapped by the log forwarder, and without a time as syslog has it', async () => {
  const { flows } = await decodeAll('ovn_acl', [
    JSON.stringify({
      message: acl(),
      hostname: 'node-7',
      openshift: { cluster_id: 'c-7' },
      '@timestamp': '2023-11-02T16:28:55Z',
      log_type: 'audit',
    }),
  ]);
  assert.deepEqual(
    [flows[0]?.node, flows[0]?.cluster, flows[0]?.endMs],
    ['node-7', 'c-7', Date.parse('2023-11-02T16:28:54.139Z')],
  );
  const bare = `ovs|00004|${acl().split('|').slice(2).join('|')}`;
  const timed = await decodeAll('ovn_acl', [bare], { said: { timeMs: 1_700_000_000_000, node: 'n' } });
  assert.deepEqual([timed.flows[0]?.endMs, timed.flows[0]?.node], [1_700_000_000_000, 'n']);
  const untimed = await decodeAll('ovn_acl', [bare]);
  assert.match(untimed.rejects[0]?.reason ?? '', /expected a time/);
});

test('the node is never the reader’s own', async () => {
  assert.equal((await one({})).node, null);
  assert.equal(
    (await decodeAll('ovn_acl', [acl()], { context: { node: 'configured' } })).flows[0]?.node,
    'configured',
  );
});

test('the shared samples are read without a reject', async () => {
  for (const [name, count] of [
    ['ovn-acl-audit.log', 14],
    ['ovn-acl-audit.corrupt.log', 1],
    ['kube-ovn-acl.log', 1],
  ] as const) {
    const lines = sample(name);
    if (lines.length === 0) continue;
    const { flows, rejects } = await decodeAll('ovn_acl', lines);
    assert.deepEqual(rejects, []);
    assert.equal(
      flows.reduce((sum, flow) => sum + flow.aggregated, 0),
      count,
    );
  }
});

test('one node of ten whose clock is years ahead neither keeps buckets open nor changes what is collapsed', async () => {
  const begin = Date.parse('2024-06-10T18:00:00Z');
  const ahead = 10 * 365 * 86_400_000;
  /** A line a second for each node; those of `odd` are from a clock that is ahead, and there are only few. */
  const said = (seconds: number, odd: number | null) =>
    Array.from({ length: seconds }, (_, second) =>
      Array.from({ length: 10 }, (_, node) => ({ second, node })).filter(
        ({ node }) => node !== odd || second === 3,
      ),
    )
      .flat()
      .map(({ second, node }) => ({
        node: `n${node}`,
        text: acl({
          time: new Date(begin + second * 1000 + node + (node === odd ? ahead : 0)).toISOString(),
          serial: second + 1,
        }),
      }));
  const run = async (odd: number | null) => {
    const decoder = await decoderOf('ovn_acl', { rateLimit: 0 });
    const out = collecting();
    let position = 0;
    let heldMost = 0;
    for (const { node, text } of said(65, odd)) {
      decoder.decode({ position, text, timeMs: null, node, cluster: null }, out);
      heldMost = Math.max(heldMost, position - (decoder.checkpoint?.()?.position ?? position));
      position += 1;
    }
    // Read to the end in the middle of the bucket that began at 18:01:00: nothing is closed by that.
    const before = out.flows.length;
    decoder.atEnd?.(begin + 65_500, false, out);
    assert.equal(out.flows.length, before);
    decoder.atEnd?.(begin + 71_500, false, out);
    return { flows: out.flows, heldMost };
  };
  const usual = await run(null);
  const odd = await run(9);
  assert.equal(usual.flows.length, 70);
  assert.ok(odd.heldMost < 110, `held over ${odd.heldMost} lines`);
  const of = (flows: readonly Flow[]) =>
    flows
      .filter(({ node }) => node !== 'n9')
      .map(({ node, startMs, endMs, aggregated }) => [node, startMs, endMs, aggregated]);
  assert.deepEqual(of(odd.flows), of(usual.flows));
  assert.equal(odd.flows.filter(({ node }) => node === 'n9').length, 1);
});
