import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { listCases } from '../../evaluate/cases.ts';

const program = fileURLToPath(new URL('../../evaluate/main.js', import.meta.url));

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-evaluate-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const header =
  '#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tresp_bytes\tconn_state\torig_pkts\tresp_pkts\n';
const row = (i: number, port: number, state: string): string =>
  [
    1_700_000_000 + i,
    `C${i}`,
    '10.0.0.1',
    40_000 + i,
    '10.0.0.2',
    port,
    'tcp',
    0,
    0,
    0,
    state,
    1,
    state === 'SF' ? 1 : 0,
  ].join('\t');

/** Sixty refused ports within a minute, after an answered connection. */
const scan = `${header}${row(0, 443, 'SF')}\n${Array.from({ length: 60 }, (_, i) => row(i + 1, 1000 + i, 'REJ')).join('\n')}\n`;
const scanLabels = `uid,label,detail\nC0,Benign,\n${Array.from({ length: 60 }, (_, i) => `C${i + 1},Malicious,port scan`).join('\n')}\n`;

test('a directory with everything wrong that can be is scored as far as it goes', (t) => {
  const dir = directory(t);
  writeFileSync(join(dir, 'good.conn.log.gz'), gzipSync(scan));
  writeFileSync(join(dir, 'good.labels.csv.gz'), gzipSync(scanLabels));
  writeFileSync(join(dir, 'unlabelled.conn.log'), scan);
  writeFileSync(join(dir, 'broken.conn.log.gz'), gzipSync(scan).subarray(0, 100));
  writeFileSync(join(dir, 'empty.conn.log'), '');
  writeFileSync(
    join(dir, 'index.json'),
    JSON.stringify([
      { case: 'good', about: 'a scan', colour: 'blue', hours: null },
      { case: 'missing', rows: 3 },
      { nothing: true },
      'text',
    ]),
  );
  const json = join(dir, 'out.json');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, dir, '--json', json], {
    encoding: 'utf8',
  });
  assert.equal(status, 5, stderr);
  const report = JSON.parse(readFileSync(json, 'utf8')) as {
    cases: { name: string; attacks: { kind: string; foundBy: { detector: string }[] }[]; notes: string[] }[];
    failed: { name: string }[];
    thresholds: Record<string, Record<string, unknown>>;
  };
  assert.deepEqual(
    report.cases.map(({ name }) => name),
    ['good', 'unlabelled'],
  );
  assert.deepEqual(
    report.failed.map(({ name }) => name),
    ['broken', 'empty', 'missing'],
  );
  const [good, plain] = report.cases;
  assert.deepEqual(
    good!.attacks.map(({ kind, foundBy }) => [
      kind,
      foundBy.map(({ detector }) => detector).includes('port_scan'),
    ]),
    [['scan', true]],
  );
  assert.match(plain!.notes.join(), /no labels/);
  assert.equal(report.thresholds['port_scan']!['verticalFailed'], 15);
  assert.match(stdout, /port_scan\.verticalFailed = 15/);
  assert.match(stdout, /NOT SCORED\nbroken: /);
});

test('wrong use is told with what was expected', (t) => {
  const dir = directory(t);
  for (const args of [[], [join(dir, 'nowhere')], [dir, '--severity', 'loud'], [dir, '--colour']]) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /npm run evaluate -- DIR/);
  }
  const { status } = spawnSync(process.execPath, [program, dir], { encoding: 'utf8' });
  assert.equal(status, 1, 'a directory without cases');
});

test('cases are found by index, by file, and in folders of their own', (t) => {
  const dir = directory(t);
  mkdirSync(join(dir, 'own'));
  writeFileSync(join(dir, 'own', 'conn.log.gz'), '');
  writeFileSync(join(dir, 'stray.conn.log'), '');
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ cases: [{ name: 'own', about: 'x' }] }));
  assert.deepEqual(listCases(dir).cases, [
    { name: 'own', about: 'x', log: join(dir, 'own', 'conn.log.gz'), labels: null },
    { name: 'stray', about: '', log: join(dir, 'stray.conn.log'), labels: null },
  ]);
  writeFileSync(join(dir, 'index.json'), '[{');
  const { cases, notes } = listCases(dir);
  assert.deepEqual(
    cases.map(({ name }) => name),
    ['stray'],
  );
  assert.match(notes.join(), /index\.json cannot be read/);
});

test('an alert that is still open when the recording ends counts for all hours it was on', (t) => {
  const dir = directory(t);
  // A call every 200 s, give or take: 20 open the alert, the next revisions are due at 100 and at 1000.
  const calls = Array.from({ length: 160 }, (_, i) =>
    row(i, 443, 'SF')
      .replace(String(1_700_000_000 + i), String(1_700_000_000 + i * 200 + ((i * 37) % 41)))
      .replace('\t0\t0\t0\tSF', '\t1\t900\t300\tSF')
      .replace('10.0.0.2', '198.51.100.7'),
  );
  writeFileSync(join(dir, 'beacon.conn.log'), `${header}${calls.join('\n')}\n`);
  writeFileSync(
    join(dir, 'beacon.labels.csv'),
    `uid,label,detail\n${calls.map((_, i) => `C${i},Malicious,c2 beacon`).join('\n')}\n`,
  );
  const json = join(dir, 'out.json');
  const { stderr } = spawnSync(process.execPath, [program, dir, '--json', json], { encoding: 'utf8' });
  const report = JSON.parse(readFileSync(json, 'utf8')) as {
    cases: { hourWindows: { truePositives: number; falseNegatives: number } }[];
  };
  const { truePositives, falseNegatives } = report.cases[0]!.hourWindows;
  assert.deepEqual([truePositives, falseNegatives], [10, 0], stderr);
});
