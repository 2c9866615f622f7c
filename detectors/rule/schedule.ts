import { digest } from '../../schema/ids.ts';
import type { Flow } from '../../schema/records.ts';
import type { Rule } from './rule.ts';

/** A rule in force, and since when: what it learns begins there. */
export interface ActiveRule {
  readonly rule: Rule;
  readonly sinceMs: number;
}

/** Rules that are in force together. */
export interface RuleSet {
  readonly version: string;
  /** Event time from which on they are; -Infinity for those in force from the beginning. */
  readonly fromMs: number;
  readonly rules: readonly ActiveRule[];
}

/**
 * Which rules are in force at which event time. Whoever asks gets the same answer for the same flow, whenever it
 * asks, as long as it has heard of the same changes: that is what makes a reload part of the stream.
 */
export interface RuleSchedule {
  at(timeMs: number): RuleSet;
  /** The set that follows one; null while it is the newest. */
  after(set: RuleSet): RuleSet | null;
  newest(): RuleSet;
  /** What is in force from the beginning, in place of all that was said before; only before the first flow. */
  begin(rules: readonly Rule[]): void;
  /** Rules in force from `fromMs` on, never before what was added last. False when they are in force already. */
  add(fromMs: number, rules: readonly Rule[]): boolean;
  /** A rule of any set that is remembered. */
  named(ruleDigest: string): ActiveRule | null;
}

/** More changes than any lane is behind: beyond it the two oldest sets become one. */
const MAX_SETS = 64;

export function createSchedule(initial: readonly Rule[] = []): RuleSchedule {
  const sets: RuleSet[] = [setOf(-Infinity, initial, null)];
  return {
    at(timeMs) {
      for (let i = sets.length - 1; i > 0; i--) if (sets[i]!.fromMs <= timeMs) return sets[i]!;
      return sets[0]!;
    },
    after: (set) => sets[sets.findIndex(({ fromMs }) => fromMs === set.fromMs) + 1] ?? null,
    newest: () => sets.at(-1)!,
    begin: (rules) => void sets.splice(0, sets.length, setOf(-Infinity, rules, null)),
    add(fromMs, rules) {
      const last = sets.at(-1)!;
      if (versionOf(rules) === last.version) return false;
      sets.push(setOf(Math.max(fromMs, last.fromMs + 1), rules, last));
      if (sets.length > MAX_SETS) sets.splice(0, 2, { ...sets[1]!, fromMs: -Infinity });
      return true;
    },
    named(ruleDigest) {
      for (const { rules } of sets.toReversed())
        for (const active of rules) if (active.rule.digest === ruleDigest) return active;
      return null;
    },
  };
}

export const versionOf = (rules: readonly Rule[]): string => digest(12, ...rules.map((rule) => rule.digest));

function setOf(fromMs: number, rules: readonly Rule[], before: RuleSet | null): RuleSet {
  return {
    version: versionOf(rules),
    fromMs,
    rules: rules.map((rule) => {
      const known = before?.rules.find((active) => active.rule.digest === rule.digest);
      return { rule, sinceMs: known?.sinceMs ?? fromMs };
    }),
  };
}

/**
 * The time by which a flow's rules are looked up. Never later than when it was read, so that a flow read before a
 * change was decided is not judged by it, whatever its clock says.
 */
export const ruleTimeMs = (flow: Flow): number => Math.min(flow.endMs, flow.receivedMs);
