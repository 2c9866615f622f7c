import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, parseConfig } from '../../../cli/config/load.ts';
import { ConfigError } from '../../../cli/config/problems.ts';
import { configYaml } from '../../../cli/config/redact.ts';
import type { Role } from '../../../cli/config/config.ts';
import { registries } from './registries.ts';

const parse = (text: string, env: Record<string, string> = {}, role: Role | null = null) =>
  parseConfig(text, { file: 'weir.yaml', env: { HOME: '/home/w', ...env }, registries, role });

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parse(text, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, 'config_invalid');
    return error.problems;
  }
  return assert.fail('the configuration was taken');
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-config-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('an empty file is a configuration of defaults', () => {
  const config = parse('');
  assert.equal(config.cluster, 'default');
  assert.equal(config.node, null);
  assert.equal(config.kafka, null);
  assert.equal(config.lanes, 12);
  assert.deepEqual(config.state, { dir: '/home/w/.local/state/weir', maxBytes: 20e9 });
  assert.deepEqual(
    config.detectors.map((detector) => detector.name),
    ['port_scan', 'policy_denied'],
  );
  assert.deepEqual([config.sources, config.sinks], [[], []]);
});

test('components get their own options, common keys go to the runtime', () => {
  const config = parse(`
cluster: prod
node: worker-1
sources:
  a: { type: lines, from: { file: { path: /var/log/x } }, window: 30s }
  b: { type: plain, from: stdin, node: other, disorder: 3s }
detectors:
  port_scan: { where: 'verdict : deny', minPorts: 5 }
  policy_denied: { enabled: false }
sinks:
  siem: { type: syslog, to: ['tls://h:6514'], records: { alert: { where: 'severity >= medium' }, loss: } , tenant: shop }
`);
  assert.deepEqual(config.sources, [
    {
      name: 'a',
      type: 'lines',
      options: { window: 30_000 },
      input: { type: 'file', options: { path: '/var/log/x', maxLineBytes: 1_048_576 } },
      cluster: 'prod',
      node: 'worker-1',
      disorderMs: null,
    },
    {
      name: 'b',
      type: 'plain',
      options: {},
      input: { type: 'stdin', options: {} },
      cluster: 'prod',
      node: 'other',
      disorderMs: 3000,
    },
  ]);
  assert.deepEqual(config.detectors, [
    { name: 'port_scan', where: 'verdict : deny', options: { minPorts: 5 } },
  ]);
  assert.deepEqual(config.sinks[0]?.records, {
    alert: { where: 'severity >= medium' },
    loss: { where: null },
  });
  assert.equal(config.sinks[0]?.tenant, 'shop');
});

test('every problem is told at once, in document order, with its place and what was expected', () => {
  const problems = problemsOf(`version: 2
clutser: a
sources:
  a:
    type: linez
    from: { fil: {} }
  b: { type: lines, from: { file: {} }, window: soon }
detectors:
  portscan: {}
sinks:
  siem:
    type: syslog
    to: []
    format: ceff
    recrods: {}
summarise: {}
`);
  assert.deepEqual(problems, [
    'weir.yaml:1:10: version: found 2, expected 1'.replace('expected 1', "expected '1'"),
    "weir.yaml:2:1: clutser: unknown key 'clutser', did you mean 'cluster'?",
    "weir.yaml:5:11: sources.a.type: unknown type 'linez', did you mean 'lines'?",
    "weir.yaml:6:13: sources.a.from.fil: unknown input 'fil', did you mean 'file'?",
    'weir.yaml:7:29: sources.b.from.file.path: missing: expected text (File or pattern)',
    "weir.yaml:7:49: sources.b.window: found 'soon', expected a duration such as '500ms', '60s', '10m', '24h', '30d' or '1h30m'",
    "weir.yaml:9:3: detectors.portscan: unknown detector 'portscan', did you mean 'port_scan'?",
    'weir.yaml:13:5: sinks.siem.to: found a list of 0, expected at least 1 items',
    "weir.yaml:14:13: sinks.siem.format: found 'ceff', expected one of 'json', 'cef'; did you mean 'cef'?",
    "weir.yaml:15:5: sinks.siem.recrods: unknown key 'recrods', did you mean 'records'?",
    'weir.yaml:16:1: summarise: summarised flows are not available yet: remove this section',
  ]);
});

test('a sink that names no records is sent those of its type', () => {
  assert.deepEqual(parse("sinks: { s: { type: syslog, to: ['x'] } }").sinks[0]?.records, {
    alert: { where: 'not action : updated' },
    loss: { where: null },
  });
});

test('a filter is checked against the fields of its kind', () => {
  const [problem] = problemsOf(
    "sinks:\n  o: { type: stdout, records: { alert: { where: 'severty >= medium' } } }\n",
  );
  assert.match(problem ?? '', /^weir\.yaml:2:\d+: sinks\.o\.records\.alert\.where: .*severty/);
});

test('syntax errors and duplicate keys name line and column', () => {
  assert.match(problemsOf('a: [1, 2\nb: 1\n')[0] ?? '', /^weir\.yaml:2:\d+: not valid YAML/);
  assert.match(problemsOf('cluster: a\ncluster: b\n')[0] ?? '', /^weir\.yaml:2:1: not valid YAML/);
  assert.match(problemsOf('- 1\n')[0] ?? '', /^weir\.yaml:1:1: found a list of 1, expected a mapping/);
});

test('anchors and merge keys work', () => {
  const config = parse(`
sinks:
  a: &base { type: stdout, records: { loss: {} } }
  b: { <<: *base, records: { alert: {} } }
`);
  assert.deepEqual(Object.keys(config.sinks[1]?.records ?? {}), ['alert']);
  assert.equal(config.sinks[1]?.type, 'stdout');
});

test('references are followed and never shown', (t) => {
  const path = join(folder(t), 'weir.yaml');
  writeFileSync(join(path, '../token'), 's3cret\n');
  writeFileSync(join(path, '../ca.pem'), 'PEM');
  writeFileSync(
    path,
    `
kafka:
  brokers: [b1:9092]
  sasl: { mechanism: plain, username: u, password: '\${PASSWORD}' }
sinks:
  siem: { type: syslog, to: ['tls://u:hunter2@h:1', '$\${x}'], token: file:token, tls: { ca: file:ca.pem }, records: { loss: {} } }
`,
  );
  const config = loadConfig(path, { env: { PASSWORD: 'p4ss' }, registries });
  assert.deepEqual(config.kafka?.brokers, ['b1:9092']);
  assert.equal(
    config.kafka?.sasl && 'password' in config.kafka.sasl ? config.kafka.sasl.password : null,
    'p4ss',
  );
  const options = config.sinks[0]?.options as { to: string[]; token: string; tls: { ca: string } };
  assert.equal(options.token, 's3cret');
  assert.equal(options.to[1], '${x}');
  assert.equal(options.tls.ca, `file:${join(path, '../ca.pem')}`);
  assert.deepEqual(config.secrets.toSorted(), ['p4ss', 's3cret']);
  const shown = configYaml(config);
  for (const secret of ['p4ss', 's3cret', 'hunter2']) assert.ok(!shown.includes(secret), shown);
  assert.match(shown, /password: <redacted>/);
  assert.match(shown, /ca: file:/);
  assert.match(shown, /tls:\/\/<redacted>@h:1/);
});

test('a reference that leads nowhere is a problem of the role that needs it only', () => {
  const text = "sinks:\n  s: { type: syslog, to: ['x'], token: '${NOPE}', format: '${NO}', records: {} }\n";
  assert.deepEqual(problemsOf(text), [
    'weir.yaml:2:40: sinks.s.token: the environment variable NOPE is not set',
    'weir.yaml:2:59: sinks.s.format: the environment variable NO is not set',
  ]);
  assert.match(problemsOf("cluster: 'file:/nowhere/at/all'")[0] ?? '', /cannot be read: ENOENT/);
  assert.match(problemsOf("cluster: '${1a}'")[0] ?? '', /expected the name of an environment variable/);
  assert.equal(parse(text, {}, 'collector').sinks.length, 0);
});

test('a variable may have a default', () => {
  assert.equal(parse("cluster: 'a-${X:-b}-c'").cluster, 'a-b-c');
  assert.equal(parse("cluster: 'a-${X:-b}-c'", { X: 'd' }).cluster, 'a-d-c');
});

test('a file can be looked at without its secrets', () => {
  const text = "sinks:\n  s: { type: syslog, to: ['x'], token: '${NOPE}' }\n";
  const config = parseConfig(text, { file: 'weir.yaml', env: {}, registries, withoutSecrets: true });
  assert.deepEqual(config.warnings, [
    'weir.yaml:2:40: sinks.s.token: the environment variable NOPE is not set',
  ]);
  assert.match(configYaml(config), /token: <redacted>/);
  assert.match(configYaml(parse('node: ${NODE_NAME}', { NODE_NAME: 'worker-7' })), /^node: worker-7$/m);
});

test('a wrong value that came from a reference is not repeated in the message', () => {
  const problems = problemsOf("sinks:\n  s: { type: syslog, to: ['x'], format: '${F}', records: {} }\n", {
    F: 'hush',
  });
  assert.deepEqual(problems, [
    "weir.yaml:2:41: sinks.s.format: found a value that is not shown, expected one of 'json', 'cef'",
  ]);
});

test('what is shown is a configuration that means the same', () => {
  const config = parse(`
cluster: c
kafka: { brokers: [a:1], tls: true }
networks: { internal: [10.0.0.0/8] }
sources: { a: { type: lines, from: stdin, window: 90s } }
detectors: { port_scan: { minPorts: 5 }, policy_denied: { enabled: false } }
sinks: { siem: { type: syslog, to: [x], records: { alert: { where: 'count > 3' } } } }
`);
  assert.deepEqual(parse(configYaml(config)), config);
});

test('the number of lanes is said once', () => {
  assert.equal(parse('lanes: 4\nkafka: { brokers: [a:1] }').kafka?.lanes, 4);
  assert.equal(parse('kafka: { brokers: [a:1], lanes: 6 }').lanes, 6);
  assert.match(
    problemsOf('lanes: 4\nkafka: { brokers: [a:1], lanes: 6 }')[0] ?? '',
    /kafka\.lanes: found 6, but lanes is 4/,
  );
});

test('a topic of lanes with another number of partitions than there are lanes is refused', () => {
  const withTopic = (topic: string): string =>
    `lanes: 4\nkafka: { brokers: [a:1], topics: { ${topic}: { partitions: 8 } } }`;
  for (const topic of ['enriched', 'rekeyed', 'state'])
    assert.match(
      problemsOf(withTopic(topic))[0] ?? '',
      new RegExp(`kafka\\.topics\\.${topic}\\.partitions: found 8, expected 4: one for each lane`),
    );
  assert.equal(parse(withTopic('flows')).lanes, 4);
});

test('names that cannot be metric labels or consumer groups are refused', () => {
  assert.match(
    problemsOf("sinks:\n  'a b': { type: stdout, records: {} }\n")[0] ?? '',
    /found the name 'a b', expected a name/,
  );
});

test('the state directory is the one named, else the environment, else the XDG one', () => {
  assert.equal(parse('state: { dir: /x }', { WEIR_STATE_DIR: '/y' }).state.dir, '/x');
  assert.equal(parse('', { WEIR_STATE_DIR: '/y' }).state.dir, '/y');
  assert.equal(parse('', { XDG_STATE_HOME: '/z' }).state.dir, '/z/weir');
});

test('a kind of record that does not exist is told with the one that was meant', () => {
  const [problem] = problemsOf(`
sinks:
  siem: { type: syslog, to: ['tls://h:6514'], records: { alerts: {} } }
`);
  assert.match(problem!, /sinks\.siem\.records\.alerts: unknown key 'alerts', did you mean 'alert'\?$/);
});
