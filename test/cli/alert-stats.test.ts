import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { statsOf } from '../../cli/commands/alert-stats.ts';
import { weir } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { anAlert } from '../incidents/fixtures.ts';

test('rules are ranked by their alerts, with how many of them were suppressed', () => {
  const alerts = [
    anAlert({ detector: 'beacon' }),
    anAlert({ detector: 'port_scan' }),
    anAlert({ detector: 'port_scan', suppressedBy: 'pentest' }),
  ];
  assert.deepEqual(statsOf(alerts), [
    { detector: 'port_scan', rule: 'port_scan', alerts: 2, suppressed: 1 },
    { detector: 'beacon', rule: 'beacon', alerts: 1, suppressed: 0 },
  ]);
});

test('weir alerts --stats counts the alerts that weir alerts list shows', async (t) => {
  const directory = temporaryDirectory(t);
  const env = { WEIR_STATE_DIR: join(directory, 'state') };
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(500)].join('\n')}\n`);
  await weir(['replay', '--source', 'netobserv', input, '-q'], env);
  const linesOf = async (...args: string[]): Promise<string[]> =>
    (await weir(['alerts', ...args, '--format', 'json'], env)).out.split('\n').filter(Boolean);
  const listed = await linesOf('list', '--limit', '100000');
  const counted = (await linesOf('--stats')).map((line) => (JSON.parse(line) as { alerts: number }).alerts);
  assert.equal(
    counted.reduce((sum, count) => sum + count, 0),
    listed.length,
  );
  assert.match((await weir(['alerts', '--stats'], env)).out, /SUPPRESSED/);
});
