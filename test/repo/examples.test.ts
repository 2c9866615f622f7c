import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfig } from '../../cli/config/index.ts';
import { configYaml } from '../../cli/config/redact.ts';
import { files, read } from './tree.ts';

/** Secrets and files the examples refer to. */
const env = {
  KAFKA_PASSWORD: 'hidden-1',
  ES_API_KEY: 'hidden-2',
  ELASTIC_PASSWORD: 'hidden-3',
  SLACK_WEBHOOK: 'https://hooks.slack.com/services/hidden-4',
  PAGERDUTY_KEY: 'hidden-5',
  SPLUNK_TOKEN: 'hidden-6',
};
const referred = ['tls/ca.crt', 'tls/siem.crt', 'tls/splunk.crt'];

for (const path of [
  ...files((file) => file.startsWith('docs/examples/') && file.endsWith('.yaml')),
  'deploy/compose/weir.yaml',
]) {
  test(`${path} is a valid configuration, and shows no secret`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-example-'));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const file of referred) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), 'PEM');
    }
    const copy = join(folder, 'weir.yaml');
    writeFileSync(copy, read(path));
    const config = readConfig(copy, { env });
    assert.ok(config.sources.length > 0 && config.sinks.length > 0 && config.detectors.length > 0);
    assert.doesNotMatch(configYaml(config), /hidden-/);
  });
}

test('YAML in the documentation that is a configuration is a valid one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  let checked = 0;
  for (const path of files((file) => file.endsWith('.md'))) {
    for (const [, yaml = ''] of read(path).matchAll(/```yaml\n(version: 1\n[\s\S]*?)```/g)) {
      const copy = join(folder, `${checked++}.yaml`);
      writeFileSync(copy, yaml);
      assert.doesNotThrow(() => readConfig(copy, { env }), path);
    }
  }
  assert.ok(checked > 0);
});
