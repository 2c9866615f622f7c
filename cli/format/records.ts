/** One-line forms of records, for `observe`, `search`, `replay` and the alerts on standard output. */
import type { Alert, Endpoint, Flow, PolicyRef, Severity, Verdict } from '../../schema/records.ts';
import type { Colours, Style } from './colours.ts';
import { safeText } from './text.ts';
import { countText, timeText } from './units.ts';

const protocols: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  50: 'ESP',
  58: 'ICMPv6',
  132: 'SCTP',
};

export const protocolText = (protocol: number | null): string | null =>
  protocol === null ? null : (protocols[protocol] ?? `proto ${protocol}`);

/** `shop/cart-7d9 (10.0.0.1):8080`; what is unknown is left out, and `?` when all is. */
export function endpointText(endpoint: Endpoint): string {
  const { who, address } = namesOf(endpoint);
  const text = who !== null && address !== null ? `${who} (${address})` : (who ?? address ?? '?');
  return endpoint.port === null ? text : `${text}:${endpoint.port}`;
}

/** `shop/cart-7d9:8080`: the address only of what has no name. */
export function endpointBrief(endpoint: Endpoint): string {
  const { who, address } = namesOf(endpoint);
  const text = who ?? address ?? '?';
  return endpoint.port === null ? text : `${text}:${endpoint.port}`;
}

function namesOf({ namespace, pod, workload, ip, hostname, networkSet, kind, node }: Endpoint): {
  who: string | null;
  address: string | null;
} {
  const name = pod ?? workload ?? hostname ?? (kind === 'host' ? node : null) ?? networkSet;
  return {
    who: name === null ? null : namespace === null ? name : `${namespace}/${name}`,
    address: ip === null ? null : ip.includes(':') ? `[${ip}]` : ip,
  };
}

/** `NetworkPolicy shop/deny-all`, `default deny`, or null when no policy is known. */
export function policyText(policies: readonly PolicyRef[]): string | null {
  const policy =
    policies.find(({ action }) => action === 'deny' || action === 'default_deny') ?? policies.at(-1);
  if (!policy) return null;
  if (policy.name === null)
    return policy.action === 'default_deny' ? 'default deny' : (policy.kind ?? policy.action);
  const name = policy.namespace === null ? policy.name : `${policy.namespace}/${policy.name}`;
  const marks = [
    policy.truncated ? '…' : '',
    policy.staged ? ' (staged)' : '',
    policy.inferred ? ' (inferred)' : '',
  ].join('');
  return `${policy.kind === null ? '' : `${policy.kind} `}${name}${marks}`;
}

const verdictWords: Readonly<Record<Verdict, string>> = {
  allow: 'ALLOW',
  deny: 'DENY',
  audit: 'AUDIT',
  error: 'ERROR',
  unknown: '-',
};

export const verdictText = (verdict: Verdict): string => verdictWords[verdict];

export function verdictStyle(verdict: Verdict, colours: Colours): Style {
  if (verdict === 'deny' || verdict === 'error') return colours.red;
  if (verdict === 'allow') return colours.green;
  return verdict === 'audit' ? colours.yellow : colours.dim;
}

export function severityStyle(severity: Severity, colours: Colours): Style {
  if (severity === 'critical' || severity === 'high') return colours.red;
  if (severity === 'medium') return colours.yellow;
  return severity === 'low' ? colours.cyan : colours.dim;
}

/** `2026-11-24 02:14:22.123  DENY   TCP  a/b (10.0.0.1):40000 -> c/d (10.0.0.2):80  NetworkPolicy c/deny`. */
export function flowLine(flow: Flow, colours: Colours): string {
  const verdict = verdictStyle(flow.verdict, colours)(verdictText(flow.verdict).padEnd(5));
  const protocol = (protocolText(flow.protocol) ?? '-').padEnd(4);
  const policy = policyText(flow.policies);
  const many = flow.aggregated > 1 ? `  x${flow.aggregated}` : '';
  const parts = [
    colours.dim(timeText(flow.endMs, { millis: true })),
    verdict,
    protocol,
    `${safeText(endpointText(flow.source))} ${colours.dim('->')} ${safeText(endpointText(flow.destination))}${many}`,
  ];
  if (policy !== null) parts.push(colours.dim(safeText(policy)));
  return parts.join('  ');
}

/** `2026-11-24 02:14:22  HIGH      port_scan  10.0.0.1 probed 40 ports of 10.0.0.2 [opened, 40 flows]`. */
export function alertLine(alert: Alert, colours: Colours): string {
  const severity = severityStyle(alert.severity, colours)(alert.severity.toUpperCase().padEnd(8));
  const about = alert.action === 'opened' ? '' : `${alert.action}, `;
  return [
    colours.dim(timeText(alert.raisedMs)),
    severity,
    colours.bold(safeText(alert.detector)),
    `${safeText(alert.why.summary)} ${colours.dim(`[${about}${countText(alert.count, 'flow')}, ${alert.id}]`)}`,
  ].join('  ');
}
