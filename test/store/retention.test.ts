import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { pack } from '../../store/batch.ts';
import { createEngine } from '../../store/engine.ts';
import { options } from '../../store/options.ts';
import { countFlows, searchFlows } from '../../store/reader.ts';
import { deliveries, plainFlows, temporaryDirectory } from './helpers.ts';

const T0 = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

test('slices are sealed by age and removed when too old, but not under a search', async (t) => {
  const dir = temporaryDirectory(t);
  let nowMs = T0;
  const engine = createEngine(
    options.parse({ dir, commitMs: 10, reserveBytes: 0, threads: 1, maxAgeDays: 2 }),
    () => nowMs,
  );
  t.after(() => engine.close());
  await engine.open();
  const write = (from: number, count: number) =>
    engine.write(pack(deliveries('flow', plainFlows(count, T0, from), { offset: from }), 'log'));
  await write(0, 3000);
  nowMs += DAY;
  await write(3000, 10);
  await write(3010, 10);
  assert.equal(engine.stats().slices, 2);

  const search = searchFlows(engine, { query: '', fromMs: null, toMs: null, limit: null });
  let found = (await search.next()).value?.length ?? 0;
  nowMs += 2 * DAY + 1;
  await engine.retain();
  assert.equal(engine.stats().slices, 2, 'a slice is kept while it is searched');
  assert.equal(
    await countFlows(engine, { query: '', fromMs: null, toMs: null }),
    10,
    'but not found any more',
  );
  for await (const page of search) found += page.length;
  assert.equal(found, 3020);
  assert.equal(engine.stats().slices, 1);
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.duckdb')).length, 1);

  // Cursors outlive the slice they were first written in.
  await write(0, 3020);
  assert.equal(engine.stats().skippedRows, 3020);
});
