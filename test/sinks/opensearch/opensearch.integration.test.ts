import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { WeirError } from '../../../pipeline/errors.ts';
import { create } from '../../../sinks/opensearch/index.ts';
import { options as schema } from '../../../sinks/opensearch/options.ts';
import { setup } from '../../../sinks/opensearch/setup.ts';
import { testContext } from '../../helpers/context.ts';
import { opensearch, type OpenSearch } from '../../services/opensearch.ts';
import { expirySuite } from '../bulk/expiry-suite.ts';
import { farSideSuite, type Product } from '../bulk/far-side.ts';

const never = new AbortController().signal;
const afters: (() => void | Promise<void>)[] = [];
let server: OpenSearch | null = null;
let skipped = '';

before(async () => {
  server = await opensearch({ after: (fn) => afters.push(fn), skip: (reason) => (skipped = reason ?? '') });
  if (!server) return;
  const far = setup(schema.parse({ nodes: server.url }));
  const plan = await far.plan(never);
  assert.equal(plan.version, server.version);
  await far.apply(plan.requests, never);
  // A second time changes nothing, and is no error.
  await far.apply((await far.plan(never)).requests, never);
  await far.close();
});
after(async () => {
  for (const fn of afters.reverse()) await fn();
});

const product: Product = {
  name: 'opensearch',
  server: () => server,
  skipped: () => skipped,
  create: (options, context) => create(schema.parse(options), context),
};
farSideSuite(product);
expirySuite(product);

test('opensearch: start names the command when the templates are not there', async (t) => {
  if (!server) return t.skip(skipped);
  const { request } = server;
  const path = '/_index_template/weir-flow_kept-daily';
  const saved = (await request('GET', path)) as { index_templates: { index_template: object }[] };
  await request('DELETE', path);
  t.after(async () => {
    await request('PUT', path, saved.index_templates[0]!.index_template);
  });
  const sink = create(schema.parse({ nodes: server.url, layout: 'daily' }), testContext());
  await assert.rejects(sink.start!(never), (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, 'sink_misconfigured');
    assert.match(error.message, /weir setup opensearch/);
    return true;
  });
  await sink.stop!(never);
});
