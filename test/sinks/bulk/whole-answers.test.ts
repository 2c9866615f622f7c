import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Context, Sink } from '../../../pipeline/contracts.ts';
import { PartialWriteError, WeirError, messageOf } from '../../../pipeline/errors.ts';
import { withRetry } from '../../../pipeline/retry.ts';
import { create as createElasticsearch } from '../../../sinks/elasticsearch/index.ts';
import { options as elasticsearchOptions } from '../../../sinks/elasticsearch/options.ts';
import { create as createOpenSearch } from '../../../sinks/opensearch/index.ts';
import { options as openSearchOptions } from '../../../sinks/opensearch/options.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { delivering, type Delivering } from '../../helpers/delivering.ts';
import { aFlow } from '../../helpers/flows.ts';
import { until } from '../../services/process.ts';
import { fakeElasticsearch, type WholeReply } from '../elasticsearch/fake-server.ts';

const never = new AbortController().signal;

const products: Readonly<Record<string, (options: object, context: Context) => Sink>> = {
  elasticsearch: (options, context) => createElasticsearch(elasticsearchOptions.parse(options), context),
  opensearch: (options, context) => createOpenSearch(openSearchOptions.parse(options), context),
};

const html = '<!DOCTYPE html>\n<html><body>\n<h1>Not here</h1></body></html>';
const asProxy = (status: number): WholeReply => ({ status, text: html, isProxy: true });
const asCluster = (status: number): WholeReply => ({
  status,
  body: { error: { type: 'some_exception', reason: 'the cluster said so' }, status },
});

/** Answers to a whole write, the code it is told as, and what the message says. */
const answers: readonly (readonly [string, WholeReply, string, RegExp])[] = [
  ['404', asCluster(404), 'sink_misconfigured', /is the address right.*HTTP 404.*the cluster said so/],
  ['404 without a body', { status: 404 }, 'sink_misconfigured', /is the address right.*HTTP 404/],
  ['405', asCluster(405), 'sink_misconfigured', /HTTP 405/],
  ['406', asCluster(406), 'sink_misconfigured', /HTTP 406/],
  ['410', asCluster(410), 'sink_misconfigured', /HTTP 410/],
  ['400', asCluster(400), 'sink_misconfigured', /refuses every request.*the cluster said so/],
  ['401', asCluster(401), 'sink_unauthorised', /credentials were not accepted/],
  ['403', asCluster(403), 'sink_unauthorised', /lack a right/],
  ['500', asCluster(500), 'sink_unavailable', /HTTP 500/],
  ['503', asCluster(503), 'sink_unavailable', /HTTP 503/],
  [
    '403 of a cluster that is read-only',
    {
      status: 403,
      body: {
        error: {
          type: 'cluster_block_exception',
          reason: 'blocked by: [FORBIDDEN/6/cluster read-only (api)];',
        },
      },
    },
    'sink_unavailable',
    /takes no writes.*cluster read-only/,
  ],
  [
    'a page of a proxy, 404',
    asProxy(404),
    'sink_misconfigured',
    /HTTP 404: <!DOCTYPE html> <html><body> <h1>Not/,
  ],
  ['a page of a proxy, 403', asProxy(403), 'sink_unauthorised', /HTTP 403: <!DOCTYPE/],
  ['a page of a proxy, 502', asProxy(502), 'sink_unavailable', /HTTP 502: <!DOCTYPE/],
  ['a page of a proxy, 200', asProxy(200), '', /proxy/],
  ['a page of a proxy, 302', asProxy(302), '', /proxy/],
  ['JSON of somebody else', { status: 200, body: { items: 'none' } }, 'sink_unavailable', /proxy/],
];

for (const [name, make] of Object.entries(products))
  for (const [what, reply, code, message] of answers)
    test(`${name}: ${what} for a whole write is a clear error that may be repeated, and refuses no record`, async (t) => {
      const fake = await fakeElasticsearch(t, { whole: () => reply });
      const sink = make({ nodes: fake.url }, testContext());
      t.after(() => sink.stop?.(never));
      await assert.rejects(sink.write(someFlows(3), never), (error: unknown) => {
        const parts = error instanceof PartialWriteError ? error.refusals : [error as WeirError];
        assert.ok(error instanceof WeirError || parts.length === 3, String(error));
        for (const part of parts) {
          assert.equal(part.retryable, true, messageOf(error));
          if (code !== '') assert.equal(part.code, code);
        }
        assert.match(messageOf(error), message);
        return true;
      });
    });

for (const [name, make] of Object.entries(products))
  test(`${name}: delivery outlives every such answer, and then each record is there once`, async (t) => {
    let left: readonly WholeReply[] = answers.map(([, reply]) => reply);
    const stored = new Set<string>();
    const fake = await fakeElasticsearch(t, {
      whole() {
        const [first, ...rest] = left;
        left = rest;
        return first ?? null;
      },
      item({ meta }) {
        assert.ok(!stored.has(meta._id), `${meta._id} came twice`);
        stored.add(meta._id);
        return { status: 201 };
      },
    });
    await delivered(t, make({ nodes: fake.url, maxInFlight: 1 }, testContext()), () =>
      until('all to be there', () => stored.size === 50),
    );
    assert.equal(left.length, 0);
  });

for (const [name, make] of Object.entries(products))
  test(`${name}: a bulk request that is refused for now is repeated when Retry-After says, and not before`, async (t) => {
    let busy = 2;
    const fake = await fakeElasticsearch(t, {
      whole: () =>
        busy-- > 0 ? { ...asCluster(busy === 1 ? 429 : 503), headers: { 'retry-after': '7' } } : null,
    });
    const sink = make({ nodes: fake.url }, testContext());
    t.after(() => sink.stop?.(never));
    const slept: number[] = [];
    const clock = { now: Date.now, sleep: (ms: number) => (slept.push(ms), Promise.resolve()) };
    await withRetry(sink, { clock, random: () => 0, failed: () => {} }).write(someFlows(3), never);
    assert.deepEqual(slept, [7000, 7000]);
    assert.equal(fake.requests.flat().length, 3);
  });

test('elasticsearch: of a write in several requests, Retry-After of a later one is heard too', async (t) => {
  let requests = 0;
  const fake = await fakeElasticsearch(t, {
    whole: () => (++requests === 2 ? { ...asCluster(429), headers: { 'retry-after': '9' } } : null),
  });
  const sink = products['elasticsearch']!({ nodes: fake.url, batchBytes: '8KiB' }, testContext());
  t.after(() => sink.stop?.(never));
  await assert.rejects(sink.write(someFlows(40), never), (error: unknown) => {
    assert.ok(error instanceof PartialWriteError);
    assert.ok(error.refusals.every(({ retryAfterMs }) => retryAfterMs === 9000));
    return true;
  });
});

test('elasticsearch: a server of somebody else in its place ends no delivery', async (t) => {
  const other = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    other.closeAllConnections();
    other.close();
  });
  const nodes = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  await delivered(t, products['elasticsearch']!({ nodes }, testContext()), ({ failures }) =>
    until('several failures', () => (failures.get('far') ?? 0) >= 3),
  );
});

/** Delivers 50 flows until `done`; rejects with what ends the delivery, and when a record went to the dead letter. */
async function delivered(
  t: TestContext,
  sink: Sink,
  done: (run: Delivering) => Promise<void>,
): Promise<void> {
  t.after(() => sink.stop?.(never));
  const run = await delivering(t, { far: sink });
  await run.append(Array.from({ length: 50 }, (_, position) => aFlow({ position })));
  await Promise.race([done(run), run.ended]);
  await run.stop(true);
}
