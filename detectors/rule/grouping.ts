import { newParty, type Flow, type Party, type PolicyChange } from '../../schema/records.ts';
import { partyOf } from '../party.ts';
import type { Definition } from './definition.ts';
import { fieldOf, readerOf } from './fields.ts';
import { isFlow, type Subject } from './subject.ts';

type Side = 'source' | 'destination';

/** How a rule tells its groups apart, and whom each is about. */
export interface Grouping {
  /** The cluster and the value of each field: one text for each group. */
  keyOf(subject: Subject): string;
  /**
   * What the lane of a group follows from: the entity of a side where groups lie within it, so that the lane has
   * seen what else it did; else the group itself.
   */
  laneKeyOf(subject: Subject, key: string): string;
  readonly about: Side;
  entityOf(subject: Subject): Party;
  targetOf(subject: Subject): Party | null;
}

/** Fields that say who an endpoint is, rather than where it belongs. */
const IDENTITY = new Set(['entity', 'ip', 'pod', 'workload', 'hostname', 'instance']);
const SEPARATOR = '\u001f';

export function groupingOf({ over, groupBy, about }: Definition): Grouping {
  const fields = groupBy.map((name) => fieldOf(over, name)!);
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
    laneKeyOf: (subject, key) =>
      within === null || !isFlow(subject) ? key : (subject[within].entity ?? key),
    keyOf(subject) {
      let key = subject.cluster;
      for (const read of readers) key += SEPARATOR + String(read(subject) ?? '');
      return key;
    },
    entityOf(subject) {
      if (!isFlow(subject)) return policyOf(subject, groupBy.includes('name'));
      return identifies(side) ? partyOf(subject[side]) : setOf(subject);
    },
    targetOf: (subject) => (isFlow(subject) ? targetOf(subject) : null),
  };
}

/** Of a change: the policy, where each has its own alerts; else the policies of its namespace. */
function policyOf({ cluster, kind, namespace, name }: PolicyChange, isOne: boolean): Party {
  const where = namespace ?? '';
  const party = newParty({
    key: isOne ? `${cluster}/${kind}/${where}/${name}` : `${cluster}/policies/${where}`,
  });
  party.kind = 'policy';
  party.namespace = namespace;
  party.name = isOne ? name : namespace === null ? 'cluster-wide policies' : `policies of ${namespace}`;
  return party;
}
