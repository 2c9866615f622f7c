import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Delivery, Sink } from '../../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, type Refusal } from '../../../pipeline/errors.ts';
import { noMeter, type Meter } from '../../../pipeline/meter.ts';
import type { Flow } from '../../../schema/records.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { freePort } from '../../services/process.ts';
import {
  fakeElasticsearch,
  type FakeElasticsearch,
  type FakeOptions,
  type ItemReply,
  type Seen,
} from './fake-server.ts';

const never = new AbortController().signal;

async function faked(
  t: TestContext,
  options: FakeOptions,
  more: object = {},
): Promise<{ sink: Sink; fake: FakeElasticsearch }> {
  const fake = await fakeElasticsearch(t, options);
  const sink = create(schema.parse({ nodes: fake.url, ...more }), testContext());
  t.after(() => sink.stop?.(never));
  return { sink, fake };
}

async function refusals(sink: Sink, items: readonly Delivery[]): Promise<readonly Refusal[]> {
  try {
    await sink.write(items, never);
    return [];
  } catch (error) {
    assert.ok(error instanceof PartialWriteError, String(error));
    return error.refusals;
  }
}

/** A server that answers the n-th operation with the n-th reply. */
const inTurn = (replies: readonly ItemReply[]): FakeOptions => {
  let i = 0;
  return { item: () => replies[i++]! };
};

sinkContract({
  name: 'elasticsearch (fake)',
  deduplicates: true,
  async create(t, context) {
    const stored = new Map<string, Seen>();
    const fake = await fakeElasticsearch(t, {
      item(seen) {
        if (seen.document['event'] && (seen.document['event'] as { reason?: string }).reason === 'refuse me')
          return { status: 400, error: { type: 'document_parsing_exception', reason: 'failed to parse' } };
        if (stored.has(seen.meta._id))
          return { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'there' } };
        stored.set(seen.meta._id, seen);
        return { status: 201 };
      },
    });
    const sink = create(schema.parse({ nodes: fake.url }), context);
    return { sink, delivered: () => Promise.resolve([...stored.keys()]) };
  },
  refused() {
    const [item] = someFlows(1);
    (item!.record as Flow).dropReason = 'refuse me';
    return item!;
  },
});

test('elasticsearch: each item is judged by itself', async (t) => {
  const error = (type: string): NonNullable<ItemReply['error']> => ({ type, reason: 'because' });
  const { sink } = await faked(
    t,
    inTurn([
      { status: 201 },
      { status: 409, error: error('version_conflict_engine_exception') },
      { status: 429, error: error('es_rejected_execution_exception') },
      { status: 503, error: error('unavailable_shards_exception') },
      { status: 400, error: error('document_parsing_exception') },
      { status: 201, failure_store: 'used' },
      { status: 403, error: error('security_exception') },
      { status: 403, error: error('cluster_block_exception') },
      { status: 404, error: error('index_not_found_exception') },
      { status: 201, failure_store: 'not_enabled' },
      { status: 429, error: error('cluster_block_exception') },
    ]),
  );
  const found = await refusals(sink, someFlows(11));
  assert.deepEqual(
    found.map(({ index, retryable, code }) => [index, retryable, code]),
    [
      [2, true, 'sink_overloaded'],
      [3, true, 'sink_unavailable'],
      [4, false, 'sink_refused_record'],
      [5, false, 'sink_refused_record'],
      [6, true, 'sink_unauthorised'],
      [7, true, 'sink_unavailable'],
      [8, true, 'sink_misconfigured'],
      [10, true, 'sink_unavailable'],
    ],
  );
  assert.match(found[2]!.reason, /document_parsing_exception, because/);
  assert.match(found[3]!.reason, /failure store/);
  assert.match(found[6]!.reason, /weir setup elasticsearch/);
});

for (const [status, code] of [
  [401, 'sink_unauthorised'],
  [403, 'sink_unauthorised'],
  [429, 'sink_overloaded'],
  [500, 'sink_unavailable'],
  [502, 'sink_unavailable'],
  [503, 'sink_unavailable'],
  [504, 'sink_unavailable'],
] as const)
  test(`elasticsearch: HTTP ${status} for the whole request is one retryable error, sent once`, async (t) => {
    let sent = 0;
    const { sink } = await faked(t, {
      whole() {
        sent++;
        return { status, body: { error: { type: 'some_exception', reason: 'the cluster said so' }, status } };
      },
    });
    await assert.rejects(sink.write(someFlows(3), never), (error: unknown) => {
      assert.ok(error instanceof WeirError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.retryable, true);
      assert.match(error.message, /the cluster said so/);
      return true;
    });
    assert.equal(sent, 1);
  });

test('elasticsearch: a dropped connection and a closed port are retryable', async (t) => {
  const { sink } = await faked(t, { whole: () => 'hang up' });
  const closed = create(schema.parse({ nodes: `http://127.0.0.1:${await freePort()}` }), testContext());
  t.after(() => closed.stop?.(never));
  for (const one of [sink, closed])
    await assert.rejects(one.write(someFlows(1), never), (error: unknown) => {
      assert.ok(error instanceof WeirError, String(error));
      assert.equal(error.code, 'sink_unavailable');
      assert.equal(error.retryable, true);
      return true;
    });
  await assert.rejects(closed.start!(never), /cannot reach Elasticsearch/);
});

test('elasticsearch: a request that is too large is halved; a record that is too large alone is refused', async (t) => {
  const { sink, fake } = await faked(t, { whole: (_seen, bytes) => (bytes > 6000 ? { status: 413 } : null) });
  const items = someFlows(20);
  (items[7]!.record as Flow).dropReason = 'x'.repeat(7000);
  const found = await refusals(sink, items);
  assert.deepEqual(
    found.map(({ index, retryable, code }) => [index, retryable, code]),
    [[7, false, 'sink_refused_record']],
  );
  assert.match(found[0]!.reason, /more than the cluster takes/);
  assert.equal(fake.requests.flat().length, 19);
});

test('elasticsearch: a request refused for one record is sent without it; refused whatever it holds, it is a wrong setting', async (t) => {
  const items = someFlows(16);
  const badId = (items[3]!.record as Flow).id;
  const { sink, fake } = await faked(t, {
    whole: (seen) =>
      seen.some(({ meta }) => meta._id === badId)
        ? { status: 400, body: { error: { reason: 'bad id' } } }
        : null,
  });
  assert.deepEqual(
    (await refusals(sink, items)).map(({ index }) => index),
    [3],
  );
  assert.equal(fake.requests.flat().length, 15);

  const { sink: wrong } = await faked(t, {
    whole: () => ({ status: 400, body: { error: { reason: 'unknown parameter' } } }),
  });
  const all = await refusals(wrong, someFlows(4));
  assert.deepEqual(
    all.map(({ index, retryable, code }) => [index, retryable, code]),
    [0, 1, 2, 3].map((index) => [index, true, 'sink_misconfigured']),
  );
  assert.match(all[0]!.reason, /unknown parameter/);
});

test('elasticsearch: bulk requests stay below the size that was set', async (t) => {
  let largest = 0;
  const { sink, fake } = await faked(
    t,
    {
      whole(_seen, bytes) {
        largest = Math.max(largest, bytes);
        return null;
      },
    },
    { batchBytes: 20_000 },
  );
  await sink.write(someFlows(200), never);
  assert.ok(largest <= 20_000 && largest > 15_000, String(largest));
  assert.equal(fake.requests.flat().length, 200);
});

test('elasticsearch: a record of which no document can be made is refused, the others are written', async (t) => {
  const { sink, fake } = await faked(t, {});
  const items = someFlows(3);
  (items[1]!.record as Flow).endMs = 9e18;
  const found = await refusals(sink, items);
  assert.deepEqual(
    found.map(({ index, retryable, code }) => [index, retryable, code]),
    [[1, false, 'record_unencodable']],
  );
  assert.equal(fake.requests.flat().length, 2);
});

test('elasticsearch: start says what is missing, and goes on where it may not look', async (t) => {
  const { sink } = await faked(t, { templates: 404 });
  await assert.rejects(sink.start!(never), /weir setup elasticsearch/);
  const { sink: limited } = await faked(t, { templates: 403 });
  await limited.start!(never);
  const { sink: unknown } = await faked(t, { templates: 401 });
  await assert.rejects(
    unknown.start!(never),
    (error: unknown) => error instanceof WeirError && error.code === 'sink_unauthorised',
  );
});

test('elasticsearch: what is not Elasticsearch is said to be not', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"items":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const sink = create(
    schema.parse({ nodes: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    testContext(),
  );
  t.after(() => sink.stop?.(never));
  await assert.rejects(sink.write(someFlows(1), never), /not Elasticsearch/);
});

test('elasticsearch: an abort ends a request under way', async (t) => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const sink = create(
    schema.parse({ nodes: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    testContext(),
  );
  t.after(() => sink.stop?.(never));
  const abort = new AbortController();
  server.once('request', () => abort.abort(new Error('the grace period ended')));
  await assert.rejects(sink.write(someFlows(1), abort.signal), /the grace period ended/);
});

test('elasticsearch: what was there already is counted', async (t) => {
  const fake = await fakeElasticsearch(t, { item: () => ({ status: 409 }) });
  const counts = new Map<string, number>();
  const meter: Meter = {
    ...noMeter,
    counter: (name) => ({ add: (value) => void counts.set(name, (counts.get(name) ?? 0) + value) }),
  };
  const sink = create(schema.parse({ nodes: fake.url }), testContext({ meter }));
  t.after(() => sink.stop?.(never));
  await sink.write(someFlows(7), never);
  assert.deepEqual([...counts], [['bulk_duplicates_total', 7]]);
});

test('elasticsearch: nothing stays on the signal that a whole run shares', async (t) => {
  const { sink } = await faked(t, {});
  const run = new AbortController();
  for (let i = 0; i < 12; i++) await sink.write(someFlows(1), run.signal);
  assert.equal(getEventListeners(run.signal, 'abort').length, 0);
});

test('elasticsearch: both ways to name the cluster, or neither, is a configuration error', () => {
  const sink = create(schema.parse({}), testContext());
  return assert.rejects(
    sink.start!(never),
    (error: unknown) => error instanceof WeirError && error.code === 'config_invalid',
  );
});

test('elasticsearch: of a write in several requests, those that were answered are not sent again after a 429', async (t) => {
  let requests = 0;
  const { sink, fake } = await faked(
    t,
    { whole: () => (++requests % 2 === 0 ? { status: 429, body: { error: { reason: 'busy' } } } : null) },
    { batchBytes: '8KiB' },
  );
  const items = someFlows(40);
  const found = await refusals(sink, items);
  assert.ok(found.length > 0 && found.length < 40, String(found.length));
  assert.ok(found.every(({ retryable, code }) => retryable && code === 'sink_overloaded'));
  assert.equal(fake.requests.flat().length, 40 - found.length);
});
