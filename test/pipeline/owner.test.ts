import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isRunning, thisProcess } from '../../pipeline/owner.ts';

test('this process runs, and an id that nobody has does not', () => {
  assert.ok(isRunning(thisProcess()));
  for (const pid of [0, -1, Number.NaN, 2 ** 22 + 1]) assert.ok(!isRunning({ pid, started: null }));
});

test(
  'an id that was given to another process since is nobody’s',
  { skip: !existsSync('/proc/1/stat') && 'no /proc' },
  () => {
    assert.ok(!isRunning({ ...thisProcess(), started: '1' }));
  },
);

test(
  'a process that was killed and is not waited for yet holds nothing',
  { skip: !existsSync('/proc/1/stat') && 'no /proc' },
  async (t) => {
    // The shell replaces itself by a program that waits for no child.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    t.after(() => parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = { pid: Number(line.toString()), started: null };
    const name = (): string => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim();
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    while (name() !== 'sleep') await turn();
    assert.ok(isRunning(child));
    process.kill(child.pid, 'SIGKILL');
    while (isRunning(child)) await turn();
    assert.ok(existsSync(`/proc/${child.pid}/stat`), 'it is still to be waited for');
  },
);
