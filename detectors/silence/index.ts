import type { Detector, DetectorContext, DetectorFactory } from '../../pipeline/contracts.ts';
import type { Report } from '../../pipeline/notice.ts';
import { partitionOf } from '../../pipeline/partition.ts';
import type { Alert, Flow } from '../../schema/records.ts';
import { createAlertBook, MAX_OPEN_ALERTS } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import { createBaseline } from '../baseline.ts';
import { eventMs } from '../event-time.ts';
import { addNumber, addText, finishHash, handleOf, newHash, startHash } from '../hash.ts';
import { bytesOf, readAs } from '../key-table.ts';
import { entityKey, isInventoried, summaryOf } from '../party.ts';
import { stateOf } from '../snapshot.ts';
import { explain, rules, severityOf, type Silent } from './explain.ts';
import { createLossAlerts } from './loss-alerts.ts';
import { nodeKey, nodeNames, sourceKey, sourceNames, workloadNames, type Names } from './names.ts';
import type { Options } from './options.ts';
import { createSubjects, MINUTE_MS, minuteOf, type Profile, type Subjects } from './subjects.ts';

const NAME = 'silence';
const STATE_VERSION = 1;
const NONE: readonly Alert[] = [];
/** Most of each kind that are watched in a lane: each takes some hundred bytes. */
const MAX_WATCHED = 2_000;
const codes: Readonly<Record<Silent, number>> = { workload: 1, node: 2, source: 3 };

/**
 * Finds who no longer reports, and where losses grow. Each is missed by the clock of who still reports: a workload by its
 * node, a node by its source, and a source by event time. So what stops many is told once, of the widest.
 */
export const create =
  (options: Options): DetectorFactory =>
  (context) =>
    createSilence(options, context);

function createSilence(options: Options, context: DetectorContext): Detector {
  const { evicted, maxKeys, lane, lanes } = context;
  const baseline = createBaseline('silence', options.learnMs);
  const common = {
    ...options,
    maxKeys,
    maxWatched: Math.min(maxKeys, MAX_WATCHED),
    pauseMs: options.nodeMs,
    turnedAway: () => evicted(1),
  };
  const workloads = createSubjects({
    ...common,
    name: 'workload',
    leastMs: options.workloadMs,
    evicted: () => evicted(1),
  });
  const nodes = createSubjects({
    ...common,
    name: 'node',
    leastMs: options.nodeMs,
    evicted(slot) {
      workloads.forget('node', slot);
      evicted(1);
    },
  });
  const sources = createSubjects({
    ...common,
    name: 'source',
    leastMs: options.nodeMs,
    evicted(slot) {
      workloads.forget('source', slot);
      nodes.forget('source', slot);
      evicted(1);
    },
  });
  const book = createAlertBook({
    name: 'silence',
    detector: NAME,
    contentVersion: context.contentVersion,
    quietMs: options.quietMs,
    maxOpen: Math.min(maxKeys, MAX_OPEN_ALERTS),
    runbook: `detectors/${NAME}/README.md`,
    evicted,
    explain,
  });
  const losses = createLossAlerts(options, context, { book, baseline });
  const subjectsOf = { workload: workloads, node: nodes, source: sources };
  const own = newHash();
  const by = newHash();
  /** Event time of what was folded: what came late happens now. */
  let nowMs = Number.NEGATIVE_INFINITY;
  /** The next full minute. By then everything of the minute before is known, in whatever order it came. */
  let dueMs = Number.NEGATIVE_INFINITY;
  const time = {
    section: () => ['time', bytesOf(Float64Array.of(nowMs, dueMs))] as const,
    restore(sections: ReadonlyMap<string, Uint8Array>) {
      const [now, due] = readAs(Float64Array, sections.get('time') ?? new Uint8Array(0));
      nowMs = now ?? Number.NEGATIVE_INFINITY;
      dueMs = due ?? Number.NEGATIVE_INFINITY;
    },
  };

  /** What time alone decides. */
  function settle(timeMs: number): Alert[] | null {
    let out: Alert[] | null = null;
    if (timeMs >= dueMs) {
      const minuteMs = minuteOf(timeMs) * MINUTE_MS;
      judge(minuteMs, (out = []));
      dueMs = minuteMs + MINUTE_MS;
    }
    if (timeMs > book.dueMs) book.closeDue(timeMs, (out ??= []));
    return out;
  }

  function pass(timeMs: number): Alert[] | null {
    if (timeMs > nowMs) nowMs = timeMs;
    return settle(nowMs);
  }

  function observe(flow: Flow): readonly Alert[] {
    const out = pass(eventMs(flow));
    if (!isInventoried(flow.source)) return out ?? NONE;
    // Its key names its cluster.
    hashOf('workload', '', entityKey(flow.source));
    const slot = workloads.meet(own, nowMs);
    if (!workloads.isNewMinute) return out ?? NONE;
    const profile = workloads.profiles.get(slot);
    if (profile !== undefined) Object.assign(profile, reporterOf(flow), { flow: summaryOf(flow) });
    else if (workloads.isReady(slot)) watch(workloads, slot, () => workloadNames(flow), flow);
    return (workloads.isBack ? returned(workloads, nowMs, out) : out) ?? NONE;
  }

  /** Every lane hears of every node and source, by whose clocks others are missed. Each is missed itself in one lane. */
  function reported(report: Report, timeMs: number): readonly Alert[] {
    const { cluster, node, collector } = report;
    let out = pass(timeMs);
    baseline.pass(cluster, report.minuteMs);
    hashOf('source', cluster, collector);
    out = met(sources, sourceKey(cluster, collector), () => sourceNames(report), { report, out });
    if (node === null) return out ?? NONE;
    hashOf('node', cluster, node);
    return met(nodes, nodeKey(cluster, node), () => nodeNames(cluster, node), { report, out }) ?? NONE;
  }

  /** `own` is the hash of who reported. */
  function met(
    subjects: Subjects,
    key: string,
    names: () => Names,
    { report, out }: { readonly report: Report; readonly out: Alert[] | null },
  ): Alert[] | null {
    const slot = subjects.meet(own, report.minuteMs);
    if (partitionOf(key, lanes) !== lane) return out;
    if (!subjects.profiles.has(slot) && subjects.isReady(slot)) watch(subjects, slot, names, report);
    return subjects.isBack ? returned(subjects, report.minuteMs, out) : out;
  }

  function hashOf(kind: Silent, cluster: string, text: string, hash = own): void {
    startHash(hash);
    addNumber(hash, codes[kind]);
    addText(hash, cluster);
    addText(hash, text);
    finishHash(hash);
  }

  function watch(subjects: Subjects, slot: number, names: () => Names, seen: Flow | Report): void {
    subjects.watch(slot, {
      ...names(),
      ...reporterOf(seen),
      handle: handleOf(own),
      flow: 'destination' in seen ? summaryOf(seen) : null,
    });
  }

  function reporterOf(seen: Flow | Report): Pick<Profile, 'node' | 'source'> {
    hashOf('source', seen.cluster, seen.collector, by);
    const source = sources.find(by);
    if (seen.node === null) return { node: -1, source };
    hashOf('node', seen.cluster, seen.node, by);
    return { node: nodes.find(by), source };
  }

  function returned(subjects: Subjects, timeMs: number, out: Alert[] | null): Alert[] | null {
    const alert = book.get(handleOf(own));
    if (alert === undefined) return out;
    alert.facts['awayMs'] = subjects.awayMs;
    const alerts = out ?? [];
    book.close(alert, Math.max(timeMs, alert.lastMs), alerts);
    return alerts;
  }

  /** Who is silent as of a full minute. */
  function judge(minuteMs: number, out: Alert[]): void {
    for (const slot of sources.profiles.keys()) {
      const { lastMs, thresholdMs } = sources.historyOf(slot);
      if (minuteMs > lastMs + thresholdMs) tell('source', slot, lastMs + thresholdMs, out);
    }
    for (const [slot, { source }] of nodes.profiles) missed('node', slot, [sources, source], out);
    for (const [slot, { node, source }] of workloads.profiles)
      missed('workload', slot, node === -1 ? [sources, source] : [nodes, node], out);
  }

  /** Whether the clock that somebody is missed by has gone on for too long without them. */
  function missed(
    kind: 'node' | 'workload',
    slot: number,
    [clocks, at]: readonly [Subjects, number],
    out: Alert[],
  ): void {
    if (at === -1) return;
    const { lastMs, thresholdMs } = subjectsOf[kind].historyOf(slot);
    const silentMs = clocks.lastMs(at) - Math.max(lastMs, clocks.sinceMs(at));
    if (silentMs >= thresholdMs) tell(kind, slot, clocks.lastMs(at) + MINUTE_MS, out);
  }

  function tell(kind: Silent, slot: number, timeMs: number, out: Alert[]): void {
    const subjects = subjectsOf[kind];
    const { lastMs, longestMs, thresholdMs, perHour, historyMs } = subjects.historyOf(slot);
    const { handle, entity, inScope, query, cluster, name, tenant, owner, flow } =
      subjects.profiles.get(slot)!;
    subjects.giveUp(slot);
    const seen = { timeMs, cluster, name, tenant, owner, recordId: null };
    book.open(
      handle,
      flow === null ? seen : { ...seen, flow },
      {
        key: `${kind} ${entity.key}`,
        about: 'source',
        entity,
        target: null,
        rule: rules[kind],
        severity: severityOf(kind, inScope),
        attack: kind === 'workload' ? [] : [attacks.impairDefenses],
        query,
        earlier: { count: 0, firstMs: lastMs, ports: [] },
        facts: { silentMs: timeMs - lastMs, longestMs, thresholdMs, perHour, historyMs },
      },
      out,
    );
  }

  return {
    key: 'source',
    late: 'fold',
    observe: (flow, role) => (role === 'source' ? observe(flow) : NONE),
    notice(notice) {
      if (notice.kind === 'report') return reported(notice.record, notice.timeMs);
      if (notice.kind !== 'loss') return NONE;
      const out = pass(notice.timeMs) ?? [];
      losses.take(notice.record, nowMs, out);
      return out;
    },
    advance: (watermarkMs) => settle(Math.max(nowMs, watermarkMs)) ?? NONE,
    ...stateOf(NAME, STATE_VERSION, [time, baseline, workloads, nodes, sources, losses, book]),
    learned: (cluster, fromMs, toMs) => baseline.learned(cluster, fromMs, toMs),
    status: (atMs) => ({
      state: baseline.state(atMs),
      keys: workloads.size + nodes.size + sources.size + losses.size,
    }),
  };
}
