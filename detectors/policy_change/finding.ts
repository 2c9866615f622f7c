import type { Party, PolicyChange } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import type { Options } from './options.ts';

/** What a change did that weakens the policy of a cluster. */
export const findings = ['opened', 'deleted', 'logging_off'] as const;
export type Finding = (typeof findings)[number];

const isDelete = (change: PolicyChange): boolean => change.verb.toLowerCase().startsWith('delete');

/** Most changes weaken nothing; one may do so in two ways. */
export function findingsOf(change: PolicyChange, options: Options): Finding[] {
  const found: Finding[] = [];
  if (isDelete(change)) {
    if (!options.routineUsers.includes(change.user ?? '')) found.push('deleted');
  } else if (change.allowsAll.length > 0 || isNamedAllowAll(change, options)) {
    found.push('opened');
  }
  if (change.logging === 'off') found.push('logging_off');
  return found;
}

/** The name alone is a hint, where the origin does not tell what is in the policy. */
export const isNamedAllowAll = ({ name, allowsAll }: PolicyChange, { allowAllNames }: Options): boolean =>
  allowsAll.length === 0 && allowAllNames.some((part) => name.toLowerCase().includes(part));

/** `NetworkPolicy shop/web`. */
export const policyOf = ({ kind, namespace, name }: PolicyChange): string =>
  `${kind} ${namespace === null ? name : `${namespace}/${name}`}`;

/** Who to ask: the user, with the address the change came from. */
export const actorOf = ({ user }: PolicyChange): string => user ?? 'somebody unknown';

/** The change in words: `alice (from 10.1.2.3) deleted NetworkPolicy shop/web`. */
export function told(change: PolicyChange, finding: Finding | null): string {
  const [ip] = change.sourceIps;
  const from = ip === undefined ? '' : ` (from ${ip})`;
  return `${actorOf(change)}${from} ${deedOf(change, finding)}`;
}

function deedOf(change: PolicyChange, finding: Finding | null): string {
  const policy = policyOf(change);
  switch (finding) {
    case 'opened':
      return change.allowsAll.length === 0
        ? `set ${policy}, which by its name lets everything through`
        : `set ${policy} to let all ${change.allowsAll.join(' and ')} traffic through`;
    case 'deleted':
      return `deleted ${policy}`;
    case 'logging_off':
      return `turned off the logging of ${policy}`;
    default:
      return `${PAST[change.verb.toLowerCase()] ?? 'changed'} ${policy}`;
  }
}

const PAST: Readonly<Record<string, string>> = {
  create: 'created',
  delete: 'deleted',
  deletecollection: 'deleted',
};

/** The policies of a namespace, or of the cluster: changes to them are one story. */
export function policiesParty({ cluster, namespace }: PolicyChange): Party {
  const party = newParty({ key: `${cluster}/policies/${namespace ?? ''}` });
  party.kind = 'policy';
  party.namespace = namespace;
  party.name = namespace === null ? 'cluster-wide policies' : `policies of ${namespace}`;
  return party;
}

export function policyParty({ cluster, kind, namespace, name }: PolicyChange): Party {
  const party = newParty({ key: `${cluster}/${kind}/${namespace ?? ''}/${name}` });
  party.kind = 'policy';
  party.namespace = namespace;
  party.name = name;
  return party;
}
