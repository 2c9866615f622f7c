import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Context, Delivery, Sink } from '../../../pipeline/contracts.ts';
import { PartialWriteError } from '../../../pipeline/errors.ts';
import { noMeter } from '../../../pipeline/meter.ts';
import { withRetry } from '../../../pipeline/retry.ts';
import type { Alert, Flow } from '../../../schema/records.ts';
import { ecsKinds, isKept, namespaceOf } from '../../../sinks/ecs/streams.ts';
import { deliveryOf, sinkContract, someFlows } from '../../contracts/sinkContract.ts';
import { testContext } from '../../helpers/context.ts';
import { delivering } from '../../helpers/delivering.ts';
import { aFlow } from '../../helpers/flows.ts';
import { until } from '../../services/process.ts';
import type { Requester } from '../../services/search-node.ts';
import { closedLists, examples, hostileText, withText } from '../ecs/examples.ts';
import { troubledProxy } from './troubled-proxy.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);
let namespaces = 0;

export interface FarSide {
  readonly url: string;
  readonly request: Requester;
  readonly kill: (() => Promise<void>) | null;
  readonly restart: (() => Promise<void>) | null;
}

export interface Product {
  readonly name: string;
  /** The server, its templates in place; null when it was skipped, with the reason. */
  server(): FarSide | null;
  skipped(): string;
  create(options: object, context: Context): Sink;
}

interface Hit {
  readonly _id: string;
  readonly _index: string;
  readonly _source: Readonly<Record<string, unknown>>;
}

export const newNamespace = (): string => `t${process.pid}_${Date.now() % 1_000_000}_${namespaces++}`;

export async function search(
  { request }: FarSide,
  index: string,
  query: object = { match_all: {} },
): Promise<readonly Hit[]> {
  await request('POST', `/${index}/_refresh`, undefined, [404]);
  const found = (await request('POST', `/${index}/_search`, { size: 10_000, query }, [404])) as {
    hits?: { hits: Hit[] };
  };
  return found.hits?.hits ?? [];
}

export async function count({ request }: FarSide, index: string): Promise<number> {
  await request('POST', `/${index}/_refresh`, undefined, [404]);
  return ((await request('GET', `/${index}/_count`, undefined, [404])) as { count?: number }).count ?? 0;
}

const patient = (sink: Sink, failed: (error: unknown) => void = () => {}): Sink =>
  withRetry(sink, { clock: testContext().clock, retry: { baseMs: 10, maxMs: 200 }, failed });

const codesOf = (error: unknown): string[] =>
  error instanceof PartialWriteError
    ? error.refusals.map(({ code }) => code)
    : [(error as { code?: string }).code ?? String(error)];

/** What Elasticsearch and OpenSearch are both held to, on real servers. */
export function farSideSuite(product: Product): void {
  const { name } = product;

  for (const layout of ['data_stream', 'daily'] as const)
    sinkContract({
      name: `${name} ${layout}`,
      deduplicates: true,
      create(t, context) {
        const server = product.server();
        if (!server) {
          t.skip(product.skipped());
          return Promise.resolve(null);
        }
        const namespace = newNamespace();
        const sink = product.create({ nodes: server.url, layout, namespace }, context);
        const index = layout === 'daily' ? `weir-flow-${namespace}-*` : `logs-weir.flow-${namespace}`;
        return Promise.resolve({
          sink,
          delivered: async () => (await search(server, index)).map(({ _id }) => _id),
        });
      },
      refused: () => {
        // An id of more than 512 bytes is refused, by Elasticsearch with the whole request.
        const [item] = someFlows(1);
        (item!.record as Flow).id += 'x'.repeat(600);
        return item!;
      },
    });

  test(`${name}: flows of a scope and denied flows are in a stream of their own, found by the same fields`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const namespace = newNamespace();
    const sink = product.create({ nodes: server.url, namespace }, testContext());
    t.after(() => sink.stop?.(never));
    const items = someFlows(4);
    const flows = items.map(({ record }) => record as Flow);
    flows[0]!.verdict = 'deny';
    flows[1]!.destination.scopes = ['pci'];
    flows[1]!.source.namespace = 'shop';
    flows[1]!.source.labels = { 'app.kubernetes.io/name': 'cart' };
    await sink.write(items, never);
    const ids = async (index: string, query?: object): Promise<string[]> =>
      (await search(server, index, query)).map(({ _id }) => _id).sort();
    const kept = flows.filter(isKept).map(({ id }) => id);
    assert.equal(kept.length, 2);
    assert.deepEqual(await ids(`logs-weir.flow_kept-${namespace}`), [...kept].sort());
    assert.equal((await ids(`logs-weir.flow-${namespace}`)).length, 2);
    const every = `logs-weir.*-${namespace}`;
    const term = (field: string, value: string | number): object => ({ term: { [field]: value } });
    assert.equal((await ids(every, term('weir.kind', 'flow'))).length, 4);
    assert.deepEqual(await ids(every, term('event.type', 'denied')), [flows[0]!.id]);
    for (const query of [
      term('weir.scopes', 'pci'),
      term('weir.source.namespace', 'shop'),
      term('weir.source.labels.app.kubernetes.io/name', 'cart'),
    ])
      assert.deepEqual(await ids(every, query), [flows[1]!.id], JSON.stringify(query));
    for (const query of [
      term('source.ip', '10.0.0.0/8'),
      term('destination.port', 443),
      term('network.transport', 'tcp'),
      term('data_stream.namespace', namespace),
    ])
      assert.equal((await ids(every, query)).length, 4, JSON.stringify(query));
  });

  test(`${name}: every kind of record is taken, and an alert's latest revision is its state whatever the order`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const tenant = `tenant-${process.pid}-${namespaces++}`;
    // A sink that sees one tenant has streams and indices of its own.
    const sink = product.create({ nodes: server.url }, testContext({ tenant }));
    t.after(() => sink.stop?.(never));
    for (const kind of ecsKinds)
      for (const record of examples[kind].slice(0, 1))
        await sink.write([deliveryOf(kind, record as never)], never);
    const alert = examples.alert[0]!;
    const revision = (number: number): Delivery =>
      deliveryOf('alert', {
        ...alert,
        revision: number,
        why: { ...alert.why, summary: `revision ${number}` },
      });
    await sink.write([revision(2), revision(1)], never);
    await sink.write([revision(1), revision(2)], never);
    const own = namespaceOf(tenant);
    const events = await search(server, `logs-weir.alert-${own}`);
    assert.deepEqual(
      events.map(({ _id }) => _id).sort(),
      [0, 1, 2].map((one) => `${alert.id}-${one}`),
    );
    for (const kind of ['flow_kept', 'policy_change', 'loss', 'access'])
      assert.equal((await search(server, `logs-weir.${kind}-${own}`)).length, 1, kind);
    assert.equal((await search(server, `weir-incidents-${own}`)).length, 1);
    const state = await search(server, `weir-alerts-${own}`);
    assert.equal(state.length, 1);
    assert.equal(state[0]!._source['message'], 'revision 2');
  });

  test(`${name}: hostile text is one document, with its values`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const namespace = newNamespace();
    const sink = product.create({ nodes: server.url, namespace }, testContext());
    t.after(() => sink.stop?.(never));
    const texts = fc.sample(hostileText, 600);
    let next = 0;
    const keep = new Set([...closedLists, 'id']);
    const written: { kind: string; id: string; summary: string | undefined }[] = [];
    for (let round = 0; round < 12; round++)
      for (const kind of ecsKinds) {
        const record = withText(examples[kind][0] as object, () => texts[next++ % texts.length]!, keep) as {
          id: string;
        };
        record.id = `${kind}-${namespace}-${round}`;
        // The longest text that chance may put there or not.
        if (round === 0 && kind === 'flow') (record as Flow).source.labels = { app: 'x'.repeat(40_000) };
        if (round === 0 && kind === 'alert') (record as Alert).why.summary = '\u{1f600}x'.repeat(350_000);
        await patient(sink).write([deliveryOf(kind, record as never)], never);
        written.push({ kind, id: record.id, summary: (record as Partial<Alert>).why?.summary });
      }
    const found = await search(server, `logs-weir.*-${namespace}`);
    const expected = written.filter(({ kind }) => kind !== 'incident');
    assert.equal(found.length, expected.length);
    for (const { kind, id, summary } of expected) {
      const hits = found.filter(({ _id }) => _id === (kind === 'alert' ? `${id}-0` : id));
      assert.equal(hits.length, 1, id);
      // Half of a pair is not text in any encoding: the server keeps a question mark or a replacement for it.
      if (summary !== undefined)
        assert.equal(asText(hits[0]!._source['message'] as string), asText(summary), id);
    }
    assert.equal((await search(server, 'other')).length, 0, 'no operation was injected');
  });

  test(`${name}: a conflict in the mapping of one field refuses the records that have it, and no others`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const namespace = newNamespace();
    const sink = product.create({ nodes: server.url, namespace, layout: 'daily' }, testContext());
    t.after(() => sink.stop?.(never));
    const items = someFlows(10);
    const day = Date.UTC(2026, 10, 24);
    for (const { record } of items) (record as Flow).endMs = day;
    // Somebody else has a template above ours: what is text here is an object there.
    const zone = { properties: { name: { type: 'keyword' } } };
    await server.request('PUT', `/_index_template/conflict-${namespace}`, {
      index_patterns: [`weir-flow-${namespace}-*`],
      priority: 500,
      template: {
        mappings: { properties: { dns: { properties: { question: { properties: { name: zone } } } } } },
      },
    });
    const conflicting = items.slice(0, 3);
    for (const { record } of conflicting)
      (record as Flow).request = { method: null, path: null, status: null, query: 'a.example' };
    await assert.rejects(sink.write(items, never), (error: unknown) => {
      assert.ok(error instanceof PartialWriteError, String(error));
      assert.deepEqual(
        error.refusals.map(({ index, retryable, code }) => [index, retryable, code]),
        conflicting.map((_, i) => [i, false, 'sink_refused_record']),
      );
      return true;
    });
    assert.equal(await count(server, `weir-flow-${namespace}-*`), 7);
  });

  test(`${name}: connections reset in the middle of requests, and after them: each record is there once`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const proxy = await troubledProxy(t, server.url);
    const namespace = newNamespace();
    const sink = product.create({ nodes: proxy.url, namespace }, testContext());
    t.after(() => sink.stop?.(never));
    proxy.trouble = (nth) => (nth % 3 === 0 ? 'cut' : nth % 3 === 1 ? 'no reply' : 'pass');
    const codes = new Set<string>();
    const steady = patient(sink, (error) => codesOf(error).forEach((code) => codes.add(code)));
    await Promise.all(Array.from({ length: 12 }, () => steady.write(someFlows(200), never)));
    assert.deepEqual([...codes], ['sink_unavailable']);
    assert.ok(proxy.counts['cut']! > 3 && proxy.counts['no reply']! > 3, JSON.stringify(proxy.counts));
    assert.equal(await count(server, `logs-weir.flow-${namespace}`), 2400);
  });

  test(`${name}: a storm of 429 is waited out with fewer requests at once`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const proxy = await troubledProxy(t, server.url);
    const namespace = newNamespace();
    const gauges = new Map<string, number[]>();
    const meter = {
      ...noMeter,
      gauge: (metric: string) => ({
        set: (value: number) => void gauges.set(metric, [...(gauges.get(metric) ?? []), value]),
      }),
    };
    const sink = product.create({ nodes: proxy.url, namespace }, testContext({ meter }));
    t.after(() => sink.stop?.(never));
    let isStorm = false;
    proxy.trouble = (nth) => (isStorm && nth % 8 !== 0 ? 429 : 'pass');
    const codes: string[] = [];
    const steady = patient(sink, (error) => codes.push(...codesOf(error)));
    const burst = (writes: number): Promise<unknown> =>
      Promise.all(Array.from({ length: writes }, () => steady.write(someFlows(50), never)));
    await burst(60);
    const before = Math.max(...gauges.get('bulk_requests_at_once')!);
    isStorm = true;
    await burst(16);
    isStorm = false;
    assert.ok(codes.length > 0 && codes.every((code) => code === 'sink_overloaded'), codes.join());
    assert.ok(before >= 2);
    assert.equal(Math.min(...gauges.get('bulk_requests_at_once')!), 1);
    await burst(4);
    assert.equal(await count(server, `logs-weir.flow-${namespace}`), 80 * 50);
  });

  test(`${name}: killed in the middle of bulk requests, then all ids again: each is there once`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    if (!server.kill || !server.restart) return t.skip('the server is not ours to kill');
    const namespace = newNamespace();
    const sink = product.create({ nodes: server.url, namespace }, testContext());
    t.after(() => sink.stop?.(never));
    // What other tests wrote need not be recovered at the restart.
    await server.request('POST', '/_flush');
    const batches = Array.from({ length: 40 }, () => someFlows(500));
    let acknowledged = 0;
    const failures: unknown[] = [];
    let enough: () => void = () => {};
    const killed = new Promise<void>((resolve) => (enough = resolve)).then(() => server.kill!());
    const lanes = Array.from({ length: 4 }, async (_, lane) => {
      for (let i = lane; i < batches.length; i += 4) {
        try {
          await sink.write(batches[i]!, never);
          acknowledged += batches[i]!.length;
        } catch (error) {
          failures.push(error);
        }
        if (acknowledged >= 4000 || failures.length > 0) enough();
      }
    });
    await Promise.all([...lanes, killed]);
    assert.ok(failures.length > 0, 'it was killed too late');
    assert.deepEqual(new Set(failures.flatMap(codesOf)), new Set(['sink_unavailable']));
    await server.restart();
    for (const items of batches) await patient(sink).write(items, never);
    assert.equal(await count(server, `logs-weir.flow-${namespace}`), 20_000);
  });

  test(`${name}: one that is down for long holds up no other sink, and has everything once it is back`, async (t) => {
    const server = product.server();
    if (!server) return t.skip(product.skipped());
    const proxy = await troubledProxy(t, server.url);
    const namespace = newNamespace();
    const sink = product.create({ nodes: proxy.url, namespace }, testContext());
    t.after(() => sink.stop?.(never));
    const other: string[] = [];
    await proxy.down();
    const run = await delivering(t, {
      far: sink,
      other: {
        write: (items) => {
          other.push(...items.map(({ record }) => (record as Flow).id));
          return Promise.resolve();
        },
      },
    });
    for (let i = 0; i < 30; i++)
      await run.append(
        Array.from({ length: 200 }, (_, j) =>
          aFlow({ origin: namespace, position: i * 200 + j, endMs: Date.now() }),
        ),
      );
    await until('the other sink to have everything', () => other.length === 6000);
    // Each of them is a pause of half a minute later on.
    await until('many failures', () => (run.failures.get('far') ?? 0) > 25, { timeoutMs: 120_000 });
    assert.equal(await run.lag('far'), 6000, 'the backlog is the lag in the log');
    await proxy.up();
    await until('its cursor to be at the end', async () => (await run.lag('far')) === 0);
    assert.equal(await count(server, `logs-weir.flow-${namespace}`), 6000);
    await run.stop();
  });
}

/** The text without halves of pairs, which the far side cannot keep. */
const asText = (text: string): string =>
  text.replaceAll(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\ufffd|\?/g, '');
