import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../store/index.ts';
import { ALL, collect, temporaryDirectory, testStore } from './helpers.ts';

const writer = fileURLToPath(new URL('./writer.js', import.meta.url));

/** Runs the writer until it has acknowledged something and `more` lines were seen, kills it, and gives the last offset. */
async function killedAt(dir: string, from: number, more: number): Promise<number> {
  const child = spawn(process.execPath, [writer, dir, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = from;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'open') continue;
    acknowledged = Number(line);
    if (++lines === more) break;
  }
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return acknowledged;
}

test('after kill -9 every acknowledged row is there once, and redelivery fills up what was not', async (t) => {
  const dir = temporaryDirectory(t);
  let acknowledged = 0;
  for (const lines of [3, 17, 8]) {
    // Redelivered from behind what was acknowledged, as a log whose cursor was not yet moved does.
    acknowledged = Math.max(acknowledged, await killedAt(dir, Math.max(0, acknowledged - 1500), lines));
  }
  const store = await testStore(t, { dir });
  const positions = (await collect(store.search('', ALL))).map((flow) => flow.position);
  assert.ok(positions.length >= acknowledged, `${positions.length} rows, ${acknowledged} acknowledged`);
  assert.deepEqual(
    positions,
    Array.from({ length: positions.length }, (_, i) => positions.length - 1 - i),
  );
  assert.equal(positions.length % 500, 0);
});

test('a second process is refused by the pid of the first, and a dead one leaves nothing locked', async (t) => {
  const dir = temporaryDirectory(t);
  const child = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await assert.rejects(openStore({ dir }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'state_unusable');
    assert.match(error.message, new RegExp(`in use by process ${child.pid}`));
    return true;
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await testStore(t, { dir });
  await assert.rejects(openStore({ dir }), { code: 'state_unusable' });
  await store.close();
  await (await openStore({ dir })).close();
});
