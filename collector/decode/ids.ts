import { flowIds } from '../../schema/ids.ts';

const MAX_OBSERVERS = 4096;

/** Flow ids of an origin in which several machines may speak: one prefix for each cluster and node. */
export function idsByObserver(
  collector: string,
  origin: string,
): (cluster: string, node: string | null, position: number) => string {
  const clusters = new Map<string, Map<string | null, (position: number) => string>>();
  let made = 0;
  let lastCluster: string | undefined;
  let lastNode: string | null = null;
  let last: (position: number) => string = flowIds({ cluster: '', node: null, collector, origin });
  const make = (cluster: string, node: string | null): ((position: number) => string) => {
    // Forgetting them costs a hash when they come again, nothing else.
    if (made++ >= MAX_OBSERVERS) {
      clusters.clear();
      made = 1;
    }
    const ids = flowIds({ cluster, node, collector, origin });
    const nodes = clusters.get(cluster) ?? new Map<string | null, (position: number) => string>();
    nodes.set(node, ids);
    clusters.set(cluster, nodes);
    return ids;
  };
  return (cluster, node, position) => {
    if (cluster !== lastCluster || node !== lastNode) {
      last = clusters.get(cluster)?.get(node) ?? make(cluster, node);
      lastCluster = cluster;
      lastNode = node;
    }
    return last(position);
  };
}
