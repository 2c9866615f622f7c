import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SourceName } from '../../collector/registry.ts';
import { collectLines } from '../../collector/inputs/lines/collect.ts';
import { splitter } from '../../collector/inputs/lines/split.ts';
import type { Line } from '../../pipeline/contracts.ts';
import { codecOf } from '../../schema/codec.ts';
import { collecting, decoderOf } from '../collector/decoding.ts';

/** Lines as a good writer has them; each is then damaged. */
const seeds: Readonly<Record<SourceName, readonly string[]>> = {
  ovn_acl: [
    '2023-11-02T16:28:54.139Z|00004|acl_log(ovn_pinctrl0)|INFO|name="NP:shop:Ingress", verdict=drop, severity=alert, direction=to-lport: tcp,vlan_tci=0x0000,dl_src=0a:58:0a:81:02:01,nw_src=10.131.0.39,nw_dst=10.129.2.35,nw_tos=0,nw_ttl=62,nw_frag=no,tp_src=58496,tp_dst=8080,tcp_flags=syn|ack',
    '2024-06-10T16:28:38.293Z|00069|acl_log(ovn_pinctrl0)|INFO|name="ANP:t:Egress:0", verdict=allow, severity=alert, direction=from-lport: icmp6,ipv6_src=fd00::1,ipv6_dst=fd00::2,icmp_type=128,icmp_code=0',
    '{"message":"2023-11-02T16:28:54.139Z|00004|acl_log(ovn_pinctrl0)|INFO|name=\\"EF:a:1\\", verdict=reject","hostname":"n"}',
    '2023-11-02T16:28:54.139Z|00005|binding|INFO|Claiming lport',
  ],
  netobserv: [
    '{"AgentIP":"10.0.1.2","Bytes":456,"DstAddr":"10.129.0.26","DstK8S_Name":"dst","DstK8S_Type":"Pod","DstPort":5678,"Flags":16,"FlowDirection":0,"Packets":5,"PktDropPackets":1,"PktDropLatestDropCause":"OVS_DROP_LAST_ACTION","NetworkEvents":[{"Feature":"acl","Type":"NetpolNode","Action":"allow","Direction":"Ingress"},"Dropped by network policy a in namespace b, direction Egress"],"Proto":6,"SrcAddr":"10.128.0.29","SrcPort":1234,"TimeFlowEndMs":1709742328703,"TimeFlowStartMs":1709742328660,"Udns":["a/b"]}',
    '{"Bytes":20800,"DstAddr":"fd00::1","Flags":["SYN","SYN_ACK"],"Proto":58,"IcmpType":128,"SrcAddr":"::ffff:10.1.1.1","TimeFlowStart":0,"TimeReceived":1637501832,"_RecordType":"endConnection","_HashId":"a"}',
  ],
  zeek_conn: [
    '#separator \\x09',
    '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\thistory',
    '1699501701.032478\tCk4N\t2.237.57.70\t59202\t172.31.5.68\t8080\ttcp\t0.202757\tSF\tShADaFf',
    '{"ts":1615383120.600619,"id.orig_h":"10.50.24.73","id.orig_p":19831,"id.resp_h":"192.168.65.20","id.resp_p":110,"proto":"icmp","duration":1e-5,"conn_state":"REJ"}',
  ],
  ulogd: [
    '{"timestamp": "2026-11-23T02:05:24.497732", "raw.pktlen": 60, "oob.prefix": "A|default/allow-web ", "oob.time.sec": 1795399524, "oob.hook": 2, "ip.protocol": 6, "src_port": 37704, "dest_port": 8080, "tcp.syn": 1, "src_ip": "10.90.1.2", "dest_ip": "10.90.2.2"}',
    '{"timestamp": "2026-11-23T02:08:05", "orig.ip.protocol": 6, "orig.l4.sport": 1, "ct.event": 4, "flow.start.sec": 1795399524, "src_ip": "10.90.1.2", "dest_ip": "10.90.2.2", "reply.ip.saddr.str": "10.9.9.9"}',
  ],
};

const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('replace', 'insert', 'delete', 'repeat', 'cut', 'number'),
  byte: fc.integer({ min: 0, max: 255 }),
  length: fc.integer({ min: 1, max: 40 }),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(seed: string, damages: readonly Damage[]): Buffer {
  let bytes = Buffer.from(seed);
  for (const { at, kind, byte, length } of damages) {
    const index = Math.floor(at * bytes.length);
    const [before, after] = [bytes.subarray(0, index), bytes.subarray(index)];
    if (kind === 'replace') bytes = Buffer.concat([before, Buffer.from([byte]), after.subarray(1)]);
    else if (kind === 'insert') bytes = Buffer.concat([before, Buffer.alloc(length, byte), after]);
    else if (kind === 'delete') bytes = Buffer.concat([before, after.subarray(length)]);
    else if (kind === 'repeat') bytes = Buffer.concat([before, after.subarray(0, length), after]);
    else if (kind === 'cut') bytes = Buffer.from(before);
    else bytes = Buffer.from(bytes.toString('latin1').replace(/\d+/, String(byte * 1e18)), 'latin1');
  }
  return bytes;
}

for (const name of Object.keys(seeds) as SourceName[]) {
  test(`${name}: every damaged line gives a flow, a reject or is left out, and never throws`, async () => {
    const decoder = await decoderOf(name, {}, { receivedMs: () => 1 });
    const codec = codecOf('flow');
    let position = 0;
    const give = (text: string): void => {
      const out = collecting();
      const held = name === 'ovn_acl';
      const line: Line = { position, text, timeMs: 1_700_000_000_000, node: null, cluster: null };
      position += text.length + 1;
      decoder.decode(line, out);
      if (held) decoder.atEnd?.(0, true, out);
      const outcomes = out.flows.length + out.rejects.length + out.skipped.length;
      assert.ok(outcomes === 1, `${outcomes} outcomes for ${JSON.stringify(text)}`);
      // What no codec can write would be found only far from here.
      for (const flow of out.flows) codec.encode(flow);
    };
    const started = performance.now();
    fc.assert(
      fc.property(fc.constantFrom(...seeds[name]), fc.array(damage, { maxLength: 6 }), (seed, damages) => {
        const bytes = damaged(seed, damages);
        for (const text of bytes.toString('utf8').split('\n')) if (text !== '') give(text);
      }),
      { numRuns: 1500 },
    );
    assert.ok(performance.now() - started < 20_000);
  });

  test(`${name}: long lines made to be slow are not`, async () => {
    const decoder = await decoderOf(name);
    const bad = [
      '|'.repeat(500_000),
      'name="' + '\\'.repeat(500_000),
      `2023-11-02T16:28:54.139Z|00004|acl_log(x)|INFO|name="${'a, verdict='.repeat(50_000)}`,
      `2023-11-02T16:28:54.139Z|00004|acl_log(x)|INFO|name="a", verdict=drop, severity=alert, direction=to-lport: tcp,${'a=1,'.repeat(100_000)}`,
      '['.repeat(200_000),
      `{"SrcAddr":"${':'.repeat(200_000)}"}`,
      `{"NetworkEvents":[${'"Allowed by x, direction ",'.repeat(20_000)}1],"SrcAddr":"1.1.1.1","DstAddr":"1.1.1.2","TimeReceived":1}`,
      '\t'.repeat(500_000),
      `{"oob.prefix":"${'drop '.repeat(100_000)}","src_ip":"1.1.1.1","dest_ip":"1.1.1.2","oob.time.sec":1}`,
    ];
    const started = performance.now();
    const out = collecting();
    bad.forEach((text, position) =>
      decoder.decode({ position, text, timeMs: null, node: null, cluster: null }, out),
    );
    assert.ok(performance.now() - started < 3000, `${performance.now() - started} ms`);
  });
}

test('wrappers: any line is given, rejected or joined, and never throws', () => {
  const seedsOfWrappers = [
    '2024-06-10T16:28:38.293123456Z stdout F whole',
    '2024-06-10T16:28:38.293Z stderr P half ',
    '{"log":"part","stream":"stdout","time":"2024-06-10T16:28:38.293Z"}',
    '{"message":"a","hostname":"n","kubernetes":{"host":1},"@timestamp":"x"}',
    '{"__REALTIME_TIMESTAMP":"1718036918293123","_HOSTNAME":"node-1","MESSAGE":[104,105,255]}',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom('auto', 'none', 'cri', 'docker', 'journald', 'openshift-logging'),
      fc.array(fc.tuple(fc.constantFrom(...seedsOfWrappers), fc.array(damage, { maxLength: 3 })), {
        maxLength: 8,
      }),
      (wrapper, parts) => {
        const bytes = Buffer.concat(
          parts.flatMap(([seed, damages]) => [damaged(seed, damages), Buffer.from('\n')]),
        );
        const lines = collectLines({ wrapper, maxLineBytes: 4096, place: () => 'x', replaced() {} });
        const split = splitter(4096);
        split.push(bytes, lines);
        split.end(lines);
        lines.end();
        const taken = lines.take();
        let last = -1;
        for (const { position } of taken.lines) {
          assert.ok(position > last);
          last = position;
        }
      },
    ),
    { numRuns: 500 },
  );
});
