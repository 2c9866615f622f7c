import { test } from 'node:test';
import { create } from '../../../sinks/opensearch/index.ts';
import { options as schema } from '../../../sinks/opensearch/options.ts';
import { setup } from '../../../sinks/opensearch/setup.ts';
import { testContext } from '../../helpers/context.ts';
import { opensearch } from '../../services/opensearch.ts';
import { newNamespace } from '../bulk/far-side.ts';
import { livesAndDies, shortLived } from '../bulk/lifecycle-suite.ts';

test('opensearch: index state management rolls a stream over and deletes what is old', async (t) => {
  const server = await opensearch(t, { onlyFullFor: 'index state management at work' });
  if (!server) return;
  // A minute is the least that the plugin takes between two looks.
  const look = (everyMin: number | null): Promise<unknown> =>
    server.request('PUT', '/_cluster/settings', {
      persistent: {
        'plugins.index_state_management.job_interval': everyMin,
        'plugins.index_state_management.jitter': everyMin === null ? null : 0,
      },
    });
  await look(1);
  t.after(async () => {
    await look(null);
  });
  const namespace = newNamespace();
  const at = { nodes: server.url, namespace };
  await livesAndDies(t, {
    request: server.request,
    short: setup(schema.parse({ ...at, keep: shortLived })),
    usual: setup(schema.parse(at)),
    sink: create(schema.parse(at), testContext()),
    stream: `logs-weir.flow-${namespace}`,
    timeoutMs: 900_000,
  });
});
