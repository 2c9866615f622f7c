import { namespaceOf, stateIndices } from '../ecs/streams.ts';
import type { BulkOptions } from '../bulk-options.ts';
import type { Layout } from './operations.ts';

/** Where a sink writes. One that sees a tenant only has streams and indices of its own, so that rights can be given by name. */
export function placeOf(
  { layout, namespace }: Pick<BulkOptions, 'layout' | 'namespace'>,
  tenant: string | null | undefined,
): Layout {
  const own = namespace ?? (tenant ? namespaceOf(tenant) : 'default');
  return { layout, namespace: own, stateSuffix: tenant ? `-${own}` : '' };
}

/** The name, or the pattern, of what holds the events of a stream. */
export const eventsIn = (place: Layout, stream: string): string =>
  place.layout === 'daily' ? `weir-${stream}-${place.namespace}-*` : `logs-weir.${stream}-${place.namespace}`;

export const stateIn = (place: Layout, kind: keyof typeof stateIndices): string =>
  stateIndices[kind] + place.stateSuffix;
