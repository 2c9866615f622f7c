import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { configFrom, readConfig, type RulesConfig } from '../../cli/config/index.ts';
import { parseRuleText, readRuleFile, shippedPath } from '../../cli/config/rules.ts';
import { shippedFiles } from '../../cli/config/rules-section.ts';
import { createControl, followWith } from '../../cli/wire/control.ts';
import { rulesInForce, type RulesInForce } from '../../cli/wire/rules.ts';
import { createBoard, type Shared } from '../../cli/wire/process.ts';
import { runCases } from '../../detectors/rule/cases.ts';
import type { Log } from '../../pipeline/log.ts';
import { newControl } from '../../schema/records.ts';
import { createLocalLog } from '../../transport/local/index.ts';
import { createMeter } from '../../telemetry/meter.ts';
import { weir } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { manualClock, silent, testContext, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { until } from '../services/process.ts';

const rule = (name: string, extra = ''): string =>
  `- name: ${name}\n  where: 'verdict : deny'\n  when: { count: '>= 1', within: 10m }\n  severity: low\n  message: seen\n${extra}`;

test('every rule that comes with Weir is tested: it alerts, it is silent, and its cases pass', () => {
  for (const name of shippedFiles) {
    const { rules, problems } = readRuleFile(shippedPath(name));
    assert.deepEqual(problems, []);
    for (const { definition } of rules) {
      const expectations = definition.cases.map(({ expect }) => expect);
      assert.ok(expectations.includes('silence'), `${definition.name} has no case of silence`);
      assert.ok(
        expectations.some((each) => each !== 'silence'),
        `${definition.name} has no case of an alert`,
      );
      assert.ok(definition.description, `${definition.name} does not say why it matters`);
      for (const result of runCases(definition))
        assert.ok(result.passed, `${definition.name}: ${result.name}: ${result.problem}`);
    }
  }
  assert.equal(readRuleFile(shippedPath('recommended')).rules.length, 12);
});

test('the recommended rules run by default, those for newcomers from elsewhere do not', () => {
  const names = configFrom('{}', { env: {} })
    .rules.loaded.filter(({ runs }) => runs)
    .map(({ file }) => file);
  assert.deepEqual([...new Set(names)], [shippedPath('recommended')]);
});

test('what is wrong with a rule is told with file, line and column, and the nearest that is right', () => {
  const wrong = (text: string): readonly string[] => parseRuleText(text, 'r.yaml').problems;
  const line = (parts: string): string =>
    `- name: a\n  where: 'verdict : deny'\n  when: { count: '>= 1', within: 10m }\n  severity: low\n  message: seen\n  ${parts}\n`;
  const cases: readonly (readonly [text: string, problem: RegExp])[] = [
    [
      line('gruopBy: [source.ip]'),
      /^r\.yaml:6:3: \[0\]\.gruopBy: unknown key 'gruopBy', did you mean 'groupBy'\?/,
    ],
    [
      line('groupBy: [source.ip, source.namspace]'),
      /^r\.yaml:6:24: \[0\]\.groupBy\[1\]: .*'source\.namspace'; did you mean 'source\.namespace'\?/,
    ],
    [line('groupBy: [namespace]'), /did you mean 'source\.namespace'\?/],
    [line('groupBy: [source.labels]'), /which has parts/],
    [line('attack: [T1049.999]'), /^r\.yaml:6:12: .*found 'T1049\.999'/],
    [line('about: both'), /^r\.yaml:6:10: .*one of 'source', 'destination'/],
    [
      rule('a').replace("'verdict : deny'", "'verdict : denid'"),
      /^r\.yaml:2:10: \[0\]\.where: query, column 11: expected one of/,
    ],
    [rule('a').replace("'verdict : deny'", "'verdcit : deny'"), /did you mean 'verdict'/],
    [
      rule('a').replace('seen', "'{source.nmespace} seen'"),
      /^r\.yaml:5:12: \[0\]\.message: .*'source\.nmespace'; did you mean 'source\.namespace'\?/,
    ],
    [
      rule('a').replace("'>= 1'", "'< 1'"),
      /^r\.yaml:3:18: \[0\]\.when\.count: found '< 1', expected such as '>= 10'/,
    ],
    [rule('a').replace(', within: 10m', ''), /^r\.yaml:3:3: \[0\]\.when: missing: expected 'within'/],
    [rule('a').replace('within: 10m', 'within: soon'), /^r\.yaml:3:34: .*a duration such as/],
    [
      rule('a').replace("count: '>= 1'", "distinct: 'destination.prot >= 5'"),
      /'destination\.prot'; did you mean 'destination\.port'\?/,
    ],
    [rule('a').replace("count: '>= 1'", "distinct: 'destination.port >= 5000'"), /from 2 to 1000/],
    [
      rule('a').replace("count: '>= 1'", "sum: 'source.ip >= 5'"),
      /'source\.ip' is address: expected a number/,
    ],
    [rule('a').replace("count: '>= 1'", "count: '>= 1', ratio: '>= 5'"), /expected 'history'/],
    [
      rule('a').replace("count: '>= 1'", "count: '>= 1', distinct: 'source.ip >= 2'"),
      /found count and distinct, expected one of/,
    ],
    [
      rule('a').replace("count: '>= 1'", "sequence: ['verdict : deny', 'verdict > 1']"),
      /^r\.yaml:3:40: \[0\]\.when\.sequence\[1\]: query/,
    ],
    [rule('a').replace("count: '>= 1', within", 'firstSeen'), /^$/],
    [
      rule('a', '  cases: [{ name: c, flows: [{ source: { ip: nobody } }], expect: silence }]\n'),
      /source\.ip: expected an address/,
    ],
    [
      rule('a', '  cases: [{ name: c, flows: [{ sorce.ip: 10.0.0.1 }], expect: silence }]\n'),
      /did you mean 'source\.ip'\?/,
    ],
    [
      rule('a', '  cases: [{ name: c, flows: [{ verdict: deny }], expect: quiet }]\n'),
      /^r\.yaml:6:58: .*expected 'silence'/,
    ],
    ['rules: []\n', /^r\.yaml:1:1: .*expected a list of rules/],
    ['- [1\n', /^r\.yaml:\d+:\d+: not valid YAML/],
    ['- 7\n', /^r\.yaml:1:3: \[0\]: found 7, expected a mapping: a rule/],
  ];
  for (const [text, problem] of cases) {
    const found = wrong(text);
    assert.match(found.join('\n'), problem, text);
  }
});

test('rules of all files are one set: names are unique, and only names that there are can be switched off', (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'a.yaml'), rule('one') + rule('two'));
  writeFileSync(join(directory, 'b.yaml'), rule('three') + rule('one'));
  const config = join(directory, 'weir.yaml');
  const load = (rules: object) => {
    writeFileSync(config, JSON.stringify({ rules }));
    return readConfig(config, { env: {} }).rules.loaded;
  };
  assert.deepEqual(
    load({ shipped: [], files: ['a.yaml'], disabled: ['two'] }).map(({ definition, runs, line }) => [
      definition.name,
      runs,
      line,
    ]),
    [
      ['one', true, 1],
      ['two', false, 6],
    ],
  );
  assert.throws(
    () => load({ shipped: [], files: ['*.yaml'] }),
    /weir\.yaml:1:1: found a mapping/,
    'the configuration is no file of rules',
  );
  assert.throws(
    () => load({ files: ['[ab].yaml'] }),
    /b\.yaml:6: found a second rule named 'one', the first is in .*a\.yaml:1/,
  );
  assert.throws(
    () => load({ files: ['a.yaml'], disabled: ['tw'] }),
    /rules\.disabled\[0\]: there is no rule 'tw'; did you mean 'two'\?/,
  );
  assert.throws(() => load({ files: ['c.yaml'] }), /c\.yaml: the rules cannot be read/);
  assert.throws(
    () => load({ files: ['*/c.yaml'] }),
    /weir\.yaml:1:20: rules\.files\[0\]: .*last name of the path only/,
  );
  assert.deepEqual(load({ shipped: [], files: ['none-*.yaml'] }), [], 'a pattern may match nothing yet');
  assert.throws(
    () => load({ inline: [{ name: 'x', where: 'vredict : deny' }] }),
    /rules\.inline\[0\]\.when: missing/,
  );
  writeFileSync(config, JSON.stringify({ rules: { files: ['c.yaml'], disabled: ['of_c'] } }));
  assert.ok(
    readConfig(config, { env: {}, role: 'collector' }),
    'a role without rules needs no files of rules',
  );
});

test('weir rules list shows name, file, state and severity; weir rules test runs the cases and says what fails', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'mine.yaml');
  const passing = '  cases: [{ name: denied, flows: [{ verdict: deny }], expect: [seen] }]\n';
  writeFileSync(file, rule('good', passing) + rule('off', '  enabled: false\n'));
  const config = join(directory, 'weir.yaml');
  writeFileSync(config, JSON.stringify({ rules: { shipped: [], files: ['mine.yaml'] } }));

  const listed = await weir(['rules', 'list', '--config', config]);
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /^good +on +low +1 .*mine\.yaml:1/m);
  assert.match(listed.out, /^off +off +low +0 /m);
  const json = await weir(['rules', 'list', '--config', config, '--format', 'json']);
  assert.deepEqual(
    json.out
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { name: string; state: string }).state),
    ['on', 'off'],
  );

  const passed = await weir(['rules', 'test', file]);
  assert.equal(passed.code, 0, passed.err);
  assert.match(passed.out, /^ok +good: denied$/m);
  assert.match(passed.out, /1 case: 1 passed, 0 failed, 1 rule without cases/);

  writeFileSync(file, rule('bad', passing.replace('[seen]', 'silence')));
  const failed = await weir(['rules', 'test', file]);
  assert.equal(failed.code, 3);
  assert.match(failed.out, /FAIL +bad: denied\n +.*mine\.yaml:1: expected silence, found 'seen'/);

  writeFileSync(file, rule('worse').replace('severity: low', 'severity: hgh'));
  const wrong = await weir(['rules', 'test', file]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /mine\.yaml:4:13: \[0\]\.severity: .*did you mean 'high'\?/);
  assert.equal((await weir(['rules', 'test', 'weir:recommended'])).code, 0);
});

test('a replay judges by the rules of its configuration', async (t) => {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(2000)].join('\n')}\n`);
  const config = join(directory, 'weir.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      detectors: { port_scan: { enabled: false }, policy_denied: { enabled: false } },
      rules: {
        inline: [
          {
            name: 'busy',
            where: 'verdict : *',
            groupBy: ['source.namespace'],
            when: { count: '>= 100', within: '1h' },
            severity: 'low',
            message: '{source.namespace} is busy: {value}',
          },
        ],
      },
    }),
  );
  const { code, err } = await weir(['replay', '--source', 'netobserv', input, '--config', config]);
  assert.equal(code, 0, err);
  assert.match(err, /low +rule +team\d+ is busy: 109 \[rule busy\]/);
});

interface Running {
  readonly rules: RulesInForce;
  readonly metrics: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** The rules of a process over a log that outlives it. */
async function running(
  t: TestContext,
  log: Log,
  config: string,
  clock: ManualClock,
  publishes = true,
): Promise<Running> {
  const meter = createMeter();
  const shared: Shared = { cluster: 'test', clock, meter, log: silent, board: createBoard() };
  const reread = (): RulesConfig => readConfig(config, { env: {} }).rules;
  const stop = new AbortController();
  const control = createControl({ log, follow: followWith(log, 'weir.control') }, shared);
  const rules = rulesInForce(
    { rules: reread(), control, publishes, file: config, reread, leadMs: 2000 },
    shared,
  );
  await control.start(stop.signal);
  await rules.start();
  const pumps = Promise.all(
    [control.pump, ...rules.pumps].map((pump) => pump.run({ drain: stop.signal, kill: stop.signal })),
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await pumps;
  };
  t.after(end);
  await clock.tick(0);
  return { rules, metrics: () => meter.text(), stop: end };
}

async function openLog(t: TestContext, directory: string): Promise<Log> {
  const log = createLocalLog(
    {
      directory,
      readers: { 'weir.control': ['control'], audit: ['access'] },
      maxBytes: 1e8,
      onFull: 'block',
    },
    testContext(),
  );
  await log.start(new AbortController().signal);
  t.after(() => log.stop());
  return log;
}

const inForce = ({ schedule }: RulesInForce, timeMs: number): string =>
  schedule
    .at(timeMs)
    .rules.map(({ rule: { name } }) => name)
    .join(' ');

/** What the clock does not know of, such as a write to disk, comes to its end by itself. */
const settled = (is: () => boolean | Promise<boolean>): Promise<void> =>
  until('the rules are in force', async () => is(), { timeoutMs: 30_000, everyMs: 5 });

const tells = (metrics: () => Promise<string>, expected: RegExp): Promise<void> =>
  settled(async () => expected.test(await metrics()));

test('a change of a file is in force from a time that the log keeps, also for who starts later', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  // As a ConfigMap is mounted: the file is a link into a folder that is swapped whole.
  const version = (name: string, text: string): void => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'r.yaml'), text);
    symlinkSync(name, join(directory, 'next'));
    renameSync(join(directory, 'next'), join(directory, '..data'));
  };
  version('v1', rule('one'));
  symlinkSync('..data/r.yaml', join(directory, 'r.yaml'));
  writeFileSync(config, JSON.stringify({ rules: { shipped: [], files: ['r.yaml'] } }));
  const clock = manualClock();
  const log = await openLog(t, join(directory, 'log'));
  const first = await running(t, log, config, clock);
  await settled(() => inForce(first.rules, clock.now()) === 'one');

  version('v2', rule('two'));
  const decidedMs = clock.now() + 10_000;
  await clock.tick(10_000);
  await settled(() => inForce(first.rules, Infinity) === 'two');
  assert.equal(inForce(first.rules, decidedMs + 1999), 'one');
  assert.equal(inForce(first.rules, decidedMs + 2000), 'two');
  await first.stop();

  const second = await running(t, log, config, clock, false);
  assert.deepEqual(
    [0, decidedMs + 1999, decidedMs + 2000].map((timeMs) => inForce(second.rules, timeMs)),
    ['one', 'one', 'two'],
    'a process that starts later judges old flows by the old rules',
  );
  await second.stop();
});

test('a bad change keeps the old rules, says so in a metric, and a good one mends it', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  const file = join(directory, 'r.yaml');
  writeFileSync(file, rule('one'));
  writeFileSync(config, JSON.stringify({ rules: { shipped: [], files: ['r.yaml'] } }));
  const clock = manualClock();
  const { rules, metrics } = await running(t, await openLog(t, join(directory, 'log')), config, clock);
  writeFileSync(file, rule('one').replace('low', 'lwo'));
  await clock.tick(10_000);
  assert.equal(inForce(rules, Infinity), 'one');
  assert.match(await metrics(), /rules_reload_failed 1/);
  writeFileSync(file, rule('three'));
  await clock.tick(10_000);
  await settled(() => inForce(rules, Infinity) === 'three');
  await clock.tick(0);
  await tells(metrics, /rules_reload_failed 0/);
  assert.match(await metrics(), /rules_reloads_total\{outcome="failed"\} 1/);
});

test('rules that changed while nobody ran are in force from the restart on', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  const write = (name: string): void =>
    writeFileSync(
      config,
      JSON.stringify({
        rules: {
          shipped: [],
          inline: [
            {
              name,
              where: 'verdict : deny',
              when: { count: '>= 1', within: '1m' },
              severity: 'low',
              message: 'm',
            },
          ],
        },
      }),
    );
  write('one');
  const clock = manualClock();
  const log = await openLog(t, join(directory, 'log'));
  const first = await running(t, log, config, clock);
  await settled(() => inForce(first.rules, 0) === 'one');
  await first.stop();
  write('two');
  const second = await running(t, log, config, clock);
  await settled(() => inForce(second.rules, Infinity) === 'two');
  assert.equal(
    inForce(second.rules, clock.now()),
    'one',
    'what waits in the log is judged as it would have been',
  );
});

test('a record that this version cannot read changes nothing, and is counted', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  writeFileSync(config, JSON.stringify({ rules: { shipped: [] } }));
  const log = await openLog(t, join(directory, 'log'));
  const clock = manualClock();
  const { rules, metrics } = await running(t, log, config, clock);
  for (const [i, body] of ['{', '{"rules":[{"name":"x","wherever":"y"}]}'].entries())
    await log.append('control', [
      {
        partition: 0,
        key: null,
        value: newControl({ id: `c${i}`, timeMs: clock.now(), kind: 'rules', body }),
      },
    ]);
  await log.append('control', [
    {
      partition: 0,
      key: null,
      value: newControl({ id: 'other', timeMs: 1, kind: 'acknowledgement', body: '' }),
    },
  ]);
  await tells(metrics, /control_refused_total\{kind="rules"\} 2/);
  assert.equal(inForce(rules, Infinity), '');
});
