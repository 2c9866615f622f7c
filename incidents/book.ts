import { digest } from '../schema/ids.ts';
import {
  newIncident,
  newIncidentAlert,
  type Incident,
  type IncidentState,
  type Party,
  type Severity,
} from '../schema/records.ts';
import type { Finding } from './finding.ts';
import type { Options } from './options.ts';
import { rank, scoreOf, severityOf } from './score.ts';
import { storyOf } from './story.ts';

/** An alert of an open incident: its newest revision, in short. */
interface Joined {
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
interface Open {
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
}

/** Open incidents of one partition: a fold over findings in the order of their time. */
export interface IncidentBook {
  readonly size: number;
  /** Joins a finding; event time has come to `finding.timeMs`. */
  join(finding: Finding, out: Incident[]): void;
  /** Closes what is due before `timeMs`. */
  closeDue(timeMs: number, out: Incident[]): void;
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

export function createIncidentBook({ options, maxIncidents, evicted }: IncidentBookOptions): IncidentBook {
  /** In the order in which they were last heard of. */
  const incidents = new Map<string, Open>();
  const least = rank(options.notify);
  let dueMs = Infinity;

  const dueOf = (incident: Open): number =>
    incident.alerts.every(({ closed }) => closed)
      ? incident.lastMs + options.quiet
      : incident.heardMs + options.maxOpen;

  function emit(incident: Open, state: IncidentState, historical: boolean, out: Incident[]): void {
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
    record.tactics = [...incident.tactics];
    record.alerts = incident.alerts
      .map(({ id, firstMs, detector, severity, line }) => {
        const alert = newIncidentAlert({ id, timeMs: firstMs, detector, line });
        alert.severity = severity;
        return alert;
      })
      .sort((a, b) => a.timeMs - b.timeMs || (a.id < b.id ? -1 : 1));
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

  return {
    get size() {
      return incidents.size;
    },
    join(finding, out) {
      closeDue(finding.timeMs, out);
      const key = JSON.stringify([finding.cluster, finding.tenant, finding.entity.key]);
      let incident = incidents.get(key);
      if (finding.suppressed) {
        // What was joined before it was suppressed holds the incident open no longer.
        const known = incident?.alerts.find(({ id }) => id === finding.id);
        if (known) known.closed = true;
      } else if (incident || !finding.closes) {
        incident ??= open(finding, key, out);
        const isNew = incident.revision < 0;
        const isTold = take(incident, finding);
        incidents.delete(key);
        incidents.set(key, incident);
        if (isNew || isTold) emit(incident, isNew ? 'new' : 'updated', finding.historical, out);
      }
      if (incident) dueMs = Math.min(dueMs, dueOf(incident));
    },
    closeDue,
    save: () => [...incidents.values()],
    load(saved) {
      incidents.clear();
      dueMs = -Infinity;
      for (const incident of saved as readonly Open[]) incidents.set(incident.key, incident);
    },
  };
}

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
