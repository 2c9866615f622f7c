import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ecsDocument } from '../../sinks/ecs/document.ts';
import { streamOf } from '../../sinks/ecs/streams.ts';
import { fromJson } from '../../sinks/records/json.ts';
import type { Alert } from '../../schema/records.ts';
import type { Elasticsearch } from '../services/elasticsearch.ts';
import type { ParsedMessage } from '../services/rsyslog.ts';
import { linesOf } from './json-lines.ts';

interface Found {
  readonly id: string;
  readonly source: Record<string, unknown>;
}

const PAGE = 5000;

/** Every document of an index or data stream. */
async function* documents({ request }: Elasticsearch, index: string): AsyncGenerator<Found> {
  interface Page {
    readonly _scroll_id: string;
    readonly hits: { readonly hits: readonly { readonly _id: string; readonly _source: Found['source'] }[] };
  }
  let page = (await request('POST', `/${index}/_search?scroll=2m`, { size: PAGE, sort: ['_doc'] })) as Page;
  while (page.hits.hits.length > 0) {
    for (const { _id: id, _source: source } of page.hits.hits) yield { id, source };
    page = (await request('POST', '/_search/scroll', { scroll: '2m', scroll_id: page._scroll_id })) as Page;
  }
  await request('DELETE', '/_search/scroll', { scroll_id: page._scroll_id });
}

/** A document less what the wall clock decided: when a flow was read, and whether an alert was old by then. */
function timeless(source: Found['source']): Found['source'] {
  const copy = structuredClone(source) as {
    event: Record<string, unknown>;
    weir: { alert?: Record<string, unknown> };
  };
  delete copy.event['created'];
  if (copy.weir.alert) delete copy.weir.alert['historical'];
  return copy;
}

/** Elasticsearch puts the fields of its documents into another order, may give a list of one as its element, and has scores as floats. */
function asStored(_key: string, value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Math.fround(value);
  if (Array.isArray(value)) return value.length === 1 ? (value[0] as unknown) : (value as unknown[]);
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;
}

const fingerprint = (document: Found['source']): string =>
  createHash('sha1')
    .update(JSON.stringify(timeless(document), asStored))
    .digest('base64');

/** Each replayed flow is there under its id, once, with all its fields, and there is nothing else. */
export async function sameFlows(es: Elasticsearch, namespace: string, flowsFile: string): Promise<void> {
  const expected = new Map<string, string>();
  for (const line of linesOf(flowsFile)) {
    const flow = fromJson('flow', line);
    const document = ecsDocument('flow', flow, { stream: streamOf('flow', flow), namespace });
    expected.set(flow.id, fingerprint(JSON.parse(document) as Found['source']));
  }
  const seen = new Set<string>();
  for await (const { id, source } of documents(es, `logs-weir.flow*-${namespace}`)) {
    assert.ok(!seen.has(id), `flow ${id} is there twice`);
    seen.add(id);
    if (fingerprint(source) !== expected.get(id)) {
      const line = [...linesOf(flowsFile)].find((each) => each.includes(id));
      assert.fail(`flow ${id} is ${JSON.stringify(source)}, replayed it is ${line}`);
    }
  }
  assert.equal(seen.size, expected.size);
}

/** Each revision is an event, and the last one of each alert its current state, with all fields. */
export async function sameAlerts(
  es: Elasticsearch,
  namespace: string,
  expected: ReadonlyMap<string, Alert>,
): Promise<void> {
  const normal = (source: Found['source']): Found['source'] =>
    JSON.parse(JSON.stringify(timeless(source), asStored)) as Found['source'];
  const documentOf = (alert: Alert, of: string | null): Found['source'] =>
    normal(
      JSON.parse(
        ecsDocument('alert', alert, { stream: of === null ? null : 'alert', namespace: of }),
      ) as Found['source'],
    );
  const events = new Map<string, Found['source']>();
  for await (const { id, source } of documents(es, `logs-weir.alert-${namespace}`))
    events.set(id, normal(source));
  assert.deepEqual([...events.keys()].sort(), [...expected.keys()].sort());
  for (const [key, alert] of expected) assert.deepEqual(events.get(key), documentOf(alert, namespace));

  const latest = new Map<string, Alert>();
  for (const alert of expected.values())
    if (alert.revision >= (latest.get(alert.id)?.revision ?? 0)) latest.set(alert.id, alert);
  const states = new Map<string, Found['source']>();
  await es.request('POST', '/weir-alerts/_refresh');
  for await (const { id, source } of documents(es, 'weir-alerts')) states.set(id, normal(source));
  assert.deepEqual([...states.keys()].sort(), [...latest.keys()].sort());
  for (const [id, alert] of latest) assert.deepEqual(states.get(id), documentOf(alert, null));
}

/** Revisions the SIEM was sent, each as often as it came. */
export function alertsIn(messages: readonly ParsedMessage[]): { key: string; alert: Alert }[] {
  return messages.map(({ sd, msg }) => {
    const field = (name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(sd)?.[1] ?? '';
    const alert = fromJson('alert', msg.replace(/^\ufeff/, ''));
    return { key: `${field('id')}-${field('rev')}`, alert: { ...alert, historical: false } };
  });
}
