import { readFileSync } from 'node:fs';
import { systemClock } from '../pipeline/clock.ts';
import { noMeter } from '../pipeline/meter.ts';
import type { Alert, Endpoint, Flow, Incident } from '../schema/records.ts';
import type { Config } from '../cli/config/index.ts';
import { localRuntime, type LocalRuntime } from '../cli/wire/local.ts';
import { createBoard, type Shared } from '../cli/wire/process.ts';
import { collectSink, replayConfig, runToEnd } from '../cli/wire/replay.ts';
import type { Case } from './cases.ts';
import { readLabels, uidsByPosition, unlabelled, unpacked, type Label } from './labels.ts';

/** What scoring needs of a flow. */
export interface Seen {
  readonly id: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Address, or name where the log has names. */
  readonly source: string;
  readonly destination: string;
  readonly sourceIsInside: boolean;
  readonly destinationIsInside: boolean;
  /** Whether the responder sent anything back. */
  readonly answered: boolean;
  readonly label: Label;
}

export interface Ran {
  readonly flows: readonly Seen[];
  /** Every revision, in the order they came. */
  readonly alerts: readonly Alert[];
  readonly incidents: readonly Incident[];
  readonly malformed: number;
  /** Rows of the log whose uid has a label. */
  readonly labelled: number;
}

/** Replays one case through everything that `weir replay` is made of, with all options as they are by default but for what `change` says. */
export async function runCase(
  one: Case,
  stop: AbortSignal,
  change: (config: Config) => Config = (config) => config,
): Promise<Ran> {
  if (one.log === null) throw new Error('there is no conn.log of this name');
  const labelAt = labelsByPosition(one);
  const flows: Seen[] = [];
  const alerts: Alert[] = [];
  const incidents: Incident[] = [];
  let malformed = 0;
  let recordedToMs = Number.NEGATIVE_INFINITY;
  const config = change(replayConfig({ source: 'zeek_conn' }, [one.log], {}));
  const shared: Shared = {
    cluster: config.cluster,
    clock: systemClock,
    meter: noMeter,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    board: createBoard(),
  };
  const sinks = [
    collectSink('flows', 'flow', async (items) => {
      for (const { record } of items) flows.push(seenOf(record as Flow, labelAt));
    }),
    collectSink('alerts', 'alert', async (items) => {
      for (const { record } of items) alerts.push(record as Alert);
    }),
    collectSink('incidents', 'incident', async (items) => {
      for (const { record } of items) incidents.push(record as Incident);
    }),
  ];
  const progress = (_batch: unknown, _made: unknown, rejects: readonly unknown[], endMs: number): void => {
    malformed += rejects.length;
    recordedToMs = Math.max(recordedToMs, endMs);
  };
  const runtime = await localRuntime({ config, sinks, stateDir: null, follow: false, progress }, shared);
  await runToEnd(
    { ...runtime, sources: [untilAllIsClosed(runtime, config.sources[0]!.name, () => recordedToMs)] },
    shared,
    stop,
  );
  if (flows.length === 0) throw new Error(`no flow could be read, ${malformed} malformed lines`);
  return {
    flows,
    alerts: withoutSilenceAfterwards(alerts, recordedToMs),
    incidents,
    malformed,
    labelled: labelAt.size,
  };
}

/** Longer than any alert or incident stays open without evidence. */
const AFTERWARDS_MS = 8 * 86_400_000;

/**
 * Reads the recording, then lets event time pass until every alert has closed. What is still open at the end of a
 * recording would else be known only up to its last revision, and those come at powers of ten of its evidence: of an alert with 400
 * flows, the 300 after the hundredth would count as hours in which nobody was told.
 */
const untilAllIsClosed = (
  { sources, log }: LocalRuntime,
  input: string,
  recordedToMs: () => number,
): LocalRuntime['sources'][number] => ({
  name: 'recording',
  async run(signals) {
    await Promise.all(sources.map((source) => source.run(signals)));
    const watermarkMs = recordedToMs() + AFTERWARDS_MS;
    if (signals.drain.aborted || !Number.isFinite(watermarkMs)) return;
    const mark = { input, of: 1, watermarkMs, final: true };
    const partitions = Array.from({ length: log.partitions('enriched') }, (_, partition) => partition);
    await log.append(
      'enriched',
      partitions.map((partition) => ({ partition, key: null, value: null, mark })),
    );
  },
});

/** That a recording ends is no silence of those in it: what was raised after its last flow is left out. */
function withoutSilenceAfterwards(alerts: readonly Alert[], endMs: number): Alert[] {
  const raised = new Map<string, number>();
  for (const { id, raisedMs } of alerts) raised.set(id, Math.min(raised.get(id) ?? Infinity, raisedMs));
  return alerts.filter(({ id }) => raised.get(id)! <= endMs);
}

function labelsByPosition(one: Case): Map<number, Label> {
  const at = new Map<number, Label>();
  if (one.labels === null || one.log === null) return at;
  const labels = readLabels(unpacked(readFileSync(one.labels)).toString('utf8'));
  for (const [position, uid] of uidsByPosition(unpacked(readFileSync(one.log)))) {
    const label = labels.get(uid);
    if (label) at.set(position, label);
  }
  return at;
}

const nameOf = (endpoint: Endpoint): string => endpoint.ip ?? endpoint.hostname ?? 'unknown';

const isInside = ({ kind }: Endpoint): boolean => kind !== 'public' && kind !== 'unknown';

const seenOf = (flow: Flow, labelAt: ReadonlyMap<number, Label>): Seen => ({
  id: flow.id,
  startMs: flow.startMs,
  endMs: flow.endMs,
  source: nameOf(flow.source),
  destination: nameOf(flow.destination),
  sourceIsInside: isInside(flow.source),
  destinationIsInside: isInside(flow.destination),
  answered: (flow.destinationPackets ?? 0) > 0 || (flow.connectionsCompleted ?? 0) > 0,
  label: labelAt.get(flow.position) ?? unlabelled,
});
