import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readConfig, type Config } from '../../cli/config/index.ts';
import { createDemo } from '../../cli/demo/index.ts';
import { kibanaPlace } from '../../cli/wire/kibana.ts';
import { savedObjects } from '../../dashboards/kibana/objects.ts';
import { detectionRules } from '../../dashboards/kibana/rules.ts';
import { systemClock } from '../../pipeline/clock.ts';
import { parse } from '../../query/index.ts';
import { newPolicyChange } from '../../schema/records.ts';
import { create } from '../../sinks/elasticsearch/index.ts';
import { options as schema } from '../../sinks/elasticsearch/options.ts';
import { setup } from '../../sinks/elasticsearch/setup.ts';
import { deliveryOf } from '../contracts/sinkContract.ts';
import { weir, weirProcess } from '../e2e/processes.ts';
import { testContext } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { elasticsearch, type Elasticsearch } from '../services/elasticsearch.ts';
import { until } from '../services/process.ts';
import { aggregations, questions, type Asked } from './asked.ts';
import { elasticQuery } from './kql-query.ts';

const never = new AbortController().signal;
const KIBANA = 'https://kibana.example';
const TENANT = 'retail';

interface Found {
  readonly hits: {
    readonly total: { readonly value: number };
    readonly hits: readonly { readonly _source: unknown }[];
  };
  readonly aggregations?: Buckets;
}
interface Aggregation {
  readonly buckets?: readonly Buckets[];
  readonly value?: number | null;
  readonly doc_count?: number;
}

/** The search of one question over the time that the dashboards show at first. */
const search = async (es: Elasticsearch, index: string, query: object, more: object = {}): Promise<Found> =>
  (await es.request('POST', `/${encodeURIComponent(index)}/_search?ignore_unavailable=true`, {
    track_total_hits: true,
    query: { bool: { filter: [query, { range: { '@timestamp': { gte: 'now-24h', lte: 'now' } } }] } },
    ...more,
  })) as Found;

async function countOf(es: Elasticsearch, index: string, kql: string): Promise<number> {
  await es.request('POST', `/${encodeURIComponent(index)}/_refresh?ignore_unavailable=true`);
  return (await search(es, index, elasticQuery(parse(kql)), { size: 0 })).hits.total.value;
}

/** Runs the demo cluster with a sink to this server until every kind of record that it has is there. */
async function filledByDemo(
  t: TestContext,
  es: Elasticsearch,
): Promise<{ config: Config; stop: () => Promise<number | null> }> {
  const directory = temporaryDirectory(t);
  const made = createDemo(join(directory, 'demo'), systemClock);
  const file = join(directory, 'weir.yaml');
  const namespace = `demo${process.pid}_${Date.now() % 1_000_000}`;
  const kinds = { flow: {}, alert: {}, incident: {}, policy_change: {}, loss: {}, access: {} };
  writeFileSync(
    file,
    JSON.stringify({
      ...(JSON.parse(made.yaml) as object),
      kibana: { url: KIBANA },
      sinks: {
        store: { type: 'store' },
        elastic: { type: 'elasticsearch', nodes: [es.url], namespace, records: kinds },
        retail: {
          type: 'elasticsearch',
          nodes: [es.url],
          namespace: `${namespace}_retail`,
          tenant: TENANT,
          records: kinds,
        },
      },
    }),
  );
  const config = readConfig(file, { env: {} });
  const install = setup(schema.parse({ nodes: es.url }));
  const { requests } = await install.plan(never);
  await install.apply(
    requests.map((request) => ({ ...request, body: es.adapt(request.body) })),
    never,
  );
  await install.close();

  const stop = new AbortController();
  const traffic = made.run(stop.signal);
  t.after(() => stop.abort());
  const running = weirProcess(t, { name: 'demo', args: ['run', '--config', file], directory });
  const place = kibanaPlace(config, null);
  const has = (what: string, index: string, kql: string): Promise<void> =>
    until(`${what}: ${running.log().slice(-2000)}`, async () => (await countOf(es, index, kql)) > 0, {
      timeoutMs: 120_000,
    });
  await has('an incident', place.incidents, 'weir.kind : "incident"');
  await has('an alert on a scan', place.alerts, 'weir.alert.detector : "port_scan"');
  await has('a call to the outside', place.events(), 'destination.ip : "203.0.113.77"');

  // A flow that comes after its time was judged is a loss.
  const [late] = readFileSync(join(directory, 'demo', 'flows.log'), 'utf8').split('\n');
  appendFileSync(join(directory, 'demo', 'flows.log'), `${late}\n`);
  await until(
    'a search that finds something in the store',
    async () => (await weir(['search', 'verdict : deny'], { WEIR_CONFIG: file })).out.includes('DENY'),
    { timeoutMs: 60_000 },
  );
  await has('an access record', place.events('access'), 'weir.access.rows > 0');
  await has('a loss', place.events('loss'), 'weir.kind : "loss"');

  // The demo cluster has no source of policy changes: one is written as the sink would.
  const sink = create(schema.parse({ nodes: es.url, namespace }), testContext());
  const change = newPolicyChange({
    id: `change-${namespace}`,
    timeMs: Date.now(),
    cluster: 'demo',
    verb: 'patch',
    kind: 'NetworkPolicy',
    name: 'allow-cart',
  });
  await sink.write(
    [deliveryOf('policy_change', { ...change, namespace: 'shop', logging: 'off', user: 'alice' })],
    never,
  );
  await sink.stop?.(never);
  await has('a policy change', place.events('policy_change'), 'weir.kind : "policy_change"');
  return {
    config,
    async stop() {
      stop.abort();
      await traffic;
      return running.stop();
    },
  };
}

type Buckets = Readonly<Record<string, Aggregation>>;

/** Why an answer shows nothing in Kibana; null when one of its rows has a value in every column. */
function emptiness(columns: Asked['columns'], at: Buckets): string | null {
  const [first, ...rest] = columns;
  if (first === undefined) return null;
  const [id, { isBucketed, operationType, sourceField }] = first;
  if (!isBucketed) {
    const isEmpty = ['sum', 'max', 'unique_count'].includes(operationType) && !at[id]?.value;
    return isEmpty ? `${operationType} of ${sourceField} is ${at[id]?.value}` : emptiness(rest, at);
  }
  const buckets = at[id]?.buckets ?? [];
  if (buckets.length === 0) return `no value of ${sourceField}`;
  const reasons = buckets.map((bucket) => emptiness(rest, bucket));
  return reasons.includes(null) ? null : reasons[0]!;
}

test('kibana: every panel, search, control, filter and rule finds what the demo cluster writes', async (t) => {
  const es = await elasticsearch(t);
  if (!es) return;
  const demo = await filledByDemo(t, es);
  const place = kibanaPlace(demo.config, null);
  const asked = questions(savedObjects(place));
  assert.ok(asked.length > 60, `${asked.length} questions`);

  const empty: string[] = [];
  for (const each of asked) {
    const aggs = aggregations(each.columns);
    const found = await search(es, each.index, each.query, { size: 0, aggs });
    const why =
      found.hits.total.value === 0 ? 'no record' : emptiness(each.columns, found.aggregations ?? {});
    if (why !== null) empty.push(`${each.name}: ${why}`);
  }
  assert.deepEqual(empty, []);

  let matched = 0;
  for (const { rule_id: id, index, query } of detectionRules(place)) {
    const { hits } = await search(es, index.join(','), elasticQuery(parse(query)), { size: 100 });
    matched += hits.total.value;
    for (const { _source: source } of hits.hits) {
      const { alert } = (source as { weir: { alert?: { action: string } } }).weir;
      if (alert) assert.ok(['opened', 'escalated'].includes(alert.action), id);
    }
  }
  assert.ok(matched > 0);
  const off = detectionRules(place).find(({ rule_id: id }) => id.endsWith('logging-off'))!;
  assert.equal((await search(es, off.index.join(','), elasticQuery(parse(off.query)))).hits.total.value, 1);

  // The link in an alert leads to flows.
  const linked = await search(es, place.alerts, elasticQuery(parse(`event.url : ${KIBANA}*`)), { size: 10 });
  assert.ok(linked.hits.total.value > 0);
  for (const { _source: source } of linked.hits.hits) {
    const { url } = (source as { event: { url: string } }).event;
    const state = decodeURIComponent(/_a=([^&]*)/.exec(url)![1]!);
    const query = /query:'(.*)'\)\)$/.exec(state)![1]!.replaceAll(/!([!'])/g, '$1');
    assert.ok((await countOf(es, place.events(), query)) > 0, query);
  }

  // A tenant's place shows what its own sink wrote, and its links stay in its space.
  const own = kibanaPlace(demo.config, TENANT);
  for (const kql of ['weir.kind : "flow"', 'weir.kind : "alert"'])
    assert.ok((await countOf(es, own.events(), kql)) > 0, kql);
  assert.equal(await countOf(es, own.events(), `not weir.tenants : "${TENANT}"`), 0);
  assert.equal(
    await countOf(es, place.events(), `data_stream.namespace : "${own.events().split('-').at(-1)}"`),
    0,
  );
  const ofTenant = await search(es, own.alerts, elasticQuery(parse('event.url : *')), { size: 50 });
  for (const { _source: source } of ofTenant.hits.hits)
    assert.ok((source as { event: { url: string } }).event.url.startsWith(`${KIBANA}/s/weir-retail/`));
  assert.equal(await demo.stop(), 0);
});
