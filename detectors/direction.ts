import type { Flow } from '../schema/records.ts';
import { isInventoried, isWorld } from './party.ts';

/**
 * Where a connection leads. `outside`: to the internet, or from something of the inventory to an address that is not of it.
 * `proxy`: through a forward proxy to the outside. `inside`: between neighbours, which is judged only when it is new.
 * `inbound`: from the internet to something of ours.
 */
export const directions = { inbound: 0, outside: 1, proxy: 2, inside: 3 } as const;
export type Direction = (typeof directions)[keyof typeof directions];

/**
 * Between two public addresses nothing says which is ours: both are taken to be outside, and a server is told by how many
 * call it.
 */
export function directionOf(
  { source, destination }: Flow,
  isProxyPort: (port: number) => boolean,
): Direction {
  if (isWorld(destination)) return directions.outside;
  if (source.kind === 'public') return directions.inbound;
  if (isProxyPort(destination.port ?? 0)) return directions.proxy;
  return isInventoried(source) && !isInventoried(destination) ? directions.outside : directions.inside;
}
