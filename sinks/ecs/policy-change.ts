import type { PolicyChange } from '../../schema/records.ts';
import { anyJson } from '../records/json.ts';
import { head, isAddress, orchestrator, policyName, related, type Target } from './parts.ts';

/** `event.type` of the category `configuration`. */
const types: Readonly<Record<string, string>> = { create: 'creation', delete: 'deletion' };

/** Who changed which policy. The first address is the client's; those that follow are proxies on the way. */
export function policyChangeDocument(change: PolicyChange, target: Target): string {
  const [address = null] = change.sourceIps;
  return anyJson({
    ...head('policy_change', target, change.timeMs, {
      id: change.id,
      kind: 'event',
      category: ['configuration'],
      type: [types[change.verb] ?? 'change'],
      action: `policy-${change.verb}`,
      outcome: 'success',
    }),
    message: `${change.user ?? 'somebody'} did ${change.verb} ${change.kind} ${policyName(change)}`,
    user: change.user === null ? null : { name: change.user, roles: change.groups },
    user_agent: change.userAgent === null ? null : { original: change.userAgent },
    source: address === null ? null : { address, ip: isAddress(address) ? address : null },
    related: related({ ips: change.sourceIps, users: [change.user] }),
    rule: { name: policyName(change), category: change.kind },
    orchestrator: orchestrator(change.cluster),
    kubernetes: change.namespace === null ? null : { namespace: change.namespace },
    weir: {
      kind: 'policy_change',
      policy: { namespace: change.namespace, name: policyName(change), kind: change.kind },
      policy_change: {
        verb: change.verb,
        before: change.before,
        after: change.after,
        logging: change.logging,
      },
      tenant: change.tenant,
      tenants: change.tenant === null ? null : [change.tenant],
    },
  });
}
