import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { create as createFile } from '../../collector/inputs/file/index.ts';
import { options as fileOptions } from '../../collector/inputs/file/options.ts';
import { create as createJournald } from '../../collector/inputs/journald/index.ts';
import { options as journaldOptions } from '../../collector/inputs/journald/options.ts';
import { create as createStdin } from '../../collector/inputs/stdin/index.ts';
import { options as stdinOptions } from '../../collector/inputs/stdin/options.ts';
import { inputs } from '../../collector/inputs/registry.ts';
import { sources } from '../../collector/registry.ts';
import { handoff } from '../../collector/inputs/kafka/handoff.ts';
import { connectionOf } from '../../collector/inputs/kafka/connection.ts';
import { options as kafkaOptions } from '../../collector/inputs/kafka/options.ts';
import { readAll } from '../contracts/fileContract.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { journalctl } from './journalctl.ts';

const context = { ...testContext(), follow: false };

test('every registered input and source loads', async () => {
  for (const input of Object.values(inputs)) assert.equal(typeof (await input.load()).create, 'function');
  for (const source of Object.values(sources))
    assert.equal(typeof (await source.load()).source.decoder, 'function');
});

test('a log that is piped in has the ids it has as a file', async (t) => {
  const path = join(temporaryDirectory(t), 'x.log');
  const content = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('');
  writeFileSync(path, content);
  const asFile = await readAll(createFile(fileOptions.parse({ path }), context));
  const bytes = Buffer.from(content);
  const stdin = Readable.from(
    Array.from({ length: Math.ceil(bytes.length / 100) }, (_, i) => bytes.subarray(i * 100, i * 100 + 100)),
    { objectMode: false },
  );
  const piped = await readAll(createStdin(stdinOptions.parse({}), { ...context, stdin }));
  assert.deepEqual(piped.lines, asFile.lines);
  assert.equal(piped.batches.at(-1)?.final, true);
  const empty = await readAll(createStdin(stdinOptions.parse({}), { ...context, stdin: Readable.from([]) }));
  assert.deepEqual(empty.batches, []);
});

test('entries of the journal, by their number; reading goes on at any of them', async (t) => {
  const command = journalctl(
    t,
    [5, 6, 9, 20, 300].map((number) => ({ number, text: `entry ${number}` })),
  );
  const all = await readAll(createJournald(journaldOptions.parse({ command }), context));
  const positions = all.batches.flatMap((batch) => batch.lines.map((line) => line.position));
  assert.deepEqual(positions, [5, 6, 9, 20, 300]);
  assert.deepEqual(
    [all.batches.at(-1)?.origin, all.batches.at(-1)?.next, all.batches.at(-1)?.final],
    ['journal-abc', 301, true],
  );
  const { lines } = all.batches.find((batch) => batch.lines.length > 0)!;
  assert.deepEqual(lines[0], {
    position: 5,
    text: 'entry 5',
    timeMs: 1_718_000_000_000,
    node: 'node-1',
    cluster: null,
  });
  const rest = await readAll(createJournald(journaldOptions.parse({ command }), context), (origin) =>
    origin === 'journal-abc' ? { position: 9 } : undefined,
  );
  assert.deepEqual(rest.lines, all.lines.slice(2));
});

test('journalctl that is missing or refuses is said with what helps', async () => {
  const input = createJournald(journaldOptions.parse({ command: '/nowhere/journalctl' }), context);
  await assert.rejects(
    input.start!(new AbortController().signal),
    /journalctl cannot be started.*usermod -aG systemd-journal/s,
  );
});

test('the output of journalctl in a file', async (t) => {
  const path = join(temporaryDirectory(t), 'journal.json');
  writeFileSync(
    path,
    `${JSON.stringify({ __CURSOR: 's=a;i=1', __REALTIME_TIMESTAMP: '1718000000000000', _HOSTNAME: 'n', MESSAGE: 'text' })}\n`,
  );
  const seen = await readAll(createJournald(journaldOptions.parse({ path }), context));
  assert.deepEqual(
    seen.batches.flatMap((batch) => batch.lines),
    [{ position: 0, text: 'text', timeMs: 1_718_000_000_000, node: 'n', cluster: null }],
  );
});

test('a handoff holds up who pushes until what was taken is dealt with', async () => {
  const passing = handoff<number>();
  const never = (): Promise<void> => new Promise(() => {});
  let put = 0;
  const pushing = (async () => {
    for (const item of [1, 2]) {
      await passing.put(item);
      put = item;
    }
  })();
  assert.equal(await passing.take(never), 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(put, 0);
  assert.equal(await passing.take(never), 2);
  assert.equal(put, 1);
  assert.equal(await passing.take(() => Promise.resolve()), null);
  await pushing;
  passing.close();
  assert.equal(await passing.take(never), undefined);
  const failing = handoff<number>();
  failing.close(new Error('gone'));
  await assert.rejects(failing.take(never), /gone/);
});

test('a kafka input takes the connection of the kafka block where it has none', () => {
  const options = kafkaOptions.parse({ topic: 'audit' });
  assert.throws(
    () => connectionOf(options, undefined, 'audit'),
    /sources\.audit\.from\.kafka: brokers are missing/,
  );
  const shared = {
    brokers: ['b:9092'],
    tls: true,
    sasl: { mechanism: 'plain', username: 'u', password: 'p' },
  } as const;
  const connection = connectionOf(options, { ...shared, brokers: ['b:9092'] }, 'audit');
  assert.deepEqual(
    [connection.brokers, connection.tls, connection.sasl?.mechanism],
    [['b:9092'], true, 'plain'],
  );
  assert.deepEqual(
    connectionOf(
      kafkaOptions.parse({ topic: 'audit', brokers: ['own:1'] }),
      { ...shared, brokers: ['b:9092'] },
      'audit',
    ).brokers,
    ['own:1'],
  );
});
