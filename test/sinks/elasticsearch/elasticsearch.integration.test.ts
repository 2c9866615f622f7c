import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import type { Flow } from '../../../schema/records.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { setup } from '../../../sinks/elasticsearch/setup.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch, type Elasticsearch } from '../../services/elasticsearch.ts';
import { expirySuite } from '../bulk/expiry-suite.ts';
import { farSideSuite, newNamespace, search, type Product } from '../bulk/far-side.ts';

const never = new AbortController().signal;
const afters: (() => void | Promise<void>)[] = [];
let server: Elasticsearch | null = null;
let skipped = '';

before(async () => {
  server = await elasticsearch({
    after: (fn) => afters.push(fn),
    skip: (reason) => (skipped = reason ?? ''),
  });
  if (!server) return;
  const install = setup(schema.parse({ nodes: server.url }));
  const plan = await install.plan(never);
  assert.equal(plan.version, server.version);
  const { adapt } = server;
  await install.apply(
    plan.requests.map((request) => ({ ...request, body: adapt(request.body) })),
    never,
  );
  await install.close();
});
after(async () => {
  for (const fn of afters.reverse()) await fn();
});

const product: Product = {
  name: 'elasticsearch',
  server: () => server,
  skipped: () => skipped,
  create: (options, context) => create(schema.parse(options), context),
};
farSideSuite(product);
expirySuite(product);

test('elasticsearch: what the cluster can do is asked of it', async (t) => {
  if (!server) return t.skip(skipped);
  const far = setup(schema.parse({ nodes: server.url }));
  t.after(() => far.close());
  const { requests, notices } = await far.plan(never);
  const text = JSON.stringify(requests);
  assert.ok(text.includes('"mode":"logsdb"'), 'it has logsdb');
  if (server.isFull) return;
  // The packaged server has no index lifecycle management.
  assert.ok(!text.includes('_ilm'));
  assert.ok(text.includes('"lifecycle":{"data_retention":"400d"}'));
  assert.match(notices.join('\n'), /lifecycle of data streams/);
});

test('elasticsearch: daily indices are named by the day the flow ended', async (t) => {
  if (!server) return t.skip(skipped);
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, layout: 'daily', namespace }), testContext());
  t.after(() => sink.stop?.(never));
  const items = someFlows(3);
  items.forEach((item, i) => ((item.record as Flow).endMs = Date.UTC(2026, 10, 24 + i, 23, 59)));
  await sink.write(items, never);
  const found = await search(server, `weir-flow-${namespace}-*`);
  assert.deepEqual(
    found.map((hit) => hit._index).sort(),
    ['24', '25', '26'].map((day) => `weir-flow-${namespace}-2026.11.${day}`),
  );
});

test('elasticsearch: a field that does not fit is set aside, a document that does not fit is refused', async (t) => {
  if (!server) return t.skip(skipped);
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, namespace }), testContext());
  t.after(() => sink.stop?.(never));
  const items = someFlows(3);
  (items[0]!.record as Flow).source.ip = 'not an address';
  // A year of six digits is no date to Elasticsearch.
  (items[1]!.record as Flow).endMs = 8.64e15;
  await assert.rejects(sink.write(items, never), (error: unknown) => {
    assert.ok(error instanceof PartialWriteError);
    assert.deepEqual(
      error.refusals.map(({ index, retryable, code }) => [index, retryable, code]),
      [[1, false, 'sink_refused_record']],
    );
    assert.match(error.refusals[0]!.reason, /400: document_parsing_exception.*@timestamp/);
    return true;
  });
  const found = await search(server, `logs-weir.flow-${namespace}`);
  assert.deepEqual(
    new Set(found.map(({ _id }) => _id)),
    new Set([items[0]!, items[2]!].map(({ record }) => (record as Flow).id)),
  );
});

test('elasticsearch: start names the command when the templates are not there', async (t) => {
  if (!server) return t.skip(skipped);
  const { request } = server;
  const saved = (await request('GET', '/_index_template/weir-flow_kept-daily')) as {
    index_templates: { index_template: object }[];
  };
  await request('DELETE', '/_index_template/weir-flow_kept-daily');
  t.after(async () => {
    await request('PUT', '/_index_template/weir-flow_kept-daily', saved.index_templates[0]!.index_template);
  });
  const sink = create(schema.parse({ nodes: server.url, layout: 'daily' }), testContext());
  await assert.rejects(sink.start!(never), (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, 'sink_misconfigured');
    assert.match(error.message, /weir setup elasticsearch/);
    return true;
  });
  await sink.stop!(never);
});
