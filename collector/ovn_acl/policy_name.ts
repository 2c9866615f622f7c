import { newPolicyRef, type PolicyRef } from '../../schema/records.ts';

/** OVN-Kubernetes cuts ACL names at this many bytes (go-controller/pkg/libovsdb/util/acl.go, GetACLName). */
const CUT = 63;

const kinds: Readonly<Record<string, string>> = {
  NP: 'NetworkPolicy',
  EF: 'EgressFirewall',
  ANP: 'AdminNetworkPolicy',
  BANP: 'BaselineAdminNetworkPolicy',
};

export interface AclPolicy {
  readonly verdict: string;
  /** ingress or egress, as the ACL says. */
  readonly direction: 'ingress' | 'egress';
}

const actions: Readonly<Record<string, string>> = {
  allow: 'allow',
  drop: 'deny',
  reject: 'deny',
  pass: 'pass',
};

/**
 * Which way the policy looks. An EgressFirewall's ACLs are on the port towards the outside, so the log calls what
 * leaves a pod to-lport (go-controller/pkg/ovn/egressfirewall.go).
 */
export const directionOfAcl = (aclName: string, direction: 'ingress' | 'egress'): 'ingress' | 'egress' =>
  aclName.startsWith('EF:') ? 'egress' : direction;

/** Names of Kubernetes objects are lower case, so a part in upper case is a direction, even when it was cut. */
const isDirection = (part: string): boolean =>
  part !== '' && ('Ingress'.startsWith(part) || 'Egress'.startsWith(part));

/**
 * The policy an ACL's name stands for: `NP:ns:policy:Ingress:0`, `NP:ns:Ingress` (the namespace's default deny,
 * which no object can be named for), `EF:ns:0`, `ANP:name:Egress:1`, `BANP:default:Ingress:0`; kube-ovn writes
 * `np/policy.ns/IPv4/0`. A name of 63 bytes was cut: what is left is read and marked `truncated`. Null for an
 * ACL without a name.
 */
export function policyOfAcl(aclName: string, { verdict, direction }: AclPolicy): PolicyRef | null {
  if (aclName === '' || aclName === '<unnamed>') return null;
  const policy = newPolicyRef();
  policy.direction = directionOfAcl(aclName, direction);
  policy.action = Object.hasOwn(actions, verdict) ? actions[verdict]! : null;
  policy.truncated = Buffer.byteLength(aclName) >= CUT;

  const kubeOvn = /^np\/(.+)\.([^./]+)\/(IPv[46])\/(\d+)$/.exec(aclName);
  if (kubeOvn) {
    policy.kind = 'NetworkPolicy';
    policy.name = kubeOvn[1]!;
    policy.namespace = kubeOvn[2]!;
    policy.rule = kubeOvn[4]!;
    return policy;
  }
  const parts = aclName.split(':');
  const prefix = parts[0]!;
  if (!Object.hasOwn(kinds, prefix) || parts.length < 2) {
    policy.name = aclName;
    return policy;
  }
  policy.kind = kinds[prefix]!;
  if (prefix === 'NP') namespaced(policy, parts, verdict);
  else if (prefix === 'EF') {
    policy.namespace = parts[1]!;
    // A namespace has one EgressFirewall, and it has to be called `default`.
    policy.name = 'default';
    policy.rule = parts[2] ?? null;
  } else {
    policy.name = parts[1]!;
    policy.rule = parts[3] ?? null;
  }
  return policy;
}

function namespaced(policy: PolicyRef, parts: readonly string[], verdict: string): void {
  policy.namespace = parts[1]!;
  const third = parts[2];
  if (third === undefined || third === '') {
    // Cut in or right after the namespace: which policy it was cannot be told.
    return;
  }
  if (isDirection(third)) {
    if (verdict === 'drop' || verdict === 'reject') policy.action = 'default_deny';
    return;
  }
  policy.name = third;
  policy.rule = parts[4] ?? null;
}
