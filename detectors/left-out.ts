import { ANY_TENANT } from '../pipeline/tenant.ts';
import { newParty, newWhy, type Party } from '../schema/records.ts';
import type { Explanation } from './alert-book.ts';
import { addDistinct, type OpenAlert, type Opening } from './open-alert.ts';
import { fieldQuery } from './search-link.ts';
import { counted, factor, listed, severityScore } from './words.ts';

/** The handle of the alert that stands for all a book has no room for; no hash is negative. */
export const LEFT_OUT = -1;
/** Beyond so many, who was left out is no longer counted one by one. */
export const MOST_COUNTED = 1_000;

/** In place of an alert that is one too many: about the cluster, and naming whom it leaves out. */
export function leftOutOpening(cluster: string, opening: Opening): Opening {
  const entity = newParty({ key: cluster });
  entity.kind = 'cluster';
  entity.name = cluster;
  return {
    key: `left out|${opening.key}`,
    about: opening.about,
    entity,
    target: null,
    rule: 'Alerts left out',
    severity: opening.severity,
    attack: [],
    query: fieldQuery('cluster', cluster),
    facts: { leftOut: 1 },
    note: opening.rule,
    peer: nameOfParty(opening.entity),
    ...(opening.decidedMs === undefined ? {} : { decidedMs: opening.decidedMs }),
  };
}

/** It is about many, of whichever tenants: it belongs to none of them, and none reads it whole. */
export function disown(alert: OpenAlert): void {
  alert.tenant = null;
  alert.owner = null;
  addDistinct(alert.tenants, ANY_TENANT);
}

export const nameOfParty = ({ namespace, name, ip, key }: Party): string =>
  name === null ? (ip ?? key) : namespace === null ? name : `${namespace}/${name}`;

export function explainLeftOut(alert: OpenAlert, detector: string, maxOpen: number): Explanation {
  const leftOut = alert.facts['leftOut'] ?? 1;
  const others = `${leftOut >= MOST_COUNTED ? 'at least ' : ''}${counted(leftOut, 'further case')}`;
  const why = newWhy({
    summary: `${detector} has ${counted(maxOpen, 'alert')} open in one lane, as many as it keeps there. It left out ${others} (${counted(alert.count, 'finding')}, the first a case of "${alert.note ?? alert.rule}"): ${listed(alert.peers, leftOut)}. Ask what those have in common that are open: what is expected belongs into the filter of this detector, or its thresholds are too low for this cluster.`,
  });
  why.factors = [
    factor('open_alerts', maxOpen, null, maxOpen),
    factor('cases_left_out', leftOut, 0, 1),
    factor('findings_left_out', alert.count, 0, 1),
  ];
  why.historyMs = alert.lastMs - alert.firstMs;
  return { score: severityScore(alert.severity), why };
}
