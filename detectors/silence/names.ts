import { newParty, type Flow, type Party } from '../../schema/records.ts';
import type { Report } from '../../pipeline/notice.ts';
import { nameOf, partyOf } from '../party.ts';
import { fieldQuery, sideQuery } from '../search-link.ts';

/** Whom an alert is about, and how to find its flows. */
export interface Names {
  readonly cluster: string;
  readonly entity: Party;
  readonly name: string;
  readonly tenant: string | null;
  readonly owner: string | null;
  readonly inScope: boolean;
  readonly query: string;
}

const nobody = { tenant: null, owner: null, inScope: false };

export const workloadNames = ({ cluster, source }: Flow): Names => ({
  cluster,
  entity: partyOf(source),
  name: nameOf(source),
  tenant: source.tenant,
  owner: source.owner,
  inScope: source.scopes.length > 0,
  query: sideQuery('source', source),
});

/** The key is that of the host in the inventory, so that its alerts meet. */
export const nodeKey = (cluster: string, node: string): string => `${cluster}/host/${node}`;
export const sourceKey = (cluster: string, collector: string): string => `${cluster}/source/${collector}`;

export function nodeNames(cluster: string, node: string): Names {
  const entity = newParty({ key: nodeKey(cluster, node) });
  entity.kind = 'host';
  entity.name = node;
  return { ...nobody, cluster, entity, name: `node ${node}`, query: fieldQuery('node', node) };
}

export function sourceNames({ cluster, collector }: Pick<Report, 'cluster' | 'collector'>): Names {
  const entity = newParty({ key: sourceKey(cluster, collector) });
  entity.name = collector;
  const name = `source ${collector} of cluster ${cluster}`;
  return { ...nobody, cluster, entity, name, query: fieldQuery('collector', collector) };
}

/** A component that noticed a loss, where no node is told. */
export function placeNames(cluster: string, where: string): Names {
  const entity = newParty({ key: `${cluster}/where/${where}` });
  entity.name = where;
  return { ...nobody, cluster, entity, name: where, query: 'collector : *' };
}
