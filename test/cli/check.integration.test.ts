import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { elasticsearch } from '../services/elasticsearch.ts';
import { kafka } from '../services/kafka.ts';
import { setup } from '../../sinks/elasticsearch/setup.ts';
import { options as elasticsearchOptions } from '../../sinks/elasticsearch/options.ts';

const config = (directory: string, parts: object): string => {
  const path = join(directory, 'weir.yaml');
  writeFileSync(path, JSON.stringify({ state: { dir: join(directory, 'state') }, ...parts }));
  return path;
};

test('check writes to Kafka and reads back; it names topics that are missing or other than they should be', async (t) => {
  const service = await kafka(t);
  if (!service) return;
  const path = config(temporaryDirectory(t), {
    kafka: { brokers: service.brokers },
    sources: { ovn: { type: 'ovn_acl', from: { kafka: { topic: 'no-such-topic' } } } },
  });
  const before = await weir(['check', '--config', path]);
  assert.equal(before.code, 3, before.out);
  assert.match(before.out, /^FAIL {2}kafka .*: topics\n.*weir\.flows is missing.*run 'weir setup kafka'/m);
  assert.match(before.out, /^FAIL {2}source ovn.*\n.*no-such-topic/m);
  assert.equal(before.err, '', 'the findings say it all');

  const made = await weir(['setup', 'kafka', '--config', path]);
  assert.equal(made.code, 0, made.err);
  const after = await weir(['check', '--config', path]);
  assert.match(after.out, /^ok {4}kafka .*: a record of this check written and read back$/m);
  assert.match(after.out, /^ok {4}kafka .*: clock \(.* this machine's\)$/m);
});

test('check tells wrong passwords, missing rights and changed templates of Elasticsearch', async (t) => {
  const password = 'correct-horse';
  const server = await elasticsearch(t, { password });
  if (!server) return;
  const as = (username: string, secret: string): object => ({
    sinks: {
      es: {
        type: 'elasticsearch',
        nodes: [server.url],
        auth: { username, password: secret },
        records: { flow: {}, access: {} },
      },
    },
  });
  const directory = temporaryDirectory(t);
  const check = (username: string, secret: string): ReturnType<typeof weir> =>
    weir(['check', '--config', config(directory, as(username, secret))]);

  const wrong = await check('elastic', 'battery-staple');
  assert.equal(wrong.code, 3);
  assert.match(wrong.out, /^FAIL {2}sink es .*\n.*the credentials were not accepted/m);
  assert.ok(!wrong.out.includes('battery-staple'));

  assert.match(
    (await check('elastic', password)).out,
    /^FAIL {2}sink es .*\n.*run `weir setup elasticsearch`/m,
  );
  const far = setup(
    elasticsearchOptions.parse({ nodes: [server.url], auth: { username: 'elastic', password } }),
  );
  t.after(() => far.close());
  const { requests } = await far.plan(AbortSignal.timeout(30_000));
  for (const { method, path, body } of requests) await server.request(method, path, server.adapt(body));
  const found = await check('elastic', password);
  assert.match(found.out, /^ok {4}sink es \(elasticsearch\): rights$/m);
  assert.match(found.out, /^ok {4}sink es \(elasticsearch\): clock \(.* this machine's\)$/m);
  assert.match(found.out, /^ok {4}sink es \(elasticsearch\): the record of this check read back$/m);
  if (server.isFull) assert.match(found.out, /^ok {4}sink es \(elasticsearch\): templates$/m);
  else assert.match(found.out, /templates\n.*differs at .*: run weir setup elasticsearch/);
});
