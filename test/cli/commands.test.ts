import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weir } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

test('replay tells what it read and judged, and writes the alerts', async (t) => {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(3000)].join('\n')}\n`);
  const alerts = join(directory, 'alerts.jsonl');
  const { code, out, err } = await weir(['replay', '--source', 'netobserv', input, '--alerts', alerts]);
  assert.equal(code, 0, err);
  assert.equal(out, '');
  assert.match(err, /^records +3,000$/m);
  assert.match(err, /^flows +3,000 \(\d,\d+ allow, \d+ deny\)$/m);
  const scans = lines(readFileSync(alerts, 'utf8'))
    .map((line) => JSON.parse(line) as { detector: string; why: { summary: string } })
    .filter(({ detector }) => detector === 'port_scan');
  assert.ok(scans.length > 0 && scans[0]!.why.summary.includes('team3/app3'), scans[0]?.why.summary);
});

test('replay of OVN audit lines prints verdict, policy and endpoints of each', async (t) => {
  const input = join(temporaryDirectory(t), 'acl-audit-log.log');
  const packet = (second: string, verdict: string, port: number): string =>
    `2026-11-24T03:12:${second}.123Z|00004|acl_log(ovn_pinctrl0)|INFO|name="NP:shop:deny-all:Ingress", ` +
    `verdict=${verdict}, severity=alert, direction=to-lport: tcp,vlan_tci=0x0000,dl_src=0a:58:0a:80:02:1f,` +
    `dl_dst=0a:58:0a:80:02:20,nw_src=10.128.2.31,nw_dst=10.128.2.32,nw_tos=0,nw_ecn=0,nw_ttl=64,` +
    `nw_frag=no,tp_src=33632,tp_dst=${port},tcp_flags=syn`;
  writeFileSync(input, `${packet('01', 'drop', 8080)}\n${packet('02', 'allow', 9090)}\nno audit line\n`);
  const { code, out, err } = await weir(['replay', '--source', 'ovn_acl', input, '--flows', '-']);
  assert.equal(code, 0, err);
  const flows = lines(out).map((line) => JSON.parse(line) as Record<string, never>) as unknown as {
    verdict: string;
    policies: { name: string; namespace: string }[];
    source: { ip: string };
    destination: { ip: string; port: number };
  }[];
  assert.deepEqual(
    flows
      .map(
        ({ verdict, policies: [policy], source, destination }) =>
          `${verdict} ${policy?.namespace}/${policy?.name} ${source.ip} -> ${destination.ip}:${destination.port}`,
      )
      .sort(),
    [
      'allow shop/deny-all 10.128.2.31 -> 10.128.2.32:9090',
      'deny shop/deny-all 10.128.2.31 -> 10.128.2.32:8080',
    ],
  );
  assert.match(err, /^malformed +1\n.*acl-audit-log\.log/m, 'the place of a bad line is named');
});

test('replay of a Zeek log finds the scanner', async (t) => {
  const input = join(temporaryDirectory(t), 'conn.log');
  const fields = 'ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto conn_state orig_pkts resp_pkts'.split(
    ' ',
  );
  const types = 'time string addr port addr port enum string count count'.split(' ');
  const rows = Array.from({ length: 40 }, (_, i) =>
    [`${1_700_000_000 + i}.5`, `C${i}`, '192.0.2.7', 40_000 + i, '10.0.0.5', 1 + i, 'tcp', 'REJ', 1, 1].join(
      '\t',
    ),
  );
  const header = [
    '#separator \\x09',
    '#set_separator\t,',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    `#fields\t${fields.join('\t')}`,
    `#types\t${types.join('\t')}`,
  ];
  writeFileSync(input, `${[...header, ...rows].join('\n')}\n`);
  const { code, err } = await weir(['replay', '--source', 'zeek_conn', input]);
  assert.equal(code, 0, err);
  assert.match(err, /^flows +40 /m);
  assert.match(err, /port_scan +.*192\.0\.2\.7/);
});

test('nothing but malformed lines is the wrong format: the places are listed, and the exit code is 5', async (t) => {
  const input = join(temporaryDirectory(t), 'wrong.log');
  writeFileSync(input, 'one\ntwo\nthree\n');
  const { code, err } = await weir(['replay', '--source', 'netobserv', input]);
  assert.equal(code, 5, err);
  assert.match(err, /^malformed +3$/m);
  assert.equal(lines(err).filter((line) => line.includes('wrong.log, position ')).length, 3);
});

test('a replay that cannot begin says why in one line and exits with 2', async (t) => {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, '');
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ['--source', 'netobserv', join(directory, '*.nope')],
      /^weir: nothing to replay: no file matches .*\*\.nope$/m,
    ],
    [
      ['--source', 'netobserv', input, '--alerts', '/nowhere/a.jsonl'],
      /^weir: \/nowhere\/a\.jsonl cannot be written/m,
    ],
    [['--source', 'nosuch', input], /unknown type 'nosuch', expected one of .*zeek_conn/],
    [['--source', 'netobserv'], /^weir: no input is given/m],
    [[input], /^weir: --source is missing: one of/m],
    [['--source', 'netobserv', input, '--flows', '-', '--alerts', '-'], /^weir: only one of/m],
    [['--sorce', 'netobserv', input], /--sorce/],
  ];
  for (const [args, expected] of wrong) {
    const { code, err } = await weir(['replay', ...args]);
    assert.equal(code, 2, `${args.join(' ')}\n${err}`);
    assert.match(err, expected);
    assert.ok(!err.includes('    at '), `no stack is shown:\n${err}`);
  }
});

test('version, help and docs', async () => {
  assert.match((await weir(['version'])).out, /^weir \d+\.\d+\.\d+ \(Node v\d+/);
  const help = await weir(['help']);
  for (const command of ['run', 'replay', 'search', 'alerts', 'status', 'check'])
    assert.match(help.out, new RegExp(`^  ${command} `, 'm'));
  assert.match((await weir(['search', '--help'])).out, /--talked-to/);
  const unknown = await weir(['serach']);
  assert.deepEqual([unknown.code, unknown.out], [2, '']);
  assert.match(unknown.err, /no command 'serach'/);
  const pages = lines((await weir(['docs'])).out);
  assert.ok(pages.includes('architecture'));
  assert.match((await weir(['docs', 'architecture'])).out, /^# /);
});

test('a query that cannot be read is shown with a mark under the place, and exits with 2', async (t) => {
  const env = { WEIR_STATE_DIR: temporaryDirectory(t) };
  const { code, err } = await weir(['search', 'verdict : deny and ('], env);
  assert.equal(code, 2);
  const [message, query, mark] = lines(err);
  assert.match(message!, /column 21/);
  assert.equal(query, 'verdict : deny and (');
  assert.equal(mark!.indexOf('^'), 20);
  assert.equal((await weir(['search', '--since', 'yesterday'], env)).code, 2);
  assert.match((await weir(['search', '--limit', 'many'], env)).err, /--limit many: expected a whole number/);
});

test('without a running weir or a store, the answer says so and exits with 4', async (t) => {
  const env = { WEIR_STATE_DIR: temporaryDirectory(t) };
  for (const command of ['status', 'search', 'observe', 'alerts']) {
    const { code, err } = await weir([command], env);
    assert.equal(code, 4, command);
    assert.match(err, /weir run|run weir/);
  }
});

test('config show fills in defaults and shows no secret', async (t) => {
  const file = join(temporaryDirectory(t), 'weir.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      cluster: 'prod',
      sinks: { es: { type: 'elasticsearch', nodes: ['https://es:9200'], auth: { apiKey: '${ES_KEY}' } } },
    }),
  );
  const { code, out, err } = await weir(['config', 'show', '--config', file], { ES_KEY: 'hunter2hunter2' });
  assert.equal(code, 0, err);
  assert.ok(!out.includes('hunter2') && !err.includes('hunter2'));
  assert.match(out, /redacted/);
  assert.match(out, /lanes: 12/);
});
