import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '../../../pipeline/contracts.ts';
import { create as createElasticsearch } from '../../../sinks/elasticsearch/index.ts';
import { options as elasticsearchOptions } from '../../../sinks/elasticsearch/options.ts';
import { setup as setupElasticsearch } from '../../../sinks/elasticsearch/setup.ts';
import { ecsKinds } from '../../../sinks/ecs/streams.ts';
import { create as createOpenSearch } from '../../../sinks/opensearch/index.ts';
import { options as openSearchOptions } from '../../../sinks/opensearch/options.ts';
import { setup as setupOpenSearch } from '../../../sinks/opensearch/setup.ts';
import { deliveryOf, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch } from '../../services/elasticsearch.ts';
import { opensearch } from '../../services/opensearch.ts';
import { examples } from '../ecs/examples.ts';
import { count, type FarSide } from './far-side.ts';

const never = new AbortController().signal;

/** Every kind is taken, twice without a second document. */
async function takesEverything(server: FarSide, sink: Sink): Promise<void> {
  await sink.start!(never);
  const items = [
    ...someFlows(100),
    ...ecsKinds.flatMap((kind) =>
      examples[kind].slice(0, 1).map((record) => deliveryOf(kind, record as never)),
    ),
  ];
  await sink.write(items, never);
  await sink.write(items, never);
  await sink.stop!(never);
  assert.equal(await count(server, 'logs-weir.flow*-default'), 101);
  for (const kind of ['alert', 'policy_change', 'loss', 'access'])
    assert.equal(await count(server, `logs-weir.${kind}-default`), 1, kind);
  for (const index of ['weir-alerts', 'weir-incidents']) assert.equal(await count(server, index), 1, index);
}

test('elasticsearch 9: the client of 8 sets it up and writes to it', async (t) => {
  const server = await elasticsearch(t, { major: 9 });
  if (!server) return;
  const options = elasticsearchOptions.parse({ nodes: server.url });
  const far = setupElasticsearch(options);
  const plan = await far.plan(never);
  assert.equal(plan.version, server.version);
  const requests = plan.requests.map((request) => ({ ...request, body: server.adapt(request.body) }));
  await far.apply(requests, never);
  await far.close();
  await takesEverything(server, createElasticsearch(options, testContext()));
});

test('opensearch 3: is set up and written to', async (t) => {
  const server = await opensearch(t, { major: 3 });
  if (!server) return;
  const options = openSearchOptions.parse({ nodes: server.url });
  const far = setupOpenSearch(options);
  await far.apply((await far.plan(never)).requests, never);
  await far.close();
  await takesEverything(server, createOpenSearch(options, testContext()));
});
