import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Context, Delivery, Sink } from '../../pipeline/contracts.ts';
import { PartialWriteError } from '../../pipeline/errors.ts';
import type { RecordKind, RecordTypes } from '../../schema/records.ts';
import { testContext } from '../helpers/context.ts';
import { aFlow } from '../helpers/flows.ts';

/** A sink under test and the far side it writes to. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** Ids of the records that are there now, once for each copy a reader would count; order does not matter. */
  delivered(): Promise<readonly string[]>;
}

export interface SinkContractOptions {
  /** Name of the sink type, for the names of the tests. */
  readonly name: string;
  /** A sink with a far side of its own, not yet started; null when the test was skipped. Cleans up by `t.after`. */
  create(t: TestContext, context: Context): Promise<SinkUnderTest | null>;
  /** Whether a reader sees a record once that was written twice, as it is where the far side knows ids. */
  readonly deduplicates: boolean;
  /** Items the far side refuses for good, where there are such. */
  readonly refused?: () => Delivery;
  /** Records to write, each with an id of its own; flows when absent. */
  readonly items?: (count: number) => Delivery[];
}

let next = 0;

/** A delivery of its own record, as the runtime would hand it over. */
export function deliveryOf<K extends RecordKind>(kind: K, record: RecordTypes[K], offset = next++): Delivery {
  return { kind, record, topic: 'enriched', partition: 0, offset, bytes: null };
}

/** `count` flows with ids of their own. */
export const someFlows = (count: number): Delivery[] =>
  Array.from({ length: count }, () => {
    const position = next++;
    return deliveryOf(
      'flow',
      aFlow({ origin: `contract-${process.pid}`, position, endMs: Date.now() }),
      position,
    );
  });

const idsOf = (items: readonly Delivery[]): string[] =>
  items.map((item) => (item.record as { id: string }).id);

/** What every sink promises (pipeline/contracts.ts, `Sink`). */
export function sinkContract(options: SinkContractOptions): void {
  const { name, items: some = someFlows } = options;
  const never = new AbortController().signal;

  async function started(t: TestContext): Promise<SinkUnderTest | null> {
    const made = await options.create(t, testContext({ name: `${name}-contract` }));
    if (!made) return null;
    await made.sink.start?.(never);
    t.after(() => made.sink.stop?.(never));
    return made;
  }

  test(`${name}: construction is inert and stop needs no start`, async (t) => {
    const made = await options.create(t, testContext());
    if (!made) return;
    await made.sink.stop?.(never);
    await made.sink.stop?.(never);
  });

  test(`${name}: all items of a write are over there when it resolves`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const items = some(250);
    await made.sink.write(items, never);
    assert.deepEqual(new Set(await made.delivered()), new Set(idsOf(items)));
  });

  test(`${name}: a write of nothing resolves`, async (t) => {
    const made = await started(t);
    if (!made) return;
    await made.sink.write([], never);
    assert.deepEqual(await made.delivered(), []);
  });

  test(`${name}: writing the same items again is safe`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const items = some(40);
    await made.sink.write(items, never);
    await made.sink.write(items, never);
    await made.sink.write([...items, ...some(1)], never);
    const ids = await made.delivered();
    assert.equal(new Set(ids).size, 41);
    if (options.deduplicates) assert.equal(ids.length, 41);
  });

  test(`${name}: writes at the same time do not mix`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const writes = Array.from({ length: made.sink.batch?.maxInFlight ?? 2 }, () => some(30)).slice(0, 8);
    await Promise.all(writes.map((items) => made.sink.write(items, never)));
    const ids = await made.delivered();
    assert.deepEqual([...ids].sort(), idsOf(writes.flat()).sort());
  });

  test(`${name}: an aborted write rejects, and nothing of it is lost when it is written again`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const items = some(5);
    const aborted = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(made.sink.write(items, aborted));
    await made.sink.write(items, never);
    assert.deepEqual(new Set(await made.delivered()), new Set(idsOf(items)));
  });

  test(`${name}: stop is idempotent and keeps what was written`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const items = some(3);
    await made.sink.write(items, never);
    await made.sink.stop?.(never);
    await made.sink.stop?.(never);
    assert.deepEqual(new Set(await made.delivered()), new Set(idsOf(items)));
  });

  const { refused } = options;
  if (!refused) return;
  test(`${name}: what is refused is named by its index, everything else is delivered`, async (t) => {
    const made = await started(t);
    if (!made) return;
    const good = some(6);
    const items = [...good.slice(0, 2), refused(), ...good.slice(2, 5), refused(), ...good.slice(5)];
    await assert.rejects(made.sink.write(items, never), (error: unknown) => {
      assert.ok(error instanceof PartialWriteError, String(error));
      assert.deepEqual(
        error.refusals.map(({ index }) => index),
        [2, 6],
      );
      for (const refusal of error.refusals) {
        assert.equal(refusal.retryable, false);
        assert.equal(refusal.code, 'sink_refused_record');
        assert.ok(refusal.reason.length > 0);
      }
      return true;
    });
    assert.deepEqual(new Set(await made.delivered()), new Set(idsOf(good)));
  });
}
