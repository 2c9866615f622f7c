/** What OCSF events have in common (Open Cybersecurity Schema Framework, version 1.8.0). */
import { isIP } from 'node:net';
import { protocolName } from '../../records/protocols.ts';
import type { PolicyRef, Severity } from '../../../schema/records.ts';

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

/** What every event has: class and activity, of which the type is made, time, severity and who says it. */
export interface Head {
  readonly categoryUid: number;
  readonly classUid: number;
  readonly className: string;
  readonly activityId: number;
  readonly activityName: string;
  readonly severityId: number;
  readonly timeMs: number;
  /** Stable id of the event. */
  readonly uid: string;
  readonly eventCode: string;
  readonly profiles: readonly string[];
  readonly tenant: string | null;
}

export const head = (of: Head, version: string): Record<string, unknown> => ({
  category_uid: of.categoryUid,
  class_uid: of.classUid,
  class_name: of.className,
  activity_id: of.activityId,
  activity_name: of.activityName,
  type_uid: of.classUid * 100 + of.activityId,
  severity_id: of.severityId,
  severity: severityNames[of.severityId],
  time: of.timeMs,
  metadata: {
    version: OCSF_VERSION,
    uid: of.uid,
    event_code: of.eventCode,
    product: { name: 'weir', vendor_name: 'Weir', version },
    profiles: of.profiles,
    tenant_uid: of.tenant,
  },
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

export interface Side {
  readonly ip: string | null;
  readonly port: number | null;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly workload: string | null;
  readonly hostname: string | null;
  readonly node: string | null;
  readonly zone: string | null;
  readonly entity: string | null;
}

/** `network_endpoint`; null when nothing that names it is known, as the schema asks for one such thing. */
export function endpoint(side: Side): Record<string, unknown> | null {
  const ip = side.ip !== null && isIP(side.ip) !== 0 ? side.ip : null;
  const name = side.pod ?? side.workload;
  if (ip === null && name === null && side.hostname === null && side.entity === null) return null;
  return {
    ip,
    port: side.port,
    name: name === null || side.namespace === null ? name : `${side.namespace}/${name}`,
    hostname: side.hostname,
    svc_name: side.workload,
    uid: side.entity,
    zone: side.zone,
  };
}

/** 1 inbound, 2 outbound, 3 lateral, 0 unknown, as the traffic crosses the border of what is ours. */
export const directions = ['Unknown', 'Inbound', 'Outbound', 'Lateral'] as const;

export function connection(
  protocol: number | null,
  ip: string | null,
  directionId: 0 | 1 | 2 | 3,
  tcpFlags: number | null,
): Record<string, unknown> {
  const family = ip === null ? 0 : isIP(ip);
  return {
    direction_id: directionId,
    direction: directions[directionId],
    protocol_num: protocol,
    protocol_name: protocolName(protocol),
    protocol_ver_id: family === 0 ? null : family,
    tcp_flags: tcpFlags,
  };
}
