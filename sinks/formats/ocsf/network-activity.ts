import { communityOf } from '../../elasticsearch/community-of.ts';
import type { Endpoint, Flow } from '../../../schema/records.ts';
import { connection, controls, endpoint, firewallRule, metadata, severityNames } from './parts.ts';

const activities = { refuse: [5, 'Refuse'], fail: [4, 'Fail'], traffic: [6, 'Traffic'] } as const;
const activityOf = {
  allow: 'traffic',
  audit: 'traffic',
  unknown: 'traffic',
  deny: 'refuse',
  error: 'fail',
} as const;
const controlOf = {
  allow: 'allowed',
  audit: 'logged',
  unknown: 'unknown',
  deny: 'blocked',
  error: 'unknown',
} as const;

const observationPoints = { unknown: 0, source: 1, destination: 2, transit: 3 } as const;

/** Network Activity [4001] of a flow, with the profile Security Control: what policy decided. */
export function networkActivity(flow: Flow, version: string): Record<string, unknown> {
  const { source, destination } = flow;
  const [activityId, activityName] = activities[activityOf[flow.verdict]];
  const decided = flow.policies.at(-1);
  const control = controls[controlOf[flow.verdict]];
  const severityId = flow.verdict === 'deny' ? 2 : 1;
  const src = endpoint(source);
  return {
    category_uid: 4,
    class_uid: 4001,
    class_name: 'Network Activity',
    activity_id: activityId,
    activity_name: activityName,
    type_uid: 4001 * 100 + activityId,
    severity_id: severityId,
    severity: severityNames[severityId],
    time: flow.endMs,
    metadata: metadata(version, {
      uid: flow.id,
      eventCode: 'flow',
      profiles: ['security_control'],
      tenant: source.tenant ?? destination.tenant,
    }),
    start_time: flow.startMs,
    end_time: flow.endMs,
    duration: Math.max(0, flow.endMs - flow.startMs),
    count: flow.aggregated,
    action_id: control.action_id,
    action: control.action,
    disposition_id: control.disposition_id,
    disposition: control.disposition,
    is_alert: false,
    firewall_rule: decided ? firewallRule(decided) : null,
    status_detail: flow.dropReason,
    src_endpoint: src,
    // One of both sides has to be there.
    dst_endpoint: endpoint(destination) ?? (src === null ? { name: 'unknown' } : null),
    is_src_dst_assignment_known: !flow.initiatorGuessed,
    observation_point_id: observationPoints[flow.reporter],
    connection_info: connection({
      protocol: flow.protocol,
      ip: source.ip ?? destination.ip,
      directionId: directionOf(flow),
      tcpFlags: flow.tcpFlags,
      communityUid: communityOf(flow),
    }),
    traffic: traffic(flow),
    unmapped: {
      cluster: flow.cluster,
      node: flow.node,
      collector: flow.collector,
      verdict: flow.verdict,
      verdict_raw: flow.verdictRaw,
      counted: flow.counted,
      source: identity(source),
      destination: identity(destination),
    },
  };
}

/** OCSF has no place for who an endpoint is in Kubernetes. */
const identity = (end: Endpoint): object => ({
  namespace: end.namespace,
  pod: end.pod,
  workload: end.workload,
  workload_kind: end.workloadKind,
  service_account: end.serviceAccount,
  node: end.node,
  tenant: end.tenant,
  scopes: end.scopes,
  network_set: end.networkSet,
});

function directionOf({ source, destination }: Flow): 0 | 1 | 2 | 3 {
  if (source.kind === 'unknown' || destination.kind === 'unknown') return 0;
  if (source.kind === 'public') return destination.kind === 'public' ? 0 : 1;
  return destination.kind === 'public' ? 2 : 3;
}

/** `bytes_out` are those from source to destination. */
function traffic(flow: Flow): object | null {
  const { sourceBytes, destinationBytes, sourcePackets, destinationPackets } = flow;
  if (
    sourceBytes === null &&
    destinationBytes === null &&
    sourcePackets === null &&
    destinationPackets === null
  )
    return null;
  return {
    bytes: total(sourceBytes, destinationBytes),
    bytes_out: sourceBytes,
    bytes_in: destinationBytes,
    packets: total(sourcePackets, destinationPackets),
    packets_out: sourcePackets,
    packets_in: destinationPackets,
  };
}

const total = (a: number | null, b: number | null): number | null =>
  a === null && b === null ? null : (a ?? 0) + (b ?? 0);
