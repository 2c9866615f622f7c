import { digest } from '../schema/ids.ts';
import type { Alert, AlertAction, Severity, Why } from '../schema/records.ts';
import { Severities } from '../schema/records.ts';
import { alertRecord } from './alert-record.ts';
import { disown, explainLeftOut, LEFT_OUT, leftOutOpening, MOST_COUNTED, nameOfParty } from './left-out.ts';
import {
  addEvidence,
  openAlert,
  ownerOf,
  timeOf,
  type OpenAlert,
  type Opening,
  type Seen,
} from './open-alert.ts';

/** Alerts that are open in one lane of one detector. */
export interface AlertBook {
  readonly size: number;
  /** The least event time at which an alert may be due to close; `observe` compares before it calls `closeDue`. */
  readonly dueMs: number;
  /** By the hash of the grouping key. */
  get(handle: number): OpenAlert | undefined;
  /**
   * Opens an alert with what was seen as its evidence. The handle must not be open. Where there is no room for it, it is
   * counted in the one alert that stands for all that is left out, which is returned in its place.
   */
  open(handle: number, seen: Seen, opening: Opening, out: Alert[]): OpenAlert;
  /** Adds evidence to an open alert; a new revision goes to `out` when one is due. */
  add(alert: OpenAlert, seen: Seen, finding: Finding, out: Alert[]): void;
  /** Says that an alert goes on at an event time, though there is nothing new to show. */
  keep(alert: OpenAlert, timeMs: number): void;
  /** Closes an alert whose cause is over. */
  close(alert: OpenAlert, timeMs: number, out: Alert[]): void;
  /** Closes what has had no evidence for `quietMs` at event time `timeMs`. */
  closeDue(timeMs: number, out: Alert[]): void;
  /** The same, for a detector that has nothing else to do when time passes. */
  readonly advance: (watermarkMs: number) => readonly Alert[];
  /** Closes all that is open as decided at `raisedMs`. */
  closeAll(raisedMs: number, out: Alert[]): void;
  section(): readonly [string, Uint8Array];
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

/** What one more flow means for an open alert. Its severity only ever rises. */
export interface Finding {
  readonly severity: Severity;
  /** What to list as the peer, where the other side's entity would say too little; null lists none. */
  readonly peer?: string | null;
}

/** What only the detector can say about its alert. */
export interface Explanation {
  readonly score: number;
  readonly why: Why;
}

export interface AlertBookOptions {
  /** Prefix of the snapshot section; a detector with two books names them apart. */
  readonly name: string;
  readonly detector: string;
  readonly contentVersion: string;
  readonly quietMs: number;
  readonly maxOpen: number;
  readonly runbook: string;
  /** Called for each alert closed early, and for each case left out, because `maxOpen` was reached. */
  readonly evicted: (count: number) => void;
  /** Says why, from the state of the alert alone. Called for every revision. */
  readonly explain: (alert: OpenAlert) => Explanation;
}

/**
 * Most open alerts of one detector in one lane, beside the one of what is left out: each holds a few kB of evidence, and
 * more would be read by nobody.
 */
export const MAX_OPEN_ALERTS = 1_000;

/**
 * Opens, revises and closes alerts. Revision 0 opens; one follows at each log10 step of `count` (updated), at a rise
 * in severity (escalated) and at the close, which comes after `quietMs` of event time without evidence. What is
 * emitted, and every field of it, is a function of the flows: evidence later than `quietMs` always meets a closed
 * alert, whether or not time was advanced in between.
 *
 * A full book gives way only to what is more severe than the least severe of what is open. All else is told by one alert
 * that counts and names it. Were the oldest closed instead, a thousand and one cases that go on would close and open each
 * other in turn, two records a flow.
 */
export function createAlertBook(options: AlertBookOptions): AlertBook {
  const { name, detector, contentVersion, quietMs, maxOpen, runbook, evicted, explain } = options;
  /** In order of `lastMs`: evidence moves an alert to the end. */
  const alerts = new Map<number, OpenAlert>();
  /** How many of them there are by severity, without that of what is left out. */
  const severities = Severities.map(() => 0);
  /** Handles of the first cases that were left out. */
  const leftOut = new Set<number>();
  let dueMs = Number.POSITIVE_INFINITY;

  function emit(alert: OpenAlert, action: AlertAction, raisedMs: number, out: Alert[]): void {
    alert.revision++;
    const explanation = alert.handle === LEFT_OUT ? explainLeftOut(alert, detector, maxOpen) : explain(alert);
    out.push(alertRecord(alert, { detector, contentVersion, runbook, action, raisedMs, explanation }));
  }

  function close(alert: OpenAlert, raisedMs: number, out: Alert[]): void {
    alerts.delete(alert.handle);
    countIn(alert, -1);
    emit(alert, 'closed', raisedMs, out);
    if (alert.handle === LEFT_OUT) leftOut.clear();
  }

  function countIn({ handle, severity }: OpenAlert, by: 1 | -1): void {
    if (handle !== LEFT_OUT) severities[rank(severity)]! += by;
  }

  function closeDue(timeMs: number, out: Alert[]): void {
    for (const alert of alerts.values()) {
      if (alert.lastMs + quietMs >= timeMs) {
        dueMs = alert.lastMs + quietMs;
        return;
      }
      close(alert, alert.lastMs + quietMs, out);
    }
    dueMs = Number.POSITIVE_INFINITY;
  }

  function begin(handle: number, seen: Seen, opening: Opening, out: Alert[]): OpenAlert {
    const raisedMs = opening.decidedMs ?? timeOf(seen);
    const firstMs = Math.min(opening.earlier?.firstMs ?? timeOf(seen), timeOf(seen));
    const { tenant } = ownerOf(seen, opening.about);
    const id = digest(22, detector, opening.rule, seen.cluster, tenant, opening.key, firstMs);
    const alert = openAlert(id, handle, seen, opening);
    if (handle === LEFT_OUT) disown(alert);
    addEvidence(alert, seen, opening.peer);
    alert.lastMs = Math.max(alert.lastMs, raisedMs);
    alert.nextCount = stepAbove(alert.count);
    alerts.set(handle, alert);
    countIn(alert, 1);
    dueMs = Math.min(dueMs, alert.lastMs + quietMs);
    emit(alert, 'opened', raisedMs, out);
    return alert;
  }

  function add(alert: OpenAlert, seen: Seen, finding: Finding, out: Alert[]): void {
    addEvidence(alert, seen, finding.peer);
    alerts.delete(alert.handle);
    alerts.set(alert.handle, alert);
    const due = alert.count >= alert.nextCount;
    if (due) alert.nextCount = stepAbove(alert.count);
    if (rank(finding.severity) > rank(alert.severity)) {
      countIn(alert, -1);
      alert.severity = finding.severity;
      countIn(alert, 1);
      emit(alert, 'escalated', timeOf(seen), out);
    } else if (due) {
      emit(alert, 'updated', timeOf(seen), out);
    }
  }

  /** Closes the least severe alert, of these the one without evidence for longest, if what comes is more severe. */
  function giveWay(severity: Severity, raisedMs: number, out: Alert[]): boolean {
    const least = severities.findIndex((count) => count > 0);
    if (least === -1 || least >= rank(severity)) return false;
    for (const alert of alerts.values()) {
      if (alert.handle === LEFT_OUT || rank(alert.severity) !== least) continue;
      close(alert, raisedMs, out);
      evicted(1);
      return true;
    }
    return false;
  }

  function leaveOut(handle: number, seen: Seen, opening: Opening, out: Alert[]): OpenAlert {
    if (leftOut.size < MOST_COUNTED && !leftOut.has(handle)) {
      leftOut.add(handle);
      evicted(1);
    }
    const held = alerts.get(LEFT_OUT);
    if (held === undefined) return begin(LEFT_OUT, seen, leftOutOpening(seen.cluster, opening), out);
    held.facts['leftOut'] = leftOut.size;
    add(held, seen, { severity: opening.severity, peer: nameOfParty(opening.entity) }, out);
    return held;
  }

  const isFull = (): boolean => alerts.size - (alerts.has(LEFT_OUT) ? 1 : 0) >= maxOpen;

  return {
    get size() {
      return alerts.size;
    },
    get dueMs() {
      return dueMs;
    },
    get: (handle) => alerts.get(handle),
    open(handle, seen, opening, out) {
      const raisedMs = opening.decidedMs ?? timeOf(seen);
      if (isFull() && !giveWay(opening.severity, raisedMs, out)) return leaveOut(handle, seen, opening, out);
      return begin(handle, seen, opening, out);
    },
    add,
    close,
    keep(alert, timeMs) {
      alert.lastMs = Math.max(alert.lastMs, timeMs);
      alerts.delete(alert.handle);
      alerts.set(alert.handle, alert);
    },
    closeDue,
    advance(watermarkMs) {
      if (watermarkMs <= dueMs) return NONE;
      const out: Alert[] = [];
      closeDue(watermarkMs, out);
      return out;
    },
    closeAll(raisedMs, out) {
      for (const alert of alerts.values()) close(alert, raisedMs, out);
      dueMs = Number.POSITIVE_INFINITY;
    },
    section() {
      const saved: Saved[] = [...alerts.values()].map((alert) =>
        alert.handle === LEFT_OUT ? { ...alert, leftOut: [...leftOut] } : alert,
      );
      return [`${name}.alerts`, Buffer.from(JSON.stringify(saved))];
    },
    restore(sections) {
      alerts.clear();
      dueMs = Number.POSITIVE_INFINITY;
      const bytes = sections.get(`${name}.alerts`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Saved[]) : [];
      severities.fill(0);
      leftOut.clear();
      for (const { leftOut: cases = [], ...alert } of saved) {
        // A state that was saved before there was other evidence than flows has no list of it.
        alerts.set(alert.handle, { ...alert, records: alert.records ?? [] });
        countIn(alert, 1);
        for (const handle of cases) leftOut.add(handle);
        dueMs = Math.min(dueMs, alert.lastMs + quietMs);
      }
    },
  };
}

/** An alert in a snapshot; that of what is left out with the cases it counted. */
type Saved = OpenAlert & { readonly leftOut?: readonly number[] };

const NONE: readonly Alert[] = [];

const rank = (severity: Severity): number => Severities.indexOf(severity);

/** The next of 10, 100, 1000, … above a count. */
function stepAbove(count: number): number {
  let step = 10;
  while (step <= count) step *= 10;
  return step;
}
