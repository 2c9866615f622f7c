import { digest } from '../schema/ids.ts';
import type { Alert, AlertAction, AlertEndpoint, Severity, Why } from '../schema/records.ts';
import { newAlert, newEvidence, newLinks, Severities } from '../schema/records.ts';
import {
  addEvidence,
  openAlert,
  ownerOf,
  timeOf,
  type OpenAlert,
  type Opening,
  type Seen,
} from './open-alert.ts';
import { searchCommand } from './search-link.ts';

/** Alerts that are open in one lane of one detector. */
export interface AlertBook {
  readonly size: number;
  /** The least event time at which an alert may be due to close; `observe` compares before it calls `closeDue`. */
  readonly dueMs: number;
  /** By the hash of the grouping key. */
  get(handle: number): OpenAlert | undefined;
  /** Opens an alert with what was seen as its evidence. The handle must not be open. */
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
  /** Called for each alert closed early because `maxOpen` was reached. */
  readonly evicted: (count: number) => void;
  /** Says why, from the state of the alert alone. Called for every revision. */
  readonly explain: (alert: OpenAlert) => Explanation;
}

/** Most open alerts of one detector in one lane: each holds a few kB of evidence. */
export const MAX_OPEN_ALERTS = 1_000;

/**
 * Opens, revises and closes alerts. Revision 0 opens; one follows at each log10 step of `count` (updated), at a rise
 * in severity (escalated) and at the close, which comes after `quietMs` of event time without evidence. What is
 * emitted, and every field of it, is a function of the flows: evidence later than `quietMs` always meets a closed
 * alert, whether or not time was advanced in between.
 */
export function createAlertBook(options: AlertBookOptions): AlertBook {
  const { name, detector, contentVersion, quietMs, maxOpen, runbook, evicted, explain } = options;
  /** In order of `lastMs`: evidence moves an alert to the end. */
  const alerts = new Map<number, OpenAlert>();
  let dueMs = Number.POSITIVE_INFINITY;

  function emit(alert: OpenAlert, action: AlertAction, raisedMs: number, out: Alert[]): void {
    alert.revision++;
    out.push(render(alert, action, raisedMs));
  }

  function close(alert: OpenAlert, raisedMs: number, out: Alert[]): void {
    alerts.delete(alert.handle);
    emit(alert, 'closed', raisedMs, out);
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

  function render(alert: OpenAlert, action: AlertAction, raisedMs: number): Alert {
    const { score, why } = explain(alert);
    const evidence = newEvidence();
    evidence.flows = alert.flows.slice();
    evidence.flowIds = alert.flowIds.slice();
    evidence.ports = alert.ports.slice();
    evidence.peers = alert.peers.slice();
    evidence.policies = alert.policies.slice();
    evidence.records = alert.records.slice();
    const links = newLinks();
    links.runbook = runbook;
    links.search = searchCommand(alert.query, alert.firstMs, alert.lastMs);
    const record = newAlert({
      id: alert.id,
      revision: alert.revision,
      detector,
      rule: alert.rule,
      score,
      entity: alert.entity,
      cluster: alert.cluster,
      firstMs: alert.firstMs,
      lastMs: alert.lastMs,
      raisedMs,
      count: alert.count,
      why,
      evidence,
      links,
    });
    record.action = action;
    record.severity = alert.severity;
    record.target = alert.target;
    record.tenant = alert.tenant;
    record.tenants = alert.tenants.slice();
    record.scopes = alert.scopes.slice();
    record.owner = alert.owner;
    record.outcome = alert.outcome;
    record.source = singleValued(alert.source);
    record.destination = singleValued(alert.destination);
    record.protocol = alert.protocol;
    record.policy = alert.policy;
    record.attack = alert.attack;
    record.coverage = alert.coverage;
    record.contentVersion = contentVersion;
    return record;
  }

  return {
    get size() {
      return alerts.size;
    },
    get dueMs() {
      return dueMs;
    },
    get: (handle) => alerts.get(handle),
    open(handle, seen, opening, out) {
      if (alerts.size >= maxOpen) {
        for (const oldest of alerts.values()) {
          close(oldest, opening.decidedMs ?? timeOf(seen), out);
          evicted(1);
          break;
        }
      }
      const raisedMs = opening.decidedMs ?? timeOf(seen);
      const firstMs = Math.min(opening.earlier?.firstMs ?? timeOf(seen), timeOf(seen));
      const { tenant } = ownerOf(seen, opening.about);
      const id = digest(22, detector, opening.rule, seen.cluster, tenant, opening.key, firstMs);
      const alert = openAlert(id, handle, seen, opening);
      addEvidence(alert, seen, opening.peer);
      alert.lastMs = Math.max(alert.lastMs, raisedMs);
      alert.nextCount = stepAbove(alert.count);
      alerts.set(handle, alert);
      dueMs = Math.min(dueMs, alert.lastMs + quietMs);
      emit(alert, 'opened', raisedMs, out);
      return alert;
    },
    add(alert, seen, finding, out) {
      addEvidence(alert, seen, finding.peer);
      alerts.delete(alert.handle);
      alerts.set(alert.handle, alert);
      const due = alert.count >= alert.nextCount;
      if (due) alert.nextCount = stepAbove(alert.count);
      if (rank(finding.severity) > rank(alert.severity)) {
        alert.severity = finding.severity;
        emit(alert, 'escalated', timeOf(seen), out);
      } else if (due) {
        emit(alert, 'updated', timeOf(seen), out);
      }
    },
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
    section: () => [`${name}.alerts`, Buffer.from(JSON.stringify([...alerts.values()]))],
    restore(sections) {
      alerts.clear();
      dueMs = Number.POSITIVE_INFINITY;
      const bytes = sections.get(`${name}.alerts`);
      const saved = bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as OpenAlert[]) : [];
      for (const alert of saved) {
        // A state that was saved before there was other evidence than flows has no list of it.
        alerts.set(alert.handle, { ...alert, records: alert.records ?? [] });
        dueMs = Math.min(dueMs, alert.lastMs + quietMs);
      }
    },
  };
}

const NONE: readonly Alert[] = [];

const rank = (severity: Severity): number => Severities.indexOf(severity);

/** The next of 10, 100, 1000, … above a count. */
function stepAbove(count: number): number {
  let step = 10;
  while (step <= count) step *= 10;
  return step;
}

/** The side as it was in all evidence; null when nothing of it was. */
function singleValued(side: AlertEndpoint): AlertEndpoint | null {
  for (const value of Object.values(side)) if (value !== null) return { ...side };
  return null;
}
