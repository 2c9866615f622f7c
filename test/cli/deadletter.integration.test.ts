import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '../../cli/config/index.ts';
import { deadLetter, lineLetter, payloadOf } from '../../pipeline/dead-letter.ts';
import { topics } from '../../pipeline/log.ts';
import { createKafkaLog } from '../../transport/kafka/index.ts';
import { weir, weirProcess } from '../e2e/processes.ts';
import { netobservLines } from '../e2e/traffic.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow } from '../helpers/flows.ts';
import { kafka } from '../services/kafka.ts';
import { until } from '../services/process.ts';
import { receiver } from '../sinks/http/receiver.ts';

test('over Kafka sinks deliver what they refused, and a collector brings back lines and flows', async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'state'));
  const state = { takes: false };
  const taken: string[] = [];
  const far = await receiver(t, ({ body }) => {
    if (!state.takes) return { status: 400, body: 'not yet' };
    taken.push((JSON.parse(body.toString()) as { id: string }).id);
    return { status: 200 };
  });
  const input = join(directory, 'in.jsonl');
  writeFileSync(input, `${[...netobservLines(5)].join('\n')}\nno json at all\n`);
  const config = join(directory, 'weir.yaml');
  const one = { partitions: 2, replication: 1 };
  writeFileSync(
    config,
    JSON.stringify({
      lanes: 2,
      state: { dir: join(directory, 'state') },
      kafka: {
        brokers: service.brokers,
        prefix: `letters${process.pid}.`,
        topics: Object.fromEntries([...Object.keys(topics), 'state', 'schemas'].map((name) => [name, one])),
      },
      sources: { net: { type: 'netobserv', from: { file: { path: input, startAt: 'beginning' } } } },
      sinks: { hook: { type: 'webhook', url: far.url, records: { flow: {} } } },
    }),
  );
  const made = await weir(['setup', 'kafka', '--config', config]);
  assert.equal(made.code, 0, made.err);
  const running = ['collector', 'enricher', 'sinks'].map((role) =>
    weirProcess(t, { name: role, args: ['run', '--role', role, '--config', config], directory }),
  );
  const ask = (...args: string[]) => weir(['deadletter', ...args, '--config', config]);
  const list = async (): Promise<string[]> =>
    (await ask('list', '--format', 'json')).out
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { component: string }).component);
  await until('six letters', async () => (await list()).length === 6, { timeoutMs: 120_000 }).catch(
    async (error: unknown) => {
      const { out, err } = await ask('list');
      throw new Error(
        `${String(error)}\n${out}${err}\n${running.map((each) => each.log().slice(-1500)).join('\n')}`,
      );
    },
  );

  const refused = await ask('replay', '--where', 'component : "sink.hook"');
  assert.equal(refused.code, 5, refused.out + refused.err);
  assert.equal((await list()).length, 6);
  state.takes = true;
  const all = await ask('replay', '--where', '*');
  assert.match(all.out, /^5 dead letters delivered\.$/m);
  assert.match(all.out, /^1 dead letter kept: source\.net: (?!no process)/m);
  assert.equal(new Set(taken).size, 5);
  assert.deepEqual(await list(), ['source.net']);

  // What a collector and an enricher of an earlier version could not take.
  const [line = ''] = [...netobservLines(1)];
  const flow = aFlow({ position: 77 });
  const log = createKafkaLog(readConfig(config, { env: {} }).kafka!, testContext(), {
    topics: ['deadletter'],
  });
  await log.start(new AbortController().signal);
  t.after(() => log.stop());
  const reject = { position: 9, code: 'line_malformed', reason: 'no field Foo', payload: line } as const;
  const failed = { code: 'record_failed', reason: 'a bug', payload: payloadOf(flow), timeMs: 1 } as const;
  const place = { topic: 'flows', partition: 0, offset: 1 } as const;
  await log.append(
    'deadletter',
    [
      lineLetter('source.net', 'file:moved', reject, 1),
      deadLetter({ component: 'enricher', kind: 'flow', ...failed, ...place }),
      deadLetter({ component: 'detector.port_scan', kind: 'flow', ...failed, ...place }),
    ].map((value) => ({ partition: 0, key: null, value })),
  );
  const before = new Set(taken);
  const brought = await ask('replay', '--where', 'not reason : *JSON*');
  assert.match(brought.out, /^2 dead letters delivered\.$/m, brought.out);
  assert.match(brought.out, /^1 dead letter kept: detector\.port_scan: it was delivered to every sink/m);
  await until('the sink to have both', () => new Set(taken).size === before.size + 2, { timeoutMs: 60_000 });
  assert.ok(taken.includes(flow.id));
  assert.deepEqual((await list()).sort(), ['detector.port_scan', 'source.net']);
  assert.equal(new Set(taken).size, taken.length, 'each once');
  for (const each of running) assert.equal(await each.stop(), 0);
});
