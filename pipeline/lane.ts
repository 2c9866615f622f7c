import type { Flow, Alert } from '../schema/records.ts';
import type { Detector, Role } from './contracts.ts';
import type { Notice } from './notice.ts';

/** A detector in a lane, with the name it is counted under. */
export interface LaneDetector {
  readonly name: string;
  readonly detector: Detector;
  /** Flows that are none of its business are not shown to it. */
  readonly where: ((flow: Flow) => boolean) | null;
  /** Digest of its options: what it learned with others is not for it. */
  readonly contentVersion?: string;
}

export interface LaneOptions {
  readonly detectors: readonly LaneDetector[];
  /** A record that makes a detector throw is the record's fault: the fold goes on without it. */
  readonly failed: (error: unknown, item: Flow | Notice, detector: string) => void;
}

/** Whether the detector at an index has taken this already: it is read again after a restart. */
export type Holds = (detector: number) => boolean;

/** One lane: its share of the keys, with every detector's state of them. Whoever feeds it minds the order. */
export interface Lane {
  /** Shows a copy to the detectors that want its role; one that came too late only to those that can still fold it. */
  observe(flow: Flow, role: Role, isLate: boolean, alerts: Alert[], holds?: Holds): void;
  /** Tells what else was said to the detectors that listen. */
  tell(notice: Notice, isLate: boolean, alerts: Alert[], holds?: Holds): void;
  /** Tells the detectors that event time has passed. */
  advance(watermarkMs: number, alerts: Alert[]): void;
  readonly detectors: readonly LaneDetector[];
}

/** Whether a detector is shown copies of this role. */
function meets(key: Detector['key'], role: Role): boolean {
  if (key === 'endpoint') return role !== 'rule';
  return key === role || key === 'rule';
}

/** A detector that fails on this many records in a row is broken, not the records. */
const MAX_FAILURES_IN_A_ROW = 1000;

export function createLane({ detectors, failed }: LaneOptions): Lane {
  const failuresInARow = detectors.map(() => 0);
  function failedOn(error: unknown, item: Flow | Notice, i: number): void {
    failed(error, item, detectors[i]!.name);
    if (++failuresInARow[i]! >= MAX_FAILURES_IN_A_ROW) throw error;
  }
  /** Places of the detectors that a copy is shown to, by its role: a lane asks this for every flow. */
  const shownTo = (role: Role): readonly number[] =>
    detectors.flatMap(({ detector }, i) => (meets(detector.key, role) ? [i] : []));
  const places = { source: shownTo('source'), destination: shownTo('destination'), rule: shownTo('rule') };
  return {
    detectors,
    observe(flow, role, isLate, alerts, holds) {
      for (const i of places[role]) {
        const { detector, where } = detectors[i]!;
        if (isLate && detector.late !== 'fold') continue;
        if (holds?.(i)) continue;
        try {
          if (where && !where(flow)) continue;
          for (const alert of detector.observe(flow, role)) alerts.push(alert);
          failuresInARow[i] = 0;
        } catch (error) {
          failedOn(error, flow, i);
        }
      }
    },
    tell(notice, isLate, alerts, holds) {
      for (let i = 0; i < detectors.length; i++) {
        const { detector } = detectors[i]!;
        if (!detector.notice || (isLate && detector.late !== 'fold')) continue;
        if (holds?.(i)) continue;
        try {
          for (const alert of detector.notice(notice)) alerts.push(alert);
          failuresInARow[i] = 0;
        } catch (error) {
          failedOn(error, notice, i);
        }
      }
    },
    advance(watermarkMs, alerts) {
      for (const { detector } of detectors)
        for (const alert of detector.advance(watermarkMs)) alerts.push(alert);
    },
  };
}
