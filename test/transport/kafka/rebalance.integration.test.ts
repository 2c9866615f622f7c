import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from '../../../pipeline/log.ts';
import { aFlow } from '../../helpers/flows.ts';
import { kafka } from '../../services/kafka.ts';
import { until } from '../../services/process.ts';
import { freshLog, openLog } from './support.ts';

const RECORDS = 50_000;

/** A member that counts the records of each lane; the count is its state and travels with the cursor. */
function member(log: Log, name: string, seen: Uint8Array) {
  const abort = new AbortController();
  const lanes = new Map<number, { count: number; offset: number }>();
  const assignments: number[][] = [];
  const done = log.consume(
    {
      group: 'fold',
      topics: ['enriched', 'rekeyed'],
      maxEntries: 250,
      assigned(partitions) {
        const mine = partitions.filter((p) => p.topic === 'enriched').map((p) => p.partition);
        const other = partitions.filter((p) => p.topic === 'rekeyed').map((p) => p.partition);
        assert.deepEqual(
          mine.toSorted((a, b) => a - b),
          other.toSorted((a, b) => a - b),
          `${name}: both topics of a lane are on one member`,
        );
        assignments.push(mine);
        lanes.clear();
        for (const { topic, partition, offset, metadata } of partitions) {
          if (topic !== 'enriched') continue;
          const state = metadata === null ? { count: 0 } : (JSON.parse(metadata) as { count: number });
          assert.equal(state.count, offset ?? 0, 'the state belongs to the cursor it came with');
          lanes.set(partition, { count: state.count, offset: offset ?? 0 });
        }
        return Promise.resolve();
      },
      async handle(batch) {
        if (batch.topic !== 'enriched') return;
        const lane = lanes.get(batch.partition)!;
        let { count } = lane;
        for (const entry of batch.entries) {
          if (batch.isStale()) return;
          count++;
          seen[entry.value!.position]!++;
        }
        const offset = batch.entries.at(-1)!.offset + 1;
        await batch.commit(offset, JSON.stringify({ count }));
        lanes.set(batch.partition, { count, offset });
        await batch.heartbeat();
      },
    },
    abort.signal,
  );
  return {
    assignments,
    done,
    stop: () => {
      abort.abort();
      return done;
    },
  };
}

test(
  '50,000 records over one, two and one members: each has its effect once',
  { timeout: 110_000 },
  async (t) => {
    const service = await kafka(t);
    if (!service) return;
    const { log, options } = await freshLog(t, service, { lanes: 6 });
    const second = await openLog(t, { ...options, memberName: 'second' });
    const seen = new Uint8Array(RECORDS);

    const first = member(log, 'first', seen);
    let appended = 0;
    const append = async (upTo: number): Promise<void> => {
      for (; appended < upTo; appended += 1_000) {
        const from = appended;
        await log.append(
          'enriched',
          Array.from({ length: 1_000 }, (_, i) => ({
            partition: (from + i) % 6,
            key: null,
            value: aFlow({ position: from + i }),
          })),
        );
      }
    };
    await append(10_000);
    const other = member(second, 'second', seen);
    await append(30_000);
    // On a busy machine one of them may be given all lanes for a moment before they are dealt again.
    await until('each member to have half of the lanes', () =>
      [first, other].every(({ assignments }) => assignments.at(-1)?.length === 3),
    );
    await append(40_000);
    await other.stop();
    await second.stop();
    await append(RECORDS);
    await until('everything to be read', async () => (await log.lag('fold', ['enriched'])) === 0, {
      timeoutMs: 60_000,
    });
    await first.stop();

    assert.equal(first.assignments.at(-1)!.length, 6, 'the lanes came back');
    assert.equal(
      seen.findIndex((n) => n === 0),
      -1,
      'nothing was lost',
    );
    const cursors = await service.admin.fetchOffsets({
      groupId: `${options.prefix}fold`,
      topics: [`${options.prefix}weir.flows.enriched`],
    });
    const counts = cursors[0]!.partitions.map((p) => (JSON.parse(p.metadata!) as { count: number }).count);
    assert.equal(
      counts.reduce((a, b) => a + b, 0),
      RECORDS,
      'the state counts every record once',
    );
    t.diagnostic(`redelivered ${seen.reduce((sum, n) => sum + n - 1, 0)} of ${RECORDS}`);
  },
);
