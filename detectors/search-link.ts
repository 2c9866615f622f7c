import type { Endpoint, Party } from '../schema/records.ts';

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** The most stable KQL condition that finds one side: workload, else pod, else node, else address, else entity. */
export function sideQuery(side: 'source' | 'destination', endpoint: Endpoint): string {
  if (endpoint.namespace !== null && endpoint.workload !== null) {
    return `${side}.namespace : ${quoted(endpoint.namespace)} and ${side}.workload : ${quoted(endpoint.workload)}`;
  }
  if (endpoint.namespace !== null && endpoint.pod !== null) {
    return `${side}.namespace : ${quoted(endpoint.namespace)} and ${side}.pod : ${quoted(endpoint.pod)}`;
  }
  if (endpoint.ip !== null) return `${side}.ip : ${quoted(endpoint.ip)}`;
  return `${side}.entity : ${quoted(endpoint.entity ?? '')}`;
}

/** The same for a party whose endpoint is not at hand. */
export function partyQuery(side: 'source' | 'destination', party: Party): string {
  return party.ip === null ? `${side}.entity : ${quoted(party.key)}` : `${side}.ip : ${quoted(party.ip)}`;
}

/** Flows with a value of a field. */
export const fieldQuery = (field: string, value: string): string => `${field} : ${quoted(value)}`;

/** Everything to and from a namespace; of a whole cluster, what its policies judged. */
export const namespaceQuery = (namespace: string | null): string =>
  namespace === null
    ? 'policies.name : *'
    : `source.namespace : ${quoted(namespace)} or destination.namespace : ${quoted(namespace)}`;

/** A command for a POSIX shell that shows the flows of a query between two event times, both included. */
export function searchCommand(query: string, fromMs: number, toMs: number): string {
  const shell = `'${query.replaceAll("'", `'\\''`)}'`;
  return `weir search ${shell} --from ${isoTime(fromMs)} --to ${isoTime(toMs + 1)}`;
}

/** ISO 8601, or the epoch's bounds where a clock gone wrong is beyond what a date can say. */
function isoTime(timeMs: number): string {
  const limit = 8.64e15;
  return new Date(Math.min(Math.max(timeMs, -limit), limit)).toISOString();
}
