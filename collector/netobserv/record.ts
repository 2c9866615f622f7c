/** A flow record of NetObserv as JSON: the fields that are read. Any may be missing, or of another type. */
export interface Raw {
  readonly TimeFlowStartMs?: unknown;
  readonly TimeFlowEndMs?: unknown;
  readonly TimeFlowStart?: unknown;
  readonly TimeFlowEnd?: unknown;
  readonly TimeReceived?: unknown;
  readonly SrcAddr?: unknown;
  readonly DstAddr?: unknown;
  readonly SrcPort?: unknown;
  readonly DstPort?: unknown;
  readonly Proto?: unknown;
  readonly Flags?: unknown;
  readonly TCPFlags?: unknown;
  readonly IcmpType?: unknown;
  readonly IcmpCode?: unknown;
  readonly Bytes?: unknown;
  readonly Packets?: unknown;
  readonly Bytes_AB?: unknown;
  readonly Bytes_BA?: unknown;
  readonly Packets_AB?: unknown;
  readonly Packets_BA?: unknown;
  readonly Sampling?: unknown;
  readonly AgentIP?: unknown;
  readonly FlowDirection?: unknown;
  readonly SrcK8S_Name?: unknown;
  readonly SrcK8S_Type?: unknown;
  readonly SrcK8S_OwnerName?: unknown;
  readonly SrcK8S_OwnerType?: unknown;
  readonly SrcK8S_Namespace?: unknown;
  readonly SrcK8S_HostIP?: unknown;
  readonly SrcK8S_HostName?: unknown;
  readonly SrcK8S_Zone?: unknown;
  readonly SrcK8S_NetworkName?: unknown;
  readonly SrcSubnetLabel?: unknown;
  readonly DstK8S_Name?: unknown;
  readonly DstK8S_Type?: unknown;
  readonly DstK8S_OwnerName?: unknown;
  readonly DstK8S_OwnerType?: unknown;
  readonly DstK8S_Namespace?: unknown;
  readonly DstK8S_HostIP?: unknown;
  readonly DstK8S_HostName?: unknown;
  readonly DstK8S_Zone?: unknown;
  readonly DstK8S_NetworkName?: unknown;
  readonly DstSubnetLabel?: unknown;
  readonly K8S_ClusterName?: unknown;
  readonly Udns?: unknown;
  readonly PktDropBytes?: unknown;
  readonly PktDropPackets?: unknown;
  readonly PktDropLatestDropCause?: unknown;
  readonly DnsName?: unknown;
  readonly DnsFlagsResponseCode?: unknown;
  readonly DnsErrno?: unknown;
  /** Older agents mark what another interface of the node saw as well. */
  readonly Duplicate?: unknown;
  readonly NetworkEvents?: unknown;
  readonly _RecordType?: unknown;
  readonly _HashId?: unknown;
  readonly numFlowLogs?: unknown;
}

export const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

/** A whole number from `min` up, also written as text; null when it is none or greater than `max`. */
export function whole(value: unknown, max: number, min = 0): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
    ? number
    : null;
}

/** A counter; what was scaled by a sampling rate has a fraction. */
export function count(value: unknown): number | null {
  const exact = whole(value, MAX_COUNT);
  if (exact !== null || typeof value !== 'number' || !(value >= 0 && value <= MAX_COUNT)) return exact;
  return Math.round(value);
}

/** Seconds since 1970 stay below it until the year 5138, milliseconds have been above it since 1973. */
const SECONDS_BELOW = 1e11;
const MAX_TIME_MS = 8.64e15;

/**
 * Milliseconds since 1970 of a time in seconds or milliseconds, with or without a fraction; null where there is
 * none, and 0 is none. Which of the two it is, is told by its size: some exporters write the one under the name
 * of the other.
 */
export function epochMs(value: unknown): number | null {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 1)) return null;
  const ms = number < SECONDS_BELOW ? number * 1000 : number;
  return ms <= MAX_TIME_MS ? Math.floor(ms) : null;
}

export const MAX_COUNT = Number.MAX_SAFE_INTEGER;
