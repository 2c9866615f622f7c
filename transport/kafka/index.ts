import { hostname } from 'node:os';
import type { Context } from '../../pipeline/contracts.ts';
import { WeirError } from '../../pipeline/errors.ts';
import type { Log, Topic, TopicRecord } from '../../pipeline/log.ts';
import type { SnapshotStore } from '../../pipeline/snapshots.ts';
import { codecOf } from '../../schema/codec.ts';
import { appender } from './append.ts';
import { kafkaClient } from './client.ts';
import { registerCodecs } from './codecs.ts';
import { consumers } from './consume.ts';
import { explain, isElection, isRebalance } from './errors.ts';
import { followTopic } from './follow.ts';
import type { Options } from './options.ts';
import { batchProducer } from './producer.ts';
import { rangeReader } from './reader.ts';
import { schemaRegistry } from './registry.ts';
import { schemaDirectory, type CodecOf } from './schemas.ts';
import { checkTopics } from './setup.ts';
import { kafkaSnapshots } from './state.ts';
import { topicSettings } from './topics.ts';

/** The log over Kafka, and what else lies there. */
export interface KafkaLog extends Log {
  /** Snapshots in the state topic. */
  readonly snapshots: SnapshotStore;
  /**
   * Tells every record of a topic's first partition, from the beginning on and as they come, without a consumer group:
   * for what every process reads. `caughtUp` is called at what is the end then. Resolves when aborted.
   */
  follow<T extends Topic>(
    topic: T,
    told: { readonly take: (record: TopicRecord<T>) => void; readonly caughtUp: () => void },
    signal: AbortSignal,
  ): Promise<void>;
  /** Why this process is not ready, one line each: schemas that nobody published. Empty when it is. */
  unready(): readonly string[];
}

/** Narrows what `start` insists on: a role may be refused the topics it does not use. */
export interface KafkaLogUse {
  /** Topics this process reads or writes; all by default. */
  readonly topics?: readonly Topic[];
  /** Codecs instead of our own: how a test plays another version of Weir. */
  readonly codec?: CodecOf;
}

const LAG_TRIES = 8;

/**
 * The log over Kafka topics, with kafkajs. What it does around the library's habits is said where it does it:
 * `append.ts` (nothing lost when leaders move), `consume.ts` (assignment, commit), `assigner.ts` (lanes).
 */
export function createKafkaLog(options: Options, context: Context, use: KafkaLogUse = {}): KafkaLog {
  registerCodecs();
  const codec = use.codec ?? codecOf;
  const settings = topicSettings(options);
  const kafka = kafkaClient(options, context.log);
  const admin = kafka.admin({ retry: { initialRetryTime: 200, maxRetryTime: 2_000, retries: 5 } });
  const producer = batchProducer(kafka);
  const reader = rangeReader(kafka);
  const registry = options.schemaRegistry === undefined ? null : schemaRegistry(options.schemaRegistry);
  const counts = new Map<Topic, number>();
  const complaints = new Map<string, string>();
  const ready = context.meter.gauge('log_ready', 'One when every schema met so far is known.');
  const append = appender({ producer, options, settings, schemas: () => schemas, codec, context });
  const schemas = schemaDirectory({
    topic: {
      name: settings.schemas.name,
      reader,
      publish: async (key, value) => {
        await append.send(settings.schemas.name, 0, [{ partition: 0, key, value }]);
      },
    },
    registry,
    codec,
    log: context.log,
  });
  const consuming = consumers({
    kafka,
    admin,
    reader,
    options,
    memberName: options.memberName ?? hostname(),
    settings,
    schemas,
    context,
    unready(reason, place) {
      if (reason === null) complaints.delete(place);
      else complaints.set(place, reason);
      ready.set(complaints.size === 0 ? 1 : 0);
    },
  });
  let started = false;
  let stopped = false;

  const used =
    use.topics ?? (Object.keys(settings).filter((k) => k !== 'state' && k !== 'schemas') as Topic[]);

  /** Two installations on one Kafka share neither topics nor groups. */
  const groupOf = (group: string): string => options.prefix + group;

  async function lagOf(group: string, wanted: readonly Topic[]): Promise<number> {
    let lag = 0;
    const names = wanted.map((topic) => settings[topic].name);
    const [cursors, ...ends] = await Promise.all([
      admin.fetchOffsets({ groupId: group, topics: names }),
      ...names.map((name) => admin.fetchTopicOffsets(name)),
    ]);
    for (const [i, name] of names.entries()) {
      const own = cursors.find((c) => c.topic === name)?.partitions ?? [];
      for (const { partition, low, high } of ends[i] ?? []) {
        const at = Number(own.find((p) => p.partition === partition)?.offset ?? -1);
        lag += Math.max(0, Number(high) - Math.max(at, Number(low)));
      }
    }
    return lag;
  }

  return {
    snapshots: kafkaSnapshots({ topic: settings.state.name, reader, send: append.send, log: context.log }),
    unready: () => [...complaints.values()],
    async start() {
      try {
        await admin.connect();
        await producer.connect();
        const found = await checkTopics(admin, settings, [
          ...used,
          ...(registry ? [] : (['schemas'] as const)),
        ]);
        for (const topic of used) counts.set(topic, found.get(topic) ?? settings[topic].partitions);
        if (!registry) await schemas.start();
      } catch (error) {
        await Promise.allSettled([admin.disconnect(), producer.disconnect(), reader.stop()]);
        throw explain(error, `kafka at ${options.brokers.join(', ')}`);
      }
      started = true;
      ready.set(1);
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      await consuming.stop();
      await append.stop();
      await Promise.allSettled([admin.disconnect(), reader.stop()]);
    },
    partitions(topic) {
      const count = counts.get(topic);
      if (count === undefined)
        throw new WeirError('not_connected', `topic ${settings[topic].name} is not in use here`);
      return count;
    },
    append: (topic, entries, unencodable) => append.append(topic, entries, unencodable),
    consume(wanted, signal) {
      if (!started) return Promise.reject(new WeirError('not_connected', 'the log was not started'));
      return consuming.consume({ ...wanted, group: groupOf(wanted.group) }, signal);
    },
    follow(topic, told, signal) {
      if (!started) return Promise.reject(new WeirError('not_connected', 'the log was not started'));
      return followTopic({ topic, name: settings[topic].name, reader, schemas, context, ...told }, signal);
    },
    async lag(group, wanted) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await lagOf(groupOf(group), wanted);
        } catch (error) {
          // The coordinator of a group that is new, and the leader of a topic that is, are not found at once.
          const passes = isRebalance(error) || isElection(error);
          if (!passes || attempt === LAG_TRIES) throw explain(error, `lag of ${group}`);
          await context.clock.sleep(200 * attempt);
        }
      }
    },
  };
}
