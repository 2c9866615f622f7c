import type { Endpoint, Flow, Party } from '../../schema/records.ts';
import { newParty } from '../../schema/records.ts';
import { addNumber, addText, finishHash, startHash, type Hash } from '../hash.ts';
import { decidingPolicy, entityKey, isInventoried, nameOf, partyOf, placeOf, policyName } from '../party.ts';
import { addPolicy, policyKey, policyParty } from '../policy-key.ts';

/** Denials that make one alert. */
export interface Group {
  /** The full grouping key, with the cluster. */
  readonly key: string;
  /** Side of the flow the alert is about. */
  readonly about: 'source' | 'destination';
  readonly entity: Party;
  readonly target: Party;
  /** In words, for the list of existing denials. */
  readonly edge: string;
}

/** Key of the network that stands for a destination; null where the destination stands for itself. */
function networkKey(destination: Endpoint): string | null {
  const { kind, networkSet } = destination;
  if (networkSet === null) return kind === 'public' ? 'network/internet' : null;
  return isInventoried(destination) ? null : `network/${networkSet}`;
}

/** Hashes what `groupOf` puts into the key, without making it: most denials belong to a group that is known. */
export function hashGroup(hash: Hash, flow: Flow): void {
  const { source, destination } = flow;
  const policy = decidingPolicy(flow);
  const isOutside = !isInventoried(source);
  startHash(hash);
  addText(hash, flow.cluster);
  addText(hash, isOutside ? '' : entityKey(source));
  addText(hash, (isOutside ? null : networkKey(destination)) ?? entityKey(destination));
  addNumber(hash, isOutside ? -1 : (destination.port ?? 0x10000) | ((flow.protocol ?? 0xff) << 20));
  addPolicy(hash, policy);
  finishHash(hash);
}

/**
 * Where a denial belongs. From a source the inventory knows: source, destination (or the network it is in), port and
 * policy. From any other source, of which there is no end: destination and policy alone.
 */
export function groupOf(flow: Flow): Group {
  const policy = decidingPolicy(flow);
  const { source, destination } = flow;
  if (!isInventoried(source)) {
    return {
      key: `${flow.cluster}|outside|${entityKey(destination)}|${policyKey(policy)}`,
      about: 'destination',
      entity: partyOf(destination),
      target: policyParty(policy),
      edge: `outside -> ${nameOf(destination)} (${policyName(policy)})`,
    };
  }
  const network = networkKey(destination);
  const target = network === null ? partyOf(destination) : networkParty(network, destination);
  target.port = destination.port;
  const port = destination.port ?? `protocol ${flow.protocol ?? 'unknown'}`;
  const place = network === null ? placeOf(destination) : `${target.name}:${port}`;
  return {
    key: `${flow.cluster}|${entityKey(source)}|${target.key}|${flow.protocol ?? ''}/${port}|${policyKey(policy)}`,
    about: 'source',
    entity: partyOf(source),
    target,
    edge: `${nameOf(source)} -> ${place} (${policyName(policy)})`,
  };
}

/** A named network, or the internet, whose addresses rotate. */
function networkParty(key: string, destination: Endpoint): Party {
  const party = newParty({ key });
  party.kind = 'network';
  party.name = destination.networkSet ?? 'the internet';
  return party;
}
