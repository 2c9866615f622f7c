import { createSortBuffer } from '../pipeline/sort-buffer.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { isQuick, measure, type BenchRow } from './measure.ts';

const ITEMS = isQuick ? 100_000 : 500_000;
const DISORDER_MS = 5000;

interface Item {
  readonly timeMs: number;
  readonly id: string;
  readonly tie: number;
}

/** Items up to five seconds out of order, released as a watermark passes, beside one sort of them all. */
export async function bench(): Promise<BenchRow[]> {
  const random = seededRandom(3);
  const items: Item[] = Array.from({ length: ITEMS }, (_, i) => ({
    timeMs: Math.floor(i / 20) + Math.floor(random() * DISORDER_MS),
    id: `origin${String(i).padStart(10, '0')}`,
    tie: 0,
  }));
  let seen = 0;
  const floor = await measure({ name: 'sort: one array of all (floor)', unit: 'flows' }, ITEMS, () => {
    const sorted = [...items].sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1));
    seen += sorted.length;
  });
  const buffered = await measure({ name: 'sort: buffer', unit: 'flows', floor: floor.name }, ITEMS, () => {
    const buffer = createSortBuffer<Item>();
    for (const [i, item] of items.entries()) {
      buffer.add(item);
      if (i % 1000 === 999) seen += buffer.release(Math.floor(i / 20)).length;
    }
    seen += buffer.release(Infinity).length;
  });
  return [floor, buffered];
}
