import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfig } from '../../cli/config/index.ts';
import { read } from './tree.ts';

const page = read('docs/siem.md');
const blocks = [...page.matchAll(/```yaml\n(sinks:\n[\s\S]*?)```/g)].map(([, yaml]) => yaml!);
const named = [
  'Splunk',
  'IBM QRadar',
  'Microsoft Sentinel',
  'Elastic Security',
  'ArcSight',
  'Google SecOps',
  'Wazuh',
  'Graylog',
];

test('docs/siem.md has a chapter with Weir’s side for each SIEM', () => {
  for (const name of named) {
    const chapter = new RegExp(`^## ${name}$([\\s\\S]*?)(?=^## )`, 'm').exec(page)?.[1] ?? '';
    assert.match(chapter, /```yaml\nsinks:\n/, name);
  }
});

test('docs/siem.md: every configuration of Weir is a valid one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-siem-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [i, yaml] of blocks.entries()) {
    for (const [, path = ''] of yaml.matchAll(/file:([\w./-]+)/g)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), 'PEM');
    }
    const env = Object.fromEntries([...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name!, 'a-secret']));
    const copy = join(folder, `${i}.yaml`);
    writeFileSync(copy, `version: 1\n${yaml}`);
    assert.doesNotThrow(() => readConfig(copy, { env }), yaml);
  }
});
