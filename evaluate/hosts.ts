import type { Seen } from './run-case.ts';

/** Share of a case's flows from which on an address counts as watched, where no inside address speaks. */
export const WATCHED_SHARE = 0.1;

/** Multicast, broadcast, link-local and unset addresses: nobody in particular, or nobody for long. */
const NOBODY = /^(22[4-9]|23\d)\.|^255\.|^169\.254\.|^0\.|^ff|^fe[89ab]|^::$/i;

/**
 * The hosts that a case watches: inside addresses that began something which was answered, or answered something from
 * outside. So spoofed sources and addresses that nobody has are none, and neither is the resolver that serves the one host a
 * recording is of. Where there are none, as behind public addresses, those that are part of a tenth of all flows.
 */
export function watchedHosts(flows: readonly Seen[]): Set<string> {
  const hosts = new Set<string>();
  for (const { source, destination, sourceIsInside, destinationIsInside, answered } of flows) {
    if (!answered) continue;
    if (sourceIsInside && !NOBODY.test(source)) hosts.add(source);
    if (destinationIsInside && !sourceIsInside && !NOBODY.test(destination)) hosts.add(destination);
  }
  if (hosts.size > 0) return hosts;
  const counts = new Map<string, number>();
  for (const { source, destination } of flows)
    for (const host of new Set([source, destination])) counts.set(host, (counts.get(host) ?? 0) + 1);
  for (const [host, count] of counts)
    if (count >= flows.length * WATCHED_SHARE && !NOBODY.test(host)) hosts.add(host);
  return hosts;
}
