import { test } from 'node:test';
import { create } from '../../../sinks/opensearch/index.ts';
import { options as schema } from '../../../sinks/opensearch/options.ts';
import { setup } from '../../../sinks/opensearch/setup.ts';
import { testContext } from '../../helpers/context.ts';
import { opensearch } from '../../services/opensearch.ts';
import { newNamespace } from '../bulk/far-side.ts';
import { floodStage, watchesDisk } from '../bulk/flood-suite.ts';

const never = new AbortController().signal;

test('opensearch: a disk past its flood stage holds records up, loses and doubles none, and no other sink waits', async (t) => {
  const server = await opensearch(t, { settings: watchesDisk });
  if (!server) return;
  const install = setup(schema.parse({ nodes: server.url }));
  t.after(() => install.close());
  await install.apply((await install.plan(never)).requests, never);
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, namespace }), testContext());
  await floodStage(t, { server, sink, namespace });
});
