import { flowIds } from '../../schema/ids.ts';

const MAX_OBSERVERS = 4096;

/** Flow ids of an origin in which several machines may speak: one prefix for each cluster and node. */
export function idsByObserver(
  collector: string,
  origin: string,
): (cluster: string, node: string | null, position: number) => string {
  const prefixes = new Map<string, (position: number) => string>();
  let lastCluster: string | undefined;
  let lastNode: string | null = null;
  let last: (position: number) => string = flowIds({ cluster: '', node: null, collector, origin });
  return (cluster, node, position) => {
    if (cluster !== lastCluster || node !== lastNode) {
      const key = JSON.stringify([cluster, node]);
      let made = prefixes.get(key);
      if (!made) {
        // Forgetting them costs a hash when they come again, nothing else.
        if (prefixes.size >= MAX_OBSERVERS) prefixes.clear();
        prefixes.set(key, (made = flowIds({ cluster, node, collector, origin })));
      }
      last = made;
      lastCluster = cluster;
      lastNode = node;
    }
    return last(position);
  };
}
