import type kafkajs from 'kafkajs';
import type { Cluster } from 'kafkajs';

/**
 * A connection of kafkajs to all brokers, without a consumer or producer on it. The library hands it to assigners
 * alone, when a consumer is made; that consumer is never connected.
 */
export function clusterOf(kafka: kafkajs.Kafka, groupId: string): Cluster {
  let captured: Cluster | undefined;
  kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    metadataMaxAge: 60_000,
    partitionAssigners: [
      ({ cluster }) => {
        captured = cluster;
        return {
          name: 'none',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  return captured!;
}
