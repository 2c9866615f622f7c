import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { main, weir } from '../e2e/processes.ts';
import { temporaryDirectory } from '../helpers/directory.ts';

test('wrong use is told in a line, with what was meant', async (t) => {
  const env = { WEIR_STATE_DIR: temporaryDirectory(t) };
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['serch'], /^weir: there is no command 'serch'; did you mean 'search'\?$/m],
    [
      ['search', '--sinc', '1h'],
      /^weir: Unknown option '--sinc'\n\nweir help search shows how it is used\.$/m,
    ],
    [['observe', '--format', 'csv'], /there is no format 'csv' here: expected table, json/],
    [['status', '--format', 'csv'], /there is no format 'csv' here: expected table, json/],
    [['alerts', 'list', 'severity : hgh'], /column 12.*\nseverity : hgh\n {11}\^/],
    [['alerts', 'lst'], /there is no 'alerts lst': expected list or show/],
    [['toString'], /there is no command 'toString'/],
  ];
  for (const [args, expected] of wrong) {
    const { code, err } = await weir(args, env);
    assert.equal(code, 2, `${args.join(' ')}\n${err}`);
    assert.match(err, expected);
  }
});

test(
  'an output that cannot be written to is an error of one line',
  { skip: !existsSync('/dev/full') && 'no /dev/full here' },
  async () => {
    const child = spawn(process.execPath, [main, 'docs'], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    const err: Buffer[] = [];
    child.stderr!.on('data', (data: Buffer) => err.push(data));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(Buffer.concat(err).toString(), /^weir: the output cannot be written: .*ENOSPC[^\n]*\n$/);
  },
);

test('what cannot be reached is exit code 4, in one line and without the chatter of a client library', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'weir.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      kafka: { brokers: ['127.0.0.1:1'] },
      sinks: { es: { type: 'elasticsearch', nodes: ['http://127.0.0.1:1'], records: { flow: {} } } },
    }),
  );
  const elasticsearch = await weir(['setup', 'elasticsearch', '--config', config]);
  assert.equal(elasticsearch.code, 4, elasticsearch.err);
  assert.match(elasticsearch.err, /^weir: cannot reach Elasticsearch: .*ECONNREFUSED.*\n$/);
  const kafka = await weir(['setup', 'kafka', '--config', config]);
  assert.equal(kafka.code, 4, kafka.err);
  assert.match(kafka.err, /^weir: setup of topics: .*ECONNREFUSED.*\n$/);
});
