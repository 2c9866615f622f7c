import type { Delivery, Sink } from '../../pipeline/contracts.ts';
import { runPumps } from '../../pipeline/lifecycle.ts';
import type { RecordKind } from '../../schema/records.ts';
import { configFrom, type Config, type SinkConfig } from '../config/index.ts';
import type { LocalRuntime, WiredSink } from './local.ts';
import type { Shared } from './process.ts';

/** What the lines of a replay are, where they do not say. */
export interface ReplayedLines {
  readonly source: string;
  readonly cluster?: string | undefined;
  readonly node?: string | undefined;
}

/** A configuration that reads these inputs from their beginning, with everything else as it is by default. */
export function replayConfig(
  lines: ReplayedLines,
  inputs: readonly string[],
  env: NodeJS.ProcessEnv,
): Config {
  const replayed = inputs.map((input, i) => ({
    name: `input${i + 1}`,
    type: lines.source,
    ...(lines.cluster ? { cluster: lines.cluster } : {}),
    ...(lines.node ? { node: lines.node } : {}),
    from:
      input === '-' ? { stdin: {} } : { file: { path: input, startAt: 'beginning', maxLineBytes: '16MiB' } },
  }));
  const text = JSON.stringify({
    sources: Object.fromEntries(replayed.map(({ name, ...source }) => [name, source])),
  });
  return configFrom(text, { env, role: 'collector' });
}

/** A sink that hands records of one kind to a function of ours. */
export function collectSink(
  name: string,
  kind: RecordKind,
  take: (items: readonly Delivery[]) => Promise<void> | undefined,
): WiredSink {
  const sink: Sink = { write: async (items) => take(items), batch: { maxRecords: 2000, maxWaitMs: 20 } };
  const config: SinkConfig = {
    name,
    type: 'replay',
    options: {},
    records: { [kind]: { where: null } },
    tenant: null,
    heartbeatMs: null,
    queue: null,
  };
  return { config, sink };
}

/** Starts a runtime over finite inputs, waits until everything that was read is judged and delivered, and stops it. */
export async function runToEnd(runtime: LocalRuntime, shared: Shared, stop: AbortSignal): Promise<void> {
  await runtime.start(stop);
  // What ends a replay is told once, by its error.
  const common = { graceMs: 30_000, clock: shared.clock, log: { ...shared.log, error() {} } };
  const read = new AbortController();
  try {
    const readers = runPumps(runtime.readers, { ...common, stop: read.signal });
    await Promise.race([
      runPumps(runtime.sources, { ...common, stop }).then(() => runtime.log.drained()),
      readers,
    ]);
    read.abort();
    await readers;
  } finally {
    read.abort();
    await runtime.stop();
  }
}
