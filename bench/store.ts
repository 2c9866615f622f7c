import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery } from '../pipeline/contracts.ts';
import { codecOf } from '../schema/codec.ts';
import { openStore, type Store } from '../store/index.ts';
import { clusterFlows } from './flows.ts';
import type { BenchRow } from './measure.ts';

const ROWS = 1_000_000;
const WRITE = 8192;
const IN_FLIGHT = 24;

/** Deliveries as the local log gives them: bytes at hand, the record not looked at. */
function prepared(count: number): Delivery[][] {
  const make = clusterFlows();
  const codec = codecOf('flow');
  const writes: Delivery[][] = [];
  for (let from = 0; from < count; from += WRITE) {
    const flows = make(from, Math.min(WRITE, count - from));
    writes.push(
      flows.map((record, i) => ({
        kind: 'flow',
        record,
        topic: 'enriched',
        partition: 0,
        offset: from + i,
        bytes: codec.encode(record),
      })),
    );
  }
  return writes;
}

/** Keeps as many writes under way as the sink allows. `offset` is added to what the deliveries carry. */
async function writeAll(
  store: Store,
  writes: readonly (readonly Delivery[])[],
  offset: number,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  for (const write of writes) {
    const items = offset === 0 ? write : write.map((item) => ({ ...item, offset: item.offset + offset }));
    const one = store.write(items).finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= IN_FLIGHT) await Promise.race(underWay);
  }
  await Promise.all(underWay);
}

/** Append through the store's thread from bytes, bytes a row, and searches over what was written. */
export async function bench(): Promise<BenchRow[]> {
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-store-'));
  const rows: BenchRow[] = [];
  const timed = async (
    name: string,
    unit: string,
    count: number,
    work: () => Promise<unknown>,
  ): Promise<void> => {
    const cpu = process.cpuUsage();
    const began = process.hrtime.bigint();
    await work();
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    rows.push({ name, unit, perSecond: count / seconds, cpuSecondsPerMillion: (user + system) / count });
  };
  try {
    const distinct = 200_000;
    const writes = prepared(distinct);
    const store = await openStore({ dir });
    await writeAll(store, writes, 0);
    await timed('store: append, 1 M flows from Avro bytes', 'flows', ROWS, async () => {
      for (let i = 1; i <= ROWS / distinct; i++) await writeAll(store, writes, i * distinct);
    });
    await store.roll();
    const { bytes, writtenRows } = await store.stats();
    rows.push({
      name: 'store: bytes a flow on disk',
      unit: 'bytes',
      perSecond: bytes / writtenRows,
      cpuSecondsPerMillion: 0,
    });
    const all = { fromMs: null, toMs: null };
    const first100 = async (query: string, talkedTo?: string): Promise<void> => {
      const options = { limit: 100, ...(talkedTo === undefined ? {} : { talkedTo }) };
      for await (const page of store.search(query, all, options)) void page;
    };
    await timed('store: search a namespace and verdict, newest 100', 'searches', 1, () =>
      first100('source.namespace : team-7 and verdict : deny'),
    );
    await timed('store: search one address on either side, newest 100', 'searches', 1, () =>
      first100('', '10.128.3.4'),
    );
    await timed('store: search a network, newest 100', 'searches', 1, () =>
      first100('destination.ip : 203.0.0.0/12'),
    );
    await timed('store: export every flow', 'flows', writtenRows, async () => {
      for await (const page of store.search('', all)) void page;
    });
    await store.close();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return rows;
}
