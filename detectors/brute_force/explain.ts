import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { Facts, OpenAlert } from '../open-alert.ts';
import { isInventoried } from '../party.ts';
import { counted, duration, factor, stepped, whom } from '../words.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { guessing: 0, spraying: 1, atHost: 2 } as const;

/** From this many attempts on, guessing from inside is no mistake of a script. */
const MANY = 100;

export function attackOf(kind: number): readonly Attack[] {
  if (kind === kinds.guessing) return [attacks.passwordGuessing];
  return kind === kinds.spraying ? [attacks.passwordSpraying] : [attacks.bruteForce];
}

/**
 * From the internet low, which is weather; from inside medium, high when a source of the inventory tries a hundred times or
 * many hosts; one step worse in a compliance scope; critical once it was let in.
 */
export function severityOf(flow: Flow, facts: Facts): Severity {
  if ((facts['successes'] ?? 0) > 0) return 'critical';
  if (flow.source.kind === 'public') return flow.destination.scopes.length > 0 ? 'medium' : 'low';
  const isPlain = (facts['attempts'] ?? 0) >= MANY || facts['kind'] === kinds.spraying;
  const severity = isPlain && isInventoried(flow.source) ? 'high' : 'medium';
  return flow.destination.scopes.length > 0 ? stepped(severity, 1) : severity;
}

const SERVICES: Readonly<Record<number, string>> = {
  21: 'FTP',
  22: 'SSH',
  23: 'Telnet',
  2222: 'SSH',
  2323: 'Telnet',
  3389: 'RDP',
  5900: 'VNC',
  5985: 'WinRM',
  5986: 'WinRM',
};

/** Says who tried where how often, whether it was let in, and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const attempts = facts['attempts'] ?? 0;
  const threshold = facts['threshold'] ?? 1;
  const why = newWhy({ summary: summaryOf(alert) });
  why.factors = [
    factor(
      FACTORS[facts['kind'] ?? 0] ?? 'attempts',
      facts['observed'] ?? attempts,
      facts['usual'] ?? 0,
      threshold,
    ),
    factor('attempts', attempts, null, null),
    factor('sessions_after_attempts', facts['successes'] ?? 0, 0, 1),
  ];
  why.historyMs = alert.lastMs - alert.firstMs;
  const evidence = (facts['observed'] ?? 1) / threshold + (facts['successes'] ?? 0) * 10;
  return { score: Math.min(0.99, evidence / (1 + evidence)), why };
}

const FACTORS: Readonly<Record<number, string>> = {
  [kinds.guessing]: 'attempts_within_the_window',
  [kinds.spraying]: 'hosts_tried_within_thirty_minutes',
  [kinds.atHost]: 'attempts_or_sources_within_the_window',
};

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  const port = facts['port'] ?? 0;
  const service = SERVICES[port] ?? 'a login service';
  const tries = counted(facts['attempts'] ?? 0, 'short connection');
  const during = duration(alert.lastMs - alert.firstMs);
  if (facts['kind'] === kinds.atHost) {
    const outside = facts['fromPublic'] === 1 ? ' on the internet' : '';
    const by = `${sourcesOf(alert)}${outside}`;
    const did = `${by} tried ${service} (port ${port}) of ${alert.destinationName}, ${tries} in ${during}`;
    if ((facts['successes'] ?? 0) > 0) {
      return `${did}, and ${alert.target?.ip ?? 'one of them'} was then let in: ${sessionOf(alert)} followed. Call ${whom(alert)}: lock the account that the login log names and end its sessions.`;
    }
    return `${did}; nobody was let in. Ask ${whom(alert)} whether that port must be reachable; if so, allow keys only.`;
  }
  const hosts = facts['hosts'] ?? 1;
  const where = alert.target === null ? counted(hosts, 'host') : alert.destinationName;
  const did = `${alert.sourceName} tried ${service} (port ${port}) of ${where}, ${tries} in ${during}`;
  if ((facts['successes'] ?? 0) > 0) {
    return `${did}, and was then let in: ${sessionOf(alert)} followed. Lock the account that the login log names, end its sessions, and ask ${whom(alert)} about the source.`;
  }
  return `${did}; no session followed. Ask ${whom(alert)} whether a script has an old password; if nobody knows, isolate it and look at the login log of ${where}.`;
}

function sessionOf(alert: OpenAlert): string {
  const kilobytes = Math.round((alert.facts['sessionBytes'] ?? 0) / 1000);
  return `a session of ${duration(alert.facts['sessionMs'] ?? 0)} and ${kilobytes} kB`;
}

function sourcesOf(alert: OpenAlert): string {
  const count = Math.max(alert.facts['sources'] ?? 1, alert.peers.length);
  if (count === 1) return alert.peers.length === 1 ? alert.sourceName : 'One source';
  return `${count}${alert.peers.length >= 50 ? ' or more' : ''} sources`;
}
