import { newPolicyRef, type PolicyRef, type Verdict } from '../../schema/records.ts';
import { text } from './record.ts';

/** What the network events of a flow come to. */
export interface Judgement {
  verdict: Verdict;
  verdictRaw: string | null;
  direction: 'ingress' | 'egress' | null;
  policies: PolicyRef[];
}

/** Events a flow carries at most are 4; more are left unread. */
const MAX_EVENTS = 16;

const sentences: readonly (readonly [RegExp, string])[] = [
  [/^admin network policy (?<name>\S+)/, 'AdminNetworkPolicy'],
  [/^baseline admin network policy\s*(?<name>\S+)?/, 'BaselineAdminNetworkPolicy'],
  [/^network policy (?<name>\S+) in namespace (?<namespace>\S+)/, 'NetworkPolicy'],
  [/^network policy (?<namespace>[^/\s]+)\/(?<name>\S+)/, 'NetworkPolicy'],
  [/^egress firewall(?: (?<name>\S+))? in namespace (?<namespace>\S+)/, 'EgressFirewall'],
  [/^network policies isolation in namespace (?<namespace>\S+)/, 'NetpolNamespace'],
  [/^default allow from local node/, 'NetpolNode'],
  [/^multicast in namespace (?<namespace>\S+)/, 'MulticastNS'],
  [/^(?:cluster )?multicast/, 'MulticastCluster'],
  [/^UDN isolation/i, 'UDNIsolation'],
];

const words: Readonly<Record<string, string>> = {
  allowed: 'allow',
  dropped: 'drop',
  rejected: 'reject',
  passed: 'pass',
  delegated: 'pass',
};

interface Event {
  readonly type: string | null;
  readonly namespace: string | null;
  readonly name: string | null;
  readonly action: string;
  readonly direction: string | null;
}

/** An event as text: `Allowed by network policy NAME in namespace NS, direction Ingress`. */
function eventOfText(sentence: string): Event | null {
  const match = /^([A-Za-z]{4,12}) by (.{1,300}?)(?:, direction ([A-Za-z]{1,16}))?$/.exec(sentence);
  const action = match ? words[match[1]!.toLowerCase()] : undefined;
  if (!match || action === undefined) return null;
  for (const [pattern, type] of sentences) {
    const found = pattern.exec(match[2]!);
    if (!found) continue;
    return {
      type,
      namespace: found.groups?.['namespace'] ?? null,
      name: found.groups?.['name'] ?? null,
      action,
      direction: match[3] ?? null,
    };
  }
  return { type: null, namespace: null, name: match[2]!, action, direction: match[3] ?? null };
}

function eventOf(value: unknown): Event | null {
  if (typeof value === 'string') return eventOfText(value);
  if (typeof value !== 'object' || value === null) return null;
  const raw = value as {
    Type?: unknown;
    Namespace?: unknown;
    Name?: unknown;
    Action?: unknown;
    Direction?: unknown;
    Message?: unknown;
  };
  const action = text(raw.Action);
  if (action === null) return typeof raw.Message === 'string' ? eventOfText(raw.Message) : null;
  return {
    type: text(raw.Type),
    namespace: text(raw.Namespace),
    name: text(raw.Name),
    action: action.toLowerCase(),
    direction: text(raw.Direction),
  };
}

/** A policy type whose drop without a name is the isolation of its namespace, not a rule. */
const isolating = new Set(['NetworkPolicy', 'NetpolNamespace']);

function policyOf(event: Event, direction: 'ingress' | 'egress' | null): PolicyRef {
  const policy = newPolicyRef();
  const denied = event.action === 'drop' || event.action === 'reject';
  policy.kind = event.type === 'NetpolNamespace' ? 'NetworkPolicy' : event.type;
  policy.namespace = event.namespace;
  policy.name = event.type === 'NetpolNamespace' ? null : event.name;
  policy.direction = direction;
  if (!denied)
    policy.action = event.action.startsWith('allow') ? 'allow' : event.action === 'pass' ? 'pass' : null;
  else
    policy.action =
      policy.name === null && event.type !== null && isolating.has(event.type) ? 'default_deny' : 'deny';
  return policy;
}

const directionOf = (value: string | null): 'ingress' | 'egress' | null => {
  const lower = value?.toLowerCase();
  return lower === 'ingress' || lower === 'egress' ? lower : null;
};

/**
 * A drop or reject decides, whatever else allowed the flow; `pass` hands the decision on and decides nothing.
 * Policies keep the order of the events. An event that cannot be read is left out.
 */
export function judge(events: unknown): Judgement | null {
  const list = Array.isArray(events)
    ? (events as unknown[])
    : typeof events === 'string' && events !== ''
      ? [events]
      : [];
  if (list.length === 0) return null;
  const judged: Judgement = { verdict: 'unknown', verdictRaw: null, direction: null, policies: [] };
  for (let i = 0; i < list.length && i < MAX_EVENTS; i++) {
    const event = eventOf(list[i]);
    if (!event) continue;
    const direction = directionOf(event.direction);
    judged.policies.push(policyOf(event, direction));
    const denies = event.action === 'drop' || event.action === 'reject';
    const allows = event.action.startsWith('allow');
    const decides =
      judged.verdict !== 'deny' &&
      (denies || (allows && judged.verdict !== 'allow') || judged.verdictRaw === null);
    if (!decides) continue;
    judged.verdict = denies ? 'deny' : allows ? 'allow' : judged.verdict;
    judged.verdictRaw = event.action;
    judged.direction = direction;
  }
  return judged;
}
