import { WeirError } from '../pipeline/errors.ts';
import type { Options } from './options.ts';
import { networkTable } from '../query/networks.ts';

/** Ranges that are never routed on the internet, so that equal addresses in two places are two endpoints. */
const PRIVATE = [
  '10.0.0.0/8', // RFC 1918
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10', // RFC 6598, shared address space
  '169.254.0.0/16', // RFC 3927, link-local
  '127.0.0.0/8', // RFC 1122, loopback
  '0.0.0.0/8', // RFC 1122, this host
  'fc00::/7', // RFC 4193, unique local
  'fe80::/10', // RFC 4291, link-local
  '::1/128', // RFC 4291, loopback
  '::/128', // RFC 4291, unspecified
];

/** What the networks an address lies in say about it. */
export interface NetworkFacts {
  readonly class: 'private' | 'public';
  /** Most specific named network. */
  readonly networkSet: string | null;
  readonly tenant: string | null;
  readonly scopes: readonly string[];
}

/** One table over all configured networks: an address is looked up once for class, name, tenant and scopes. */
export function classifier(
  options: Pick<Options, 'networks' | 'tenants' | 'scopes'>,
): (ip: string) => NetworkFacts {
  const entries: { cidr: string; value: Value }[] = [];
  const add = (key: string, cidrs: readonly string[], value: Value): void => {
    for (const cidr of cidrs) {
      try {
        networkTable([{ cidr, value }]);
      } catch (error) {
        throw new WeirError(
          'config_invalid',
          `${key}: "${cidr}" is not a network, expected such as 10.0.0.0/8`,
          { cause: error },
        );
      }
      entries.push({ cidr, value });
    }
  };
  add('networks', PRIVATE, { is: 'private', name: '' });
  add('networks.internal', options.networks.internal, { is: 'private', name: '' });
  for (const [name, cidrs] of Object.entries(options.networks.named))
    add(`networks.named.${name}`, cidrs, { is: 'name', name });
  for (const [name, cidrs] of Object.entries(options.tenants.cidrs))
    add(`tenants.cidrs.${name}`, cidrs, { is: 'tenant', name });
  for (const [name, scope] of Object.entries(options.scopes))
    add(`scopes.${name}.cidrs`, scope.cidrs, { is: 'scope', name });
  const table = networkTable(entries);
  // The table gives the same array for all addresses of an interval, so the facts are worked out once for each.
  const known = new Map<readonly Value[], NetworkFacts>();
  return (ip) => {
    const values = table.find(ip);
    let facts = known.get(values);
    if (facts === undefined) known.set(values, (facts = factsOf(values)));
    return facts;
  };
}

function factsOf(values: readonly Value[]): NetworkFacts {
  return {
    class: values.some((value) => value.is === 'private') ? 'private' : 'public',
    networkSet: values.find((value) => value.is === 'name')?.name ?? null,
    tenant: values.find((value) => value.is === 'tenant')?.name ?? null,
    scopes: [...new Set(values.filter((value) => value.is === 'scope').map((value) => value.name))].sort(),
  };
}

/** What one network says of its addresses. */
interface Value {
  readonly is: 'private' | 'name' | 'tenant' | 'scope';
  readonly name: string;
}
