import type { Cluster } from 'kafkajs';

/** What kafkajs asks of a cluster before every fetch, which its types leave out. */
interface Asked {
  getNodeIds: () => readonly number[];
}

/** Far more than there are fetches between two turns of the event loop. */
const MAX_IN_A_TURN = 10_000;

/**
 * kafkajs 2.2.4 can fetch without end while it stops: its fetchers begin anew when the set of brokers changes, and once
 * the consumer is told to stop each fetch gives nothing at once, without a turn of the event loop. No timer and no
 * signal is heard any more then. So a broker that dies while a consumer leaves would hang the process; this ends that
 * loop with an error, after which kafkajs sees that it is to stop.
 */
export function guardFetching(cluster: Cluster): void {
  const asked = cluster as unknown as Asked;
  const real = asked.getNodeIds;
  const nodeIds = (): readonly number[] => real.call(cluster);
  let inTurn = 0;
  asked.getNodeIds = () => {
    if (inTurn === 0) setImmediate(() => (inTurn = 0));
    if (++inTurn > MAX_IN_A_TURN) throw new Error('kafkajs fetched without end while it was stopping');
    return nodeIds();
  };
}
