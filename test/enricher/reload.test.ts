import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createEnricher } from '../../enricher/index.ts';
import { options } from '../../enricher/options.ts';
import type { Meter } from '../../pipeline/meter.ts';
import { manualClock, silent, testContext, type ManualClock } from '../helpers/context.ts';
import { temporaryDirectory } from '../helpers/directory.ts';
import { aFlow, T0 } from '../helpers/flows.ts';
import { asList, enriched, pod } from './setup.ts';

/** Keeps the last value of each series, by name and labels. */
function recorder(): { meter: Meter; value: (name: string, labels?: Record<string, string>) => number } {
  const values = new Map<string, number>();
  const key = (name: string, labels: object = {}) => name + JSON.stringify(labels);
  const meter: Meter = {
    counter: (name) => ({
      add: (by, labels) => void values.set(key(name, labels), (values.get(key(name, labels)) ?? 0) + by),
    }),
    gauge: (name) => ({ set: (to, labels) => void values.set(key(name, labels), to) }),
    histogram: () => ({ observe() {} }),
  };
  return { meter, value: (name, labels) => values.get(key(name, labels)) ?? 0 };
}

/** Lets the clock go on, look by look, until the change is taken up; the reading is real and takes its own time. */
async function look(clock: ManualClock, done: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !done(); i++) {
    await clock.tick(5_000);
    // A turn of a millisecond: a disk that is busy answers later than a thousand empty turns.
    for (let j = 0; j < 20 && !done(); j++) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(done(), 'the change was not taken up');
}

function write(path: string, text: string, changedMs: number): void {
  writeFileSync(path, text);
  utimesSync(path, changedMs / 1_000, changedMs / 1_000);
}

test('a change is taken over, a bad one is not, and both are told', async (t) => {
  const { meter, value } = recorder();
  const messages: unknown[] = [];
  const log = { ...silent, error: (fields: object) => void messages.push(fields) };
  const { one, clock, path } = await enriched(
    t,
    [pod('a', 'old', '10.1.0.1', { uid: '1' })],
    {},
    { meter, log },
  );
  const holder = async (offsetMs: number) =>
    (await one({ from: '10.1.0.1', startMs: T0 + offsetMs })).source.pod;
  assert.equal(await holder(0), 'old');

  write(
    path,
    asList([pod('a', 'new', '10.1.0.1', { uid: '2', creationTimestamp: new Date(T0 + 50).toISOString() })]),
    T0 + 100,
  );
  assert.equal(await holder(1_000), 'old', 'not looked at yet');
  await look(clock, () => value('inventory_reloads_total', { outcome: 'ok' }) === 2);
  assert.equal(await holder(1_000), 'new');
  assert.equal(await holder(0), 'old', 'a flow of that time still has its pod');

  write(path, '{"kind": "List",\n "items": [}', T0 + 200);
  await look(clock, () => messages.length === 1);
  await clock.tick(20_000);
  assert.equal(await holder(1_000), 'new', 'the old inventory stays');
  assert.equal(value('inventory_reload_failed', { cluster: 'test' }), 1);
  assert.equal(value('inventory_reloads_total', { outcome: 'failed' }), 1);
  assert.equal(messages.length, 1, 'told once');
  assert.match(JSON.stringify(messages[0]), /cluster\.json:2:12: not JSON/);

  rmSync(path);
  await look(clock, () => messages.length === 2);
  assert.equal(await holder(1_000), 'new');
  assert.match(JSON.stringify(messages[1]), /cannot read .*cluster\.json/);

  write(path, asList([pod('a', 'newest', '10.1.0.1', { uid: '3' })]), T0 + 300);
  await look(clock, () => value('inventory_reloads_total', { outcome: 'ok' }) === 3);
  assert.equal(await holder(1_000), 'newest');
  assert.equal(value('inventory_reload_failed', { cluster: 'test' }), 0);
});

test('the swap of a ConfigMap link is a change', async (t) => {
  const directory = temporaryDirectory(t);
  const clock = manualClock();
  for (const name of ['one', 'two']) {
    mkdirSync(join(directory, name));
    write(join(directory, name, 'pods.json'), asList([pod('a', name, '10.1.0.1', { uid: name })]), T0);
  }
  symlinkSync('one', join(directory, '..data'));
  symlinkSync(join('..data', 'pods.json'), join(directory, 'pods.json'));
  const config = options.parse({ inventory: { files: [join(directory, '*.json')] } });
  const enricher = await createEnricher(config, { ...testContext(), clock });
  await enricher.start(new AbortController().signal);
  t.after(() => enricher.stop());
  assert.equal(enricher.inventory.endpointAt('test', null, '10.1.0.1', T0 + 1)?.name, 'one');
  symlinkSync('two', join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  const name = () => enricher.inventory.endpointAt('test', null, '10.1.0.1', T0 + 1)?.name;
  await look(clock, () => name() === 'two');
});

test('several clusters, several files, and what is missing at the start', async (t) => {
  const directory = temporaryDirectory(t);
  write(join(directory, 'a-pods.json'), asList([pod('a', 'x', '10.1.0.1')]), T0);
  write(join(directory, 'a-more.json'), asList([pod('a', 'y', '10.1.0.2')]), T0);
  write(
    join(directory, 'b.yaml'),
    'kind: Pod\nmetadata: {name: z, namespace: a}\nstatus: {podIP: 10.1.0.1}\n',
    T0,
  );
  const files = [join(directory, 'a-*.json'), { path: join(directory, 'b.yaml'), cluster: 'b' }];
  const enricher = await createEnricher(
    options.parse({ inventory: { files } }),
    testContext({ clock: manualClock() }),
  );
  t.after(() => enricher.stop());
  const flow = aFlow({ from: '10.1.0.1', to: '10.1.0.2' });
  const other = aFlow({ from: '10.1.0.1', to: '10.1.0.2' });
  other.cluster = 'b';
  await enricher.apply([flow, other], new AbortController().signal);
  assert.deepEqual(
    [flow.source.entity, flow.destination.entity],
    ['test/a/Pod/x', 'test/a/Pod/y'],
    'started by its first flow',
  );
  assert.deepEqual([other.source.entity, other.destination.entity], ['b/a/Pod/z', 'b/ip/10.1.0.2']);

  for (const [pattern, message] of [
    [join(directory, 'none.json'), /cannot read .*none\.json/],
    [join(directory, 'none-*.json'), /nothing matches .*none-\*\.json/],
  ] as const) {
    const broken = await createEnricher(options.parse({ inventory: { files: [pattern] } }), testContext());
    await assert.rejects(broken.start(new AbortController().signal), message);
  }
});

test('networks, tenants and scopes reload as one, and bad ones change nothing', async (t) => {
  const { one, enricher } = await enriched(t, [], { networks: { named: { first: ['203.0.113.0/24'] } } });
  const name = async () => (await one({ to: '203.0.113.1' })).destination.networkSet;
  assert.equal(await name(), 'first');
  assert.throws(
    () =>
      enricher.reload(options.parse({ networks: { named: { second: ['203.0.113.0/24', '1.2.3.4/64'] } } })),
    /networks\.named\.second: "1\.2\.3\.4\/64" is not a network/,
  );
  assert.equal(await name(), 'first');
  enricher.reload(options.parse({ networks: { named: { second: ['203.0.113.0/24'] } } }));
  assert.equal(await name(), 'second');
});

test('the cache is bounded and counts what it gives up', async (t) => {
  const { meter, value } = recorder();
  const { enricher } = await enriched(t, [pod('a', 'x', '10.1.0.1')], {}, { meter });
  const small = await createEnricher(options.parse({ inventory: { cacheEntries: 1_000 } }), {
    ...testContext(),
    meter,
  });
  const flows = Array.from({ length: 5_000 }, (_, i) =>
    aFlow({ from: `10.2.${i >> 8}.${i & 255}`, to: '10.1.0.1' }),
  );
  await small.apply(flows, new AbortController().signal);
  assert.ok(value('enrich_cache_evictions_total') >= 4_000 - 1_000);
  assert.equal(value('enrich_endpoints_total', { kind: 'private' }), 10_000);
  await enricher.apply(flows, new AbortController().signal);
});
