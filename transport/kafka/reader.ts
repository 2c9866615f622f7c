import type kafkajs from 'kafkajs';
import type { Broker } from 'kafkajs';
import { clusterOf } from './cluster.ts';

/** A message as it is fetched. */
export interface RawMessage {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  /** When the broker took it, epoch milliseconds. */
  readonly timestampMs: number;
}

/** Reads ranges of partitions without a consumer group, so with no join to wait for. */
export interface RangeReader {
  /** First offset that is still there, and the first that is not there yet. */
  bounds(topic: string, partition: number): Promise<{ first: number; end: number }>;
  /** Messages from `from` up to, not including, `to`, in order; ends when `to` is reached or `signal` aborts. */
  read(range: Range, signal?: AbortSignal): AsyncGenerator<RawMessage>;
  stop(): Promise<void>;
}

export interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

interface FetchedPartition {
  readonly messages: readonly {
    readonly offset: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers?: RawMessage['headers'];
    readonly isControlRecord?: boolean;
    readonly timestamp: string;
  }[];
  readonly highWatermark: string;
}

const MAX_BYTES = 8_388_608;
const TRIES = 8;

/**
 * kafkajs has no assign(), and a throw-away group costs a join (3 s where the broker has its default rebalance
 * delay). The cluster object can fetch without one.
 */
export function rangeReader(kafka: kafkajs.Kafka, retryPauseMs = 250): RangeReader {
  const cluster = clusterOf(kafka, 'weir.reader');
  let connected: Promise<void> | undefined;

  async function leaderOf(topic: string, partition: number): Promise<Broker> {
    await (connected ??= cluster.connect().catch((error: unknown) => {
      connected = undefined;
      throw error;
    }));
    await cluster.addTargetTopic(topic);
    await cluster.refreshMetadataIfNecessary();
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new Error(`partition ${partition} of topic ${topic} has no leader`);
    return cluster.findBroker({ nodeId });
  }

  /** Leaders move and connections close: both pass with fresh metadata. */
  async function retrying<T>(action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        const { name, retriable, host, port } = error as Partial<{
          name: string;
          retriable: boolean;
          host: string;
          port: number;
        }>;
        if (attempt === TRIES || retriable === false) throw error;
        if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined) {
          cluster.removeBroker({ host, port });
        }
        await new Promise((resolve) => setTimeout(resolve, retryPauseMs));
        if (!cluster.isConnected()) connected = undefined;
        else await cluster.refreshMetadata().catch(() => {});
      }
    }
  }

  async function offsetOf(topic: string, partition: number, fromBeginning: boolean): Promise<number> {
    const [found] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]);
    return Number(found?.partitions[0]?.offset ?? 0);
  }

  async function fetchAt(
    topic: string,
    partition: number,
    from: number,
  ): Promise<FetchedPartition | undefined> {
    const broker = await leaderOf(topic, partition);
    const answer = (await broker.fetch({
      maxWaitTime: 100,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      isolationLevel: 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: MAX_BYTES }] }],
    })) as { responses: readonly { partitions: readonly FetchedPartition[] }[] };
    return answer.responses[0]?.partitions[0];
  }

  return {
    bounds: (topic, partition) =>
      retrying(async () => {
        await leaderOf(topic, partition);
        const [first, end] = await Promise.all([
          offsetOf(topic, partition, true),
          offsetOf(topic, partition, false),
        ]);
        return { first, end };
      }),
    async *read({ topic, partition, from, to }, signal) {
      let at = from;
      while (at < to && !signal?.aborted) {
        const fetched = await retrying(() => fetchAt(topic, partition, at));
        const messages = fetched?.messages ?? [];
        const before = at;
        for (const message of messages) {
          const offset = Number(message.offset);
          if (offset < at || offset >= to || message.isControlRecord) continue;
          yield {
            offset,
            key: message.key,
            value: message.value,
            headers: message.headers ?? {},
            timestampMs: Number(message.timestamp),
          };
        }
        const last = messages.at(-1);
        if (last) at = Math.max(at, Number(last.offset) + 1);
        // Compaction can leave nothing between here and the end.
        if (at === before && at >= Number(fetched?.highWatermark ?? to)) return;
      }
    },
    async stop() {
      if (connected) await cluster.disconnect();
      connected = undefined;
    },
  };
}
