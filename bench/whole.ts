import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFrom, type Config } from '../cli/config/index.ts';
import { detectors } from '../detectors/registry.ts';
import { wireSinks } from '../cli/wire/daemon.ts';
import { localRuntime } from '../cli/wire/local.ts';
import { createBoard, type Shared } from '../cli/wire/process.ts';
import { systemClock } from '../pipeline/clock.ts';
import { runPumps } from '../pipeline/lifecycle.ts';
import { createMeter } from '../telemetry/meter.ts';
import type { BenchRow } from './measure.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** What one run of the whole path came to. */
export interface WholeRun {
  readonly flows: number;
  readonly seconds: number;
  /** Resident size in bytes at each tenth of the way. */
  readonly residentBytes: readonly number[];
}

export interface WholeOptions {
  readonly path: string;
  readonly count: number;
  readonly source?: string;
  /** `two` by default: `port_scan` and `policy_denied`. */
  readonly detectors?: 'two' | 'all';
  readonly store?: boolean;
}

/**
 * What `weir run` without Kafka does with a file: read, decode, enrich, append to the log on disk, judge with two
 * detectors and store; only that it ends with the file.
 */
export async function runWhole(options: WholeOptions): Promise<WholeRun> {
  const dir = mkdtempSync(join(tmpdir(), 'weir-bench-whole-'));
  const config = configOf(options, dir);
  const shared: Shared = {
    cluster: config.cluster,
    clock: systemClock,
    meter: createMeter(),
    log: silent,
    board: createBoard(),
  };
  const began = process.hrtime.bigint();
  try {
    const { sinks } = await wireSinks(config, shared);
    const residentBytes: number[] = [];
    let flows = 0;
    const runtime = await localRuntime(
      {
        config,
        sinks,
        stateDir: dir,
        follow: false,
        progress(_batch, made) {
          flows += made.length;
          while (flows >= ((residentBytes.length + 1) * options.count) / 10)
            residentBytes.push(process.memoryUsage.rss());
        },
      },
      shared,
    );
    const signal = new AbortController().signal;
    await runtime.start(signal);
    const common = { graceMs: 30_000, clock: systemClock, log: silent };
    const read = new AbortController();
    const readers = runPumps(runtime.readers, { ...common, stop: read.signal });
    await Promise.race([
      runPumps(runtime.sources, { ...common, stop: signal }).then(() => runtime.log.drained()),
      readers,
    ]);
    read.abort();
    await readers;
    await runtime.stop();
    return {
      flows,
      seconds: Number(process.hrtime.bigint() - began) / 1e9,
      residentBytes,
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function configOf(options: WholeOptions, dir: string): Config {
  const wanted = options.detectors === 'all' ? Object.keys(detectors) : ['port_scan', 'policy_denied'];
  return configFrom(
    JSON.stringify({
      version: 1,
      cluster: 'bench',
      state: { dir },
      sources: {
        flows: {
          type: options.source ?? 'netobserv',
          from: { file: { path: options.path, startAt: 'beginning' } },
        },
      },
      networks: { internal: ['10.0.0.0/8'] },
      detectors: Object.fromEntries(
        Object.keys(detectors).map((type) => [type, { enabled: wanted.includes(type) }]),
      ),
      rules: { shipped: options.detectors === 'all' ? ['recommended'] : [] },
      sinks: options.store === false ? {} : { store: { type: 'store', records: { flow: {}, alert: {} } } },
    }),
    { env: process.env, role: null },
  );
}

/** One row of a process of its own: `work` says how many flows it handled. */
export async function timed(
  row: Pick<BenchRow, 'name' | 'floor' | 'note'>,
  work: () => Promise<number> | number,
): Promise<BenchRow> {
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  const flows = await work();
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  return {
    ...row,
    unit: 'flows',
    perSecond: flows / seconds,
    cpuSecondsPerMillion: (user + system) / flows,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}
