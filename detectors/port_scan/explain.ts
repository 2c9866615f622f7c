import type { Attack, Factor, Flow } from '../../schema/records.ts';
import { newFactor, newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { shapes, type Shape } from './rules.ts';

/** Where the scan comes from decides the tactic: reconnaissance from outside, discovery from inside. */
export function attackOf(flow: Flow, shape: Shape): readonly Attack[] {
  if (flow.source.kind === 'public') return [attacks.scanningIpBlocks];
  if (shape === 'sweep') return [attacks.remoteSystemDiscovery, attacks.networkServiceDiscovery];
  return [attacks.networkServiceDiscovery];
}

const factorNames: Readonly<Record<Shape, string>> = {
  vertical: 'ports_on_one_host',
  horizontal: 'failed_hosts_on_one_port',
  sweep: 'hosts_asked_for_echo',
  slow: 'sequential_test_log_likelihood',
};

/** Says what was counted and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const shape = shapes[facts['shape'] ?? 0] ?? 'vertical';
  const failed = facts['failed'] ?? 0;
  const answered = facts['answered'] ?? 0;
  const observed = facts['observed'] ?? 0;
  const threshold = facts['threshold'] ?? 1;
  const why = newWhy({
    summary: `${alert.sourceName} ${whatItDid(alert, shape)} in ${duration(alert.lastMs - alert.firstMs)}: ${failed} failed or were denied, ${answered} answered. ${whatToDo(alert)}`,
  });
  why.factors = [
    factor(factorNames[shape], observed, 0, threshold),
    factor('failed_first_contacts', failed, null, null),
    factor('answered_first_contacts', answered, null, null),
    factor('window_seconds', Math.round((facts['windowMs'] ?? 0) / 1000), null, null),
  ];
  why.historyMs = alert.lastMs - alert.firstMs;
  // At the threshold the score is one half; ten times the evidence is near certainty.
  const evidence = Math.max(observed / threshold, failed / Math.max(1, threshold));
  return { score: Math.min(0.99, evidence / (1 + evidence)), why };
}

function whatItDid(alert: OpenAlert, shape: Shape): string {
  const { facts } = alert;
  const contacts = (facts['failed'] ?? 0) + (facts['answered'] ?? 0) + (facts['untold'] ?? 0);
  if (shape === 'sweep') return `asked ${contacts} hosts for an ICMP echo`;
  if (alert.target !== null)
    return `tried ${contacts} ports of ${alert.target.name ?? alert.target.ip ?? alert.target.key}`;
  if (facts['onePort'] === 1 && alert.ports.length === 1)
    return `tried port ${alert.ports[0]} of ${contacts} hosts`;
  return `tried ${contacts} pairs of host and port`;
}

function whatToDo(alert: OpenAlert): string {
  if (alert.entity.kind === 'workload') {
    const owner = alert.owner === null ? 'its owner' : alert.owner;
    return `Ask ${owner} what runs there; if nobody knows, isolate the workload.`;
  }
  if (alert.facts['unusual'] === 1)
    return 'The internet does not go through this private network every day: find out how it is let in.';
  if (alert.attack[0]?.tacticId === 'TA0043')
    return 'Check what answered; if nothing did, it is internet noise.';
  return 'Find out who uses this address; an approved scanner belongs into the filter of this detector.';
}

function duration(ms: number): string {
  if (ms < 1000) return 'less than a second';
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

function factor(name: string, observed: number, expected: number | null, threshold: number | null): Factor {
  const one = newFactor({ name, observed: Math.round(observed * 100) / 100 });
  one.expected = expected;
  one.threshold = threshold === null ? null : Math.round(threshold * 100) / 100;
  return one;
}
