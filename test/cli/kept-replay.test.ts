import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weir } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

const lines = (text: string): string[] => text.split('\n').filter(Boolean);

test('what was replayed is found by search, whatever its time, until the next replay', async (t) => {
  const directory = temporaryDirectory(t);
  const env = { WEIR_STATE_DIR: join(directory, 'state') };
  const input = join(directory, 'flows.jsonl');
  const write = (count: number): void => writeFileSync(input, `${[...netobservLines(count)].join('\n')}\n`);
  const replayed = (...more: string[]): ReturnType<typeof weir> =>
    weir(['replay', '--source', 'netobserv', input, ...more], env);
  const found = async (...more: string[]): Promise<number> =>
    lines((await weir(['search', ...more, '--format', 'json'], env)).out).length;

  write(500);
  assert.match((await replayed('--no-store')).err, /^malformed +0$\s*(?!kept)/m);
  const nothing = await weir(['search'], env);
  assert.deepEqual([nothing.code, nothing.out], [4, '']);

  assert.match((await replayed()).err, /^kept +500 flows and \d+ alerts?, .*weir search --replayed$/m);
  assert.equal(await found(), 500);
  assert.equal(await found('--replayed'), 500);
  const table = await weir(['search', 'verdict : deny', '--limit', '1'], env);
  assert.equal(table.out.split('\n')[0], `Replay of ${input}`);
  const listed = await weir(['alerts', 'list', '--format', 'json'], env);
  const { id } = JSON.parse(lines(listed.out)[0]!) as { id: string };
  assert.ok((await weir(['alerts', 'show', id], env)).out.includes('severity'));

  write(20);
  await replayed('-q');
  assert.equal(await found(), 20);
});

test('a replay that cannot keep what it read is a replay all the same', async (t) => {
  const directory = temporaryDirectory(t);
  const input = join(directory, 'flows.jsonl');
  writeFileSync(input, `${[...netobservLines(50)].join('\n')}\n`);
  const { code, err } = await weir(['replay', '--source', 'netobserv', input], { WEIR_STATE_DIR: input });
  assert.equal(code, 0, err);
  assert.match(err, /^flows +50 /m);
  assert.match(err, /^kept +nothing: .*flows\.jsonl/m);
});
