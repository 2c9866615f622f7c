/**
 * What a component promises. Read this first: collector/, enricher/, detectors/, sinks/ and store/ are written
 * against this page, and pipeline/ is what drives them.
 */
import type { Alert, Flow, Loss, PolicyChange, RecordKind, RecordTypes } from '../schema/records.ts';
import type { ErrorCode } from './errors.ts';
import type { Meter } from './meter.ts';
import type { Notice } from './notice.ts';

/** Construction is inert. `start` proves the far side or throws; `stop` is idempotent. */
export interface Component {
  start?(signal: AbortSignal): Promise<void>;
  stop?(signal: AbortSignal): Promise<void>;
}

/** Time is injected so that no test sleeps. Milliseconds. */
export interface Clock {
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Constant lower-case text, data in fields. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What every component is given. Narrower where a component needs less. */
export interface Context {
  /** Instance name from the configuration, such as `siem`; unique within its role. */
  readonly name: string;
  /** Name of this cluster, `default` when not configured. */
  readonly cluster: string;
  /** Tenant that a sink is limited to: what it is given is that tenant's. Null or absent: all of them. */
  readonly tenant?: string | null;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Logger;
}

// ---------------------------------------------------------------------------------------------- collecting

/** One line of an origin, with what its wrapper (CRI, journald, log forwarder) said about it. */
export interface Line {
  /** Strictly increasing in the origin; for files the byte offset of the line in the decompressed content. */
  readonly position: number;
  readonly text: string;
  /** Time the wrapper gives, epoch milliseconds; null when it gives none. Never the reader's own clock. */
  readonly timeMs: number | null;
  /** Machine the wrapper names; null when it names none. Never the reader's own host. */
  readonly node: string | null;
  readonly cluster: string | null;
}

/** A line that could not be turned into a record: goes to the dead letter, counted. */
export interface Reject {
  readonly position: number;
  readonly code: ErrorCode;
  /** What was expected and what was found, naming file or stream and place. */
  readonly reason: string;
  /** The line as it was, cut at 1 MiB. */
  readonly payload: string;
}

/** Where reading goes on: everything before `position` is settled. `state` is what the decoder needs to go on. */
export interface OriginCursor {
  readonly position: number;
  readonly state?: unknown;
  /** Greatest `startMs` read so far, so that a quiet origin's clock goes on after a restart. */
  readonly startMs?: number;
  /** When it was first read to its end without more coming; quiet time goes on from there. */
  readonly atEndMs?: number;
  /** It will never grow again, and so holds no clock up. */
  readonly ended?: boolean;
  /** Hints and generations that belong to the input, such as path, inode, truncation generation. */
  readonly hints?: Readonly<Record<string, unknown>>;
}

/** An ordered piece of one origin. */
export interface LineBatch {
  readonly origin: string;
  /** Where a person finds it: path, topic, unit. */
  readonly place: string;
  readonly lines: readonly Line[];
  /** Lines the input itself could not take (too long, binary). */
  readonly rejects: readonly Reject[];
  /** What was not seen: rotated away unread, truncated, overrun. */
  readonly losses: readonly Loss[];
  /** Position after the last line of this batch. */
  readonly next: number;
  /** True when the origin was read to its present end. */
  readonly atEnd: boolean;
  /** True when the origin will never grow again (`.gz`, stdin at end of file, rotated and read out). */
  readonly final: boolean;
  readonly hints?: Readonly<Record<string, unknown>>;
}

/** An input: not pulled is backpressure. `from` gives the cursor of an origin that was read before. */
export interface Input extends Component {
  read(from: (origin: string) => OriginCursor | undefined, signal: AbortSignal): AsyncIterable<LineBatch>;
}

/** Pure: lines of one origin in order, to flows. Holds no clock and no I/O; one instance an origin. */
export interface LineDecoder {
  /** Flows in position order. Throws only on our own bugs; a bad line is a reject. */
  decode(line: Line, out: DecodeOutput): void;
  /** Called when the origin is read to its end at wall-clock `nowMs`, or is final: closes what time alone closes. */
  atEnd?(nowMs: number, final: boolean, out: DecodeOutput): void;
  /**
   * The position from which re-reading gives the same flows again, and the state that needs; undefined when
   * nothing is held back and the position after the last line will do.
   */
  checkpoint?(): { readonly position?: number; readonly state?: unknown } | undefined;
}

/** Where a decoder puts what it makes. */
export interface DecodeOutput {
  flow(flow: Flow): void;
  reject(reject: Reject): void;
  loss(loss: Loss): void;
  /** Who changed which policy; from origins that tell of that. */
  change?(change: PolicyChange): void;
  /** A line that is right but no flow, such as a header; counted by reason. Lines left out have no other trace. */
  skip?(reason: string): void;
}

/** What a decoder is told about the origin it reads. */
export interface OriginContext {
  readonly origin: string;
  /** File path, topic or unit, for messages. */
  readonly place: string;
  /** Configured cluster; what the wrapper or line says wins. */
  readonly cluster: string;
  /** Configured node name; null when not configured: the reader's host never stands in for it. */
  readonly node: string | null;
  /** State from a checkpoint of this decoder type. */
  readonly state?: unknown;
  /** Wall clock at which the batch was received. */
  readonly receivedMs: () => number;
}

/** A source type: how its lines become flows and how out of order they may come. */
export interface SourceType<Options = unknown> {
  /** Greatest difference, in ms, by which a later line may carry an earlier `startMs`. */
  readonly disorderMs: number;
  /** How late, in ms, the writer delivers what it saw; a quiet origin's clock stays that far behind. */
  readonly deliveryMs: number;
  /** Collapse window in ms, 0 when lines are not collapsed. */
  readonly windowMs?: number;
  decoder(options: Options, context: OriginContext): LineDecoder;
}

// ----------------------------------------------------------------------------------------------- enriching

/** Attaches what it knows; sync where it can be. Order and count of items are kept unless it says otherwise. */
export interface Stage<I, O> extends Component {
  apply(items: readonly I[], signal: AbortSignal): readonly O[] | Promise<readonly O[]>;
}

// ----------------------------------------------------------------------------------------------- detecting

/** Which side's lane a copy of a flow is in; a `rule` copy is in the lane of a group that some rule of the user makes. */
export type Role = 'source' | 'destination' | 'rule';

/** What a detector is given; one instance per lane. */
export interface DetectorContext {
  readonly lane: number;
  /** How many lanes there are. */
  readonly lanes: number;
  /** Hard cap on keys for this instance: the detector's budget divided by the number of lanes. */
  readonly maxKeys: number;
  /** Digest of options, rules and lists, for `Alert.contentVersion`. */
  readonly contentVersion: string;
  /** Called for each key given up because the cap was reached. */
  readonly evicted: (count: number) => void;
}

/**
 * A fold over flows and notices in (time, id) order. Everything is synchronous and depends on them alone: the same
 * records give the same alerts, live or replayed, in one process or many.
 */
export interface Detector {
  /**
   * Which copies of a flow it meets: keyed by initiator, by responder, or both of these; `rule`: those that rules
   * ask for, and beside them both others, from which it knows when its lane began.
   */
  readonly key: 'source' | 'destination' | 'endpoint' | 'rule';
  /** 'fold' when late flows may still be folded (membership, not rates). */
  readonly late?: 'fold';
  observe(flow: Flow, role: Role): Iterable<Alert>;
  /**
   * A record that is no flow, in order with the flows. Every lane meets every notice once: a detector that raises
   * one of them chooses the lane by whom it is about. Absent where flows are all that matters.
   */
  notice?(notice: Notice): Iterable<Alert>;
  /** Event time has passed `watermarkMs`. Called at any cadence; no field of an alert may depend on when. */
  advance(watermarkMs: number): Iterable<Alert>;
  /** The whole state in chunks of at most 1 MB. */
  snapshot(): Iterable<Uint8Array>;
  /** Throws `state_unusable`, and stays as new, when the chunks are of another detector or version. */
  restore(chunks: Iterable<Uint8Array>): void;
  /**
   * History of a cluster was shown to every lane, whether or not anything of it came into this one: what was not seen
   * in it is new. Absent where nothing is learned by cluster.
   */
  learned?(cluster: string, fromMs: number, toMs: number): void;
  /**
   * For `status`: whether the baseline is complete, and how many keys are held. `stale` at event time `atMs`: what was
   * learned is older than it took to learn it.
   */
  status(atMs?: number): { readonly state: LearningState; readonly keys: number };
}

export type LearningState = 'learning' | 'ready' | 'stale';

export type DetectorFactory = (context: DetectorContext) => Detector;

// ------------------------------------------------------------------------------------------------- sinking

/** One record on its way out, with the place in the log it was read from. */
export interface Delivery<K extends RecordKind = RecordKind> {
  readonly kind: K;
  readonly record: RecordTypes[K];
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** The record as it is encoded in the log, where the log holds bytes; saves encoding it again. */
  readonly bytes: Uint8Array | null;
}

export interface Sink extends Component {
  /**
   * Resolves when all items are durable over there. Rejects with PartialWriteError when all but some are;
   * with a WeirError when none is known to be. Writing the same items again is always safe.
   * A sink never retries, filters or dead-letters by itself: wrappers do.
   */
  write(items: readonly Delivery[], signal: AbortSignal): Promise<void>;
  /**
   * `bytes` for a sink that takes records as the log holds them. It is given entries whose values were let go of:
   * `record` decodes anew where it is asked for all the same.
   */
  readonly reads?: 'bytes';
  /** Preferred size of one write. */
  readonly batch?: {
    readonly maxRecords: number;
    readonly maxBytes?: number;
    readonly maxWaitMs: number;
    /** Writes under way at once; 1 when absent. Only what is settled without a gap moves the cursor. */
    readonly maxInFlight?: number;
  };
}
