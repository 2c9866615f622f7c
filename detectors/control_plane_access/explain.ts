import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { counted, duration, factor, fateOf, listed, severityScore, stepped, whom } from '../words.ts';
import { targets, type Target } from './target.ts';

/** What an alert of this detector is about, kept as the fact `kind`. */
export const kinds = { client: 0, outside: 1, existing: 2 } as const;

interface Words {
  readonly name: string;
  /** Severity of a first contact from inside, and of an answered one from the internet. */
  readonly inside: Severity;
  readonly outside: Severity;
  readonly attack: readonly Attack[];
  /** What to ask, and what to do when the answer is no. */
  readonly ask: string;
}

export const about: Readonly<Record<Target, Words>> = {
  api_server: {
    name: 'the API server',
    inside: 'low',
    outside: 'low',
    attack: [attacks.containerDiscovery, attacks.containerApi],
    ask: 'whether it uses the Kubernetes API; if not, read the audit log for what its service account did and take its token away',
  },
  kubelet: {
    name: 'a kubelet',
    inside: 'medium',
    outside: 'high',
    attack: [attacks.containerDiscovery, attacks.containerApi],
    ask: 'why it reads from nodes directly; if nobody knows, isolate it: a kubelet runs commands in any pod of its node',
  },
  etcd: {
    name: 'etcd',
    inside: 'high',
    outside: 'high',
    attack: [attacks.containerApi],
    ask: 'now: only the API server talks to etcd, which holds every Secret; isolate it unless it is a member or a backup you know of',
  },
  component: {
    name: 'a control-plane component',
    inside: 'low',
    outside: 'medium',
    attack: [attacks.containerDiscovery],
    ask: 'whether it is monitoring; if not, find out what reads the scheduler or the controller manager',
  },
  metadata: {
    name: 'the cloud metadata service',
    inside: 'medium',
    outside: 'low',
    attack: [attacks.cloudMetadata],
    ask: 'whether it needs the cloud credentials of its node; if not, deny it by policy and look up what the node role did since',
  },
};

/**
 * A default service account has no business with the API server. What was blocked is two steps milder, what starts in a
 * compliance scope one step worse.
 */
export function severityOf(
  flow: Flow,
  target: Target,
  found: { outside: boolean; blocked: boolean },
): Severity {
  const { inside, outside } = about[target];
  if (found.outside) return outside;
  const isDefault = target === 'api_server' && flow.source.serviceAccount === 'default';
  const steps = (isDefault ? 1 : 0) + (flow.source.scopes.length > 0 ? 1 : 0) - (found.blocked ? 2 : 0);
  return stepped(inside, steps);
}

/** Says who reached what for the first time, and what to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const why = newWhy({ summary: summaryOf(alert) });
  why.historyMs = facts['historyMs'] ?? 0;
  why.learning = facts['kind'] === kinds.existing;
  why.factors = why.learning
    ? [factor('control_plane_clients', facts['clients'] ?? 0, null, null)]
    : [
        factor('flows_to_the_control_plane', alert.count, 0, 1),
        factor('history_hours', why.historyMs / 3_600_000, null, (facts['baselineMs'] ?? 0) / 3_600_000),
      ];
  return { score: severityScore(alert.severity), why };
}

function summaryOf(alert: OpenAlert): string {
  const { facts } = alert;
  if (facts['kind'] === kinds.existing) {
    const clients = facts['clients'] ?? 0;
    const who = clients === 1 ? '1 client was' : `${clients} clients were`;
    return `${who} talking to the control plane while it was learned (${listed(alert.peers, clients)}): read the list once, and give what needs no access a policy that denies it.`;
  }
  const { name, ask } = about[targets[facts['target'] ?? 0] ?? 'api_server'];
  const known = `in ${duration(facts['historyMs'] ?? 0)} of history`;
  const flows = `${counted(alert.count, 'flow')}, ${fateOf(alert)}`;
  if (facts['kind'] === kinds.outside) {
    return `${alert.destinationName} answered the internet as ${name} for the first time ${known} (${flows}, ${addresses(alert.peers.length)}). Ask whoever runs the cluster whether that should be reachable; if not, close it.`;
  }
  const account = facts['defaultAccount'] === 1 ? ' with the default service account' : '';
  return `${alert.sourceName} contacted ${name} at ${alert.target?.ip ?? alert.destinationName}${account} for the first time ${known} (${flows}). Ask ${whom(alert)} ${ask}.`;
}

const addresses = (count: number): string =>
  count === 1 ? 'one address' : `${count}${count >= 50 ? ' or more' : ''} addresses`;
