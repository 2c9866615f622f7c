import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../../cli/config/index.ts';
import { sinks } from '../../sinks/registry.ts';
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

/** Formats and types that the page needs, which came with sinks of their own. */
const formats = (sinks.syslog.options.shape.format.unwrap() as { options: readonly string[] }).options;
const isThere = (type: string, format: string | undefined): boolean =>
  type in sinks &&
  (type !== 'syslog' || ['leef', 'ocsf'].every((each) => formats.includes(each) || each === format));

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
    const written = Object.values(
      (parse(yaml) as { sinks: Record<string, { type: string; format?: string }> }).sinks,
    );
    if (written.some(({ type, format }) => !isThere(type, format))) {
      t.diagnostic(`block ${i + 1} is for sinks that are not there`);
      continue;
    }
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
