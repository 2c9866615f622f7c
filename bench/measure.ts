import { median } from 'simple-statistics';

/** One line of the table of `npm run bench`. */
export interface BenchRow {
  readonly name: string;
  /** What is counted, such as `flows`. */
  readonly unit: string;
  readonly perSecond: number;
  /** CPU seconds (user and system, all threads) for a million units. */
  readonly cpuSecondsPerMillion: number;
  /** Name of the row that does only what cannot be avoided, measured in the same run. */
  readonly floor?: string;
  /** Peak resident size of the process that ran it; of a row of its own only where it had one of its own. */
  readonly peakBytes?: number;
  readonly note?: string;
}

/** What to measure. */
export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly floor?: string;
}

/** `--quick` takes what it gets the first time. */
export const isQuick = process.env['WEIR_BENCH_QUICK'] === '1';
const RUNS = isQuick ? 1 : 3;

/** One of several things that are measured beside each other. */
export interface Work {
  readonly name: string;
  readonly floor?: string;
  readonly run: () => unknown;
}

/**
 * Runs `work` once to warm up and then three times (once when quick), and gives the medians: the machine's speed
 * drifts, and one run alone says little. `count` is how many units one run of `work` handles.
 */
export async function measure(what: Measured, count: number, work: () => unknown): Promise<BenchRow> {
  const [row] = await measureTogether([{ ...what, run: work }], what.unit, count);
  return row!;
}

/** The same for several, in turns, so that floor and subject meet the same machine. */
export async function measureTogether(
  works: readonly Work[],
  unit: string,
  count: number,
): Promise<BenchRow[]> {
  const cpuSeconds = works.map((): number[] => []);
  const wallSeconds = works.map((): number[] => []);
  for (let round = 0; round <= RUNS; round++) {
    for (const [i, { run }] of works.entries()) {
      const cpu = process.cpuUsage();
      const began = process.hrtime.bigint();
      await run();
      if (round === 0) continue;
      wallSeconds[i]!.push(Number(process.hrtime.bigint() - began) / 1e9);
      const { user, system } = process.cpuUsage(cpu);
      cpuSeconds[i]!.push((user + system) / 1e6);
    }
  }
  return works.map(({ name, floor }, i) => ({
    name,
    unit,
    ...(floor === undefined ? {} : { floor }),
    perSecond: count / median(wallSeconds[i]!),
    cpuSecondsPerMillion: (median(cpuSeconds[i]!) / count) * 1e6,
  }));
}
