import { newParty, type Party, type PolicyRef } from '../schema/records.ts';
import { addNumber, addText, type Hash } from './hash.ts';
import { policyName } from './party.ts';

/** Identity of a policy over its rules: kind, tier, namespace and name; the direction where it has no name. */
export function policyKey(policy: PolicyRef | null): string {
  if (policy === null) return 'unnamed';
  const name = policy.name ?? `default deny ${policy.direction ?? ''}`;
  return `${policy.kind ?? ''}/${policy.tier ?? ''}/${policy.namespace ?? ''}/${name}`;
}

/** Adds to a hash what `policyKey` says, without making the text. */
export function addPolicy(hash: Hash, policy: PolicyRef | null): void {
  if (policy === null) return;
  addText(hash, policy.kind ?? '');
  addText(hash, policy.tier ?? '');
  addText(hash, policy.namespace ?? '');
  addText(hash, policy.name ?? policy.direction ?? '');
  addNumber(hash, policy.name === null ? 1 : 0);
}

/** A policy as the party of an alert. */
export function policyParty(policy: PolicyRef | null): Party {
  const party = newParty({ key: `policy/${policyKey(policy)}` });
  party.kind = 'policy';
  party.namespace = policy?.namespace ?? null;
  party.name = policyName(policy);
  return party;
}
