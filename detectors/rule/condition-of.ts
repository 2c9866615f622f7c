import type { ConditionFactory } from './conditions/condition.ts';
import { distinct, MAX_VALUES } from './conditions/distinct.ts';
import { each } from './conditions/each.ts';
import { few, MAX_FEW } from './conditions/few.ts';
import { firstSeen } from './conditions/first-seen.ts';
import { ratio } from './conditions/ratio.ts';
import { sequence } from './conditions/sequence.ts';
import { total } from './conditions/total.ts';
import type { Definition } from './definition.ts';
import { fieldOf, readerOf } from './fields.ts';
import { nounOf, predicateOver, type Subject } from './subject.ts';
import { parseThreshold, wholeLeast, type Threshold } from './threshold.ts';

export interface ConditionPlan {
  readonly condition: ConditionFactory;
  /** What is measured, in words. */
  readonly metric: string;
  readonly least: number;
  /** Most groups that its memory allows, over all lanes. */
  readonly maxGroups: number;
  /** Flows that `where` takes and the condition has no use for; null when it takes them all. */
  readonly narrows: ((subject: Subject) => boolean) | null;
}

const DEFAULT_LEARN_MS = 86_400_000;

/** The memory that a rule's `when` takes. The definition must have passed `checkRule`. */
export function conditionOf({ over, when }: Definition): ConditionPlan {
  const plain = { narrows: null, maxGroups: Number.MAX_SAFE_INTEGER };
  const withinMs = when.within ?? 0;
  if (when.firstSeen !== undefined) {
    const condition = firstSeen(when.firstSeen, when.learn ?? DEFAULT_LEARN_MS);
    return { ...plain, condition, metric: 'first seen', least: 1 };
  }
  if (when.sequence !== undefined) {
    const [first, second] = when.sequence.map((query) => predicateOver(over, query)) as [
      (subject: Subject) => boolean,
      (subject: Subject) => boolean,
    ];
    const least = when.count === undefined ? 1 : wholeLeast(parseThreshold(when.count)!);
    return {
      ...plain,
      condition: sequence({ first, second, least, withinMs }),
      metric: `${nounOf(over)} of the first kind`,
      least,
      narrows: (subject) => first(subject) || second(subject),
    };
  }
  if (when.distinct !== undefined) {
    const threshold = parseThreshold(when.distinct)!;
    const least = wholeLeast(threshold);
    const read = readerOf(fieldOf(over, threshold.names[0]!)!);
    const valueOf = (subject: Subject): string | null => {
      const value = read(subject);
      return value === null ? null : String(value);
    };
    return {
      condition: distinct(valueOf, least, withinMs),
      metric: `distinct ${threshold.names[0]}`,
      least,
      maxGroups: Math.floor(MAX_VALUES / least),
      narrows: null,
    };
  }
  const { threshold, amountOf, metric } = amountIn({ over, when }, withinMs);
  if (when.ratio !== undefined) {
    const options = { amountOf, floor: threshold, ratio: parseThreshold(when.ratio)!, withinMs };
    return {
      ...plain,
      condition: ratio({ ...options, historyMs: when.history! }),
      metric,
      least: threshold.least,
    };
  }
  const least = when.sum === undefined ? wholeLeast(threshold) : threshold.least;
  const counts = when.sum === undefined && least <= MAX_FEW;
  const condition = !counts
    ? total(amountOf, threshold, withinMs)
    : least === 1
      ? each
      : few(least, withinMs);
  return { ...plain, condition, metric, least };
}

/** What is added up for each flow, and how much of it is too much within the window. */
function amountIn(
  { over, when }: Pick<Definition, 'over' | 'when'>,
  withinMs: number,
): { threshold: Threshold; amountOf: (subject: Subject) => number; metric: string } {
  const one = (): number => 1;
  if (when.count !== undefined)
    return { threshold: parseThreshold(when.count)!, amountOf: one, metric: nounOf(over) };
  if (when.rate !== undefined) {
    const rate = parseThreshold(when.rate)!;
    const threshold = { ...rate, least: (rate.least * withinMs) / rate.perMs };
    return { threshold, amountOf: one, metric: nounOf(over) };
  }
  const threshold = parseThreshold(when.sum!)!;
  const readers = threshold.names.map((name) => readerOf(fieldOf(over, name)!));
  const amountOf = (subject: Subject): number => {
    let sum = 0;
    for (const read of readers) {
      const value = read(subject);
      // A counter that went backwards, or is none, adds nothing.
      if (typeof value === 'number' && value > 0) sum += value;
    }
    return sum;
  };
  return { threshold, amountOf, metric: `sum of ${threshold.names.join(' + ')}` };
}
