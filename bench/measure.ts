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

/**
 * Runs `work` once to warm up and then three times (once when quick), and gives the medians: the machine's speed drifts, and one run
 * alone says little. `count` is how many units one run of `work` handles.
 */
export async function measure(what: Measured, count: number, work: () => unknown): Promise<BenchRow> {
  await work();
  const cpuSeconds: number[] = [];
  const wallSeconds: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const cpu = process.cpuUsage();
    const began = process.hrtime.bigint();
    await work();
    wallSeconds.push(Number(process.hrtime.bigint() - began) / 1e9);
    const { user, system } = process.cpuUsage(cpu);
    cpuSeconds.push((user + system) / 1e6);
  }
  return {
    ...what,
    perSecond: count / median(wallSeconds),
    cpuSecondsPerMillion: (median(cpuSeconds) / count) * 1e6,
  };
}
