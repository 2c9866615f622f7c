import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/syslog/index.ts';
import { options } from '../../../sinks/syslog/options.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { freePort, until } from '../../services/process.ts';
import { idOf, isResent, receiver } from './receiver.ts';
import { flowBatches, never, retried, syslogSink, writeAll } from './sink.ts';

const ids = (batches: ReturnType<typeof flowBatches>): string[] =>
  batches.flat().map((item) => item.record.id);

test('a write settles only after the connection stayed good for confirmMs', async (t) => {
  const far = await receiver(t);
  const clock = manualClock();
  const sink = create(
    options.parse({ to: `tcp://127.0.0.1:${far.port}`, confirmMs: '5s' }),
    testContext({ clock, name: 'siem' }),
  );
  t.after(() => sink.stop!(never));
  const [batch] = flowBatches('o', 1, 3);
  let settled = false;
  const written = sink.write(batch!, never).then(() => {
    settled = true;
  });
  await until('three messages', () => far.messages.length === 3);
  await clock.tick(4_000);
  assert.equal(settled, false);
  await clock.tick(2_000);
  await written;
  assert.equal(settled, true);
  assert.deepEqual(far.messages.map(idOf), ids([batch!]));
  assert.equal(far.messages.some(isResent), false);
});

test('what was not confirmed when the connection was reset is rejected, sent again, and marked', async (t) => {
  const far = await receiver(t);
  const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.port}`, confirmMs: 300 });
  const [batch] = flowBatches('o', 1, 5);
  const first = sink.write(batch!, never);
  const refused = assert.rejects(
    first,
    (error) => error instanceof WeirError && error.code === 'sink_unavailable',
  );
  await until('five messages', () => far.messages.length === 5);
  far.reset();
  await refused;
  await sink.write(batch!, never);
  assert.deepEqual(far.messages.slice(5).map(idOf), ids([batch!]));
  assert.equal(far.messages.slice(0, 5).some(isResent), false);
  assert.equal(far.messages.slice(5).every(isResent), true);
  const [, later] = flowBatches('o', 2, 5);
  await sink.write(later!, never);
  assert.equal(far.messages.slice(10).some(isResent), false);
});

test('connections reset in the middle of batches lose nothing', async (t) => {
  let resets = 0;
  const far = await receiver(t, {
    onBytes: (total, socket) => {
      if (total > (resets + 1) * 300_000 && resets < 4) {
        resets++;
        socket.resetAndDestroy();
      }
    },
  });
  const sink = retried(syslogSink(t, { to: `tcp://127.0.0.1:${far.port}`, confirmMs: 100 }));
  const batches = flowBatches('o', 40, 50, 'x'.repeat(300));
  await writeAll(sink, batches);
  const seen = new Set(far.messages.map(idOf));
  assert.equal(resets, 4);
  assert.deepEqual(
    ids(batches).filter((id) => !seen.has(id)),
    [],
  );
  // A message that arrives twice is marked the second time.
  const met = new Set<string>();
  for (const message of far.messages) {
    if (met.has(idOf(message))) assert.ok(isResent(message));
    met.add(idOf(message));
  }
});

test('a receiver that never reads is given up, and nothing of it counts as delivered', async (t) => {
  const far = await receiver(t, { reads: false });
  const failures: unknown[] = [];
  const sink = retried(
    syslogSink(t, { to: `tcp://127.0.0.1:${far.port}`, confirmMs: 400, writeTimeoutMs: 600 }),
    (error) => failures.push(error),
  );
  const batches = flowBatches('o', 60, 100, 'x'.repeat(4000));
  const all = writeAll(sink, batches, 60);
  await until('a failure', () => failures.length > 0);
  assert.match(String(failures[0]), /took nothing for \d+ ms/);
  far.reading(true);
  await all;
  const seen = new Set(far.messages.map(idOf));
  assert.equal(
    ids(batches).every((id) => seen.has(id)),
    true,
  );
});

test('a slow receiver gets everything once', async (t) => {
  const far = await receiver(t);
  const sink = syslogSink(t, {
    to: `tcp://127.0.0.1:${far.port}`,
    confirmMs: 200,
    maxUnconfirmedBytes: '256KiB',
  });
  const batches = flowBatches('o', 30, 50, 'x'.repeat(1000));
  let paused = true;
  const timer = setInterval(() => far.reading((paused = !paused)), 40);
  t.after(() => clearInterval(timer));
  await writeAll(sink, batches);
  assert.equal(far.messages.length, 1500);
  assert.equal(far.accepted(), 1);
});

test('a process that stood still for longer than confirmMs does not take a broken connection for a good one', async (t) => {
  const far = await receiver(t);
  const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.port}`, confirmMs: 200 });
  const [batch] = flowBatches('o', 1, 5);
  const refused = assert.rejects(sink.write(batch!, never), { code: 'sink_unavailable' });
  await until('five messages', () => far.messages.length === 5, { everyMs: 5 });
  // From here the event loop goes to its timers before it reads sockets.
  await new Promise((resolve) => setImmediate(resolve));
  far.reset();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  await refused;
});

test('unconfirmed bytes are bounded: writing waits', async (t) => {
  const far = await receiver(t);
  const clock = manualClock();
  const sink = create(
    options.parse({ to: `tcp://127.0.0.1:${far.port}`, maxUnconfirmedBytes: 20_000 }),
    testContext({ clock, name: 'siem' }),
  );
  t.after(() => sink.stop!(never));
  const batches = flowBatches('o', 4, 10, 'x'.repeat(1000));
  const all = Promise.all(batches.map((batch) => sink.write(batch, never)));
  await until('the first batch', () => far.messages.length === 10);
  await clock.tick(1000);
  assert.equal(far.messages.length, 10);
  for (let round = 0; round < 5; round++) {
    await clock.tick(6000);
    await until('a batch more', () => far.messages.length >= Math.min(40, 10 * (round + 2)));
  }
  await all;
  assert.equal(far.messages.length, 40);
});

test('a record that cannot be encoded is refused, the others are delivered', async (t) => {
  const far = await receiver(t);
  const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.port}` });
  const [batch] = flowBatches('o', 1, 3);
  const broken = { ...batch![1]!, record: { ...batch![1]!.record, source: null } } as unknown as Delivery;
  await assert.rejects(sink.write([batch![0]!, broken, batch![2]!], never), (error) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, code, retryable }) => [index, code, retryable]),
      [[1, 'record_unencodable', false]],
    );
    return true;
  });
  assert.deepEqual(far.messages.map(idOf), [batch![0]!.record.id, batch![2]!.record.id]);
});

test('targets are tried in order', async (t) => {
  const far = await receiver(t);
  const dead = await freePort();
  const sink = syslogSink(t, { to: [`tcp://127.0.0.1:${dead}`, `tcp://127.0.0.1:${far.port}`] });
  await sink.start!(never);
  const [batch] = flowBatches('o', 1, 2);
  await sink.write(batch!, never);
  assert.equal(far.messages.length, 2);
});

test('start says which receiver does not answer; writing goes on when it comes up', async (t) => {
  const port = await freePort();
  const sink = syslogSink(t, { to: `tcp://127.0.0.1:${port}` });
  await assert.rejects(sink.start!(never), {
    code: 'sink_unavailable',
    message: new RegExp(`^tcp://127\\.0\\.0\\.1:${port}: connection failed: .*ECONNREFUSED`),
  });
  const [batch] = flowBatches('o', 1, 3);
  const got: string[] = [];
  const failures: unknown[] = [];
  const written = retried(sink, (error) => failures.push(error)).write(batch!, never);
  await until('a failed attempt', () => failures.length > 0);
  const server = net.createServer((socket) => socket.on('data', (chunk) => got.push(chunk.toString())));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  await written;
  await sink.stop!(never);
  assert.equal(got.join('').match(/weir@32473/g)?.length, 3);
  assert.doesNotMatch(got.join(''), /resent/);
});

test('a stopped sink rejects what it could not confirm', async (t) => {
  const far = await receiver(t);
  const sink = syslogSink(t, { to: `tcp://127.0.0.1:${far.port}`, confirmMs: '1m' });
  const [batch] = flowBatches('o', 1, 2);
  const refused = assert.rejects(sink.write(batch!, never), { code: 'sink_unavailable' });
  await until('two messages', () => far.messages.length === 2);
  await sink.stop!(never);
  await sink.stop!(never);
  await refused;
});

test('a bad target is refused with the form it should have', () => {
  for (const to of [
    'siem:514',
    'http://siem',
    'tcp://',
    'tcp://a:0',
    'tcp://a:70000',
    'tcp://u@a:1',
    'tls://[::zz]:1',
  ]) {
    assert.throws(() => create(options.parse({ to }), testContext()), { code: 'config_invalid' }, to);
  }
  assert.throws(() => create(options.parse({ to: ['udp://a', 'tcp://b'] }), testContext()), {
    message: /cannot stand beside/,
  });
  create(options.parse({ to: 'tls://[2001:db8::1]:6514' }), testContext());
});
