import type kafkajs from 'kafkajs';
import type { Broker, Message, RecordMetadata } from 'kafkajs';
import { clusterOf } from './cluster.ts';
import { compress } from './codecs.ts';
import { batchOf, roomFor, writeRecords } from './record-batch.ts';

/** Messages for one partition of one topic. */
export interface Send {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly Message[];
  /** Of `CompressionTypes`. */
  readonly compression: number;
}

/** Produces to one partition at a time. */
export interface Producer {
  connect(): Promise<void>;
  /** What the broker answered. Rejects with what kafkajs says; then all of it, or nothing, may be stored. */
  send(what: Send): Promise<readonly RecordMetadata[]>;
  disconnect(): Promise<void>;
}

/** What a broker of kafkajs has beside its types. */
interface Connected {
  readonly connectionPool: { send(exchange: Exchange): Promise<unknown> };
}
interface Answer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly Omit<RecordMetadata, 'topicName'>[];
  }[];
}
interface Exchange {
  readonly request: { readonly apiVersion: number; encode(): Promise<Encoded> };
  readonly response: unknown;
}
/** As much of kafkajs' encoder as it asks for. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

const ACK_TIMEOUT_MS = 30_000;
const TRIES = 6;
const PAUSE_MS = { first: 100, most: 2_000 };
/** The request's layout is the same from version 3, the first with record batches, to the last kafkajs knows. */
const FIRST_VERSION = 3;
const MAX_SPARE = 8;

/**
 * kafkajs copies the list of messages once for each message, and builds a record from several objects. So the
 * request is written here, and the library does the rest: versions, leaders, connections, answers and errors.
 */
export function batchProducer(kafka: kafkajs.Kafka, pause = sleep): Producer {
  const cluster = clusterOf(kafka, 'weir.producer');
  const spare: Buffer[] = [];

  async function bodyOf({ topic, partition, messages, compression }: Send): Promise<Buffer> {
    const room = roomFor(messages);
    let scratch = spare.pop();
    if (!scratch || scratch.length < room) scratch = Buffer.allocUnsafeSlow(Math.max(room, 1 << 16));
    try {
      const written = scratch.subarray(0, writeRecords(messages, scratch));
      const records = await compress(compression, written);
      const batch = batchOf({ records, count: messages.length, compression, nowMs: Date.now() });
      return requestBody(topic, partition, batch);
    } finally {
      if (spare.length < MAX_SPARE) spare.push(scratch);
    }
  }

  async function leaderOf(topic: string, partition: number): Promise<Broker & Connected> {
    await cluster.addMultipleTargetTopics([topic]);
    await cluster.refreshMetadataIfNecessary();
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) {
      const error = new Error(`partition ${partition} of topic ${topic} has no leader`);
      throw Object.assign(error, { retriable: true });
    }
    return (await cluster.findBroker({ nodeId })) as Broker & Connected;
  }

  async function exchange(send: Send, body: Buffer): Promise<readonly RecordMetadata[]> {
    const broker = await leaderOf(send.topic, send.partition);
    const ours = Object.create(broker, {
      connectionPool: {
        value: {
          send({ request, response }: Exchange) {
            if (request.apiVersion < FIRST_VERSION)
              throw new Error('the broker is older than Kafka 0.11, which has no record batches');
            const encode = (): Promise<Encoded> => Promise.resolve({ buf: body, buffer: body });
            return broker.connectionPool.send({ request: { ...request, encode }, response });
          },
        },
      },
    }) as Broker;
    const { topics } = (await ours.produce({ acks: -1, timeout: ACK_TIMEOUT_MS, topicData: [] })) as Answer;
    return topics.flatMap(({ topicName, partitions }) =>
      partitions.map((partition) => ({ topicName, ...partition })),
    );
  }

  /** Connections close and leaders move: both pass with fresh metadata. */
  async function recover(error: unknown): Promise<void> {
    const { name, host, port } = error as Partial<{ name: string; host: string; port: number }>;
    if (name === 'KafkaJSConnectionClosedError' && host !== undefined && port !== undefined)
      cluster.removeBroker({ host, port });
    if (!cluster.isConnected()) await cluster.connect();
    await cluster.refreshMetadata();
  }

  return {
    connect: () => cluster.connect(),
    disconnect: () => cluster.disconnect(),
    async send(what) {
      const body = await bodyOf(what);
      for (let attempt = 1; ; attempt++) {
        try {
          return await exchange(what, body);
        } catch (error) {
          if (attempt === TRIES || (error as { retriable?: boolean }).retriable === false) throw error;
          await pause(Math.random() * Math.min(PAUSE_MS.most, PAUSE_MS.first * 2 ** attempt));
          // What still does not work is told by the next attempt.
          await recover(error).catch(() => {});
        }
      }
    },
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Produce Request, versions 3 to 8: no transaction, acknowledged by all replicas in sync, one partition. */
function requestBody(topic: string, partition: number, batch: Buffer): Buffer {
  const name = Buffer.from(topic);
  const out = Buffer.allocUnsafe(26 + name.length + batch.length);
  let at = out.writeInt16BE(-1, 0);
  at = out.writeInt16BE(-1, at);
  at = out.writeInt32BE(ACK_TIMEOUT_MS, at);
  at = out.writeInt32BE(1, at);
  at = out.writeInt16BE(name.length, at);
  at += name.copy(out, at);
  at = out.writeInt32BE(1, at);
  at = out.writeInt32BE(partition, at);
  at = out.writeInt32BE(batch.length, at);
  batch.copy(out, at);
  return out;
}
