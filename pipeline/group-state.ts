import type { Segment } from './ahead.ts';
import { WeirError } from './errors.ts';
import type { FeedState } from './feed.ts';
import type { Inherited } from './learned.ts';

const STATE_VERSION = 2;

/** The state of a detector is its own: what others are configured beside it, or how, makes no difference to it. */
interface SavedDetector {
  readonly name: string;
  /** Digest of the options that it learned with. */
  readonly contentVersion: string | null;
  readonly chunks: number;
}

/** What a lane group saves beside the chunks of its detectors. */
export interface Header {
  readonly version: number;
  readonly stateKey: string;
  readonly feeds: readonly FeedState[];
  readonly inherited?: Inherited | null;
  /** What was folded while the state was copied, with how much of it each detector took, in the order of `lanes`. */
  readonly ahead: readonly Segment[];
  /** Event time that detectors may have been told of while the state was copied. */
  readonly aheadMs: number | null;
  readonly lanes: readonly {
    readonly lane: number;
    /** Null before anything was folded. */
    readonly foldedMs: number | null;
    readonly detectors: readonly SavedDetector[];
  }[];
}

const CHUNK_BYTES = 900_000;
/** Length of the chunk that ends a state: how many chunks before it are the header. */
const END_BYTES = 4;

/** The header, which comes last, in as many chunks as it takes, and the chunk that ends a state. */
export function* headerChunks(header: Omit<Header, 'version'>): Generator<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify({ version: STATE_VERSION, ...header }));
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(Math.ceil(bytes.length / CHUNK_BYTES));
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
  yield end;
}

/** The header of a state and the chunks of its detectors. Throws `state_unusable` when it is of another version. */
export function readState(chunks: readonly Uint8Array[]): {
  header: Header;
  rest: readonly Uint8Array[];
} {
  const rest = chunks.map((chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  const end = rest.pop();
  if (end?.length !== END_BYTES)
    throw new WeirError('state_unusable', 'the snapshot is empty, or of an earlier form');
  const header = JSON.parse(Buffer.concat(rest.splice(-end.readUInt32LE(0))).toString()) as Header;
  if (header.version !== STATE_VERSION)
    throw new WeirError('state_unusable', `state of version ${header.version}, expected ${STATE_VERSION}`);
  return { header, rest };
}
