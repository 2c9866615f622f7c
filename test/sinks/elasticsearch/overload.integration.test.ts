import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRetry } from '../../../pipeline/retry.ts';
import type { Flow } from '../../../schema/records.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch } from '../../services/elasticsearch.ts';

const never = new AbortController().signal;

test('elasticsearch: a cluster that can take little gets everything once, in requests it can take', async (t) => {
  const es = await elasticsearch(t, {
    settings: {
      'thread_pool.write.size': 1,
      'thread_pool.write.queue_size': 1,
      'http.max_content_length': '1mb',
    },
  });
  if (!es) return;
  await es.request('PUT', '/_index_template/weir-flow', {
    index_patterns: ['logs-weir.flow-*'],
    priority: 200,
    data_stream: {},
  });
  const context = testContext();
  const sink = create(schema.parse({ nodes: es.url, namespace: 'overload' }), context);
  t.after(() => sink.stop?.(never));
  const codes = new Map<string, number>();
  const patient = withRetry(sink, {
    clock: context.clock,
    retry: { baseMs: 20, maxMs: 500 },
    failed(error) {
      const refusals = (error as { refusals?: readonly { code: string }[] }).refusals ?? [
        error as { code: string },
      ];
      for (const { code } of refusals) codes.set(code, (codes.get(code) ?? 0) + 1);
    },
  });
  await Promise.all(Array.from({ length: 24 }, () => patient.write(someFlows(400), never)));
  assert.ok((codes.get('sink_overloaded') ?? 0) > 0, 'it was never overloaded');
  assert.deepEqual([...codes.keys()], ['sink_overloaded']);

  // About 2.5 MB in one request of the sink, 1 MB at most for the server.
  const large = someFlows(1500);
  for (const item of large) (item.record as Flow).verdictRaw = 'x'.repeat(800);
  await patient.write(large, never);
  await es.request('POST', '/logs-weir.flow-overload/_refresh');
  const counted = (await es.request('GET', '/logs-weir.flow-overload/_count')) as { count: number };
  assert.equal(counted.count, 24 * 400 + 1500);
});
