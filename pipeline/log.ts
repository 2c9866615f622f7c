/**
 * The log that joins the stages. Over Kafka it is the topics; in one process it is a directory of segments, or
 * memory alone. Every consumer has its own cursor in it, so one that stops holds up nothing else.
 */
import type { FlowHead } from '../schema/flow-decoder.ts';
import type { Flow, RecordKind, RecordTypes } from '../schema/records.ts';
import type { WeirError } from './errors.ts';
import type { Notice } from './notice.ts';

/** Topics by the name used in code: the record kind each holds, and its default name over Kafka. */
export const topics = {
  flows: { kind: 'flow', name: 'weir.flows' },
  enriched: { kind: 'flow', name: 'weir.flows.enriched' },
  rekeyed: { kind: 'flow', name: 'weir.flows.rekeyed' },
  alerts: { kind: 'alert', name: 'weir.alerts' },
  incidents: { kind: 'incident', name: 'weir.incidents' },
  policyChanges: { kind: 'policy_change', name: 'weir.policy-changes' },
  losses: { kind: 'loss', name: 'weir.losses' },
  access: { kind: 'access', name: 'weir.access' },
  inventory: { kind: 'inventory', name: 'weir.inventory' },
  control: { kind: 'control', name: 'weir.control' },
  deadletter: { kind: 'dead_letter', name: 'weir.deadletter' },
} as const satisfies Record<string, { kind: RecordKind; name: string }>;

export type Topic = keyof typeof topics;
export type TopicKind<T extends Topic> = (typeof topics)[T]['kind'];
export type TopicRecord<T extends Topic> = RecordTypes[TopicKind<T>];

/**
 * How far event time has come in one input partition. Kept beside the records of a partition, in order with
 * them: what follows it in that partition is later than `watermarkMs`, or is late.
 */
export interface Mark {
  /** Origin or input partition it speaks for, such as `weir.flows-3`. */
  readonly input: string;
  /** How many inputs there are; a consumer waits until it has heard of all of them. */
  readonly of: number;
  readonly watermarkMs: number;
  /** The input has ended for good. */
  readonly final: boolean;
}

/** What is appended to one partition: a record, a mark, or a notice. */
export interface Entry<T> {
  readonly partition: number;
  /** Key, for Kafka's compaction and for other readers; null when none. */
  readonly key: string | null;
  /** Null when the entry is a mark or a notice. */
  readonly value: T | null;
  readonly mark?: Mark;
  /** Of another kind than the topic's records, and in order with them. */
  readonly notice?: Notice;
  /** Partition of `weir.flows` the record came through; 0 in one process. Order holds per (origin, raw). */
  readonly raw?: number;
  /** Greatest `startMs` of the origin so far less its disorder, for the watermark; absent when unchanged. */
  readonly clockMs?: number;
  /** Set on a copy for a group that a rule makes; copies for the sides of a flow are told by their topic. */
  readonly role?: 'rule' | undefined;
}

/** What is read. Offsets strictly increase in a partition but may have gaps. */
export interface LogEntry<T> {
  readonly offset: number;
  /** Decoded anew where it was let go of: who keeps an entry for long keeps the entry, not its value. */
  readonly value: T | null;
  readonly mark: Mark | null;
  readonly notice?: Notice | undefined;
  readonly raw: number;
  readonly clockMs: number | null;
  readonly role?: 'rule' | undefined;
  /** When the log took it, epoch milliseconds. */
  readonly appendMs: number;
  /** As stored, framing included, where the log holds bytes. */
  readonly bytes: Uint8Array | null;
  /** Of a flow that is held as bytes; absent where `value` costs nothing. */
  readonly head?: FlowHead | null;
  /** Lets go of the decoded value, which `bytes` gives back when it is asked for. */
  forget?(): void;
  /**
   * Set when `bytes` could not be turned into a record, which is what it says; `value` and `mark` are null then,
   * and the entry belongs in the dead letter.
   */
  readonly error?: string;
}

/** Null when the entry is no flow. */
export const headOf = (entry: LogEntry<Flow>): FlowHead | null => entry.head ?? entry.value;

/** Whether an entry holds a record, however it is held. */
export const holdsRecord = ({ mark, notice, error }: LogEntry<unknown>): boolean =>
  mark === null && notice === undefined && error === undefined;

/** Consecutive entries of one partition. */
export interface LogBatch<T extends Topic = Topic> {
  readonly topic: T;
  readonly partition: number;
  readonly entries: readonly LogEntry<TopicRecord<T>>[];
  /** First offset that is not in the log yet; `end - last offset - 1` is the lag. */
  readonly end: number;
  /**
   * Everything before `offset` is done with: reading goes on there after a restart. `metadata` travels with
   * the cursor (at most 4,096 bytes). Resolves when it is durable. Rejected when the partition was taken away.
   */
  commit(offset: number, metadata?: string): Promise<void>;
  /** To be called at least every few seconds while a batch is worked on. */
  heartbeat(): Promise<void>;
  /** True when the partition was taken away meanwhile: stop working on it, commit nothing. */
  isStale(): boolean;
}

export interface ConsumeOptions<T extends Topic> {
  /** Name of the cursor, such as `weir.sink.siem`. */
  readonly group: string;
  readonly topics: readonly T[];
  /**
   * Called with the partitions this consumer now has, before any of their batches, with the committed cursor
   * of each. The answer says where to start instead, where it differs. Called again after every rebalance.
   */
  assigned?(partitions: readonly Assignment<T>[]): Promise<readonly Seek<T>[] | void>;
  /** Called with one batch at a time per partition, in order. A rejection ends `consume` with it. */
  handle(batch: LogBatch<T>): Promise<void>;
  /** `beginning` by default. */
  readonly startAt?: 'beginning' | 'end';
  /** Upper bound on the entries of one batch. */
  readonly maxEntries?: number;
}

export interface Assignment<T extends Topic = Topic> {
  readonly topic: T;
  readonly partition: number;
  /** Committed cursor; null when there is none. */
  readonly offset: number | null;
  readonly metadata: string | null;
}
export interface Seek<T extends Topic = Topic> {
  readonly topic: T;
  readonly partition: number;
  readonly offset: number;
}

/** Told of an entry, by its index, that does not fit its schema or is larger than the log takes. */
export type Unencodable = (index: number, error: WeirError) => void;

export interface Log {
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** Number of partitions of a topic. */
  partitions(topic: Topic): number;
  /**
   * Resolves when all entries are durable; entries of one partition are stored in order, and never overtaken
   * by a later append to it. A rejection means that some may be stored: append the same again. Entries that
   * cannot be encoded are left out and told to `unencodable`; without it the append rejects because of them, and
   * nothing of it is stored.
   */
  append<T extends Topic>(
    topic: T,
    entries: readonly Entry<TopicRecord<T>>[],
    unencodable?: Unencodable,
  ): Promise<void>;
  /** Runs until the signal is aborted and the batch in hand is done, then resolves. */
  consume<T extends Topic>(options: ConsumeOptions<T>, signal: AbortSignal): Promise<void>;
  /** Entries between each group's cursor and the end, for `status`. */
  lag(group: string, topics: readonly Topic[]): Promise<number>;
  /** Append time of the oldest entry a group is not done with; null when there is none, or it cannot be told. */
  oldestMs?(group: string, topics: readonly Topic[]): Promise<number | null>;
}
