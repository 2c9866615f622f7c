import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeStateDir } from '../../cli/wire/state.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

test('a state directory whose process is gone is taken, although its number is another process by now', async (t) => {
  const directory = temporaryDirectory(t);
  (await takeStateDir(directory, 12))();
  // The parent lives, but began at another time than the process that was killed.
  const killed = { pid: process.ppid, started: '1' };
  writeFileSync(join(directory, 'lock'), JSON.stringify(killed));
  const release = await takeStateDir(directory, 12);
  await assert.rejects(takeStateDir(directory, 12), {
    code: 'state_unusable',
    message: new RegExp(`is in use by process ${process.pid}: stop it, or set another state.dir`),
  });
  release();
  writeFileSync(join(directory, 'lock'), '{"pid":');
  (await takeStateDir(directory, 12))();
});

test('another number of lanes than the state was written with is refused, with the way out', async (t) => {
  const directory = temporaryDirectory(t);
  (await takeStateDir(directory, 12))();
  await assert.rejects(takeStateDir(directory, 6), { code: 'state_unusable', message: /12 lanes.*6.*rm -r/ });
});
