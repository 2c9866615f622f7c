import type { KafkaMessage } from 'kafkajs';
import type { Context } from '../../pipeline/contracts.ts';
import { messageOf } from '../../pipeline/errors.ts';
import { topics, type Topic, type TopicRecord } from '../../pipeline/log.ts';
import { decodeMessages } from './decode.ts';
import { explain } from './errors.ts';
import type { RangeReader, RawMessage } from './reader.ts';
import type { SchemaDirectory } from './schemas.ts';

export interface FollowParts<T extends Topic> {
  readonly topic: T;
  /** Name of the topic at the broker. */
  readonly name: string;
  readonly reader: Pick<RangeReader, 'bounds' | 'read'>;
  readonly schemas: Pick<SchemaDirectory, 'known' | 'own' | 'resolve'>;
  readonly context: Pick<Context, 'clock' | 'log'>;
  readonly take: (record: TopicRecord<T>) => void;
  readonly caughtUp: () => void;
}

const EVERY_MS = 1_000;

/** See `KafkaLog.follow`. An outage is waited out once the first end was reached, and rejects before that. */
export async function followTopic<T extends Topic>(
  parts: FollowParts<T>,
  signal: AbortSignal,
): Promise<void> {
  const { name, reader, context, caughtUp } = parts;
  let next = 0;
  let isCaughtUp = false;
  while (!signal.aborted) {
    try {
      const { first, end } = await reader.bounds(name, 0);
      const messages: RawMessage[] = [];
      const from = Math.max(next, first);
      for await (const message of reader.read({ topic: name, partition: 0, from, to: end }, signal))
        messages.push(message);
      if (signal.aborted) return;
      const isWhole = await tell(parts, messages, (offset) => (next = offset + 1));
      if (isWhole && !isCaughtUp) {
        isCaughtUp = true;
        caughtUp();
      }
    } catch (error) {
      if (!isCaughtUp) throw explain(error, `reading ${name}`);
      context.log.warn({ topic: name, error: messageOf(error) }, 'topic not read, trying again');
    }
    await context.clock.sleep(EVERY_MS, signal);
  }
}

/** False when a schema is missing; what has it is read again later. */
async function tell<T extends Topic>(
  { topic, schemas, take }: FollowParts<T>,
  messages: readonly RawMessage[],
  told: (offset: number) => void,
): Promise<boolean> {
  const { kind } = topics[topic];
  const left = messages.map(asFetched);
  while (left.length > 0) {
    const { entries, missing } = decodeMessages(left, kind, schemas);
    for (const { offset, value } of entries) {
      if (value !== null) take(value as TopicRecord<T>);
      told(offset);
    }
    left.splice(0, entries.length);
    if (missing !== null && !(await schemas.resolve(kind, missing).catch(() => undefined))) return false;
  }
  return true;
}

const asFetched = ({ offset, timestampMs, key, value, headers }: RawMessage): KafkaMessage => ({
  offset: String(offset),
  timestamp: String(timestampMs),
  attributes: 0,
  key,
  value,
  headers,
});
