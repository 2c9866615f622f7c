import { newAlert, newEvidence, newLinks, newParty, newWhy, type Alert } from '../../schema/records.ts';
import type { Truth } from '../../evaluate/labels.ts';
import type { Seen } from '../../evaluate/run-case.ts';

export const HOUR_MS = 3_600_000;
/** Monday, 2025-11-03 00:00 UTC. */
export const T0 = 1_762_128_000_000;

let made = 0;

/** A flow at a time in hours after T0. Addresses in 10/8 are inside. */
export function seen(
  atHours: number,
  source: string,
  destination: string,
  truth: Truth,
  detail = '',
  answered = true,
): Seen {
  const startMs = T0 + atHours * HOUR_MS;
  return {
    id: `flow ${made++}`,
    startMs,
    endMs: startMs,
    source,
    destination,
    sourceIsInside: source.startsWith('10.'),
    destinationIsInside: destination.startsWith('10.'),
    answered,
    label: { truth, detail },
  };
}

/** One revision of an alert about an address, with flows for evidence. */
export function alert(
  detector: string,
  entity: string,
  flows: readonly Seen[],
  more: Partial<Alert> = {},
): Alert {
  const times = flows.map(({ endMs }) => endMs);
  const evidence = newEvidence();
  evidence.flowIds = flows.map(({ id }) => id);
  const party = newParty({ key: `ip/${entity}` });
  party.ip = entity;
  const record = newAlert({
    id: `alert ${made++}`,
    revision: 0,
    detector,
    rule: detector,
    score: 0.5,
    entity: party,
    cluster: 'default',
    firstMs: Math.min(...times),
    lastMs: Math.max(...times),
    raisedMs: Math.max(...times),
    count: flows.length,
    why: newWhy({ summary: 'made up' }),
    evidence,
    links: newLinks(),
  });
  record.severity = 'medium';
  return Object.assign(record, more);
}
