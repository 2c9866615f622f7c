import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDemo } from '../../cli/demo/index.ts';
import { weirProcess, weir } from '../e2e/processes.ts';
import { manualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { until } from '../services/process.ts';

const timesIn = (path: string): number[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { TimeFlowStartMs: number }).TimeFlowStartMs);

test('the log of the demo cluster is rotated before it grows large, and misses no second', async (t) => {
  const directory = join(temporaryDirectory(t), 'demo');
  const clock = manualClock();
  const stop = new AbortController();
  const made = createDemo(directory, clock, 100_000);
  const running = made.run(stop.signal);
  const [log, old] = [join(directory, 'flows.log'), join(directory, 'flows.log.1')];
  // The past alone is more than a file may hold.
  await until('the first rotation', () => statSync(old).size > 1_000_000);
  const first = Math.max(...timesIn(old));
  // Not long enough for another.
  for (let i = 0; i < 12; i++) await clock.tick(500);
  stop.abort();
  await clock.tick(500);
  await running;
  const next = Math.min(...timesIn(log));
  assert.ok(next >= first - 1000 && next - first < 2000, `${first} ${next}`);
});

test('weir demo writes an inventory and the past of a made-up cluster', async (t) => {
  const directory = temporaryDirectory(t);
  const process = weirProcess(t, { name: 'demo', args: ['demo', directory], directory });
  await until('flows', () => timesIn(join(directory, 'cluster', 'flows.log')).length > 1000);
  assert.ok(statSync(join(directory, 'cluster', 'inventory.json')).size > 1000);
  assert.equal(await process.stop(), 0);
  const { code, err } = await weir(['demo']);
  assert.equal(code, 2);
  assert.match(err, /where to\?/);
});
