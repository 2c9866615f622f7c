import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartialWriteError } from '../../../pipeline/errors.ts';
import { until } from '../../services/process.ts';
import { parseRfc5424 } from './parse-rfc5424.ts';
import { idOf, isResent } from './receiver.ts';
import { accepts, relpReceiver, rsp } from './relp-receiver.ts';
import { flowBatches, never, retried, syslogSink, writeAll } from './sink.ts';

const sinkTo = (t: Parameters<typeof syslogSink>[0], port: number, more: object = {}) =>
  syslogSink(t, { to: `relp://127.0.0.1:${port}`, confirmMs: '1h', ...more });

test('relp: a write settles when all its messages are acknowledged, whatever confirmMs says', async (t) => {
  const held: (() => void)[] = [];
  const far = await relpReceiver(t, (command, socket) => {
    if (command.command !== 'syslog') return accepts(command);
    held.push(() => socket.write(accepts(command)));
    return null;
  });
  const sink = sinkTo(t, far.port);
  await sink.start!(never);
  const [batch] = flowBatches('o', 1, 3);
  let settled = false;
  const written = sink.write(batch!, never).then(() => (settled = true));
  await until('three messages', () => held.length === 3);
  held[0]!();
  held[1]!();
  await until('the session to be open', () => far.commands.length === 4);
  assert.equal(settled, false);
  held[2]!();
  await written;
  assert.deepEqual(
    far.messages.map((text) => idOf(parseRfc5424(text))),
    batch!.map(({ record }) => record.id),
  );
  // Numbers begin at 1 and rise by 1.
  assert.deepEqual(
    far.commands.map(({ number, command }) => [number, command]),
    [
      [1, 'open'],
      [2, 'syslog'],
      [3, 'syslog'],
      [4, 'syslog'],
    ],
  );
  await sink.stop!(never);
  assert.deepEqual(far.commands.at(-1), { number: 5, command: 'close', data: '' });
});

test('relp: responses in pieces, glued together and in any order are understood', async (t) => {
  const waiting: string[] = [];
  const far = await relpReceiver(t, (command, socket) => {
    if (command.command !== 'syslog') return accepts(command);
    waiting.push(accepts(command));
    if (waiting.length === 4) {
      const all = waiting.reverse().join('');
      socket.write(all.slice(0, 5));
      setImmediate(() => socket.write(all.slice(5)));
    }
    return null;
  });
  const sink = sinkTo(t, far.port);
  await sink.write(flowBatches('o', 1, 4)[0]!, never);
});

test('relp: what was not acknowledged when the session broke is sent again, marked', async (t) => {
  let answered = 0;
  const far = await relpReceiver(t, (command, socket) => {
    if (command.command !== 'syslog') return accepts(command);
    if (++answered === 700) {
      socket.resetAndDestroy();
      return null;
    }
    return accepts(command);
  });
  const sink = retried(sinkTo(t, far.port));
  const batches = flowBatches('o', 30, 50, 'x'.repeat(300));
  await writeAll(sink, batches);
  const messages = far.messages.map((text) => parseRfc5424(text));
  const seen = new Set(messages.map(idOf));
  assert.equal(seen.size, 1500);
  const met = new Set<string>();
  for (const message of messages) {
    if (met.has(idOf(message))) assert.ok(isResent(message));
    met.add(idOf(message));
  }
});

test('relp: one message that the receiver refuses is refused, the others are delivered', async (t) => {
  const far = await relpReceiver(t, (command) =>
    command.number === 3 ? rsp(3, '500 cannot be stored') : accepts(command),
  );
  const sink = sinkTo(t, far.port);
  await assert.rejects(sink.write(flowBatches('o', 1, 3)[0]!, never), (error) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, code, retryable }) => [index, code, retryable]),
      [[1, 'sink_refused_record', false]],
    );
    return true;
  });
});

test('relp: a receiver that refuses everything is down, not the records', async (t) => {
  let isDown = true;
  const far = await relpReceiver(t, (command) =>
    isDown && command.command === 'syslog' ? rsp(command.number, '500 disk full') : accepts(command),
  );
  const sink = sinkTo(t, far.port);
  const [batch] = flowBatches('o', 1, 3);
  await assert.rejects(sink.write(batch!, never), { code: 'sink_unavailable', message: /refused all of 3/ });
  isDown = false;
  await sink.write(batch!, never);
});

test('relp: a receiver that acknowledges nothing is given up after writeTimeoutMs', async (t) => {
  const far = await relpReceiver(t, (command) => (command.command === 'syslog' ? null : accepts(command)));
  const sink = sinkTo(t, far.port, { writeTimeoutMs: 200 });
  await assert.rejects(sink.write(flowBatches('o', 1, 3)[0]!, never), {
    code: 'sink_unavailable',
    message: /acknowledged nothing for \d+ ms/,
  });
});

for (const [what, answer, message] of [
  ['refuses the session', (n: number) => rsp(n, '500 no'), /the session was refused: 500 no/],
  [
    'offers no syslog',
    (n: number) => rsp(n, '200 OK\nrelp_version=0\ncommands=eventlog'),
    /takes no syslog, only 'eventlog'/,
  ],
  ['speaks something else', () => 'HTTP/1.1 400 Bad Request\r\n\r\n', /expected a frame, found 'HTTP/],
  ['closes at once', () => '0 serverclose 0\n', /closed the RELP session/],
  ['sends a frame without its end', () => '1 rsp 6 200 OKx', /does not end where its length says/],
  ['sends a response of a gigabyte', () => '1 rsp 999999999 ', /a response of 999999999 bytes/],
] as const)
  test(`relp: start names a receiver that ${what}`, async (t) => {
    const far = await relpReceiver(t, ({ number }) => answer(number));
    await assert.rejects(sinkTo(t, far.port).start!(never), { code: 'sink_unavailable', message });
  });

test('relp: an answer to what was never asked, or a second one, ends the session and nothing counts as delivered', async (t) => {
  for (const lie of [
    (n: number) => rsp(n + 500, '200 OK'),
    (n: number) => rsp(n, '200 OK') + rsp(n, '200 OK'),
  ]) {
    const far = await relpReceiver(t, (command) =>
      command.command === 'syslog' ? lie(command.number) : accepts(command),
    );
    await assert.rejects(sinkTo(t, far.port).write(flowBatches('o', 1, 2)[0]!, never), {
      code: 'sink_unavailable',
    });
  }
});
