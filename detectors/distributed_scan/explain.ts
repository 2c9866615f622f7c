import type { Attack, Flow, Severity } from '../../schema/records.ts';
import { newWhy } from '../../schema/records.ts';
import type { Explanation } from '../alert-book.ts';
import { attacks } from '../attack.ts';
import type { OpenAlert } from '../open-alert.ts';
import { isInventoried } from '../party.ts';
import { counted, duration, factor, severityScore, whom } from '../words.ts';

export const attackOf = (isStranger: boolean): readonly Attack[] => [
  isStranger ? attacks.scanningIpBlocks : attacks.networkServiceDiscovery,
];

/** The internet tries whatever is exposed. From inside it takes many hands that work together, which is a sign of compromise. */
export function severityOf({ source, destination }: Flow, isStranger: boolean): Severity {
  if (isStranger) return 'info';
  return isInventoried(source) || destination.scopes.length > 0 ? 'high' : 'medium';
}

/** Says how many tried what of whom, and what to do, from the alert's own state. */
export function explain(alert: OpenAlert): Explanation {
  const { facts } = alert;
  const sources = facts['sources'] ?? 0;
  const ports = facts['ports'] ?? 0;
  const isStranger = facts['isStranger'] === 1;
  const who = isStranger ? 'addresses of the internet' : 'sources from inside';
  const todo = isStranger
    ? `Ask ${whom(alert)} whether it is meant to be reachable from the internet.`
    : `Look at the sources: what they have in common is what scans. Ask ${whom(alert)} whether it moved.`;
  const why = newWhy({
    summary: `${sources} ${who} tried ${counted(ports, 'port')} of ${alert.destinationName} in ${duration(alert.lastMs - alert.firstMs)} that serve nobody, and failed. ${todo}`,
  });
  why.factors = [
    factor('failed_sources_of_one_host', sources, 0, facts['minSources'] ?? null),
    factor('ports_between_them', ports, null, facts['minPorts'] ?? null),
    factor('window_seconds', (facts['windowMs'] ?? 0) / 1000, null, null),
  ];
  why.historyMs = alert.lastMs - alert.firstMs;
  return { score: severityScore(alert.severity), why };
}
