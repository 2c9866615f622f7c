import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { newPolicyRef } from '../../../schema/records.ts';
import { fromJson } from '../../../sinks/records/json.ts';
import { create } from '../../../sinks/stdout/index.ts';
import { deliveryOf, sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { aFlow, T0 } from '../../helpers/flows.ts';

const never = new AbortController().signal;

function collecting(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

sinkContract({
  name: 'stdout',
  deduplicates: false,
  create(_t, context) {
    const { stream, text } = collecting();
    return Promise.resolve({
      sink: create({ format: 'json' }, context, stream),
      delivered: () =>
        Promise.resolve(
          text()
            .split('\n')
            .slice(0, -1)
            .map((line) => fromJson('flow', line).id),
        ),
    });
  },
});

test('stdout: text is one line that names time, verdict, both sides and the policy', async () => {
  const { stream, text } = collecting();
  const flow = aFlow({ verdict: 'deny', port: 5432, endMs: T0 });
  Object.assign(flow.source, { namespace: 'shop', pod: 'cart-1\nx' });
  flow.destination.ip = '2001:db8::1';
  flow.policies = [
    { ...newPolicyRef(), kind: 'NetworkPolicy', namespace: 'db', name: 'only-app', inferred: true },
  ];
  await create({ format: 'text' }, testContext(), stream).write([deliveryOf('flow', flow)], never);
  assert.equal(
    text(),
    '2023-11-14T22:13:20.000Z deny    tcp shop/cart-1\\u000ax(10.0.0.1) -> [2001:db8::1]:5432 ' +
      '[NetworkPolicy db/only-app (inferred)]\n',
  );
});

test('stdout: once nobody reads, it ends quietly and counts', async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  let unread = 0;
  const meter = {
    counter: () => ({ add: (value: number) => (unread += value) }),
    gauge: () => ({ set() {} }),
    histogram: () => ({ observe() {} }),
  };
  const sink = create({ format: 'json' }, testContext({ meter }), stream);
  await sink.start!(never);
  await sink.write(someFlows(2), never);
  await sink.write(someFlows(3), never);
  await sink.stop!(never);
  assert.equal(unread, 5);
});
