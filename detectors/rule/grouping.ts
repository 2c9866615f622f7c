import { newParty, type Flow, type Party } from '../../schema/records.ts';
import { partyOf } from '../party.ts';
import type { Definition } from './definition.ts';
import { flowField, readerOf } from './fields.ts';

type Side = 'source' | 'destination';

/** How a rule tells its groups apart, and whom each is about. */
export interface Grouping {
  /** The cluster and the value of each field: one text for each group. */
  keyOf(flow: Flow): string;
  /**
   * What the lane of a group follows from: the entity of a side where groups lie within it, so that the lane has
   * seen what else it did; else the group itself.
   */
  laneKeyOf(flow: Flow, key: string): string;
  readonly about: Side;
  entityOf(flow: Flow): Party;
  targetOf(flow: Flow): Party | null;
}

/** Fields that say who an endpoint is, rather than where it belongs. */
const IDENTITY = new Set(['entity', 'ip', 'pod', 'workload', 'hostname', 'instance']);
const SEPARATOR = '\u001f';

export function groupingOf({ groupBy, about }: Definition): Grouping {
  const fields = groupBy.map((name) => flowField(name)!);
  const readers = fields.map(readerOf);
  const sideOf = ([first]: readonly string[]): Side | null =>
    first === 'source' || first === 'destination' ? first : null;
  const side = about ?? fields.map(({ path }) => sideOf(path)).find((each) => each !== null) ?? 'source';
  const other = side === 'source' ? 'destination' : 'source';
  const partsOf = (of: Side) => fields.filter(({ path }) => path[0] === of && path.length > 1);
  const identifies = (of: Side): boolean => partsOf(of).some(({ path }) => IDENTITY.has(path[1]!));
  const hasPort = (of: Side): boolean => partsOf(of).some(({ path }) => path[1] === 'port');
  const ownReaders = partsOf(side).map(readerOf);
  const isByNamespace = partsOf(side).some(({ path }) => path[1] === 'namespace');

  /** A namespace, a network or another set of endpoints; the cluster where no field of that side is named. */
  function setOf(flow: Flow): Party {
    const values = ownReaders.map((read) => String(read(flow) ?? 'unknown'));
    const party = newParty({ key: [flow.cluster, ...values].join('/') });
    party.kind = values.length === 0 ? 'cluster' : 'unknown';
    party.name = values.length === 0 ? flow.cluster : values.join(' ');
    if (isByNamespace) party.namespace = flow[side].namespace;
    return party;
  }

  function targetOf(flow: Flow): Party | null {
    if (!identifies(other)) return null;
    const party = partyOf(flow[other]);
    if (hasPort(other)) party.port = flow[other].port;
    return party;
  }

  const isWithin = (of: Side): boolean => partsOf(of).some(({ path }) => path[1] === 'entity');
  const within = isWithin(side) ? side : isWithin(other) ? other : null;

  return {
    about: side,
    laneKeyOf: (flow, key) => (within === null ? key : (flow[within].entity ?? key)),
    keyOf(flow) {
      let key = flow.cluster;
      for (const read of readers) key += SEPARATOR + String(read(flow) ?? '');
      return key;
    },
    entityOf: (flow) => (identifies(side) ? partyOf(flow[side]) : setOf(flow)),
    targetOf,
  };
}
