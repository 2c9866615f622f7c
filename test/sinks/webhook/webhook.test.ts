import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { Delivery } from '../../../pipeline/contracts.ts';
import { PartialWriteError } from '../../../pipeline/errors.ts';
import type { Alert } from '../../../schema/records.ts';
import { create } from '../../../sinks/webhook/index.ts';
import { options as schema, type Options } from '../../../sinks/webhook/options.ts';
import { bodies } from '../../../sinks/webhook/template.ts';
import { deliveryOf, sinkContract } from '../../contracts/sinkContract.ts';
import { anAlert } from '../../helpers/alerts.ts';
import { arbitraryOf } from '../../helpers/arbitraries.ts';
import { manualClock, testContext } from '../../helpers/context.ts';
import { receiver, type Received, type Reply } from '../http/receiver.ts';

const never = new AbortController().signal;
let nth = 0;
const alerts = (count: number): Delivery[] =>
  Array.from({ length: count }, () => deliveryOf('alert', anAlert(nth++)));
const jsonOf = (request: Received): { id: string; record: { id: string } } =>
  JSON.parse(request.body.toString()) as { id: string; record: { id: string } };

/** A receiver that refuses what is severity critical, and takes each idempotency key once. */
sinkContract({
  name: 'webhook',
  deduplicates: true,
  items: alerts,
  refused: () => deliveryOf('alert', anAlert(nth++, { severity: 'critical' })),
  async create(t, context) {
    const taken = new Map<string, string>();
    const { url } = await receiver(t, (request) => {
      const { record } = JSON.parse(request.body.toString()) as { record: Alert };
      if (record.severity === 'critical') return { status: 422, body: 'no such severity' };
      taken.set(String(request.headers['idempotency-key']), record.id);
      return { status: 202 };
    });
    const sink = create(schema.parse({ url }), context);
    return { sink, delivered: () => Promise.resolve([...taken.values()]) };
  },
});

async function refusalsOf(
  t: TestContext,
  reply: (request: Received, nth: number) => Reply,
  count = 3,
  options: object = {},
): Promise<{ refusals: PartialWriteError['refusals']; requests: readonly Received[] }> {
  const far = await receiver(t, (request) => reply(request, far.requests.length));
  const sink = create(schema.parse({ url: `${far.url}/secret-path`, ...options }), testContext());
  t.after(() => sink.stop?.(never));
  const error: unknown = await sink.write(alerts(count), never).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PartialWriteError, String(error));
  for (const { reason } of error.refusals) assert.ok(!reason.includes('secret-path'), reason);
  return { refusals: error.refusals, requests: far.requests };
}

test('webhook: what an answer means for the records', async (t) => {
  const expected = {
    301: ['sink_misconfigured', true],
    400: ['sink_refused_record', false],
    401: ['sink_unauthorised', true],
    403: ['sink_unauthorised', true],
    404: ['sink_misconfigured', true],
    413: ['sink_refused_record', false],
    429: ['sink_overloaded', true],
    500: ['sink_unavailable', true],
    503: ['sink_unavailable', true],
  } as const;
  for (const [status, [code, retryable]] of Object.entries(expected)) {
    const { refusals } = await refusalsOf(t, () => ({ status: Number(status), body: 'because\nof it' }), 1);
    assert.deepEqual(
      refusals.map((each) => [each.code, each.retryable]),
      [[code, retryable]],
      status,
    );
    assert.match(refusals[0]!.reason, new RegExp(`answered ${status}: because of it$`));
  }
});

test('webhook: a receiver that goes away in the middle has the first ones only once', async (t) => {
  const { refusals, requests } = await refusalsOf(t, (_request, count) =>
    count < 2 ? { status: 200 } : 'hang up',
  );
  assert.equal(requests.length, 2, 'nothing is sent after a failure, so no record overtakes another');
  assert.deepEqual(
    refusals.map(({ index, retryable, code }) => [index, retryable, code]),
    [
      [1, true, 'sink_unavailable'],
      [2, true, 'sink_unavailable'],
    ],
  );
});

test('webhook: one that never answers is given up after timeoutMs', async (t) => {
  const { refusals } = await refusalsOf(t, () => 'silence', 1, { timeoutMs: '50ms' });
  assert.match(refusals[0]!.reason, /no answer within 50 ms/);
  assert.equal(refusals[0]!.retryable, true);
});

test('webhook: of a refused list only the record at fault is given up', async (t) => {
  const far = await receiver(t, ({ body }) => ({ status: body.includes('web-bad') ? 400 : 200 }));
  const sink = create(schema.parse({ url: far.url, batchRecords: 10 }), testContext());
  t.after(() => sink.stop?.(never));
  const items = alerts(4);
  items[2] = deliveryOf('alert', anAlert(0, { rule: 'web-bad' }));
  await assert.rejects(sink.write(items, never), (error: unknown) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, retryable }) => [index, retryable]),
      [[2, false]],
    );
    return true;
  });
  assert.ok(Array.isArray(JSON.parse(far.requests[0]!.body.toString())));
});

test('webhook: a signature covers time and body', async (t) => {
  const clock = manualClock(1_700_000_123_456);
  const far = await receiver(t, () => ({ status: 200 }));
  const secret = 'shared between two';
  for (const form of ['timestamped', 'body'] as const) {
    const sink = create(
      schema.parse({ url: far.url, signature: { secret, form }, headers: { 'X-Tenant': 'acme' } }),
      testContext({ clock }),
    );
    await sink.write(alerts(1), never);
    await sink.stop?.(never);
  }
  const [first, second] = far.requests as [Received, Received];
  const sign = (text: string): string => createHmac('sha256', secret).update(text).digest('hex');
  assert.equal(first.headers['x-weir-timestamp'], '1700000123');
  assert.equal(first.headers['x-weir-signature'], `v1=${sign(`1700000123.${first.body.toString()}`)}`);
  assert.equal(second.headers['x-hub-signature-256'], `sha256=${sign(second.body.toString())}`);
  assert.equal(first.headers['x-tenant'], 'acme');
});

test('webhook: a record sent again has the same idempotency key, a revision another', async (t) => {
  const far = await receiver(t, () => ({ status: 200 }));
  const sink = create(schema.parse({ url: far.url }), testContext());
  t.after(() => sink.stop?.(never));
  const alert = anAlert(1);
  await sink.write([deliveryOf('alert', alert)], never);
  await sink.write([deliveryOf('alert', alert)], never);
  await sink.write([deliveryOf('alert', { ...alert, revision: 1 })], never);
  const [a, b, c] = far.requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(a, b);
  assert.notEqual(a, c);
  assert.equal(jsonOf(far.requests[0]!).id, `${alert.id}-0`);
});

const templates = (part: Partial<Options>): Parameters<typeof bodies>[0] =>
  schema.parse({ url: 'http://127.0.0.1', ...part });

test('webhook: a template puts values in place, with their type where they stand alone', () => {
  const render = bodies(
    templates({
      body: {
        text: '{severity} {{literal}}: {why.summary}',
        count: '{count}',
        ports: '{evidence.ports}',
        port: '{target.port}',
        nested: [{ pd: '{step}' }, 7, null],
      },
      values: { step: { of: 'action', map: { closed: 'resolve' }, default: 'trigger' } },
      bodies: { loss: { lost: '{why} {count}' } },
    }),
  );
  assert.deepEqual(JSON.parse(JSON.stringify(render(deliveryOf('alert', anAlert(3))))), {
    text: 'medium {literal}: web-3 tried 25 ports',
    count: 25,
    ports: [22, 80],
    nested: [{ pd: 'trigger' }, 7, null],
  });
});

test('webhook: a name that no record has is refused before anything runs', () => {
  assert.throws(
    () => bodies(templates({ body: { text: { deep: 'x {severty}' } } })),
    /body\.text\.deep: found \{severty\}, expected a field/,
  );
});

test('webhook: no record changes the shape of a body, and slack gets no link or mention from one', () => {
  const render = bodies(
    templates({ body: { text: 'a {why.summary} b {entity.key}', more: '{rule}' }, escape: 'slack' }),
  );
  fc.assert(
    fc.property(arbitraryOf('alert'), fc.string({ unit: 'binary' }), (alert, hostile) => {
      alert.why = { ...alert.why, summary: `<!channel> <http://evil|here>"},{"x":"${hostile}` };
      const body = JSON.parse(JSON.stringify(render(deliveryOf('alert', alert)))) as Record<string, string>;
      assert.deepEqual(Object.keys(body), ['text', 'more']);
      assert.ok(!/[<>]/.test(body['text']! + body['more']!));
    }),
  );
});

test('webhook: Retry-After of a 429 or 503 is how long it is left alone', async (t) => {
  for (const status of [429, 503]) {
    const { refusals } = await refusalsOf(t, () => ({ status, headers: { 'retry-after': '90' } }));
    assert.deepEqual(
      refusals.map(({ retryable, retryAfterMs }) => [retryable, retryAfterMs]),
      [0, 1, 2].map(() => [true, 90_000]),
    );
  }
});
