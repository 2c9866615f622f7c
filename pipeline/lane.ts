import type { Flow, Alert } from '../schema/records.ts';
import type { Detector, Role } from './contracts.ts';
import { createSortBuffer } from './sort-buffer.ts';

/** A copy of a flow waiting in a lane for the watermark. */
export interface Waiting {
  /** Event time, capped at the time the log took it: a clock years ahead must not wait for years. */
  readonly timeMs: number;
  readonly id: string;
  readonly tie: number;
  readonly flow: Flow;
  readonly role: Role;
  /** Feed and offset it was read from: what a snapshot keeps instead of the flow. */
  readonly feed: number;
  readonly offset: number;
}

/** A detector in a lane, with the name it is counted under. */
export interface LaneDetector {
  readonly name: string;
  readonly detector: Detector;
  /** Flows that are none of its business are not shown to it. */
  readonly where: ((flow: Flow) => boolean) | null;
}

export interface LaneOptions {
  readonly detectors: readonly LaneDetector[];
  /** Most flows that may wait; beyond it the oldest second is folded early. */
  readonly maxWaiting: number;
  /** A record that makes a detector throw is the record's fault: the fold goes on without it. */
  readonly failed: (error: unknown, flow: Flow, detector: string) => void;
  readonly late: (flow: Flow, role: Role) => void;
  readonly overflowed: (count: number) => void;
}

/** One lane: what arrives in any order is folded in (time, id) order by every detector. */
export interface Lane {
  offer(item: Waiting, alerts: Alert[]): void;
  /** Folds everything up to the watermark and tells the detectors that event time has passed. */
  advance(watermarkMs: number, alerts: Alert[]): void;
  /** Feed and offset of all that waits. */
  waiting(): Iterable<Waiting>;
  /** Event time up to which everything was folded. */
  foldedMs: number;
  readonly detectors: readonly LaneDetector[];
  readonly size: number;
}

/** Whether a detector is shown copies of this role. */
function meets(key: Detector['key'], role: Role): boolean {
  if (key === 'endpoint') return role !== 'rule';
  return key === role || key === 'rule';
}

export function createLane(options: LaneOptions): Lane {
  const buffer = createSortBuffer<Waiting>();

  function observe(item: Waiting, only: 'all' | 'late', alerts: Alert[]): void {
    for (const { name, detector, where } of options.detectors) {
      if (!meets(detector.key, item.role)) continue;
      if (only === 'late' && detector.late !== 'fold') continue;
      try {
        if (where && !where(item.flow)) continue;
        for (const alert of detector.observe(item.flow, item.role)) alerts.push(alert);
      } catch (error) {
        options.failed(error, item.flow, name);
      }
    }
  }

  const lane: Lane = {
    foldedMs: -Infinity,
    detectors: options.detectors,
    get size() {
      return buffer.size;
    },
    waiting: () => buffer.items(),
    offer(item, alerts) {
      if (item.timeMs <= lane.foldedMs) {
        options.late(item.flow, item.role);
        return observe(item, 'late', alerts);
      }
      buffer.add(item);
      if (buffer.size <= options.maxWaiting) return;
      const { items, upToMs } = buffer.releaseOldest();
      options.overflowed(items.length);
      for (const early of items) observe(early, 'all', alerts);
      lane.foldedMs = Math.max(lane.foldedMs, upToMs);
    },
    advance(watermarkMs, alerts) {
      if (watermarkMs <= lane.foldedMs) return;
      for (const item of buffer.release(watermarkMs)) observe(item, 'all', alerts);
      lane.foldedMs = watermarkMs;
      for (const { detector } of options.detectors)
        for (const alert of detector.advance(watermarkMs)) alerts.push(alert);
    },
  };
  return lane;
}
