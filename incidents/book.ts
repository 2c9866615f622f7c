import { digest } from '../schema/ids.ts';
import {
  newIncident,
  newIncidentAlert,
  type Incident,
  type IncidentState,
  type Party,
  type Severity,
} from '../schema/records.ts';
import type { Decision } from './decisions.ts';
import { absorbed, dismiss, type Dismissed } from './dismissed.ts';
import type { Finding } from './finding.ts';
import type { Options } from './options.ts';
import { rank, scoreOf, severityOf } from './score.ts';
import { storyOf } from './story.ts';

/** An alert of an open incident: its newest revision, in short. */
export interface Joined {
  readonly id: string;
  revision: number;
  detector: string;
  severity: Severity;
  score: number;
  firstMs: number;
  lastMs: number;
  tactics: readonly string[];
  line: string;
  normal: string | null;
  search: string | null;
  closed: boolean;
}

/** An open incident. Plain data: it is saved as JSON. */
export interface Open {
  readonly id: string;
  readonly key: string;
  readonly cluster: string;
  readonly entity: Party;
  readonly tenant: string | null;
  tenants: string[];
  scopes: string[];
  owner: string | null;
  revision: number;
  severity: Severity;
  score: number;
  firstMs: number;
  lastMs: number;
  /** Event time of the newest revision of any of its alerts. */
  heardMs: number;
  tactics: string[];
  detectors: string[];
  /** How many alerts were joined; `alerts` keeps MAX_ALERTS of them, the worst and the first. */
  count: number;
  alerts: Joined[];
  /** Rank of the worst severity that somebody was told of; -1 when nobody was. */
  notified: number;
  /** Event time at which it was opened: no decision of before is about it. */
  readonly openedMs: number;
  /** Incident that was closed by hand before; null when there was none. */
  readonly follows: string | null;
  /** Set while somebody looks after it: what is no worse is told to nobody else. */
  acknowledged: Acknowledged | null;
  /** Decisions that were taken: one that is read again after a crash counts once. */
  decided: string[];
}

interface Acknowledged {
  readonly by: string;
  readonly timeMs: number;
  readonly reason: string | null;
  /** Rank of the severity it had. */
  readonly rank: number;
}

/** Open incidents of one partition: a fold over findings in the order of their time. */
export interface IncidentBook {
  readonly size: number;
  /** Joins a finding; event time has come to `finding.timeMs`. */
  join(finding: Finding, out: Incident[]): void;
  /** Closes what is due before `timeMs`. */
  closeDue(timeMs: number, out: Incident[]): void;
  /** Acknowledges or closes an incident that is open here; any other it does nothing to. */
  decide(decision: Decision, out: Incident[]): void;
  /** Whether an incident is open here. */
  has(id: string): boolean;
  save(): readonly unknown[];
  load(saved: readonly unknown[]): void;
}

export interface IncidentBookOptions {
  readonly options: Pick<Options, 'quiet' | 'maxOpen' | 'halfLife' | 'notify'>;
  readonly maxIncidents: number;
  /** Called for each incident that was closed because there were too many. */
  readonly evicted: (count: number) => void;
}

/** What is listed of one incident; more are counted. */
export const MAX_ALERTS = 50;
const MAX_LISTED = 50;
const MAX_DECIDED = 100;

export function createIncidentBook({ options, maxIncidents, evicted }: IncidentBookOptions): IncidentBook {
  /** In the order in which they were last heard of. */
  const incidents = new Map<string, Open>();
  /** What was closed by hand while its alerts may still go on, by key; the longest closed first. */
  const dismissed = new Map<string, Dismissed>();
  const least = rank(options.notify);
  let dueMs = Infinity;

  const dueOf = (incident: Pick<Open, 'alerts' | 'lastMs' | 'heardMs'>): number =>
    incident.alerts.every(({ closed }) => closed)
      ? incident.lastMs + options.quiet
      : incident.heardMs + options.maxOpen;

  function emit(
    incident: Open,
    state: IncidentState,
    historical: boolean,
    out: Incident[],
    decision: Pick<Decision, 'by' | 'timeMs' | 'reason'> | null = null,
  ): void {
    incident.revision++;
    const record = newIncident({
      id: incident.id,
      revision: incident.revision,
      cluster: incident.cluster,
      entity: incident.entity,
      score: Math.round(incident.score * 10_000) / 10_000,
      firstMs: incident.firstMs,
      lastMs: incident.lastMs,
      story: storyOf(incident),
    });
    record.state = state;
    record.severity = incident.severity;
    record.tenant = incident.tenant;
    record.tenants = [...incident.tenants];
    record.scopes = [...incident.scopes];
    record.owner = incident.owner;
    record.follows = incident.follows;
    record.tactics = [...incident.tactics];
    record.alerts = incident.alerts
      .map(({ id, firstMs, detector, severity, line }) => {
        const alert = newIncidentAlert({ id, timeMs: firstMs, detector, line });
        alert.severity = severity;
        return alert;
      })
      .sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1));
    if (decision !== null) {
      record.decidedBy = decision.by;
      record.decidedMs = decision.timeMs;
      record.reason = decision.reason;
    }
    const step = rank(incident.severity);
    if (state !== 'closed' && !historical && step >= least && step > incident.notified) {
      record.notify = true;
      incident.notified = step;
    }
    out.push(record);
  }

  function close(incident: Open, out: Incident[]): void {
    incidents.delete(incident.key);
    emit(incident, 'closed', true, out);
  }

  function closeDue(timeMs: number, out: Incident[]): void {
    if (dueMs >= timeMs) return;
    dueMs = Infinity;
    for (const [key, gone] of dismissed) {
      const atMs = dueOf(gone);
      if (atMs < timeMs) dismissed.delete(key);
      else dueMs = Math.min(dueMs, atMs);
    }
    const due: [number, Open][] = [];
    for (const incident of incidents.values()) {
      const atMs = dueOf(incident);
      if (atMs < timeMs) due.push([atMs, incident]);
      else dueMs = Math.min(dueMs, atMs);
    }
    due.sort(([a, one], [b, other]) => a - b || (one.id < other.id ? -1 : 1));
    for (const [, incident] of due) close(incident, out);
  }

  function open(finding: Finding, key: string, out: Incident[]): Open {
    if (incidents.size >= maxIncidents) {
      for (const oldest of incidents.values()) {
        close(oldest, out);
        evicted(1);
        break;
      }
    }
    const incident: Open = {
      id: digest(22, 'incident', key, finding.id, finding.revision),
      key,
      cluster: finding.cluster,
      entity: finding.entity,
      tenant: finding.tenant,
      tenants: [],
      scopes: [],
      owner: finding.owner,
      revision: -1,
      severity: 'info',
      score: 0,
      firstMs: finding.firstMs,
      lastMs: finding.lastMs,
      heardMs: finding.timeMs,
      tactics: [],
      detectors: [],
      count: 0,
      alerts: [],
      notified: -1,
      openedMs: finding.timeMs,
      follows: dismissed.get(key)?.id ?? null,
      acknowledged: null,
      decided: [],
    };
    incidents.set(key, incident);
    return incident;
  }

  /** Whether the record of the incident says something new that is worth a revision. */
  function take(incident: Open, finding: Finding): boolean {
    const { detector, severity, score, firstMs, lastMs, tactics, line, normal, search } = finding;
    const newest = { detector, severity, score, lastMs, tactics, line, normal, search };
    incident.firstMs = Math.min(incident.firstMs, firstMs);
    incident.lastMs = Math.max(incident.lastMs, lastMs);
    incident.heardMs = Math.max(incident.heardMs, finding.timeMs);
    incident.owner ??= finding.owner;
    const known = incident.alerts.find(({ id }) => id === finding.id);
    const sizes = incident.tactics.length + incident.detectors.length;
    let isStep = false;
    if (known) {
      Object.assign(known, newest, { revision: finding.revision, closed: finding.closes });
    } else if (finding.revision === 0 || incident.alerts.length < MAX_ALERTS) {
      incident.count++;
      isStep = isReported(incident.count);
      const joined = {
        ...newest,
        id: finding.id,
        revision: finding.revision,
        firstMs,
        closed: finding.closes,
      };
      list(incident.alerts, joined);
    }
    addAll(incident.tactics, tactics);
    addAll(incident.detectors, [detector]);
    addAll(incident.tenants, finding.tenants);
    addAll(incident.scopes, finding.scopes);
    const before = rank(incident.severity);
    incident.score = scoreOf(incident.alerts, finding.timeMs, options.halfLife);
    const reached = severityOf(incident.alerts, incident.score);
    // It never falls while it is open: who was told of it goes on to look for it there.
    if (rank(reached) > before) incident.severity = reached;
    return (
      isStep ||
      rank(incident.severity) > before ||
      incident.tactics.length + incident.detectors.length > sizes
    );
  }

  function openWith(id: string): Open | null {
    for (const incident of incidents.values()) if (incident.id === id) return incident;
    return null;
  }

  /** A revision that its alerts give rise to. Who looks after it is told of nothing but worse. */
  function tell(incident: Open, state: 'new' | 'updated', historical: boolean, out: Incident[]): void {
    const { acknowledged } = incident;
    if (acknowledged !== null && rank(incident.severity) <= acknowledged.rank)
      return emit(incident, 'acknowledged', historical, out, acknowledged);
    incident.acknowledged = null;
    emit(incident, state, historical, out);
  }

  return {
    get size() {
      return incidents.size;
    },
    join(finding, out) {
      closeDue(finding.timeMs, out);
      const key = JSON.stringify([finding.cluster, finding.tenant, finding.entity.key]);
      let incident = incidents.get(key);
      const gone = dismissed.get(key);
      if (gone !== undefined && absorbed(gone, finding)) {
        // Somebody closed it knowing of this alert.
        dueMs = Math.min(dueMs, dueOf(gone));
      } else if (finding.suppressed) {
        // What was joined before it was suppressed holds the incident open no longer.
        const known = incident?.alerts.find(({ id }) => id === finding.id);
        if (known) known.closed = true;
      } else if (incident || !finding.closes) {
        incident ??= open(finding, key, out);
        const isNew = incident.revision < 0;
        const isTold = take(incident, finding);
        incidents.delete(key);
        incidents.set(key, incident);
        if (isNew || isTold) tell(incident, isNew ? 'new' : 'updated', finding.historical, out);
      }
      if (incident) dueMs = Math.min(dueMs, dueOf(incident));
    },
    closeDue,
    decide(decision, out) {
      closeDue(decision.timeMs, out);
      const incident = openWith(decision.incident);
      if (incident === null || incident.openedMs > decision.timeMs) return;
      // A process that starts again reads every decision again.
      if (incident.decided.includes(decision.id)) return;
      incident.decided.push(decision.id);
      if (incident.decided.length > MAX_DECIDED) incident.decided.shift();
      if (decision.action === 'acknowledged') {
        const { by, timeMs, reason } = decision;
        incident.acknowledged = { by, timeMs, reason, rank: rank(incident.severity) };
        emit(incident, 'acknowledged', true, out, decision);
        return;
      }
      incidents.delete(incident.key);
      const gone = dismiss(incident, dismissed.get(incident.key));
      dismissed.delete(incident.key);
      dismissed.set(incident.key, gone);
      if (dismissed.size > maxIncidents)
        for (const oldest of dismissed.keys()) {
          dismissed.delete(oldest);
          break;
        }
      dueMs = Math.min(dueMs, dueOf(gone));
      emit(incident, 'closed', true, out, decision);
    },
    has: (id) => openWith(id) !== null,
    save: () => [...incidents.values(), ...dismissed.values()],
    load(saved) {
      incidents.clear();
      dismissed.clear();
      dueMs = -Infinity;
      for (const one of saved as readonly (Open | Dismissed)[])
        if ('closedMost' in one) dismissed.set(one.key, one);
        // States of before there were decisions lack what is said of them.
        else incidents.set(one.key, { ...withoutDecisions(), ...one });
    },
  };
}

const withoutDecisions = (): Pick<Open, 'openedMs' | 'follows' | 'acknowledged' | 'decided'> => ({
  openedMs: -Infinity,
  follows: null,
  acknowledged: null,
  decided: [],
});

/** 1 to 10, then 20, 30, … 100, 200, …: the further it goes, the less one more says. */
function isReported(count: number): boolean {
  return count % 10 ** Math.floor(Math.log10(count)) === 0;
}

/** A list that is full makes room for what is worse than the mildest of it. */
function list(alerts: Joined[], joined: Joined): void {
  if (alerts.length >= MAX_ALERTS) {
    let mildest = 0;
    for (const [i, { severity }] of alerts.entries())
      if (rank(severity) < rank(alerts[mildest]!.severity)) mildest = i;
    if (rank(joined.severity) <= rank(alerts[mildest]!.severity)) return;
    alerts.splice(mildest, 1);
  }
  alerts.push(joined);
}

function addAll(to: string[], more: readonly string[]): void {
  for (const each of more) if (to.length < MAX_LISTED && !to.includes(each)) to.push(each);
}
