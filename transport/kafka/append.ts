import type { Message } from 'kafkajs';
import type { Context } from '../../pipeline/contracts.ts';
import { WeirError, messageOf } from '../../pipeline/errors.ts';
import { topics, type Entry, type Topic, type TopicRecord, type Unencodable } from '../../pipeline/log.ts';
import { compressionTypes } from './codecs.ts';
import { encodeEntries, encodeSome, type Encoded } from './encode.ts';
import { explain, kindOf } from './errors.ts';
import type { Options } from './options.ts';
import type { Producer } from './producer.ts';
import type { CodecOf, SchemaDirectory } from './schemas.ts';
import { sharedValues } from './shared-values.ts';
import { slabPool } from './slabs.ts';
import type { TopicSettings } from './topics.ts';

/** Messages of one append for one partition: sent together, settled together. */
interface Bundle extends Encoded {
  resolve(): void;
  reject(error: unknown): void;
}

/** What waits for one partition. One send is in flight at a time, so nothing is overtaken. */
interface Lane {
  readonly waiting: Bundle[];
  busy: boolean;
}

export interface Appender {
  append<T extends Topic>(
    topic: T,
    entries: readonly Entry<TopicRecord<T>>[],
    unencodable?: Unencodable,
  ): Promise<void>;
  /** Sends messages of ours that are not records. Repeats them until they are durable. */
  readonly send: (topic: string, partition: number, messages: Message[]) => Promise<bigint>;
  stop(): Promise<void>;
}

/** A request of more records than this gains nothing, and holds the event loop while it is encoded. */
const MAX_RECORDS = 5_000;
const BACKOFF_MS = { first: 100, most: 10_000 };
/** Tries after which a refusal is believed; a missing topic gets more, for it may just have been made. */
const TRIES = { refused: 3, missing: 5 };

export function appender(parts: {
  readonly producer: Producer;
  readonly options: Options;
  readonly settings: Readonly<Record<Topic, TopicSettings>>;
  readonly schemas: () => SchemaDirectory;
  readonly codec: CodecOf;
  readonly context: Context;
}): Appender {
  const { producer, options, settings, codec, context } = parts;
  const { meter, clock, log } = context;
  const appended = meter.counter('log_appended_total', 'Entries made durable in the log.', ['topic']);
  const repeated = meter.counter('log_append_repeats_total', 'Sends that were repeated.', ['topic', 'code']);
  const inFlight = meter.gauge(
    'log_appends_in_flight',
    'Sends that wait for the acknowledgement of the broker.',
  );
  const lanes = new Map<string, Lane>();
  const copies = sharedValues(slabPool(Math.min(options.maxBatchBytes, 1_048_576)));
  const stopping = new AbortController();
  const compression = compressionTypes[options.compression];
  let sending = 0;

  const stopped = (): WeirError =>
    new WeirError('log_unavailable', 'the log was stopped before the append was durable');

  /** Base offset of the messages. Rejects only when repeating cannot help, or at stop. */
  async function send(topic: string, partition: number, messages: Message[]): Promise<bigint> {
    for (let attempt = 1; ; attempt++) {
      if (stopping.signal.aborted) throw stopped();
      inFlight.set(++sending);
      try {
        const replies = await producer.send({ topic, partition, messages, compression });
        const reply = replies.find(
          (r) => r.topicName === topic && r.partition === partition && r.errorCode === 0,
        );
        if (reply) return BigInt(reply.baseOffset ?? -1);
        throw new Error(`the broker's answer does not speak of partition ${partition} of ${topic}`);
      } catch (error) {
        const kind = kindOf(error);
        const reason = explain(error, `append to ${topic}-${partition}`);
        if ((kind === 'refused' || kind === 'missing') && attempt >= TRIES[kind]) throw reason;
        repeated.add(1, { topic, code: reason.code });
        log.warn(
          { topic, partition, attempt, code: reason.code, reason: reason.message },
          'append is repeated',
        );
        const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(attempt, 20));
        await clock.sleep(Math.random() * most, stopping.signal);
      } finally {
        inFlight.set(--sending);
      }
    }
  }

  async function drain(lane: Lane, key: Topic, partition: number): Promise<void> {
    lane.busy = true;
    while (lane.waiting.length > 0) {
      const together = take(lane.waiting, options.maxBatchBytes);
      const messages = together.length === 1 ? together[0]!.messages : together.flatMap((b) => b.messages);
      try {
        await send(settings[key].name, partition, messages);
        appended.add(messages.length, { topic: key });
        for (const bundle of together) bundle.resolve();
      } catch (error) {
        // What follows must not overtake what failed.
        for (const bundle of [...together, ...lane.waiting.splice(0)]) bundle.reject(error);
      }
    }
    lane.busy = false;
  }

  function enqueue(key: Topic, encoded: Encoded): Promise<void> {
    const name = `${key} ${encoded.partition}`;
    let lane = lanes.get(name);
    if (!lane) lanes.set(name, (lane = { waiting: [], busy: false }));
    const { waiting } = lane;
    const done = new Promise<void>((resolve, reject) => waiting.push({ ...encoded, resolve, reject }));
    if (!lane.busy) void drain(lane, key, encoded.partition);
    return done;
  }

  return {
    send,
    async append(key, entries, unencodable) {
      if (entries.length === 0) return;
      if (stopping.signal.aborted) throw stopped();
      const { name, cleanup } = settings[key];
      const { kind } = topics[key];
      const values = copies.join(kind, entries);
      try {
        const prefix = await parts.schemas().prefixOf(kind, name);
        const how = {
          codec: codec(kind),
          prefix,
          values,
          marks: cleanup !== 'compact',
          maxBytes: options.maxBatchBytes,
          maxRecords: MAX_RECORDS,
        };
        const encoded = unencodable ? encodeSome(entries, how, unencodable) : encodeEntries(entries, how);
        const outcomes = await Promise.allSettled(encoded.map((bundle) => enqueue(key, bundle)));
        const failed = outcomes.find((o) => o.status === 'rejected');
        if (failed) throw failed.reason;
      } finally {
        values.end();
      }
    },
    async stop() {
      stopping.abort();
      await producer.disconnect().catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'producer did not disconnect cleanly');
      });
    },
  };
}

/** As many bundles from the front as one request takes; at least one. */
function take(waiting: Bundle[], maxBytes: number): Bundle[] {
  let bytes = waiting[0]!.bytes;
  let records = waiting[0]!.messages.length;
  let count = 1;
  for (; count < waiting.length; count++) {
    bytes += waiting[count]!.bytes;
    records += waiting[count]!.messages.length;
    if (bytes > maxBytes || records > MAX_RECORDS) break;
  }
  return waiting.splice(0, count);
}
