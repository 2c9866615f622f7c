import type { Flow, Alert } from '../schema/records.ts';
import type { Detector, Role } from './contracts.ts';
import type { Notice } from './notice.ts';
import type { Rest } from './rest.ts';
import { createSortBuffer, type Sortable } from './sort-buffer.ts';

/** A copy of a flow on its way into a lane. */
export interface Copy {
  readonly flow: Flow;
  readonly role: Role;
  /** Event time, capped at the time the log took it: a clock years ahead must not wait for years. */
  readonly timeMs: number;
  /** Feed and offset it was read from: what a snapshot keeps instead of the flow. */
  readonly feed: number;
  readonly offset: number;
}

/** A notice on its way into a lane. */
export interface Told {
  readonly notice: Notice;
  readonly timeMs: number;
  readonly feed: number;
  readonly offset: number;
}

/** A copy that waits for the watermark. */
interface WaitingFlow extends Sortable {
  /** Where the flow rests. */
  readonly slot: number;
}

/** Notices are few: each waits as it is. */
type Waiting = WaitingFlow | (Sortable & Told);

/** A detector in a lane, with the name it is counted under. */
export interface LaneDetector {
  readonly name: string;
  readonly detector: Detector;
  /** Flows that are none of its business are not shown to it. */
  readonly where: ((flow: Flow) => boolean) | null;
}

export interface LaneOptions {
  readonly detectors: readonly LaneDetector[];
  /** Where flows wait; lanes that are fed together share it. */
  readonly rest: Rest;
  /** Most flows that may wait; beyond it the oldest second is folded early. */
  readonly maxWaiting: number;
  /**
   * A record that makes a detector throw is the record's fault: the fold goes on without it. `inARow` counts
   * the flows this detector failed on without one in between that it took.
   */
  readonly failed: (error: unknown, item: Flow | Notice, detector: string, inARow: number) => void;
  readonly late: (item: Flow | Notice, role: Role | 'notice') => void;
  readonly overflowed: (count: number) => void;
}

/** One lane: what arrives in any order is folded in (time, id) order by every detector. */
export interface Lane {
  offer(copy: Copy, alerts: Alert[]): void;
  tell(told: Told, alerts: Alert[]): void;
  /** Folds everything up to the watermark and tells the detectors that event time has passed. */
  advance(watermarkMs: number, alerts: Alert[]): void;
  /** Where all that waits was read from. */
  waiting(): Iterable<Pick<Copy, 'feed' | 'offset'>>;
  /** Event time up to which everything was folded. */
  foldedMs: number;
  readonly detectors: readonly LaneDetector[];
  readonly size: number;
}

/** Roles in the order in which copies of one flow are folded. */
const ROLES = ['source', 'destination', 'rule'] as const satisfies readonly Role[];

/** Whether a detector is shown copies of this role. */
function meets(key: Detector['key'], role: Role): boolean {
  if (key === 'endpoint') return role !== 'rule';
  return key === role || key === 'rule';
}

export function createLane(options: LaneOptions): Lane {
  const { rest } = options;
  const buffer = createSortBuffer<Waiting>();
  const failuresInARow = options.detectors.map(() => 0);

  function observe(flow: Flow, role: Role, only: 'all' | 'late', alerts: Alert[]): void {
    for (let i = 0; i < options.detectors.length; i++) {
      const { name, detector, where } = options.detectors[i]!;
      if (!meets(detector.key, role)) continue;
      if (only === 'late' && detector.late !== 'fold') continue;
      try {
        if (where && !where(flow)) continue;
        for (const alert of detector.observe(flow, role)) alerts.push(alert);
        failuresInARow[i] = 0;
      } catch (error) {
        options.failed(error, flow, name, ++failuresInARow[i]!);
      }
    }
  }

  function notify(notice: Notice, only: 'all' | 'late', alerts: Alert[]): void {
    for (let i = 0; i < options.detectors.length; i++) {
      const { name, detector } = options.detectors[i]!;
      if (!detector.notice || (only === 'late' && detector.late !== 'fold')) continue;
      try {
        for (const alert of detector.notice(notice)) alerts.push(alert);
        failuresInARow[i] = 0;
      } catch (error) {
        options.failed(error, notice, name, ++failuresInARow[i]!);
      }
    }
  }

  function wake(item: Waiting, alerts: Alert[]): void {
    if ('notice' in item) return notify(item.notice, 'all', alerts);
    const { slot, tie } = item;
    const flow = rest.wake(slot);
    rest.release(slot);
    observe(flow, ROLES[tie]!, 'all', alerts);
  }

  /** Puts it in order; when too much waits, the oldest second is folded early. */
  function wait(item: Waiting, alerts: Alert[]): void {
    buffer.add(item);
    if (buffer.size <= options.maxWaiting) return;
    const { items, upToMs } = buffer.releaseOldest();
    options.overflowed(items.length);
    for (const early of items) wake(early, alerts);
    lane.foldedMs = Math.max(lane.foldedMs, upToMs);
  }

  const lane: Lane = {
    foldedMs: -Infinity,
    detectors: options.detectors,
    get size() {
      return buffer.size;
    },
    *waiting() {
      for (const item of buffer.items())
        yield 'notice' in item ? item : { feed: rest.feedOf(item.slot), offset: rest.offsetOf(item.slot) };
    },
    offer({ flow, role, timeMs, feed, offset }, alerts) {
      if (timeMs <= lane.foldedMs) {
        options.late(flow, role);
        return observe(flow, role, 'late', alerts);
      }
      const slot = rest.put(flow, feed, offset);
      wait({ timeMs, id: flow.id, tie: ROLES.indexOf(role), slot }, alerts);
    },
    tell(told, alerts) {
      const { notice, timeMs, feed, offset } = told;
      if (timeMs <= lane.foldedMs) {
        options.late(notice, 'notice');
        return notify(notice, 'late', alerts);
      }
      wait({ timeMs, id: notice.record.id, tie: 0, notice, feed, offset }, alerts);
    },
    advance(watermarkMs, alerts) {
      if (watermarkMs <= lane.foldedMs) return;
      for (const item of buffer.release(watermarkMs)) wake(item, alerts);
      lane.foldedMs = watermarkMs;
      for (const { detector } of options.detectors)
        for (const alert of detector.advance(watermarkMs)) alerts.push(alert);
    },
  };
  return lane;
}
