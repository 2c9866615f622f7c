import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weir, weirProcess } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { until } from '../services/process.ts';

const DAY_MS = 86_400_000;

/** Flows of the last two days, evenly spread. */
function history(count: number): string {
  const beginMs = Date.now() - 2 * DAY_MS - 60_000;
  const lines = [...netobservLines(count)].map((line, i) => {
    const flow = JSON.parse(line) as Record<string, number>;
    flow['TimeFlowEndMs'] = Math.round(beginMs + (i * 2 * DAY_MS) / count);
    flow['TimeFlowStartMs'] = flow['TimeFlowEndMs'] - 100;
    return JSON.stringify(flow);
  });
  return `${lines.join('\n')}\n`;
}

const tableOf = (out: string): string[] => out.split('\n').filter((line) => /ready|learning/.test(line));

test('detectors learn the same from files and from a store, and who starts with it is ready at once', async (t) => {
  const directory = temporaryDirectory(t);
  const stateDir = join(directory, 'state');
  const env = { WEIR_STATE_DIR: stateDir };
  const file = join(directory, 'flows.jsonl');
  writeFileSync(file, history(4000));
  const replayed = await weir(['replay', '--source', 'netobserv', file, '-q'], env);
  assert.equal(replayed.code, 0, replayed.err);
  const ofStore = await weir(['baseline', '--from', join(stateDir, 'replay', 'last')], env);
  assert.equal(ofStore.code, 0, ofStore.err);
  const ofFile = await weir(['baseline', '--from', file, '--source', 'netobserv'], env);
  assert.equal(ofFile.code, 0, ofFile.err);
  assert.match(ofFile.out, /^Learned from 4,000 flows of 1d23h/);
  assert.deepEqual(tableOf(ofStore.out), tableOf(ofFile.out));
  assert.ok(tableOf(ofFile.out).every((line) => line.includes('ready')));
  assert.ok(existsSync(join(stateDir, 'baseline', 'baseline.json')));

  const live = join(directory, 'live.jsonl');
  writeFileSync(live, '');
  const config = join(directory, 'weir.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      state: { dir: stateDir },
      sources: { live: { type: 'netobserv', from: { file: { path: live } } } },
      sinks: { out: { type: 'file', path: join(directory, 'out.jsonl'), records: { alert: {} } } },
    }),
  );
  const running = weirProcess(t, { name: 'weir', args: ['run', '--config', config], directory });
  await until('it knows', () => running.log().includes('detectors know what was learned'), {
    timeoutMs: 60_000,
  });
  const status = await weir(['status', '--config', config, '--format', 'json'], env);
  const { detectors } = JSON.parse(status.out) as {
    detectors: readonly { name: string; learning: number; ready: number }[];
  };
  for (const { name, learning, ready } of detectors) assert.deepEqual([name, learning, ready], [name, 0, 12]);
  await running.stop();
});

test('wrong use of baseline is told', async (t) => {
  const env = { WEIR_STATE_DIR: temporaryDirectory(t) };
  const withoutType = await weir(['baseline', '--from', 'flows.jsonl'], env);
  assert.equal(withoutType.code, 2);
  assert.match(withoutType.err, /give --source/);
  const nothing = await weir(['baseline'], env);
  assert.equal(nothing.code, 4);
});
