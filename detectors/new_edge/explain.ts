import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { portClass } from '../ports.ts';
import { counted, duration, factor, listed, whom } from '../words.ts';

/** The technique of one edge: a way in or on, or a way out; none where it could be anything. */
function attackOf(flow: Flow): readonly Attack[] {
  const kind = portClass(flow.destination.port ?? 0);
  if (flow.destination.kind !== 'public') return kind === 'admin' ? [attacks.remoteServices] : [];
  return kind === 'other'
    ? [attacks.applicationLayerProtocol, attacks.nonStandardPort]
    : [attacks.applicationLayerProtocol];
}

/** The techniques of all edges, each once. */
export const withAttack = (held: readonly Attack[], flow: Flow): Attack[] => [
  ...held,
  ...attackOf(flow).filter(({ techniqueId }) => held.every((one) => one.techniqueId !== techniqueId)),
];

/**
 * Low; medium when it weighs twice what it takes; high when it leads into a compliance scope that the source is not in. A
 * source that was ready early is at most medium.
 */
export function severityOf(found: {
  readonly weight: number;
  readonly threshold: number;
  readonly entersScope: boolean;
  readonly early: boolean;
}): Severity {
  if (found.entersScope && !found.early) return 'high';
  return found.weight >= 2 * found.threshold || found.entersScope ? 'medium' : 'low';
}

/** Says what the source has not done before, what it usually does, and what to ask, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts, peers } = alert;
  const weight = facts['weight'] ?? 0;
  const threshold = facts['threshold'] ?? 1;
  const edges = facts['edges'] ?? 1;
  const early = facts['early'] === 1;
  const seen = duration(facts['ageMs'] ?? 0);
  const learned = early ? `seen for ${seen} only, with nothing new for half of it` : `seen for ${seen}`;
  const why = newWhy({
    summary: `${alert.sourceName}, ${learned}, talked for the first time to ${listed(peers, edges)} (${counted(edges, 'new edge')} in ${duration(alert.lastMs - alert.firstMs)}). Ask ${whom(alert)} what was deployed or changed then; if nothing was, look at what runs there and deny the edge.`,
  });
  why.factors = [
    factor('weight_of_new_edges', weight, facts['expected'] ?? 0, threshold),
    factor('new_edges', edges, null, null),
    factor('history_hours', (facts['ageMs'] ?? 0) / 3_600_000, null, (facts['learnMs'] ?? 0) / 3_600_000),
  ];
  why.historyMs = facts['ageMs'] ?? 0;
  why.learning = early;
  const ratio = weight / threshold;
  return { score: Math.min(0.99, ratio / (1 + ratio)), why };
}
