/** What OCSF events have in common (Open Cybersecurity Schema Framework, version 1.8.0). */
import { isIP } from 'node:net';
import { protocolName } from '../../records/protocols.ts';
import type { Endpoint, PolicyRef, Severity } from '../../../schema/records.ts';

export const OCSF_VERSION = '1.8.0';

/** `severity_id`: 1 Informational to 5 Critical. */
export const severityIds: Readonly<Record<Severity, number>> = {
  info: 1,
  low: 2,
  medium: 3,
  high: 4,
  critical: 5,
};

export const severityNames = ['Unknown', 'Informational', 'Low', 'Medium', 'High', 'Critical'] as const;

/**
 * `metadata` of an event. The events themselves are written out as one literal each: made of spread parts they cost
 * five times as much.
 */
export const metadata = (
  version: string,
  of: { uid: string; eventCode: string; profiles: readonly string[]; tenant: string | null },
): object => ({
  version: OCSF_VERSION,
  uid: of.uid,
  event_code: of.eventCode,
  product: { name: 'weir', vendor_name: 'Weir', version },
  profiles: of.profiles,
  tenant_uid: of.tenant,
});

/** `action_id` and `disposition_id` of the profile Security Control. */
export const controls = {
  allowed: { action_id: 1, action: 'Allowed', disposition_id: 1, disposition: 'Allowed' },
  blocked: { action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' },
  /** What would have been denied was let through and written down. */
  logged: { action_id: 1, action: 'Allowed', disposition_id: 17, disposition: 'Logged' },
  unknown: { action_id: 0, action: 'Unknown', disposition_id: 0, disposition: 'Unknown' },
} as const;

export const firewallRule = (policy: PolicyRef): object => ({
  name:
    policy.name === null
      ? 'default deny'
      : policy.namespace === null
        ? policy.name
        : `${policy.namespace}/${policy.name}`,
  uid: policy.rule,
  category: policy.tier,
  type: policy.kind,
});

/** `network_endpoint`; null when nothing that names it is known, as the schema asks for one such thing. */
export function endpoint(
  end: Pick<Endpoint, 'ip' | 'port' | 'namespace' | 'pod' | 'workload' | 'hostname' | 'entity' | 'zone'>,
): object | null {
  const ip = end.ip !== null && isIP(end.ip) !== 0 ? end.ip : null;
  const name = end.pod ?? end.workload;
  const { hostname, entity: uid } = end;
  if (ip === null && name === null && hostname === null && uid === null) return null;
  return {
    ip,
    port: end.port,
    name: name === null || end.namespace === null ? name : end.namespace + '/' + name,
    hostname,
    svc_name: end.workload,
    uid,
    zone: end.zone,
  };
}

/** 1 inbound, 2 outbound, 3 lateral, 0 unknown, as the traffic crosses the border of what is ours. */
export const directions = ['Unknown', 'Inbound', 'Outbound', 'Lateral'] as const;

export function connection(of: {
  readonly protocol: number | null;
  /** Address of either side. */
  readonly ip: string | null;
  readonly directionId: 0 | 1 | 2 | 3;
  readonly tcpFlags: number | null;
  readonly communityUid: string | null;
}): object {
  const family = of.ip === null ? 0 : isIP(of.ip);
  return {
    direction_id: of.directionId,
    direction: directions[of.directionId],
    protocol_num: of.protocol,
    protocol_name: protocolName(of.protocol),
    protocol_ver_id: family === 0 ? null : family,
    tcp_flags: of.tcpFlags,
    community_uid: of.communityUid,
  };
}
