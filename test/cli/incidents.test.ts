import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseSuppressions } from '../../cli/config/suppressions.ts';
import { createSuppressor } from '../../incidents/suppress.ts';
import type { Alert, Incident } from '../../schema/records.ts';
import { weir } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

test('incidents of a replay are listed and shown with their alerts', async (t) => {
  const directory = temporaryDirectory(t);
  const env = { WEIR_STATE_DIR: join(directory, 'state') };
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(500)].join('\n')}\n`);
  assert.equal((await weir(['replay', '--source', 'netobserv', input, '-q'], env)).code, 0);

  const alerts = lines((await weir(['alerts', 'list', '--format', 'json'], env)).out);
  const listed = lines((await weir(['incidents', 'list', '--format', 'json'], env)).out);
  assert.ok(alerts.length > 0 && listed.length > 0);
  const incidents = listed.map((line) => JSON.parse(line) as Incident);
  const joined = incidents.flatMap((incident) => incident.alerts.map(({ id }) => id));
  assert.deepEqual(
    joined.toSorted(),
    alerts.map((line) => (JSON.parse(line) as { id: string }).id).toSorted(),
    'each alert is in one incident',
  );

  const { id, story } = incidents[0]!;
  const shown = await weir(['incidents', 'show', id], env);
  assert.equal(shown.code, 0, shown.err);
  for (const text of [story.summary, story.question!, story.query!, 'severity'])
    assert.ok(shown.out.includes(text), `${text} is not in\n${shown.out}`);
  const csv = lines((await weir(['incidents', 'list', '--format', 'csv'], env)).out);
  assert.equal(csv.length, incidents.length + 1);
  assert.match((await weir(['incidents'], env)).out, /\d+ incidents?$/m);
});

test('the suppression that weir suppress prints hides the alert it was made from', async (t) => {
  const directory = temporaryDirectory(t);
  const env = { WEIR_STATE_DIR: join(directory, 'state') };
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(500)].join('\n')}\n`);
  await weir(['replay', '--source', 'netobserv', input, '-q'], env);
  const [line] = lines((await weir(['alerts', 'list', '--format', 'json'], env)).out);
  const alert = JSON.parse(line!) as Alert;

  const { code, out, err } = await weir(
    ['suppress', '--from', alert.id, '--reason', 'penetration test', '--by', 'soc'],
    env,
  );
  assert.equal(code, 0, err);
  assert.match(out, /^# would have hidden [1-9]\d* alerts? of the replay \(/);
  const problems: unknown[] = [];
  const { suppressions } = parse(out) as { suppressions: unknown };
  const found = parseSuppressions(suppressions, Date.now(), (problem) => problems.push(problem));
  assert.deepEqual(problems, []);
  assert.equal(createSuppressor(found)(alert), found[0]!.name);
  const elsewhere = { ...alert, entity: { ...alert.entity, key: 'another' } };
  assert.equal(createSuppressor(found)(elsewhere), null);

  assert.equal((await weir(['suppress', '--from', alert.id], env)).code, 2);
  const long = ['suppress', '--from', alert.id, '--reason', 'x', '--by', 'y', '--for', '91d'];
  assert.equal((await weir(long, env)).code, 2);
});

test('wrong use of incidents is told', async (t) => {
  const env = { WEIR_STATE_DIR: temporaryDirectory(t) };
  const unknown = await weir(['incidents', 'frobnicate'], env);
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /expected list, show, ack or close/);
  assert.equal((await weir(['incidents', 'list', 'nosuchfield : 1'], env)).code, 2);
});
