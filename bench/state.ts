import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { configFrom } from '../cli/config/index.ts';
import { plannedDetectors } from '../cli/wire/planned.ts';
import { compiledRules } from '../cli/wire/rules.ts';
import { detectors, type DetectorType } from '../detectors/registry.ts';
import { createRoute } from '../detectors/rule/route.ts';
import { createSchedule } from '../detectors/rule/schedule.ts';
import type { LaneGroup } from '../pipeline/lane-group.ts';
import { localPlan } from '../pipeline/lane-plan.ts';
import type { LogEntry } from '../pipeline/log.ts';
import { fileSnapshots, inTurns } from '../pipeline/snapshots.ts';
import type { Flow } from '../schema/records.ts';
import { isQuick, type BenchRow } from './measure.ts';
import { overKafka } from './state-kafka.ts';
import {
  fullRangeScan,
  mixed,
  pairFlows,
  spoofedFlood,
  T0,
  type PairsOptions,
  type Service,
} from './state-traffic.ts';

const LANES = 12;
const BATCH = 1_000;
/** When quick, a tenth of everything: of sources and pairs, and of the keys that detectors may hold. */
const SHARE = isQuick ? 10 : 1;
const MILLION = 1_000_000 / SHARE;
const FLOOD = 500_000 / SHARE;
const SIZE = MILLION.toLocaleString('en');
const TEN_MINUTES_MS = 600_000;

/** A group of all lanes with what it is fed by, and what becomes of it. */
interface Fed {
  readonly group: LaneGroup;
  readonly evictions: Map<string, number>;
  readonly alerts: Map<string, number>;
  offset: number;
}

export async function newFed(wanted: readonly DetectorType[]): Promise<Fed> {
  const enabled = Object.fromEntries(
    Object.keys(detectors).map((type) => [type, { enabled: wanted.includes(type as DetectorType) }]),
  );
  const config = configFrom(JSON.stringify({ detectors: enabled }), { env: {} });
  const schedule = createSchedule(compiledRules(config.rules));
  const evictions = new Map<string, number>();
  const plan = localPlan({
    lanes: LANES,
    detectors: (await plannedDetectors(config.detectors, schedule)).map((each) => ({
      ...each,
      maxKeys: each.maxKeys / SHARE,
    })),
    ruleLanes: createRoute(schedule, LANES),
    maxWaiting: 300_000,
    evicted: (name, count) => void evictions.set(name, (evictions.get(name) ?? 0) + count),
  });
  const group = plan.create(0, {
    failed(error) {
      throw error;
    },
    late() {},
    overflowed() {},
  });
  return { group, evictions, alerts: new Map(), offset: 0 };
}

/** Folds a batch of flows in order, and passes their time. */
function fold(fed: Fed, make: (i: number) => Flow, from: number, count: number): void {
  const entries: LogEntry<Flow>[] = [];
  let endMs = 0;
  for (let i = from; i < from + count; i++) {
    const value = make(i);
    endMs = value.endMs;
    // Positions go on where other traffic came before.
    value.position = fed.offset;
    entries.push({ ...nothing, offset: fed.offset++, value });
  }
  const mark = { input: 'bench', of: 1, watermarkMs: endMs, final: false };
  entries.push({ ...nothing, offset: fed.offset++, mark });
  for (const { detector } of fed.group.take(0, entries))
    fed.alerts.set(detector, (fed.alerts.get(detector) ?? 0) + 1);
}

const nothing: Omit<LogEntry<Flow>, 'offset'> = {
  value: null,
  mark: null,
  raw: 0,
  clockMs: null,
  appendMs: Number.MAX_SAFE_INTEGER,
  bytes: null,
};

/** Folds all of it; CPU seconds for a million flows, made-up flows included. */
export function foldAll(
  fed: Fed,
  make: (i: number) => Flow,
  flows: number,
): { cpu: number; perSecond: number } {
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  for (let from = 0; from < flows; from += BATCH) fold(fed, make, from, Math.min(BATCH, flows - from));
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpu: (user + system) / flows,
    perSecond: flows / (Number(process.hrtime.bigint() - began) / 1e9),
  };
}

/** What is in use after collecting garbage: the heap and what lies outside of it. */
function usedBytes(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
const keysOf = ({ group }: Fed): number =>
  group.members.reduce(
    (sum, { state }) => state.detectors.reduce((each, { detector }) => each + detector.status().keys, sum),
    0,
  );
const evictionsOf = ({ evictions }: Fed): number => [...evictions.values()].reduce((a, b) => a + b, 0);

/** What one state came to. */
interface Figures {
  readonly keys: number;
  readonly heldMB: number;
  readonly residentMB: number;
  readonly evictions: number;
  readonly snapshotMB: number;
  readonly snapshotSeconds: number;
  /** Longest time in which no flow was folded because of the snapshot, and the CPU time of it. */
  readonly longestStopMs: number;
  readonly longestStopCpuMs: number;
  readonly restoreSeconds: number;
}

/** Saves the state to disk while flows go on being folded, and reads it back into a group of its own. */
async function saved(
  fed: Fed,
  empty: Fed,
  make: (i: number) => Flow,
): Promise<
  Pick<Figures, 'snapshotMB' | 'snapshotSeconds' | 'longestStopMs' | 'longestStopCpuMs' | 'restoreSeconds'>
> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-bench-state-'));
  try {
    const snapshots = fileSnapshots(directory);
    let longestStopMs = 0;
    let longestStopCpuMs = 0;
    let bytes = 0;
    /** Runs something that flows wait for. */
    const stopping = <T>(work: () => T): T => {
      const cpu = process.cpuUsage();
      const began = performance.now();
      const result = work();
      const tookMs = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      longestStopMs = Math.max(longestStopMs, tookMs);
      longestStopCpuMs = Math.max(longestStopCpuMs, (user + system) / 1000);
      return result;
    };
    const began = performance.now();
    const cut = stopping(() => fed.group.cut());
    const timed = {
      next() {
        const slice = stopping(() => cut.next());
        for (const chunk of slice ?? []) bytes += chunk.length;
        return slice;
      },
    };
    let reference: string | null = null;
    const written = snapshots.write(0, inTurns(timed)).then((name) => (reference = name));
    for (let from = 0; reference === null; from += BATCH) {
      fold(fed, make, from, BATCH);
      await setImmediate();
    }
    const snapshotSeconds = (performance.now() - began) / 1000;
    await written;
    const beganRestore = performance.now();
    const chunks = await snapshots.read(0, reference);
    const fresh = empty.group.restore(chunks);
    if (fresh.length > 0) throw new Error(`not restored: ${fresh.join(', ')}`);
    const restoreSeconds = (performance.now() - beganRestore) / 1000;
    return {
      snapshotMB: megabytes(bytes),
      snapshotSeconds,
      longestStopMs,
      longestStopCpuMs,
      restoreSeconds,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const every = Object.keys(detectors) as DetectorType[];

interface Scene {
  readonly name: string;
  readonly detectors: readonly DetectorType[];
  readonly traffic: PairsOptions;
  readonly contacts: number;
}

const rowOf = (
  name: string,
  { cpu, perSecond }: { cpu: number; perSecond: number },
  figures: object,
): BenchRow => ({
  name,
  unit: 'flows',
  perSecond,
  cpuSecondsPerMillion: cpu,
  note: Object.entries(figures)
    .map(([key, value]) => `${key} ${typeof value === 'number' ? Math.round(value * 100) / 100 : value}`)
    .join(', '),
});

/** Fills the tables, and measures what they hold. */
async function filled({ name, detectors: wanted, traffic, contacts }: Scene): Promise<BenchRow> {
  const before = usedBytes();
  const { heapUsed: heapBefore } = process.memoryUsage();
  const fed = await newFed(wanted);
  const took = foldAll(fed, pairFlows(traffic), traffic.pairs * contacts);
  const used = usedBytes();
  const { heapUsed } = process.memoryUsage();
  const figures = {
    keys: keysOf(fed),
    heldMB: megabytes(used - before),
    ofItHeapMB: megabytes(heapUsed - heapBefore),
    residentMB: megabytes(process.memoryUsage.rss()),
    evictions: evictionsOf(fed),
    alerts: [...fed.alerts].map(([detector, count]) => `${detector} ${count}`).join(' '),
    ...(await saved(fed, await newFed(wanted), spoofedFlood(T0 + contacts * traffic.everyMs))),
  };
  return rowOf(`state: ${name}`, took, figures);
}

const traffic = (services: readonly Service[], pairs = MILLION): PairsOptions => ({
  sources: MILLION,
  pairs,
  services,
  everyMs: TEN_MINUTES_MS,
});

/** What each detector holds the most of. */
const fills: Readonly<Record<DetectorType, Service>> = {
  beacon: 'call_home',
  brute_force: 'login',
  control_plane_access: 'database',
  deny_burst: 'denied',
  distributed_scan: 'unanswered',
  dns_abuse: 'name_lookup',
  exfiltration: 'web',
  flood: 'database',
  lateral_movement: 'login',
  long_connection: 'long',
  new_edge: 'database',
  policy_change: 'database',
  policy_denied: 'denied',
  port_scan: 'unanswered',
  rule: 'login',
  silence: 'database',
  threat_intel: 'web',
  verdict_mismatch: 'mismatched',
  volume: 'web',
};

/** The same flows before, during and after what is meant to fill the tables. */
async function attacked(): Promise<BenchRow[]> {
  const fed = await newFed(every);
  const settled = traffic(mixed, MILLION / 5);
  foldAll(fed, pairFlows(settled), settled.pairs * 3);
  const rows: BenchRow[] = [];
  let atMs = T0 + 3 * TEN_MINUTES_MS;
  const measured = (name: string, make: (i: number) => Flow, flows: number): void => {
    const evictions = evictionsOf(fed);
    const took = foldAll(fed, make, flows);
    rows.push(
      rowOf(`state: ${name}`, took, {
        keys: keysOf(fed),
        heldMB: megabytes(usedBytes()),
        residentMB: megabytes(process.memoryUsage.rss()),
        evictions: evictionsOf(fed) - evictions,
      }),
    );
  };
  const ordinary = (name: string): void => {
    const shifted = pairFlows(settled);
    const fromMs = atMs - T0;
    const make = (i: number): Flow => {
      const flow = shifted(i);
      flow.startMs += fromMs;
      flow.endMs += fromMs;
      return flow;
    };
    measured(name, make, settled.pairs);
    atMs += TEN_MINUTES_MS;
  };
  ordinary('ordinary pairs, before');
  measured('spoofed flood', spoofedFlood(atMs), FLOOD * 2);
  atMs += FLOOD;
  ordinary('ordinary pairs, after the flood');
  measured('full-range scan', fullRangeScan(atMs), FLOOD * 2);
  atMs += FLOOD;
  ordinary('ordinary pairs, after the scan');
  return rows;
}

/** Each in a process of its own, so that none inherits another's memory. */
export const states: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  together: async () => [
    await filled({
      name: `all detectors, ${SIZE} sources and pairs, three contacts`,
      detectors: every,
      traffic: traffic(mixed),
      contacts: 3,
    }),
  ],
  many: async () => [
    await filled({
      name: `all detectors, five pairs for each of ${SIZE} sources`,
      detectors: every,
      traffic: traffic(mixed, 5 * MILLION),
      contacts: 1,
    }),
  ],
  attacked,
  kafka: overKafka,
  ...Object.fromEntries(
    every.map((type) => [
      type,
      async () => [
        await filled({
          name: `${type} alone`,
          detectors: [type],
          traffic: traffic([fills[type]]),
          contacts: type === 'beacon' ? 3 : 1,
        }),
      ],
    ]),
  ),
};
