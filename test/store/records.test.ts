import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  newAlert,
  newEvidence,
  newLinks,
  newLoss,
  newParty,
  newWhy,
  type Alert,
} from '../../schema/records.ts';
import { ALL, deliveries, temporaryDirectory, testStore } from './helpers.ts';

const alert = (id: string, revision: number, firstMs: number, severity: Alert['severity']): Alert => ({
  ...newAlert({
    id,
    revision,
    detector: 'port_scan',
    rule: 'Port scan',
    score: 0.5,
    entity: newParty({ key: 'k' }),
    cluster: 'default',
    firstMs,
    lastMs: firstMs + 10,
    raisedMs: firstMs + 20,
    count: 1,
    why: newWhy({ summary: "it's a scan" }),
    evidence: newEvidence(),
    links: newLinks(),
  }),
  severity,
});

test('alerts: the latest revision of each, every revision of one, filtered and over slices', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const write = (offset: number, ...records: Alert[]): Promise<void> =>
    store.write(deliveries('alert', records, { topic: 'alerts', offset }));
  await write(0, alert('a', 0, 1000, 'low'), alert("b'x", 0, 2000, 'high'));
  await store.roll();
  await write(2, alert('a', 1, 1000, 'high'), alert('c', 0, 500, 'info'));
  await write(0, alert('a', 0, 1000, 'low'));
  assert.deepEqual(
    (await store.alerts(ALL)).map(({ id, revision }) => [id, revision]),
    [
      ["b'x", 0],
      ['a', 1],
      ['c', 0],
    ],
  );
  assert.deepEqual(
    (await store.alerts(ALL, { where: 'severity >= medium', limit: 1 })).map(({ id }) => id),
    ["b'x"],
  );
  assert.deepEqual(
    (await store.alert('a')).map(({ revision, severity }) => [revision, severity]),
    [
      [0, 'low'],
      [1, 'high'],
    ],
  );
  assert.equal((await store.alert("b'x")).length, 1);
  assert.deepEqual(await store.alert('none'), []);
  assert.deepEqual(
    (await store.alerts({ fromMs: 400, toMs: 600 })).map(({ id }) => id),
    ['c'],
  );
  await assert.rejects(store.alerts(ALL, { where: 'verdict : deny' }), { code: 'query_invalid' });
});

test('losses that overlap the range', async (t) => {
  const store = await testStore(t, { dir: temporaryDirectory(t) });
  const loss = (id: string, sinceMs: number, untilMs: number) =>
    newLoss({ id, where: 'input.file', sinceMs, untilMs });
  await store.write(deliveries('loss', [loss('l1', 0, 100), loss('l2', 90, 200)], { topic: 'losses' }));
  assert.deepEqual(
    (await store.losses({ fromMs: 95, toMs: 96 })).map(({ id }) => id),
    ['l2', 'l1'],
  );
  assert.deepEqual(
    (await store.losses({ fromMs: 101, toMs: null })).map(({ id }) => id),
    ['l2'],
  );
});
