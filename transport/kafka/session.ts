import type { Admin, Consumer, Kafka } from 'kafkajs';
import type { Context } from '../../pipeline/contracts.ts';
import type { ConsumeOptions, Topic } from '../../pipeline/log.ts';
import type { Counter, Gauge } from '../../pipeline/meter.ts';
import type { Options } from './options.ts';
import type { RangeReader } from './reader.ts';
import type { SchemaDirectory } from './schemas.ts';
import type { TopicSettings } from './topics.ts';

/** What a consumer is made of. */
export interface ConsumeParts {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly options: Options;
  readonly memberName: string;
  readonly settings: Readonly<Record<Topic | 'state', TopicSettings>>;
  readonly schemas: SchemaDirectory;
  readonly context: Context;
  /** Told when a schema has been missing for too long, and with null when the wait is over. */
  readonly unready: (reason: string | null, place: string) => void;
}

/** One partition this consumer has now. */
export interface Owned {
  readonly topic: Topic;
  /** Name of the topic at the broker. */
  readonly name: string;
  readonly partition: number;
  /** Next offset to hand out; null until the assignment is complete, and nothing is handed out. */
  position: number | null;
  /** Offset at which a fetch began although an earlier one was wanted; see `handOut`. */
  gapAt: number | null;
}

/** One member of a group, from join to leave. Its state is changed by the files that are given it. */
export interface Session<T extends Topic> extends ConsumeParts {
  readonly wanted: ConsumeOptions<T>;
  readonly consumer: Consumer;
  /** Topics by their name at the broker. */
  readonly byName: ReadonlyMap<string, T>;
  /** By `placeOf`. Replaced as a whole at every assignment: what is not in it any more is stale. */
  readonly owned: Map<string, Owned>;
  /** Handlers at work. */
  readonly running: Set<Promise<void>>;
  /** Aborted when the member has left: nothing can be committed any more. */
  readonly ended: AbortSignal;
  readonly counts: SessionCounts;
  /** Counts assignments. */
  epoch: number;
  /** Set when the group deals again: nothing new is begun, and kafkajs is given the error to join again. */
  rebalance: { readonly error: unknown; readonly sinceMs: number } | null;
  /** True when no batch is begun any more. */
  closing: boolean;
  /** True when something was handled or committed. */
  progress: boolean;
  /** Ends the session with this error. */
  readonly fail: (error: unknown) => void;
}

export interface SessionCounts {
  readonly received: Counter;
  readonly rebalances: Counter;
  readonly skipped: Counter;
  readonly waiting: Gauge;
}

export const placeOf = (topic: string, partition: number): string => `${topic}-${partition}`;

/** False when the partition was taken away, or given anew, meanwhile. */
export const isCurrent = (session: Session<Topic>, own: Owned): boolean =>
  session.owned.get(placeOf(own.name, own.partition)) === own;

/** Notes that the group deals again, if that was heard about a partition that is still ours. */
export function noteRebalance(session: Session<Topic>, own: Owned, error: unknown): void {
  if (isCurrent(session, own)) session.rebalance ??= { error, sinceMs: session.context.clock.now() };
}

/** Says that the log no longer has what was to be read next. */
export function noteGap(session: Session<Topic>, own: Owned, from: number, to: number): void {
  session.counts.skipped.add(to - from, { group: session.wanted.group, topic: own.topic });
  session.context.log.warn(
    { group: session.wanted.group, topic: own.name, partition: own.partition, from, to },
    'records were deleted before they were read',
  );
}
