import type { Definition } from '../../../detectors/rule/definition.ts';
import type { Role } from '../../../pipeline/contracts.ts';
import type { CutHandle } from '../../../pipeline/cut.ts';
import type { DetectorStatus, LaneGroupHandle } from '../../../pipeline/lane-group.ts';
import type { TakenUp } from '../../../pipeline/learned.ts';
import type { Notice } from '../../../pipeline/notice.ts';
import type { PlainError } from '../../../pipeline/thread.ts';
import type { Alert, Flow } from '../../../schema/records.ts';
import type { Framed } from '../../../transport/local/frame.ts';
import type { DetectorConfig } from '../../config/index.ts';

/** What the thread of the lanes is made of. */
export interface LanesData {
  readonly detectors: readonly DetectorConfig[];
  /** Rules of the user as they are configured; changes follow by `rules`. */
  readonly rules: readonly Definition[];
  readonly lanes: number;
  readonly maxWaiting: number;
}

/** How far the group is after a call. */
export type State = Pick<LaneGroupHandle, 'resume' | 'watermarkMs' | 'inherited'>;

/** What came of entries. */
export interface Taken extends State {
  readonly alerts: Alert[];
  readonly failed: readonly {
    readonly error: PlainError;
    readonly item: Flow | Notice;
    readonly detector: string;
  }[];
  readonly late: readonly (readonly [role: Role | 'notice', endMs: number | null])[];
  /** Flows that were folded early, each time. */
  readonly overflowed: readonly number[];
  /** Keys given up since the last time, by detector. */
  readonly evicted: readonly (readonly [detector: string, count: number])[];
}

/** Entries of a feed on their way, as they lie in the log. */
export interface Sent {
  readonly feed: number;
  /** Each with memory of its own. */
  readonly frames: readonly (Framed & { readonly bytes: Uint8Array<ArrayBuffer> })[];
}

/** What was learned of history; of each lane, or why it cannot be read. */
export interface Legacy {
  readonly id: string;
  readonly isNew: boolean;
  readonly lanes: ReadonlyMap<number, readonly Uint8Array[]> | string;
}

/** What the thread can be asked for. */
export interface Methods {
  /** A new, empty group in place of the one there is. */
  create: { args: []; result: State };
  take: { args: [Sent]; result: Taken };
  /** Begins a snapshot in place of the one under way, if there is one. */
  cut: { args: []; result: Pick<CutHandle, 'resume'> };
  /** The next slice of it; null after the last. */
  slice: { args: []; result: Uint8Array[] | null };
  endCut: { args: []; result: void };
  restore: { args: [readonly Uint8Array[]]; result: State & { readonly fresh: string[] } };
  begin: { args: [readonly number[]]; result: State };
  inherit: { args: [Legacy]; result: State & { readonly takenUp: TakenUp } };
  status: { args: []; result: readonly DetectorStatus[] };
  /** Rules in force from an event time on; null: from the beginning. */
  rules: { args: [number | null, readonly Definition[]]; result: void };
}
