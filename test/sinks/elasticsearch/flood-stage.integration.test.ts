import { test } from 'node:test';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { setup } from '../../../sinks/elasticsearch/setup.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch } from '../../services/elasticsearch.ts';
import { newNamespace } from '../bulk/far-side.ts';
import { floodStage, watchesDisk } from '../bulk/flood-suite.ts';

const never = new AbortController().signal;

test('elasticsearch: a disk past its flood stage holds records up, loses and doubles none, and no other sink waits', async (t) => {
  const server = await elasticsearch(t, { settings: watchesDisk });
  if (!server) return;
  const install = setup(schema.parse({ nodes: server.url }));
  t.after(() => install.close());
  await install.apply(
    (await install.plan(never)).requests.map((request) => ({ ...request, body: server.adapt(request.body) })),
    never,
  );
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, namespace }), testContext());
  await floodStage(t, { server, sink, namespace });
});
