import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { WeirError } from '../../../pipeline/errors.ts';
import { ageText } from '../../../sinks/bulk/age.ts';
import { connection } from '../../../sinks/bulk/connection.ts';
import { deleteDaily } from '../../../sinks/bulk/daily.ts';
import { deleteExpired } from '../../../sinks/bulk/expiry.ts';
import { RequestFailure, type Far, type FarRequest } from '../../../sinks/bulk/far.ts';
import { options as schema } from '../../../sinks/elasticsearch/options.ts';
import { keptMs } from '../../../sinks/bulk/expiry.ts';
import { manualClock, silent, testContext } from '../../helpers/context.ts';

const never = new AbortController().signal;
const place = { layout: 'data_stream', namespace: 'default', stateSuffix: '' } as const;
const DAY_MS = 86_400_000;

interface Kept {
  status: string;
  timeMs: number;
  endMs: number;
  seqNo: number;
}

interface Query {
  readonly size: number;
  readonly query: {
    readonly bool: { readonly filter: readonly Readonly<Record<string, Record<string, unknown>>>[] };
  };
}

/** An index of current state as the two requests see it; `between` runs after each search. */
function fakeIndex(
  documents: Map<string, Kept>,
  between: (found: readonly string[]) => void = () => {},
): Far {
  function search({ path, body }: FarRequest): unknown {
    assert.match(path, /^\/weir-(alerts|incidents)\/_search$/);
    const { size, query } = body as Query;
    const [term, time, end] = query.bool.filter;
    const field = path.includes('alerts') ? 'weir.alert.status' : 'weir.incident.status';
    const status = term!['term']![field];
    const before = (part: typeof time, name: string): number => (part!['range']![name] as { lt: number }).lt;
    const hits = [...documents]
      .filter(
        ([, one]) =>
          one.status === status &&
          one.timeMs < before(time, '@timestamp') &&
          one.endMs < before(end, 'event.end'),
      )
      .sort(([, a], [, b]) => a.timeMs - b.timeMs)
      .slice(0, size)
      .map(([_id, { seqNo }]) => ({ _index: 'weir-alerts', _id, _seq_no: seqNo, _primary_term: 1 }));
    between(hits.map(({ _id }) => _id));
    return { hits: { hits } };
  }
  function bulk({ bulkBody }: FarRequest): unknown {
    const lines = Buffer.from(bulkBody!).toString().trimEnd().split('\n');
    const items = lines.map((line) => {
      const { _id, if_seq_no } = (JSON.parse(line) as { delete: { _id: string; if_seq_no: number } }).delete;
      const found = documents.get(_id);
      if (!found) return { delete: { status: 404 } };
      if (found.seqNo !== if_seq_no) return { delete: { status: 409 } };
      documents.delete(_id);
      return { delete: { status: 200 } };
    });
    return { items };
  }
  return {
    product: 'Elasticsearch',
    request: <T>(request: FarRequest) =>
      Promise.resolve((request.path === '/_bulk' ? bulk(request) : search(request)) as T),
    close: () => Promise.resolve(),
  };
}

const kept = fc.record({
  status: fc.constantFrom('open', 'closed', 'new', 'acknowledged'),
  timeMs: fc.integer({ min: 0, max: 2000 }),
  endMs: fc.integer({ min: 0, max: 2000 }),
  seqNo: fc.nat(),
});

test('expiry: exactly what is closed and older is deleted, and nothing that was written anew meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(kept, { maxLength: 60 }), fc.nat({ max: 3 }), async (documents, every) => {
      const index = new Map(documents.map((one, n) => [`a${n}`, { ...one }]));
      const isOver = ({ status, timeMs, endMs }: Kept): boolean =>
        status === 'closed' && timeMs < 1000 && endMs < 1000;
      const rewritten = new Set<string>();
      const far = fakeIndex(index, (found) => {
        for (const [n, id] of found.entries())
          if (every > 0 && n % every === 0 && rewritten.size < 5) {
            rewritten.add(id);
            index.get(id)!.seqNo++;
            index.get(id)!.status = 'open';
          }
      });
      const { isMore } = await deleteExpired(far, { place, kind: 'alert', beforeMs: 1000 }, never);
      assert.equal(isMore, false);
      for (const [n, one] of documents.entries())
        assert.equal(index.has(`a${n}`), !isOver(one) || rewritten.has(`a${n}`), `a${n}`);
    }),
  );
});

test('expiry: one go is bounded, the rest is for the next day', async () => {
  const index = new Map<string, Kept>();
  for (let n = 0; n < 51_500; n++) index.set(`a${n}`, { status: 'closed', timeMs: n, endMs: 0, seqNo: n });
  const far = fakeIndex(index);
  const what = { place, kind: 'alert', beforeMs: 1e9 } as const;
  assert.deepEqual(await deleteExpired(far, what, never), { deleted: 50_000, isMore: true });
  assert.equal(index.size, 1500);
  assert.deepEqual(await deleteExpired(far, what, never), { deleted: 1500, isMore: false });
});

test('expiry: ten minutes after the start, then once a day; a failure is told and tried the next day', async () => {
  const clock = manualClock(500 * DAY_MS);
  const index = new Map<string, Kept>();
  const working = fakeIndex(index);
  let isDown = true;
  let asked = 0;
  const far: Far = {
    ...working,
    request<T>(request: FarRequest, signal: AbortSignal): Promise<T> {
      asked++;
      if (!isDown) return working.request<T>(request, signal);
      return Promise.reject(new RequestFailure('reply', 'no right', { status: 403, cause: null }));
    },
  };
  const warnings: { error?: string }[] = [];
  const log = { ...silent, warn: (fields: object) => void warnings.push(fields) };
  const stop = new AbortController();
  const running = deleteDaily(
    { far: connection(() => Promise.resolve(far)), place, keptMs: 400 * DAY_MS },
    testContext({ clock, log }),
    stop.signal,
  );
  index.set('old', { status: 'closed', timeMs: 99 * DAY_MS, endMs: 0, seqNo: 1 });
  index.set('young', { status: 'closed', timeMs: 102 * DAY_MS, endMs: 0, seqNo: 1 });
  await clock.tick(9 * 60_000);
  assert.equal(asked, 0);
  await clock.tick(60_000);
  assert.equal(asked, 2, 'once for alerts, once for incidents');
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!.error!, /deleted by age: the credentials lack a right/);
  isDown = false;
  await clock.tick(DAY_MS - 60_000);
  assert.equal(index.size, 2);
  await clock.tick(60_000);
  assert.deepEqual([...index.keys()], ['young']);
  stop.abort();
  await running;
  assert.equal(clock.nextDueMs(), null);
});

test('expiry: a refusal of the deletions is an error with its reason', async () => {
  const index = new Map<string, Kept>([['a', { status: 'closed', timeMs: 0, endMs: 0, seqNo: 1 }]]);
  const working = fakeIndex(index);
  const far: Far = {
    ...working,
    request: <T>(request: FarRequest, signal: AbortSignal) =>
      request.path === '/_bulk'
        ? Promise.resolve({
            items: [{ delete: { status: 403, error: { reason: 'unauthorized for user [writer]' } } }],
          } as T)
        : working.request<T>(request, signal),
  };
  await assert.rejects(
    deleteExpired(far, { place, kind: 'alert', beforeMs: 1 }, never),
    (error: unknown) => error instanceof WeirError && /unauthorized for user/.test(error.message),
  );
});

test('expiry: closed ones are kept as long as alerts unless said otherwise', () => {
  const keep = (more: object): number => keptMs(schema.parse({ keep: more }).keep);
  assert.equal(keep({}), 400 * DAY_MS);
  assert.equal(keep({ alert: '500d' }), 500 * DAY_MS);
  assert.equal(keep({ alert: '500d', closed: '90d' }), 90 * DAY_MS);
  assert.deepEqual([400 * DAY_MS, 36 * 3_600_000, 90_000, 5000, 1500, 0].map(ageText), [
    '400d',
    '36h',
    '90s',
    '5s',
    '1500ms',
    '0ms',
  ]);
});
