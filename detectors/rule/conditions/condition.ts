import type { Hash } from '../../hash.ts';
import type { Subject } from '../subject.ts';

/** What a condition measured with the last flow it took. One object, written over each time. */
export interface Measured {
  value: number;
  /** The group's usual value; NaN where there is none. */
  expected: number;
  /** Event time the group, or the rule, was watched before. */
  historyMs: number;
  /** Flows of this evidence before the last one, and when the first was; 0 and NaN where they are not kept. */
  earlier: number;
  firstMs: number;
}

export const newMeasured = (): Measured => ({
  value: 0,
  expected: Number.NaN,
  historyMs: 0,
  earlier: 0,
  firstMs: Number.NaN,
});

/** The part of a rule that remembers. A pure fold over the flows of each group, in order of event time. */
export interface Condition {
  /** Takes one flow of a group in; true when the condition holds with it. */
  take(subject: Subject, group: Hash, timeMs: number): boolean;
  readonly measured: Measured;
  /** Every flow of a group belongs to its open alert, whether or not the condition still holds. */
  readonly lasting: boolean;
  /** Groups remembered. */
  readonly size: number;
  sections(): Iterable<readonly [string, Uint8Array]>;
  restore(sections: ReadonlyMap<string, Uint8Array>): void;
}

export interface ConditionOptions {
  /** Prefix of the snapshot sections. */
  readonly name: string;
  readonly maxKeys: number;
  readonly evicted: (count: number) => void;
  /** Event time from which the rule is watched in this lane. */
  readonly sinceMs: () => number;
}

export type ConditionFactory = (options: ConditionOptions) => Condition;
