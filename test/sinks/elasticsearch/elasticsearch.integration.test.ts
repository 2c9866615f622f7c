import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PartialWriteError, WeirError } from '../../../pipeline/errors.ts';
import {
  newAlert,
  newEvidence,
  newLinks,
  newParty,
  newWhy,
  type Alert,
  type Flow,
} from '../../../schema/records.ts';
import { create } from '../../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { setup } from '../../../sinks/elasticsearch/setup.ts';
import { deliveryOf, sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { elasticsearch, type Elasticsearch } from '../../services/elasticsearch.ts';

const never = new AbortController().signal;
const afters: (() => void | Promise<void>)[] = [];
let server: Elasticsearch | null = null;
let skipped = '';
let streams = 0;

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

const newNamespace = (): string => `t${process.pid}_${Date.now() % 1_000_000}_${streams++}`;

interface Hits<T> {
  readonly hits: { readonly hits: readonly { _id: string; _index: string; _source: T }[] };
}

async function search<T>(
  es: Elasticsearch,
  index: string,
  query: object = { match_all: {} },
): Promise<Hits<T>['hits']['hits']> {
  await es.request('POST', `/${index}/_refresh`, undefined, [404]);
  const found = (await es.request('POST', `/${index}/_search`, { size: 10_000, query }, [404])) as Partial<
    Hits<T>
  >;
  return found.hits?.hits ?? [];
}

async function count(es: Elasticsearch, index: string): Promise<number> {
  await es.request('POST', `/${index}/_refresh`);
  return ((await es.request('GET', `/${index}/_count`)) as { count: number }).count;
}

for (const layout of ['data_stream', 'daily'] as const)
  sinkContract({
    name: `elasticsearch ${layout}`,
    deduplicates: true,
    async create(t, context) {
      if (!server) {
        t.skip(skipped);
        return null;
      }
      const es = server;
      const namespace = newNamespace();
      const sink = create(schema.parse({ nodes: es.url, layout, namespace }), context);
      const index = layout === 'daily' ? `weir-flow-${namespace}-*` : `logs-weir.flow-${namespace}`;
      return Promise.resolve({
        sink,
        delivered: async () => (await search(es, index)).map(({ _id }) => _id),
      });
    },
    refused: () => {
      // Elasticsearch refuses the whole request for an id of more than 512 bytes.
      const [item] = someFlows(1);
      (item!.record as Flow).id += 'x'.repeat(600);
      return item!;
    },
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

test('elasticsearch: a flow document is found by its ECS fields', async (t) => {
  if (!server) return t.skip(skipped);
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, namespace }), testContext());
  t.after(() => sink.stop?.(never));
  const [item] = someFlows(1);
  const flow = item!.record as Flow;
  flow.verdict = 'deny';
  flow.source.namespace = 'shop';
  flow.source.labels = { 'app.kubernetes.io/name': 'cart' };
  await sink.write([item!], never);
  const index = `logs-weir.flow-${namespace}`;
  const term = (field: string, value: string | number): object => ({ term: { [field]: value } });
  for (const query of [
    term('event.type', 'denied'),
    term('source.ip', '10.0.0.0/8'),
    term('destination.port', 443),
    term('weir.source.namespace', 'shop'),
    term('weir.source.labels.app.kubernetes.io/name', 'cart'),
    term('network.transport', 'tcp'),
    term('data_stream.dataset', 'weir.flow'),
    { range: { '@timestamp': { gte: flow.endMs, lte: flow.endMs } } },
  ])
    assert.equal((await search(server, index, query)).length, 1, JSON.stringify(query));
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

const anAlert = (id: string, revision: number, summary: string): Alert => {
  const alert = newAlert({
    id,
    revision,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.9,
    entity: {
      ...newParty({ key: 'c/shop/Deployment/web' }),
      kind: 'workload',
      namespace: 'shop',
      name: 'web',
    },
    cluster: 'c',
    firstMs: 1_700_000_000_000,
    lastMs: 1_700_000_001_000,
    raisedMs: 1_700_000_002_000,
    count: 10 ** revision,
    why: newWhy({ summary }),
    evidence: newEvidence(),
    links: newLinks(),
  });
  alert.severity = 'high';
  alert.attack = [
    { tacticId: 'TA0007', tactic: 'Discovery', techniqueId: 'T1046', technique: 'Network Service Discovery' },
  ];
  return alert;
};

test('elasticsearch: every revision of an alert is an event, the latest is its state whatever the order', async (t) => {
  if (!server) return t.skip(skipped);
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: server.url, namespace }), testContext());
  t.after(() => sink.stop?.(never));
  const id = `alert-${namespace}`;
  await sink.write(
    [deliveryOf('alert', anAlert(id, 0, 'first')), deliveryOf('alert', anAlert(id, 2, 'third'))],
    never,
  );
  await sink.write(
    [deliveryOf('alert', anAlert(id, 1, 'second')), deliveryOf('alert', anAlert(id, 2, 'third'))],
    never,
  );
  const events = await search(server, `logs-weir.alert-${namespace}`);
  assert.deepEqual(events.map(({ _id }) => _id).sort(), [`${id}-0`, `${id}-1`, `${id}-2`]);
  const state = await search<{ message: string; event: { severity: number } }>(server, 'weir-alerts', {
    ids: { values: [id] },
  });
  assert.equal(state.length, 1);
  assert.equal(state[0]!._source.message, 'third');
  assert.equal(state[0]!._source.event.severity, 73);
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

test('elasticsearch: killed in the middle of bulk requests, then all ids again: each is there once', async (t) => {
  if (!server) return t.skip(skipped);
  if (!server.kill || !server.restart) return t.skip('the server is not ours to kill');
  const es = server;
  const namespace = newNamespace();
  const sink = create(schema.parse({ nodes: es.url, namespace }), testContext());
  t.after(() => sink.stop?.(never));
  const batches = Array.from({ length: 40 }, () => someFlows(500));
  const acknowledged = new Set<string>();
  let failures = 0;
  const killed = (async () => {
    while (acknowledged.size < 4000) await new Promise((resolve) => setImmediate(resolve));
    await es.kill!();
  })();
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    for (let i = lane; i < batches.length; i += 4) {
      try {
        await sink.write(batches[i]!, never);
        for (const item of batches[i]!) acknowledged.add((item.record as Flow).id);
      } catch (error) {
        failures++;
        assert.ok(
          error instanceof PartialWriteError || (error instanceof WeirError && error.retryable),
          String(error),
        );
      }
    }
  });
  await Promise.all([...lanes, killed]);
  assert.ok(failures > 0, 'it was killed too late');
  await es.restart!();
  for (const items of batches) await sink.write(items, never);
  assert.equal(await count(es, `logs-weir.flow-${namespace}`), 20_000);
});
