import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow } from '../../schema/records.ts';
import { collecting, decodeAll, decoderOf, linesOf, sample } from './decoding.ts';

const header = [
  '#separator \\x09',
  '#set_separator\t,',
  '#empty_field\t(empty)',
  '#unset_field\t-',
  '#path\tconn',
  '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents',
  '#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tstring\tcount\tcount\tcount\tcount\tset[string]',
];
const row =
  '1699501701.032478\tCk4N\t2.237.57.70\t59202\t172.31.5.68\t8080\ttcp\thttp\t0.202757\t183\t0\tSF\tShADaFf\t5\t451\t3\t164\t(empty)';
const withState = (state: string): string => row.replace('\tSF\t', `\t${state}\t`);

const rows = async (...texts: string[]): Promise<Flow[]> => {
  const { flows, rejects } = await decodeAll('zeek_conn', [...header, ...texts]);
  assert.deepEqual(rejects, []);
  return flows;
};

test('a row by the columns of the header', async () => {
  const [flow] = await rows(row);
  assert.deepEqual([flow?.startMs, flow?.endMs], [1699501701032, 1699501701235]);
  assert.deepEqual(
    [flow?.source.ip, flow?.source.port, flow?.destination.ip, flow?.destination.port, flow?.protocol],
    ['2.237.57.70', 59202, '172.31.5.68', 8080, 6],
  );
  assert.deepEqual(
    [flow?.sourceBytes, flow?.destinationBytes, flow?.sourcePackets, flow?.destinationPackets],
    [451, 164, 5, 3],
  );
  assert.deepEqual(
    [flow?.verdict, flow?.verdictRaw, flow?.unit, flow?.reporter, flow?.initiatorGuessed],
    ['unknown', 'SF', 'connection', 'transit', false],
  );
  assert.equal(flow?.tcpFlags, 2 | 16 | 1);
  const { flows } = await decodeAll('zeek_conn', [...header, row], { options: { bytes: 'payload' } });
  assert.deepEqual([flows[0]?.sourceBytes, flows[0]?.destinationBytes], [183, 0]);
});

test('columns in another order, another separator', async () => {
  const { flows, rejects } = await decodeAll('zeek_conn', [
    '#separator ,',
    '#unset_field,NONE',
    '#fields,proto,id.resp_h,id.resp_p,local_orig,id.orig_p,id.orig_h,ts,conn_state',
    'udp,10.0.0.2,53,T,5353,fe80::1,1726201770.279490,S0',
    'udp,10.0.0.2,NONE,T,5353,fe80::1,1726201770.279490,S0',
  ]);
  assert.deepEqual(rejects, []);
  assert.deepEqual(
    flows.map(({ source, destination, protocol, sourceBytes }) => [
      source.ip,
      destination.port,
      protocol,
      sourceBytes,
    ]),
    [
      ['fe80::1', 53, 17, null],
      ['fe80::1', null, 17, null],
    ],
  );
});

test('states: begun, answered and ended, answered and open', async () => {
  const states = ['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR', 'SF', 'RSTO', 'RSTR', 'S1', 'OTH'];
  const flows = await rows(...states.map(withState));
  const counts = flows.map(
    (flow) => `${flow.connectionsStarted}${flow.connectionsCompleted}${flow.connectionsLive}`,
  );
  assert.deepEqual(counts, ['100', '100', '100', '100', '100', '100', '110', '110', '110', '101', '001']);
  assert.equal(flows.at(-1)?.initiatorGuessed, true);
  assert.equal((await rows(row.replace('ShADaFf', '^hADaFf')))[0]?.initiatorGuessed, true);
});

test('ports of ICMP are type and code', async () => {
  const [four, six] = await rows(
    row.replace('\t59202\t', '\t8\t').replace('\t8080\ttcp', '\t0\ticmp'),
    row.replace('2.237.57.70\t59202\t172.31.5.68\t8080\ttcp', 'fe80::1\t135\tff02::1\t0\ticmp'),
  );
  assert.deepEqual([four?.protocol, four?.icmpType, four?.icmpCode, four?.source.port], [1, 8, 0, null]);
  assert.deepEqual([six?.protocol, six?.icmpType], [58, 135]);
});

test('JSON, with times as numbers and as text', async () => {
  const json = {
    ts: 1615383120.600619,
    'id.orig_h': '10.50.24.73',
    'id.orig_p': 19831,
    'id.resp_h': '192.168.65.20',
    'id.resp_p': 110,
    proto: 'tcp',
    duration: 0.5,
    conn_state: 'REJ',
    orig_pkts: 1,
    orig_ip_bytes: 60,
    history: 'Sr',
  };
  const { flows, rejects, skipped } = await decodeAll('zeek_conn', [
    JSON.stringify(json),
    JSON.stringify({ ...json, _path: 'conn', _system_name: 'sensor-1', ts: '2023-05-06T08:38:58.383864Z' }),
    JSON.stringify({ ...json, _path: 'dns' }),
    JSON.stringify({ message: row, hostname: 'x' }),
  ]);
  assert.deepEqual(
    [flows[0]?.startMs, flows[0]?.endMs, flows[0]?.tcpFlags, flows[0]?.sourceBytes],
    [1615383120600, 1615383121100, 6, 60],
  );
  assert.deepEqual([flows[1]?.startMs, flows[1]?.node], [Date.parse('2023-05-06T08:38:58.383Z'), 'sensor-1']);
  assert.deepEqual(skipped, ['other_log']);
  assert.match(rejects[0]?.reason ?? '', /expected a #fields line/);
});

test('reading goes on in the middle of a file with the header of the checkpoint', async () => {
  const first = await decoderOf('zeek_conn');
  const out = collecting();
  for (const line of linesOf(header)) first.decode(line, out);
  const state = JSON.parse(JSON.stringify(first.checkpoint?.()?.state)) as unknown;
  const { flows, rejects } = await decodeAll('zeek_conn', [row, withState('S0')], { context: { state } });
  assert.deepEqual([flows.length, rejects.length, out.skipped.length], [2, 0, header.length]);
});

test('bad rows are rejected with their place: too few, too many columns, no time, no address', async () => {
  const { flows, rejects } = await decodeAll('zeek_conn', [
    ...header,
    row.slice(0, 40),
    `${row}\tmore`,
    row.replace('1699501701.032478', 'x'),
    row.replace('2.237.57.70', '2.237.57.700'),
    '{"broken',
    row,
  ]);
  assert.equal(flows.length, 1);
  assert.deepEqual(
    rejects.map((reject) => /expected ([^,]+), found/.exec(reject.reason)?.[1]),
    [
      '18 columns as in #fields',
      '18 columns as in #fields',
      'a time in ts',
      'addresses in id.orig_h and id.resp_h',
      'a JSON object of conn.log',
    ],
  );
});

test('names in place of addresses are host names', async () => {
  const [flow] = await rows(row.replace('2.237.57.70', 'victim-1').replace('172.31.5.68', 'c2.example'));
  assert.deepEqual(
    [flow?.source.ip, flow?.source.hostname, flow?.destination.hostname],
    [null, 'victim-1', 'c2.example'],
  );
});

test('the shared samples are read', async () => {
  for (const name of ['zeek-conn.jsonl', 'zeek-conn.tsv.log']) {
    const lines = sample(name);
    if (lines.length === 0) continue;
    const { flows, rejects } = await decodeAll('zeek_conn', lines);
    assert.deepEqual([flows.length, rejects.length], [2, 0]);
  }
});

test('a time without a zone is UTC, wherever it is read', async () => {
  const record = { 'id.orig_h': '10.0.0.1', 'id.resp_h': '10.0.0.2', proto: 'tcp' };
  const zone = process.env['TZ'];
  process.env['TZ'] = 'America/New_York';
  try {
    const { flows, rejects } = await decodeAll(
      'zeek_conn',
      ['2024-06-10T16:00:00.123456Z', '2024-06-10T16:00:00.123456', '2024-06-10T12:00:00.123-0400'].map(
        (ts) => JSON.stringify({ ts, ...record }),
      ),
    );
    assert.deepEqual(rejects, []);
    assert.deepEqual(
      flows.map(({ startMs }) => new Date(startMs).toISOString()),
      Array.from({ length: 3 }, () => '2024-06-10T16:00:00.123Z'),
    );
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('a protocol in capitals, and one that has a number only', async () => {
  const of = async (record: object) => {
    const whole = { ts: 1, 'id.orig_h': '10.0.0.1', 'id.resp_h': '10.0.0.2', ...record };
    return (await decodeAll('zeek_conn', [JSON.stringify(whole)])).flows[0]?.protocol;
  };
  assert.equal(await of({ proto: 'TCP' }), 6);
  assert.equal(await of({ proto: 'unknown_transport', ip_proto: 103 }), 103);
  assert.equal(await of({ proto: 'unknown_transport' }), null);
  assert.equal(await of({ proto: 'icmp', 'id.orig_h': 'fe80::1', 'id.resp_h': 'fe80::2' }), 58);
});
