import type { Finding } from '../../incidents/finding.ts';
import { options } from '../../incidents/options.ts';
import { digest } from '../../schema/ids.ts';
import {
  newAlert,
  newEvidence,
  newLinks,
  newParty,
  newWhy,
  type Alert,
  type Severity,
} from '../../schema/records.ts';
import { findingOf } from '../../incidents/finding.ts';

export const T0 = 1_700_000_000_000;
export const HOUR_MS = 3_600_000;
export const defaults = options.parse({});

export interface AlertParts {
  readonly id?: string;
  readonly revision?: number;
  readonly action?: Alert['action'];
  readonly detector?: string;
  readonly severity?: Severity;
  readonly score?: number;
  readonly entity?: string;
  readonly atMs?: number;
  readonly lastMs?: number;
  readonly tactic?: string;
  readonly suppressedBy?: string | null;
  readonly historical?: boolean;
}

/** An alert about a workload of the namespace shop; decided at `atMs`, its evidence of the same time. */
export function anAlert(parts: AlertParts = {}): Alert {
  const { entity = 'web', atMs = T0, detector = 'port_scan' } = parts;
  const party = newParty({ key: `test/shop/Deployment/${entity}` });
  party.kind = 'workload';
  party.namespace = 'shop';
  party.name = entity;
  const alert = newAlert({
    id: parts.id ?? digest(22, detector, entity, atMs),
    revision: parts.revision ?? 0,
    detector,
    rule: detector,
    score: parts.score ?? 1,
    entity: party,
    cluster: 'test',
    firstMs: Math.min(atMs, parts.lastMs ?? atMs),
    lastMs: parts.lastMs ?? atMs,
    raisedMs: atMs,
    count: 1,
    why: newWhy({ summary: `${entity} did ${detector}.` }),
    evidence: newEvidence(),
    links: newLinks(),
  });
  alert.action = parts.action ?? 'opened';
  alert.severity = parts.severity ?? 'medium';
  alert.suppressedBy = parts.suppressedBy ?? null;
  alert.historical = parts.historical ?? false;
  alert.links.search = `weir search 'source.workload : "${entity}"'`;
  if (parts.tactic !== undefined)
    alert.attack = [{ tacticId: 'TA0000', tactic: parts.tactic, techniqueId: null, technique: null }];
  return alert;
}

export const aFinding = (parts: AlertParts = {}): Finding => findingOf(anAlert(parts), Infinity);
