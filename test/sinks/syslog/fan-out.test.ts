import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { PartialWriteError } from '../../../pipeline/errors.ts';
import { until } from '../../services/process.ts';
import { idOf, receiver } from './receiver.ts';
import { flowBatches, never, retried, syslogSink, writeAll } from './sink.ts';

test('fan-out: every receiver gets everything; a write again goes only to those that lack it', async (t) => {
  const steady = await receiver(t);
  let resets = 0;
  const shaky = await receiver(t, {
    onBytes: (total, socket) => {
      if (total > (resets + 1) * 200_000 && resets < 3) {
        resets++;
        socket.resetAndDestroy();
      }
    },
  });
  const sink = retried(
    syslogSink(t, {
      to: [`tcp://127.0.0.1:${steady.port}`, `tcp://127.0.0.1:${shaky.port}`],
      fanOut: true,
      confirmMs: 100,
    }),
  );
  const batches = flowBatches('o', 20, 50, 'x'.repeat(300));
  await writeAll(sink, batches);
  assert.equal(resets, 3);
  assert.equal(new Set(shaky.messages.map(idOf)).size, 1000);
  assert.deepEqual(steady.messages.length, 1000);
});

test('fan-out: one receiver that is down is said, and the others have the records', async (t) => {
  const near = await receiver(t);
  const sink = syslogSink(t, {
    to: [`tcp://127.0.0.1:${near.port}`, 'tcp://127.0.0.1:1'],
    fanOut: true,
  });
  await assert.rejects(sink.start!(never), { code: 'sink_unavailable', message: /127\.0\.0\.1:1/ });
  const [batch] = flowBatches('o', 1, 3);
  await assert.rejects(sink.write(batch!, never), { code: 'sink_unavailable' });
  assert.equal(near.messages.length, 3);
  await assert.rejects(sink.write(batch!, never), { code: 'sink_unavailable' });
  assert.equal(near.messages.length, 3);
});

test('fan-out: a record that cannot be encoded is refused once, by its place in the write', async (t) => {
  const far = await Promise.all([receiver(t), receiver(t)]);
  const sink = syslogSink(t, { to: far.map(({ port }) => `tcp://127.0.0.1:${port}`), fanOut: true });
  const [batch] = flowBatches('o', 1, 3);
  const broken = { ...batch![1]!, record: { ...batch![1]!.record, source: null } } as unknown as Delivery;
  await assert.rejects(sink.write([batch![0]!, broken, batch![2]!], never), (error) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, code }) => [index, code]),
      [[1, 'record_unencodable']],
    );
    return true;
  });
  for (const { messages } of far) assert.equal(messages.length, 2);
});

test('targets are tried in order again when the second one fails', async (t) => {
  const second = await receiver(t);
  const first = await receiver(t);
  const to = [first, second].map(({ port }) => `tcp://127.0.0.1:${port}`);
  const sink = retried(syslogSink(t, { to }));
  const [one, two] = flowBatches('o', 2, 2);
  await sink.write(one!, never);
  await first.close();
  await sink.write(two!, never);
  await until('two messages', () => second.messages.length >= 2);
  assert.deepEqual(
    [...new Set(second.messages.map(idOf))].toSorted(),
    two!.map(({ record }) => record.id).toSorted(),
  );
});
