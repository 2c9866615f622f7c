import { partitionOf } from '../../pipeline/partition.ts';
import type { Detector, DetectorFactory, Role } from '../../pipeline/contracts.ts';
import type { RuleLanes } from '../../pipeline/lane-plan.ts';
import type { Notice } from '../../pipeline/notice.ts';
import type { Alert, Flow } from '../../schema/records.ts';

/** What a detector is shown. */
export type Item = Flow | Notice;

const isNotice = (item: Item): item is Notice => 'record' in item;

/** How flows are shown to a detector; what it finds may not depend on it. */
export interface RunOptions {
  readonly lanes?: number;
  readonly maxKeys?: number;
  /** Advances time after every so many flows; 0 only at the end. */
  readonly advanceEvery?: number;
  /** Snapshots and restores into a fresh instance after every so many flows; 0 never. */
  readonly restartEvery?: number;
  /** Event time after the last flow at which all is closed. */
  readonly tailMs?: number;
  /** Lanes of copies for rules, when there are so many lanes. */
  readonly ruleLanes?: (lanes: number) => RuleLanes;
}

export interface RunResult {
  readonly alerts: readonly Alert[];
  readonly evicted: number;
  /** Largest snapshot chunk, 0 when none was taken. */
  readonly chunkBytes: number;
  /** Size of the last snapshot over all lanes. */
  readonly snapshotBytes: number;
  readonly keys: number;
}

const DAY_MS = 86_400_000;

/**
 * Shows flows to a detector as the runtime does: in (endMs, id) order, in the lanes of their entities, and notices
 * between them in every lane.
 */
export function runDetector(
  factory: DetectorFactory,
  flows: readonly Item[],
  options: RunOptions = {},
): RunResult {
  const { lanes = 12, maxKeys = 100_000, advanceEvery = 0, restartEvery = 0, tailMs = 3 * DAY_MS } = options;
  let evicted = 0;
  let chunkBytes = 0;
  let snapshotBytes = 0;
  const make = (lane: number): Detector =>
    factory({ lane, lanes, maxKeys, contentVersion: 'test', evicted: (count) => (evicted += count) });
  const detectors = Array.from({ length: lanes }, (_, lane) => make(lane));
  const alerts: Alert[] = [];
  const ruleLanes = options.ruleLanes?.(lanes) ?? (() => []);
  const showIn = (lane: number, flow: Flow, role: Role): void => {
    const detector = detectors[lane]!;
    const isOfSide = role !== 'rule' && (detector.key === 'endpoint' || detector.key === role);
    if (isOfSide || detector.key === 'rule') alerts.push(...detector.observe(flow, role));
  };
  const show = (flow: Flow, role: 'source' | 'destination'): void => {
    const side = role === 'source' ? flow.source : flow.destination;
    showIn(partitionOf(side.entity ?? side.ip ?? '', lanes), flow, role);
  };
  let seen = 0;
  for (const item of inOrder(flows)) {
    if (isNotice(item)) for (const detector of detectors) alerts.push(...(detector.notice?.(item) ?? []));
    else {
      show(item, 'source');
      show(item, 'destination');
      for (const lane of ruleLanes(item)) showIn(lane, item, 'rule');
    }
    seen++;
    if (advanceEvery > 0 && seen % advanceEvery === 0) {
      for (const detector of detectors) alerts.push(...detector.advance(timeOf(item)));
    }
    if (restartEvery > 0 && seen % restartEvery === 0) {
      snapshotBytes = 0;
      for (const [lane, detector] of detectors.entries()) {
        const chunks = [...detector.snapshot()];
        for (const { length } of chunks) {
          chunkBytes = Math.max(chunkBytes, length);
          snapshotBytes += length;
        }
        detectors[lane] = make(lane);
        detectors[lane].restore(chunks);
      }
    }
  }
  const keys = detectors.reduce((sum, detector) => sum + detector.status().keys, 0);
  const last = flows.reduce((latest, item) => Math.max(latest, timeOf(item)), 0);
  for (const detector of detectors) alerts.push(...detector.advance(last + tailMs));
  return { alerts, evicted, chunkBytes, snapshotBytes, keys };
}

/** The order in which detectors meet flows: the runtime caps their time at that of the log. */
export const inOrder = <T extends Item>(items: readonly T[]): readonly T[] =>
  [...items].sort((a, b) => timeOf(a) - timeOf(b) || (idOf(a) < idOf(b) ? -1 : 1));

const timeOf = (item: Item): number => (isNotice(item) ? item.timeMs : Math.min(item.endMs, item.receivedMs));
const idOf = (item: Item): string => (isNotice(item) ? item.record.id : item.id);

/** Alerts by id and revision, so that runs can be compared whatever the order over ids. */
export const canonical = (alerts: readonly Alert[]): readonly Alert[] =>
  [...alerts].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : a.revision - b.revision));

/** What would notify somebody: a new or a worse alert, from severity low on. */
export const notifications = (alerts: readonly Alert[]): readonly Alert[] =>
  alerts.filter(
    (alert) =>
      (alert.action === 'opened' || alert.action === 'escalated') &&
      alert.severity !== 'info' &&
      !alert.historical,
  );

export const opened = (alerts: readonly Alert[]): readonly Alert[] =>
  alerts.filter((alert) => alert.action === 'opened');
