import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weir, weirProcess } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { until } from '../services/process.ts';
import { receiver } from '../sinks/http/receiver.ts';

test('what a sink refuses is listed, shown, and leaves the dead letter only when it is delivered', async (t) => {
  const directory = temporaryDirectory(t);
  const state = { takes: false };
  const taken: string[] = [];
  const far = await receiver(t, ({ body }) => {
    if (!state.takes) return { status: 422, body: 'field "x" is missing' };
    taken.push((JSON.parse(body.toString()) as { id: string }).id);
    return { status: 200 };
  });
  const input = join(directory, 'in.jsonl');
  writeFileSync(input, `${[...netobservLines(3)].join('\n')}\nno json at all\n`);
  const config = join(directory, 'weir.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      state: { dir: join(directory, 'state') },
      sources: { net: { type: 'netobserv', from: { file: { path: input, startAt: 'beginning' } } } },
      sinks: { hook: { type: 'webhook', url: far.url, records: { flow: {} } } },
    }),
  );
  const running = weirProcess(t, { name: 'weir', args: ['run', '--config', config], directory });
  const ask = (...args: string[]) => weir(['deadletter', ...args, '--config', config]);
  interface Listed {
    readonly id: string;
    readonly component: string;
    readonly payload: string;
  }
  const list = async (...args: string[]): Promise<Listed[]> =>
    (await ask('list', '--format', 'json', ...args)).out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Listed);
  await until('four letters', async () => (await list()).length === 4, { timeoutMs: 60_000 });

  assert.equal((await list('--where', 'component : "sink.hook"')).length, 3);
  const [line] = await list('--where', 'kind : line');
  assert.equal(line?.payload, 'no json at all');
  const shown = await ask('show', line.id);
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^component +source\.net$/m);
  assert.match(shown.out, /^no json at all$/m);
  assert.equal((await ask('show', 'nothing')).code, 1);
  assert.equal((await ask('replay')).code, 2, 'nobody replays everything by mistake');
  assert.equal((await ask('replay', '--where', 'componnent : x')).code, 2);

  const refused = await ask('replay', '--where', 'component : "sink.hook"');
  assert.equal(refused.code, 5, refused.out);
  assert.match(refused.out, /^3 dead letters kept: sink\.hook: .* answered 422: field "x" is missing$/m);
  assert.equal((await list()).length, 4);

  state.takes = true;
  const all = await ask('replay', '--where', '*');
  assert.equal(all.code, 5, all.out);
  assert.match(all.out, /^3 dead letters delivered\.$/m);
  assert.match(all.out, /^1 dead letter kept: source\.net: /m);
  assert.equal(new Set(taken).size, 3);
  assert.deepEqual(
    (await list()).map(({ component }) => component),
    ['source.net'],
  );
  const status = JSON.parse((await weir(['status', '--format', 'json', '--config', config])).out) as {
    deadLetters: { kept: number }[];
  };
  assert.equal(status.deadLetters[0]?.kept, 1);

  await running.kill();
  running.start();
  await until('it answers again', async () => (await ask('list')).code === 0, { timeoutMs: 60_000 });
  assert.equal((await list()).length, 1, 'what was delivered does not come back');
  assert.equal(await running.stop(), 0);
});
