import type { Inventory } from '../../schema/records.ts';
import { canonicalAddress } from '../../query/address.ts';
import { isObject, stringAt, stringsAt } from './json.ts';

/** An address and the address space it is in; null is the cluster's default network. */
export interface NetworkAddress {
  readonly network: string | null;
  readonly ip: string;
}

/**
 * All addresses of an object: those the API shows, and for pods the ones that other networks gave, as Multus
 * writes them (`k8s.v1.cni.cncf.io/network-status`) and OVN-Kubernetes does for user-defined networks
 * (`k8s.ovn.org/pod-networks`). An annotation that cannot be read gives none.
 */
export function addressesOf(record: Inventory): NetworkAddress[] {
  const out: NetworkAddress[] = record.ips.map((ip) => ({ network: null, ip }));
  const status = parsed(record.annotations?.['k8s.v1.cni.cncf.io/network-status']);
  for (const entry of Array.isArray(status) ? status.filter(isObject) : []) {
    const name = stringAt(entry, 'name');
    if (entry['default'] === true || name === null) continue;
    for (const ip of stringsAt(entry, 'ips')) push(out, name, ip);
  }
  const networks = parsed(record.annotations?.['k8s.ovn.org/pod-networks']);
  for (const [name, entry] of Object.entries(isObject(networks) ? networks : {})) {
    if (name === 'default' || !isObject(entry)) continue;
    for (const ip of [...stringsAt(entry, 'ip_addresses'), stringAt(entry, 'ip_address') ?? ''])
      push(out, name, ip);
  }
  return out;
}

function push(out: NetworkAddress[], network: string, text: string): void {
  const ip = canonicalAddress(text.split('/')[0]!);
  if (ip !== null && !out.some((known) => known.network === network && known.ip === ip))
    out.push({ network, ip });
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Where an address is looked up: names of networks never hold a space. */
export const addressKey = (network: string | null, ip: string): string =>
  network === null ? ip : `${network} ${ip}`;
